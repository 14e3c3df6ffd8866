//! The one encoder and what it says about itself in SDP.

use std::{fmt, num::NonZero, str::FromStr, thread};

use gst::prelude::*;

use crate::format::Format;

/// Payload type of the video in every offer: the first dynamic one.
const PAYLOAD_TYPE: u32 = 96;

/// Room for IP, UDP, SRTP and TURN headers below the 1280 bytes every IPv6 path carries.
pub(crate) const MTU: u32 = 1200;

/// A new keyframe at least this often, for viewers whose request for one was lost.
const KEYFRAME_SECONDS: u32 = 2;

/// Requests for keyframes that come closer together than this share one. Longer, and a viewer who
/// arrives just after another's keyframe waits for it: that was a quarter of a second of dark.
const KEYFRAME_SHARE: gst::ClockTime = gst::ClockTime::from_mseconds(50);

/// How the video is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// H.264 constrained baseline, which every browser decodes, many in hardware.
    H264,
    /// VP8: free of patents, but several times the CPU.
    Vp8,
}

impl FromStr for Codec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "h264" => Ok(Self::H264),
            "vp8" => Ok(Self::Vp8),
            _ => Err(format!("`{text}` is no codec: use `h264` or `vp8`")),
        }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::H264 => "h264",
            Self::Vp8 => "vp8",
        })
    }
}

/// Why there is no encoder.
#[derive(Debug, thiserror::Error)]
pub enum EncoderError {
    /// GStreamer lacks the elements.
    #[error(
        "no {codec} encoder on this machine: install {packages} (`sightline-camera doctor` shows what is there)"
    )]
    Missing {
        /// What was asked for.
        codec: Codec,
        /// Debian packages that have it.
        packages: &'static str,
    },
    /// An element refused its settings.
    #[error("the encoder cannot be built: {0}")]
    Build(#[from] gst::glib::Error),
}

/// Encoder and payloader, from raw video to RTP packets.
#[derive(Debug)]
pub(crate) struct Encoder {
    /// Raw video in, RTP out.
    pub(crate) bin: gst::Bin,
    /// What an offer says of the packets; complete before the first of them exists.
    pub(crate) rtp_caps: gst::Caps,
}

impl Encoder {
    pub(crate) fn build(codec: Codec, format: Format, kbits: u32) -> Result<Self, EncoderError> {
        let ssrc = fresh_ssrc();
        let text = match codec {
            Codec::H264 => h264_text(format, kbits)?,
            Codec::Vp8 => vp8_text(format, kbits)?,
        };
        let text = format!("{text} name=payloader pt={PAYLOAD_TYPE} mtu={MTU} ssrc={ssrc}");
        let bin = gst::parse::bin_from_description_with_name(&text, true, "encoder")?;
        if let Some(encoder) = bin.by_name("encode") {
            encoder.set_property("min-force-key-unit-interval", KEYFRAME_SHARE.nseconds());
        }
        let rtp_caps = rtp_caps(codec, format, ssrc);
        Ok(Self { bin, rtp_caps })
    }

    /// Makes the next frame a keyframe. Requests that come together share one.
    pub(crate) fn force_keyframe(&self) {
        let event = gst_video::UpstreamForceKeyUnitEvent::builder()
            .all_headers(true)
            .build();
        if let Some(pad) = self.bin.static_pad("src") {
            pad.send_event(event);
        }
    }
}

fn h264_text(format: Format, kbits: u32) -> Result<String, EncoderError> {
    let gop = KEYFRAME_SECONDS * format.fps;
    let encoder = if exists("x264enc") {
        // One thread up to 720p: slices cost more than they win there.
        let threads = if format.size.macroblocks() <= 3600 {
            1
        } else {
            2
        };
        format!(
            "x264enc name=encode tune=zerolatency speed-preset=ultrafast bitrate={kbits} \
             key-int-max={gop} threads={threads} b-adapt=false bframes=0 aud=false"
        )
    } else if exists("openh264enc") {
        let bits = u64::from(kbits) * 1000;
        format!(
            "openh264enc name=encode complexity=low rate-control=bitrate bitrate={bits} gop-size={gop}"
        )
    } else {
        return Err(EncoderError::Missing {
            codec: Codec::H264,
            packages: "gstreamer1.0-plugins-ugly (x264) or gstreamer1.0-plugins-bad (openh264)",
        });
    };
    Ok(format!(
        "{encoder} ! video/x-h264,profile=constrained-baseline,stream-format=byte-stream,alignment=au \
         ! rtph264pay config-interval=-1 aggregate-mode=zero-latency"
    ))
}

fn vp8_text(format: Format, kbits: u32) -> Result<String, EncoderError> {
    if !exists("vp8enc") {
        return Err(EncoderError::Missing {
            codec: Codec::Vp8,
            packages: "gstreamer1.0-plugins-good",
        });
    }
    let gop = KEYFRAME_SECONDS * format.fps;
    let bits = u64::from(kbits) * 1000;
    let threads = vp8_threads(format);
    Ok(format!(
        "vp8enc name=encode deadline=1 cpu-used=8 end-usage=cbr target-bitrate={bits} \
         keyframe-max-dist={gop} threads={threads} lag-in-frames=0 error-resilient=default \
         ! rtpvp8pay picture-id-mode=15-bit"
    ))
}

/// libvpx's threads wait for one another by spinning: on a machine with no core to spare, two took
/// ten times the CPU of one, and gave two pictures a second. Browsers draw the line here, too.
fn vp8_threads(format: Format) -> u32 {
    /// Of 640x480.
    const SMALL: u32 = 1200;
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    if format.size.macroblocks() <= SMALL || cores < 3 {
        1
    } else {
        2
    }
}

fn rtp_caps(codec: Codec, format: Format, ssrc: u32) -> gst::Caps {
    let caps = gst::Caps::builder("application/x-rtp")
        .field("media", "video")
        .field("clock-rate", 90_000)
        .field("payload", PAYLOAD_TYPE as i32)
        .field("ssrc", ssrc)
        .field("rtcp-fb-nack-pli", true)
        .field("rtcp-fb-ccm-fir", true);
    match codec {
        Codec::H264 => caps
            .field("encoding-name", "H264")
            .field("packetization-mode", "1")
            .field("profile-level-id", h264_profile_level(format)),
        Codec::Vp8 => caps.field("encoding-name", "VP8"),
    }
    .build()
}

/// Constrained baseline at the lowest level that allows the format (H.264 table A-1).
fn h264_profile_level(format: Format) -> String {
    let macroblocks = format.size.macroblocks();
    let rate = macroblocks * format.fps;
    let level = match () {
        () if macroblocks <= 3600 && rate <= 108_000 => 31,
        () if macroblocks <= 8192 && rate <= 245_760 => 40,
        () if macroblocks <= 8704 && rate <= 522_240 => 42,
        () => 52,
    };
    format!("42e0{level:02x}")
}

/// SSRCs are random (RFC 3550 section 8); zero is best avoided, some peers read it as "none".
fn fresh_ssrc() -> u32 {
    gst::glib::random_int().max(1)
}

fn exists(element: &str) -> bool {
    gst::ElementFactory::find(element).is_some()
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
        assert_eq!(h264_profile_level(format(1280, 720, 30)), "42e01f");
        assert_eq!(h264_profile_level(format(160, 90, 15)), "42e01f");
        assert_eq!(h264_profile_level(format(1920, 1080, 30)), "42e028");
        assert_eq!(h264_profile_level(format(1920, 1080, 60)), "42e02a");
        assert_eq!(h264_profile_level(format(3840, 2160, 30)), "42e034");
    }

    #[test]
    fn codecs_are_named_as_they_are_printed() {
        for codec in [Codec::H264, Codec::Vp8] {
            assert_eq!(codec.to_string().parse(), Ok(codec));
        }
        assert!("h265".parse::<Codec>().is_err());
    }

    #[test]
    fn both_encoders_can_be_built() {
        gst::init().unwrap();
        for codec in [Codec::H264, Codec::Vp8] {
            let encoder = Encoder::build(codec, format(1280, 720, 30), 2500).unwrap();
            assert!(encoder.bin.static_pad("src").is_some(), "{codec}");
        }
    }
}
