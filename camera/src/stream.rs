//! What a source that encodes by itself says of its stream.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use gst_sdp::SDPMediaRef;

use crate::encoder::Codec;

/// What there is to pass on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// How its pictures are compressed.
    pub codec: Codec,
    /// Of H.264: profile and level, as the source's SDP has them (RFC 6184 section 8.1).
    pub profile_level_id: Option<String>,
    /// Whether there is sound that can be taken.
    pub has_sound: bool,
}

/// Sound that can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sound {
    Opus,
    /// RFC 3640 and, by LATM, RFC 6416.
    Aac,
    AacLatm,
    /// G.711.
    ALaw,
    MuLaw,
}

impl Stream {
    /// Of the answer to DESCRIBE (RFC 2326 section 10.2); none without pictures that can be taken.
    pub(crate) fn described_by(sdp: &gst_sdp::SDPMessageRef) -> Option<Self> {
        let caps: Vec<_> = sdp.medias().filter_map(caps_of).collect();
        let pictures = caps.iter().find_map(Self::of_packets)?;
        Some(Self {
            has_sound: caps.iter().any(|caps| sound_of(caps).is_some()),
            ..pictures
        })
    }

    /// Of packets with pictures.
    pub(crate) fn of_packets(caps: &gst::Caps) -> Option<Self> {
        let codec = picture_of(caps)?;
        let packets = caps.structure(0)?;
        let text = |name: &str| packets.get::<String>(name).ok();
        let is_one =
            |text: &String| text.len() == 6 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        // Many cameras leave it out, and say it by their parameter sets alone.
        let profile_level_id = text("profile-level-id")
            .filter(is_one)
            .or_else(|| text("sprop-parameter-sets").and_then(|sets| profile_level_of(&sets)));
        Some(Self {
            codec,
            profile_level_id: profile_level_id.filter(|_| codec == Codec::H264),
            has_sound: false,
        })
    }

    /// What an offer says of the packets, with the source's own profile.
    pub(crate) fn announced_in(&self, mut rtp_caps: gst::Caps) -> gst::Caps {
        if let Some(id) = &self.profile_level_id {
            rtp_caps
                .make_mut()
                .set("profile-level-id", id.to_ascii_lowercase());
        }
        rtp_caps
    }
}

/// The three bytes that follow a sequence parameter set's header (RFC 6184 section 8.1, H.264 section
/// 7.3.2.1.1).
fn profile_level_of(parameter_sets: &str) -> Option<String> {
    const SEQUENCE_PARAMETER_SET: u8 = 7;
    let sets = parameter_sets.split(',');
    let mut sets = sets.filter_map(|set| BASE64_STANDARD.decode(set.trim()).ok());
    let sps = sets.find(|set| {
        set.first()
            .is_some_and(|first| first & 31 == SEQUENCE_PARAMETER_SET)
    });
    Some(hex::encode(sps?.get(1..4)?))
}

fn caps_of(media: &SDPMediaRef) -> Option<gst::Caps> {
    let payload_type = media.format(0)?.parse().ok()?;
    media.caps_from_media(payload_type)
}

/// How pictures in such packets are compressed.
pub(crate) fn picture_of(caps: &gst::Caps) -> Option<Codec> {
    match encoding_of(caps)?.as_str() {
        "H264" => Some(Codec::H264),
        "H265" => Some(Codec::H265),
        _ => None,
    }
}

/// How sound in such packets is compressed.
pub(crate) fn sound_of(caps: &gst::Caps) -> Option<Sound> {
    match encoding_of(caps)?.as_str() {
        "OPUS" => Some(Sound::Opus),
        "MPEG4-GENERIC" => Some(Sound::Aac),
        "MP4A-LATM" => Some(Sound::AacLatm),
        "PCMA" => Some(Sound::ALaw),
        "PCMU" => Some(Sound::MuLaw),
        _ => None,
    }
}

fn encoding_of(caps: &gst::Caps) -> Option<String> {
    let packets = caps.structure(0)?;
    if let Ok(name) = packets.get::<String>("encoding-name") {
        return Some(name.to_ascii_uppercase());
    }
    // These need not be named (RFC 3551 table 4).
    match packets.get::<i32>("payload").ok()? {
        0 => Some("PCMU".to_owned()),
        8 => Some("PCMA".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(media: &str) -> Option<Stream> {
        gst::init().unwrap();
        let sdp = format!("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=cam\r\nt=0 0\r\n{media}");
        Stream::described_by(&gst_sdp::SDPMessage::parse_buffer(sdp.as_bytes()).unwrap())
    }

    #[test]
    fn pictures_and_sound_are_known_by_their_sdp() {
        let video = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
            a=fmtp:96 packetization-mode=1;profile-level-id=4D0028\r\n";
        let named = "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 MPEG4-GENERIC/16000/1\r\n";
        let unnamed = "m=audio 0 RTP/AVP 0\r\n";
        let other = "m=audio 0 RTP/AVP 98\r\na=rtpmap:98 G726-32/8000\r\n";
        for (audio, has_sound) in [(named, true), (unnamed, true), (other, false), ("", false)] {
            let stream = described(&format!("{video}{audio}")).unwrap();
            assert_eq!(stream.codec, Codec::H264);
            assert_eq!(stream.profile_level_id.as_deref(), Some("4D0028"));
            assert_eq!(stream.has_sound, has_sound, "{audio}");
        }
    }

    #[test]
    fn a_profile_that_is_not_named_is_in_the_parameter_sets() {
        let profile = |parameters: &str| {
            let media = format!(
                "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 {parameters}\r\n"
            );
            described(&media).unwrap().profile_level_id
        };
        let sets = "sprop-parameter-sets=aM48gA==,Z0LADdoFBn58BagwMDUoAAADAAgAAAMB5HihVQ==";
        assert_eq!(profile(sets).as_deref(), Some("42c00d"));
        for parameters in [
            "packetization-mode=1",
            "sprop-parameter-sets=Z0LA,%%",
            "profile-level-id=x",
        ] {
            assert_eq!(profile(parameters), None, "{parameters}");
        }
    }

    #[test]
    fn what_is_no_picture_for_viewers_is_none() {
        for media in [
            "m=video 0 RTP/AVP 26\r\n",
            "m=audio 0 RTP/AVP 0\r\n",
            "m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\n",
            "",
        ] {
            assert_eq!(described(media), None, "{media}");
        }
    }
}
