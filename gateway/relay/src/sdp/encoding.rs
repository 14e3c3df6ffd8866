//! What the relay forwards: never decoded, only recognised.

use sightline_spec::sdp::Payload;
use str0m::format::{
    FormatParams, detect_av1_keyframe, detect_h264_keyframe, detect_h265_keyframe,
    detect_vp8_keyframe, detect_vp9_keyframe,
};

use crate::sdp::sprop::Sprop;

/// An encoding that publishers send and viewers decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    H264,
    H265,
    Vp8,
    Vp9,
    Av1,
    Opus,
}

impl Encoding {
    /// The encoding of a payload type, if it is one that we know, and by its clock.
    pub(crate) fn of(payload: &Payload<'_>) -> Option<Self> {
        let all = [
            Self::H264,
            Self::H265,
            Self::Vp8,
            Self::Vp9,
            Self::Av1,
            Self::Opus,
        ];
        let is_meant = |encoding: &Self| {
            payload.is(encoding.name()) && payload.clock_rate == encoding.clock_rate()
        };
        all.into_iter().find(is_meant)
    }

    /// As it is registered, and as people know it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::H264 => "H264",
            Self::H265 => "H265",
            Self::Vp8 => "VP8",
            Self::Vp9 => "VP9",
            Self::Av1 => "AV1",
            Self::Opus => "opus",
        }
    }

    pub(crate) fn is_video(self) -> bool {
        self != Self::Opus
    }

    /// RTP ticks per second.
    pub(crate) fn clock_rate(self) -> u32 {
        match self.is_video() {
            true => 90_000,
            false => 48_000,
        }
    }

    /// Whether this packet belongs to a picture that needs no other.
    pub(crate) fn starts_picture_group(self, payload: &[u8]) -> bool {
        match self {
            Self::H264 => detect_h264_keyframe(payload),
            Self::H265 => detect_h265_keyframe(payload),
            Self::Vp8 => detect_vp8_keyframe(payload),
            Self::Vp9 => detect_vp9_keyframe(payload),
            Self::Av1 => detect_av1_keyframe(payload),
            Self::Opus => false,
        }
    }
}

/// One encoding with its parameters, as a publisher sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) encoding: Encoding,
    /// The `a=fmtp` of its offer.
    parameters: Box<str>,
    sprop: Sprop,
}

impl Format {
    pub(crate) fn of(payload: &Payload<'_>) -> Option<Self> {
        let encoding = Encoding::of(payload)?;
        let parameters = payload.parameters.into();
        Some(Self {
            encoding,
            parameters,
            sprop: Sprop::of(payload, encoding),
        })
    }

    /// What the publisher's description says of how to decode it.
    pub(crate) fn sprop(&self) -> &Sprop {
        &self.sprop
    }

    /// How well a viewer's payload type suits this format: the higher the better, nothing
    /// if it cannot be decoded as that.
    ///
    /// Decoders are as a rule better than what their offers say of H.264: profile and
    /// level are a preference here. VP9 and AV1 profiles are other bit depths, which
    /// decoders do refuse.
    pub(crate) fn fit(&self, payload: &Payload<'_>) -> Option<u32> {
        if Encoding::of(payload) != Some(self.encoding) {
            return None;
        }
        let ours = FormatParams::parse_line(&self.parameters);
        let theirs = FormatParams::parse_line(payload.parameters);
        match self.encoding {
            Encoding::Vp9 => same(ours.profile_id, theirs.profile_id),
            Encoding::Av1 => same(ours.profile, theirs.profile),
            Encoding::H264 => {
                // 42e01f, constrained baseline, is what an offer without it means.
                let profile = |id: Option<u32>| id.unwrap_or(0x42_e01f) >> 16;
                let same_profile =
                    profile(ours.profile_level_id) == profile(theirs.profile_level_id);
                let fragments = theirs.packetization_mode == Some(1);
                Some(2 * u32::from(fragments) + u32::from(same_profile))
            }
            Encoding::H265 | Encoding::Vp8 | Encoding::Opus => Some(0),
        }
    }
}

impl Format {
    /// Whether who decodes this one decodes the other as well: see [`Format::fit`].
    pub(crate) fn is_decoded_as(&self, other: &Self) -> bool {
        let payload = Payload {
            number: 0,
            encoding: self.encoding.name(),
            clock_rate: self.encoding.clock_rate(),
            channels: None,
            parameters: &self.parameters,
            rtx: None,
        };
        other.fit(&payload).is_some()
    }
}

fn same<T: Default + PartialEq>(ours: Option<T>, theirs: Option<T>) -> Option<u32> {
    (ours.unwrap_or_default() == theirs.unwrap_or_default()).then_some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(encoding: &'static str, parameters: &'static str) -> Payload<'static> {
        let is_audio = encoding.eq_ignore_ascii_case("opus");
        Payload {
            number: 96,
            encoding,
            clock_rate: if is_audio { 48_000 } else { 90_000 },
            channels: None,
            parameters,
            rtx: None,
        }
    }

    #[test]
    fn names_count_in_any_case_and_others_do_not() {
        assert_eq!(Encoding::of(&payload("OPUS", "")), Some(Encoding::Opus));
        assert_eq!(Encoding::of(&payload("red", "")), None);
    }

    #[test]
    fn h264_prefers_fragments_and_then_the_profile_but_refuses_nothing() {
        let high = Format::of(&payload(
            "H264",
            "packetization-mode=1;profile-level-id=64001f",
        ));
        let high = high.unwrap();
        let fit = |parameters| high.fit(&payload("H264", parameters));
        assert_eq!(fit("packetization-mode=1;profile-level-id=640034"), Some(3));
        assert_eq!(fit("packetization-mode=1;profile-level-id=42e01f"), Some(2));
        assert_eq!(fit("profile-level-id=64001f"), Some(1));
        assert_eq!(fit(""), Some(0));
        assert_eq!(high.fit(&payload("VP8", "")), None);
    }

    #[test]
    fn another_bit_depth_is_another_format() {
        let eight_bits = Format::of(&payload("VP9", "profile-id=0")).unwrap();
        assert!(eight_bits.fit(&payload("VP9", "")).is_some());
        assert!(eight_bits.fit(&payload("VP9", "profile-id=2")).is_none());
        let ten_bits = Format::of(&payload("VP9", "profile-id=2")).unwrap();
        assert!(!eight_bits.is_decoded_as(&ten_bits));
        assert!(eight_bits.is_decoded_as(&Format::of(&payload("VP9", "")).unwrap()));
    }
}
