//! Video layers, and a viewer's choice among them: WHEP core extensions, sections 4.3 and 5.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer, de};
use serde_json::Value;

/// The name of a simulcast encoding, RFC 8851 section 10.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Rid(String);

/// A text that names no encoding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a rid is 1 to {} of A-Z a-z 0-9 _ -", Rid::MAX_BYTES)]
pub struct RidError;

impl Rid {
    /// What an RTP header extension can carry (RFC 8852 section 3.1).
    pub const MAX_BYTES: usize = 255;

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Rid {
    type Err = RidError;

    fn from_str(text: &str) -> Result<Self, RidError> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for Rid {
    type Error = RidError;

    fn try_from(text: String) -> Result<Self, RidError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        match (1..=Self::MAX_BYTES).contains(&text.len()) && text.bytes().all(allowed) {
            true => Ok(Self(text)),
            false => Err(RidError),
        }
    }
}

impl From<Rid> for String {
    fn from(rid: Rid) -> Self {
        rid.0
    }
}

impl fmt::Display for Rid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The data of a `layers` event: for each video section its layers, best first.
///
/// The key is the section's index in the SDP, from 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, Value>")]
pub struct Layers(pub BTreeMap<u16, Vec<Layer>>);

impl TryFrom<BTreeMap<String, Value>> for Layers {
    type Error = serde_json::Error;

    /// Other keys are ignored, as section 4 demands of receivers.
    fn try_from(members: BTreeMap<String, Value>) -> Result<Self, serde_json::Error> {
        let mut sections = BTreeMap::new();
        for (key, value) in members {
            let Some(index) = key.parse().ok().filter(|i: &u16| i.to_string() == key) else {
                continue;
            };
            let layers: Vec<Layer> = serde_json::from_value(value)?;
            if !layers.iter().all(Layer::is_named) {
                return Err(de::Error::custom("a layer has a rid or an id"));
            }
            sections.insert(index, layers);
        }
        Ok(Self(sections))
    }
}

/// One layer that a viewer can choose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Layer {
    /// The simulcast encoding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rid: Option<Rid>,
    /// The spatial layer, from 0, which is the smallest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spatial_layer_id: Option<u8>,
    /// The temporal layer, from 0, which is the slowest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temporal_layer_id: Option<u8>,
    /// What arrives now, in bit/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bitrate: Option<u64>,
    /// What the encoder aims at, in bit/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_bitrate: Option<u64>,
    /// In pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// In pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Pictures per second, rounded. Ours: the document has none; the name is that of
    /// webrtc-stats, section 8.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames_per_second: Option<u32>,
}

impl Layer {
    /// "MUST contain at least one of the rid, spatialLayerId or temporalLayerId".
    pub fn is_named(&self) -> bool {
        let ids = self.spatial_layer_id.or(self.temporal_layer_id);
        self.rid.is_some() || ids.is_some()
    }

    /// Whether something arrives: "inactive if the bitrate attribute is 0 or not set".
    pub fn is_active(&self) -> bool {
        self.bitrate.is_some_and(|bitrate| bitrate > 0)
    }
}

/// The body of a layer selection: which layer a viewer wants. What is absent is left to
/// the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerSelection {
    /// The section's index in the SDP (default: the first with video).
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "as_text")]
    pub media_id: Option<u16>,
    /// The simulcast encoding (default: chosen by the server).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rid: Option<Rid>,
    /// The spatial layer (default: the highest).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spatial_layer_id: Option<u8>,
    /// The temporal layer (default: the highest).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temporal_layer_id: Option<u8>,
    /// No spatial layer above this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_spatial_layer_id: Option<u8>,
    /// No temporal layer above this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_temporal_layer_id: Option<u8>,
    /// Nothing wider, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_width: Option<u32>,
    /// Nothing higher, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_height: Option<u32>,
}

/// Why a text selects no layer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayerSelectionError {
    /// No selection needs so much.
    #[error("a layer selection is at most {} bytes", LayerSelection::MAX_BYTES)]
    TooLong,
    /// Not JSON, no object, or a member of the wrong kind.
    #[error("a layer selection is a JSON object; rid is a string, layers and sizes are numbers")]
    Malformed,
    /// Clients send a MID here, or an index that no SDP has.
    #[error("mediaId is the index of a media section in the SDP, as a string")]
    MediaId,
}

/// A selection as it is sent: with the names of earlier drafts, which players still use.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    media_id: Option<Value>,
    rid: Option<Rid>,
    /// What `rid` was called up to draft-murillo-whep-02.
    encoding_id: Option<Rid>,
    spatial_layer_id: Option<u8>,
    temporal_layer_id: Option<u8>,
    max_spatial_layer_id: Option<u8>,
    max_temporal_layer_id: Option<u8>,
    max_width: Option<u32>,
    max_height: Option<u32>,
}

impl LayerSelection {
    /// Longer than any that is meant well.
    pub const MAX_BYTES: usize = 2048;

    /// Reads a request's body. Unknown members are ignored; `{}` leaves all to the server.
    ///
    /// # Errors
    /// Too long, malformed, or a `mediaId` that is no index.
    pub fn parse(json: &str) -> Result<Self, LayerSelectionError> {
        if json.len() > Self::MAX_BYTES {
            return Err(LayerSelectionError::TooLong);
        }
        let body: Value = serde_json::from_str(json).map_err(|_| LayerSelectionError::Malformed)?;
        // A struct is read from an array as well, by position.
        if !body.is_object() {
            return Err(LayerSelectionError::Malformed);
        }
        let body: Body =
            serde_json::from_value(body).map_err(|_| LayerSelectionError::Malformed)?;
        Ok(Self {
            media_id: body.media_id.map(media_index).transpose()?,
            rid: body.rid.or(body.encoding_id),
            spatial_layer_id: body.spatial_layer_id,
            temporal_layer_id: body.temporal_layer_id,
            max_spatial_layer_id: body.max_spatial_layer_id,
            max_temporal_layer_id: body.max_temporal_layer_id,
            max_width: body.max_width,
            max_height: body.max_height,
        })
    }

    /// Whether the server is to choose: no wish but perhaps the section it is for.
    pub fn is_automatic(&self) -> bool {
        let media_id = self.media_id;
        *self
            == Self {
                media_id,
                ..Self::default()
            }
    }
}

/// The draft says string; a number means the same.
fn media_index(value: Value) -> Result<u16, LayerSelectionError> {
    let index = match &value {
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        value => value.as_u64().and_then(|index| index.try_into().ok()),
    };
    index.ok_or(LayerSelectionError::MediaId)
}

fn as_text<S: Serializer>(index: &Option<u16>, to: S) -> Result<S::Ok, S::Error> {
    index.map(|index| index.to_string()).serialize(to)
}

impl fmt::Display for LayerSelection {
    /// The JSON that [`LayerSelection::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}
