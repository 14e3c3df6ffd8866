//! How video is compressed, put into packets and spoken of in SDP.

use std::{fmt, str::FromStr};

use gst::glib;

use crate::format::Format;

/// Room for IP, UDP, SRTP and TURN headers below the 1280 bytes every IPv6 path carries.
pub(crate) const MTU: u32 = 1200;

/// How the video is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// H.264 constrained baseline or constrained high, which every browser decodes, many in
    /// hardware.
    H264,
    /// H.265, which some browsers decode. Only passed on, never made here.
    H265,
    /// VP8: free of patents, but several times the CPU.
    Vp8,
    /// VP9: fewer bits than VP8, more CPU.
    Vp9,
    /// AV1: the fewest bits and the most CPU.
    Av1,
}

impl Codec {
    /// What offers speak of by itself, the best first. AV1 has to be asked for.
    pub(super) const BY_ITSELF: [Self; 3] = [Self::H264, Self::Vp8, Self::Vp9];

    /// What makes packets, with these numbers.
    pub(crate) fn payloader(
        self,
        payload_type: u32,
        ssrc: u32,
    ) -> Result<gst::Element, glib::Error> {
        let element = match self {
            // Parameter sets before each keyframe.
            Self::H264 => "rtph264pay config-interval=-1 aggregate-mode=zero-latency",
            Self::H265 => "rtph265pay config-interval=-1 aggregate-mode=zero-latency",
            Self::Vp8 => "rtpvp8pay picture-id-mode=15-bit",
            Self::Vp9 => "rtpvp9pay picture-id-mode=15-bit",
            Self::Av1 => "rtpav1pay",
        };
        if self == Self::Av1 {
            // Part of this program, since GStreamer 1.22 has none for AV1.
            let _ = gstrsrtp::plugin_register_static();
        }
        gst::parse::launch(&format!(
            "{element} pt={payload_type} mtu={MTU} ssrc={ssrc}"
        ))
    }

    /// What an offer says of the packets; complete before the first of them exists. The profile is
    /// the encoder's own word.
    pub(crate) fn rtp_caps(
        self,
        format: Format,
        payload_type: u32,
        profile: Option<&str>,
    ) -> gst::Caps {
        let caps = gst::Caps::builder("application/x-rtp")
            .field("media", "video")
            .field("clock-rate", 90_000)
            .field("payload", payload_type as i32)
            .field("rtcp-fb-nack-pli", true)
            .field("rtcp-fb-ccm-fir", true);
        let caps = caps.field("encoding-name", self.encoding());
        match self {
            Self::H264 => caps
                .field("packetization-mode", "1")
                .field("profile-level-id", h264_profile_level(format, profile)),
            Self::H265 | Self::Vp8 | Self::Vp9 | Self::Av1 => caps,
        }
        .build()
    }
}

impl Codec {
    /// Its name in SDP.
    pub(crate) fn encoding(self) -> &'static str {
        match self {
            Self::H264 => "H264",
            Self::H265 => "H265",
            Self::Vp8 => "VP8",
            Self::Vp9 => "VP9",
            Self::Av1 => "AV1",
        }
    }
}

impl FromStr for Codec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "h264" => Ok(Self::H264),
            "vp8" => Ok(Self::Vp8),
            "vp9" => Ok(Self::Vp9),
            "av1" => Ok(Self::Av1),
            _ => Err(format!(
                "`{text}` is no codec: use `h264`, `vp8`, `vp9` or `av1`"
            )),
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H264 => "h264",
            Self::H265 => "h265",
            Self::Vp8 => "vp8",
            Self::Vp9 => "vp9",
            Self::Av1 => "av1",
        })
    }
}

/// Constrained baseline, or constrained high where the encoder has only that, at the lowest level
/// that allows the format (RFC 6184 section 8.1). Encoders that call it `baseline` or `high` use
/// neither what the constrained profiles leave out.
fn h264_profile_level(format: Format, profile: Option<&str>) -> String {
    let profile = match profile {
        Some("constrained-high" | "high") => "640c",
        _ => "42e0",
    };
    format!("{profile}{:02x}", h264_level(format))
}

/// Ten times the level, as SDP has it (H.264 table A-1).
pub(super) fn h264_level(format: Format) -> u8 {
    let macroblocks = format.size.macroblocks();
    let rate = macroblocks * format.fps;
    match () {
        () if macroblocks <= 3600 && rate <= 108_000 => 31,
        () if macroblocks <= 8192 && rate <= 245_760 => 40,
        () if macroblocks <= 8704 && rate <= 522_240 => 42,
        () => 52,
    }
}

/// SSRCs are random (RFC 3550 section 8); zero is best avoided, some peers read it as "none".
pub(crate) fn fresh_ssrc() -> u32 {
    gst::glib::random_int().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Size;

    fn format(width: u32, height: u32, fps: u32) -> Format {
        Format {
            size: Size { width, height },
            fps,
        }
    }

    #[test]
    fn the_level_announced_allows_the_format() {
        let announced = |width, height, fps| h264_profile_level(format(width, height, fps), None);
        assert_eq!(announced(1280, 720, 30), "42e01f");
        assert_eq!(announced(160, 90, 15), "42e01f");
        assert_eq!(announced(1920, 1080, 30), "42e028");
        assert_eq!(announced(1920, 1080, 60), "42e02a");
        assert_eq!(announced(3840, 2160, 30), "42e034");
    }

    #[test]
    fn the_profile_announced_is_the_encoders() {
        let announced = |profile| h264_profile_level(format(1280, 720, 30), Some(profile));
        assert_eq!(announced("constrained-baseline"), "42e01f");
        assert_eq!(announced("baseline"), "42e01f");
        assert_eq!(announced("constrained-high"), "640c1f");
        assert_eq!(announced("high"), "640c1f");
    }

    #[test]
    fn codecs_are_named_as_they_are_printed() {
        for codec in [Codec::H264, Codec::Vp8, Codec::Vp9, Codec::Av1] {
            assert_eq!(codec.to_string().parse(), Ok(codec));
        }
        assert!("h265".parse::<Codec>().is_err());
    }
}
