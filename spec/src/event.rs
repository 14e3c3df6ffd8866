//! Server-sent events: the WHEP extension's, and ours for cameras and candidates.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::layer::Layers;
use crate::sdpfrag::SdpFrag;

/// What a session's event stream can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// To a viewer: a camera publishes.
    Active,
    /// To a viewer: the camera is gone.
    Inactive,
    /// To a viewer of the relay: what it can choose from.
    Layers(Layers),
    /// To a viewer: so many viewers are in the room.
    ViewerCount(usize),
    /// To a viewer: make a new session.
    Reconnect,
    /// To a viewer of the relay: what the camera sends cannot be shown well, or now it can.
    Problem(Option<Problem>),
    /// To either: candidates that the other side trickled.
    Candidates(SdpFrag),
    /// To a camera: a viewer has taken this session's offer.
    Join,
    /// To a camera: that viewer is gone.
    Leave,
}

/// What is wrong with what a camera sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Problem {
    /// Pictures come in another order than they are shown in. Browsers show few of them.
    #[serde(rename = "b-frames")]
    BFrames,
}

/// The kinds of [`Event`], by their names on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// [`Event::Active`]
    Active,
    /// [`Event::Inactive`]
    Inactive,
    /// [`Event::Layers`]
    Layers,
    /// [`Event::ViewerCount`]
    ViewerCount,
    /// [`Event::Reconnect`]
    Reconnect,
    /// [`Event::Problem`]
    Problem,
    /// [`Event::Candidates`]
    Candidates,
    /// [`Event::Join`]
    Join,
    /// [`Event::Leave`]
    Leave,
}

impl EventKind {
    /// What a viewer's stream can carry. On the direct path there is nothing to choose
    /// from, so no `layers`, and nobody here sees the pictures, so no `problem`.
    pub const FOR_VIEWERS: [Self; 5] = [
        Self::Active,
        Self::Inactive,
        Self::ViewerCount,
        Self::Reconnect,
        Self::Candidates,
    ];
    /// What the stream of a relay's viewer can carry: `candidates` as well, so that a
    /// player that knows them can ask for the same events on both paths.
    pub const FOR_RELAYED_VIEWERS: [Self; 7] = [
        Self::Active,
        Self::Inactive,
        Self::Layers,
        Self::ViewerCount,
        Self::Reconnect,
        Self::Problem,
        Self::Candidates,
    ];
    /// What a camera's stream can carry.
    pub const FOR_CAMERAS: [Self; 3] = [Self::Join, Self::Leave, Self::Candidates];

    /// Whether it is ours and not of the WHEP extension: a link of its own announces it.
    pub const fn is_own(self) -> bool {
        matches!(
            self,
            Self::Problem | Self::Candidates | Self::Join | Self::Leave
        )
    }

    /// The name in the `event:` field.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Layers => "layers",
            Self::ViewerCount => "viewercount",
            Self::Reconnect => "reconnect",
            Self::Problem => "problem",
            Self::Candidates => "candidates",
            Self::Join => "join",
            Self::Leave => "leave",
        }
    }
}

/// An event's name or data that this protocol does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Receivers skip it.
    #[error("no event has this name")]
    UnknownName,
    /// The data is not what this event carries.
    #[error("the event's data is malformed")]
    Data,
}

impl FromStr for EventKind {
    type Err = EventError;

    fn from_str(name: &str) -> Result<Self, EventError> {
        let viewers = Self::FOR_RELAYED_VIEWERS.into_iter();
        let mut all = viewers.chain(Self::FOR_CAMERAS);
        all.find(|kind| kind.name() == name)
            .ok_or(EventError::UnknownName)
    }
}

#[derive(Serialize, Deserialize)]
struct ViewerCountData {
    viewercount: usize,
}

#[derive(Serialize, Deserialize)]
struct ProblemData {
    problem: Option<Problem>,
}

#[derive(Serialize, Deserialize)]
struct CandidatesData {
    candidates: String,
}

impl Event {
    /// Which kind this is.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Active => EventKind::Active,
            Self::Inactive => EventKind::Inactive,
            Self::Layers(_) => EventKind::Layers,
            Self::ViewerCount(_) => EventKind::ViewerCount,
            Self::Reconnect => EventKind::Reconnect,
            Self::Problem(_) => EventKind::Problem,
            Self::Candidates(_) => EventKind::Candidates,
            Self::Join => EventKind::Join,
            Self::Leave => EventKind::Leave,
        }
    }

    /// The `data:` field: one line of JSON, as the WHEP extension demands.
    pub fn data(&self) -> String {
        let json = match self {
            Self::Layers(layers) => serde_json::to_string(layers),
            Self::ViewerCount(viewercount) => {
                let viewercount = *viewercount;
                serde_json::to_string(&ViewerCountData { viewercount })
            }
            Self::Problem(problem) => {
                let problem = *problem;
                serde_json::to_string(&ProblemData { problem })
            }
            Self::Candidates(fragment) => {
                let candidates = fragment.to_string();
                serde_json::to_string(&CandidatesData { candidates })
            }
            _ => return "{}".into(),
        };
        json.expect("numbers and strings always serialize")
    }

    /// Reads one event from its two fields.
    ///
    /// # Errors
    /// An unknown name or malformed data; a receiver skips such an event.
    pub fn parse(name: &str, data: &str) -> Result<Self, EventError> {
        Ok(match name.parse()? {
            EventKind::Active => Self::Active,
            EventKind::Inactive => Self::Inactive,
            EventKind::Reconnect => Self::Reconnect,
            EventKind::Join => Self::Join,
            EventKind::Leave => Self::Leave,
            EventKind::Layers => Self::Layers(json(data)?),
            EventKind::ViewerCount => {
                let data: ViewerCountData = json(data)?;
                Self::ViewerCount(data.viewercount)
            }
            EventKind::Problem => {
                let data: ProblemData = json(data)?;
                Self::Problem(data.problem)
            }
            EventKind::Candidates => {
                let data: CandidatesData = json(data)?;
                Self::Candidates(data.candidates.parse().map_err(|_| EventError::Data)?)
            }
        })
    }
}

fn json<'a, T: Deserialize<'a>>(data: &'a str) -> Result<T, EventError> {
    serde_json::from_str(data).map_err(|_| EventError::Data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_round_trips_on_one_line() {
        let fragment = "a=ice-options:trickle\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:v\r\n";
        let events = [
            Event::Active,
            Event::Inactive,
            Event::Layers(Layers::default()),
            Event::ViewerCount(3),
            Event::Reconnect,
            Event::Problem(Some(Problem::BFrames)),
            Event::Problem(None),
            Event::Candidates(fragment.parse().unwrap()),
            Event::Join,
            Event::Leave,
        ];
        for event in events {
            let data = event.data();
            assert!(!data.contains('\n'));
            assert_eq!(Event::parse(event.kind().name(), &data), Ok(event));
        }
    }

    #[test]
    fn unknown_names_and_malformed_data_are_told_apart() {
        assert_eq!(Event::parse("scte35", "{}"), Err(EventError::UnknownName));
        assert_eq!(Event::parse("viewercount", "{}"), Err(EventError::Data));
        assert_eq!(
            Event::Problem(Some(Problem::BFrames)).data(),
            r#"{"problem":"b-frames"}"#
        );
        let data = r#"{"candidates":"x=1"}"#;
        assert_eq!(Event::parse("candidates", data), Err(EventError::Data));
    }
}
