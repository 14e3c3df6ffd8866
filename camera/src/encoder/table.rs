//! Which encoders there are, the best of each codec first, and how each of them is set.
//!
//! All are asked for a keyframe by GStreamer's force-key-unit event, which none has another way for;
//! whether one does it, its proof tells. The payloader repeats the parameter sets.

use std::str::FromStr;

use super::{
    codec::Codec,
    kind::{
        Bitrate, EncoderKind,
        Setting::{self, Is, KeyframeDistance, Threads},
        Threading,
    },
};

const BASELINE: &[&str] = &["constrained-baseline"];
const BASELINE_BY_ANY_NAME: &[&str] = &["constrained-baseline", "baseline"];
/// Newer chips of Intel and AMD have no baseline profile.
const BASELINE_OR_HIGH: &[&str] = &["constrained-baseline", "constrained-high", "high"];

const VA: &[(&str, Setting)] = &[
    ("rate-control", Is("cbr")),
    ("b-frames", Is("0")),
    ("ref-frames", Is("1")),
    // The fastest.
    ("target-usage", Is("7")),
    ("aud", Is("false")),
    ("key-int-max", KeyframeDistance),
];

const VPX: &[(&str, Setting)] = &[
    ("deadline", Is("1")),
    ("cpu-used", Is("8")),
    ("end-usage", Is("cbr")),
    ("lag-in-frames", Is("0")),
    ("error-resilient", Is("default")),
    ("keyframe-max-dist", KeyframeDistance),
    ("threads", Threads(Threading::Spinning)),
];

const BASE: EncoderKind = EncoderKind {
    element: "",
    codec: Codec::H264,
    is_hardware: false,
    package: "",
    raw: "I420",
    settings: &[],
    bitrate: Bitrate::Kilobits("bitrate"),
    profiles: &[],
    needs_level: false,
};

/// The table.
pub const ENCODERS: &[EncoderKind] = &[
    // Raspberry Pi up to 4, and whatever else has a V4L2 memory-to-memory device.
    EncoderKind {
        element: "v4l2h264enc",
        is_hardware: true,
        package: "gstreamer1.0-plugins-good, and a V4L2 encoder",
        bitrate: Bitrate::V4l2Controls("video_bitrate_mode=1,repeat_sequence_header=1"),
        profiles: BASELINE_BY_ANY_NAME,
        needs_level: true,
        ..BASE
    },
    EncoderKind {
        element: "vah264enc",
        is_hardware: true,
        package: "gstreamer1.0-plugins-bad, and a VA driver",
        raw: "NV12",
        settings: VA,
        profiles: BASELINE_OR_HIGH,
        ..BASE
    },
    // The same on chips that have only the part of it that saves power.
    EncoderKind {
        element: "vah264lpenc",
        is_hardware: true,
        package: "gstreamer1.0-plugins-bad, and a VA driver",
        raw: "NV12",
        settings: VA,
        profiles: BASELINE_OR_HIGH,
        ..BASE
    },
    EncoderKind {
        element: "vaapih264enc",
        is_hardware: true,
        package: "gstreamer1.0-vaapi, and a VA driver",
        raw: "NV12",
        settings: &[
            ("rate-control", Is("cbr")),
            ("max-bframes", Is("0")),
            ("refs", Is("1")),
            ("quality-level", Is("7")),
            ("aud", Is("false")),
            ("keyframe-period", KeyframeDistance),
        ],
        profiles: BASELINE_OR_HIGH,
        ..BASE
    },
    EncoderKind {
        element: "nvh264enc",
        is_hardware: true,
        package: "gstreamer1.0-plugins-bad, and NVIDIA's driver",
        raw: "NV12",
        settings: &[
            ("preset", Is("low-latency-hp")),
            ("rc-mode", Is("cbr")),
            ("zerolatency", Is("true")),
            ("bframes", Is("0")),
            ("rc-lookahead", Is("0")),
            ("aud", Is("false")),
            ("gop-size", KeyframeDistance),
        ],
        profiles: BASELINE_BY_ANY_NAME,
        ..BASE
    },
    EncoderKind {
        element: "mpph264enc",
        is_hardware: true,
        package: "Rockchip's gstreamer1.0-rockchip1",
        raw: "NV12",
        settings: &[
            ("rc-mode", Is("cbr")),
            ("profile", Is("baseline")),
            ("header-mode", Is("each-idr")),
            ("gop", KeyframeDistance),
        ],
        bitrate: Bitrate::Bits("bps"),
        profiles: BASELINE_BY_ANY_NAME,
        ..BASE
    },
    EncoderKind {
        element: "x264enc",
        package: "gstreamer1.0-plugins-ugly",
        settings: &[
            ("tune", Is("zerolatency")),
            ("speed-preset", Is("ultrafast")),
            ("b-adapt", Is("false")),
            ("bframes", Is("0")),
            ("aud", Is("false")),
            ("key-int-max", KeyframeDistance),
            ("threads", Threads(Threading::Slices)),
        ],
        profiles: BASELINE,
        ..BASE
    },
    EncoderKind {
        element: "openh264enc",
        package: "gstreamer1.0-plugins-bad",
        settings: &[
            ("complexity", Is("low")),
            ("rate-control", Is("bitrate")),
            // A keyframe at each change of the scene would be many times the bitrate.
            ("scene-change-detection", Is("false")),
            ("gop-size", KeyframeDistance),
        ],
        bitrate: Bitrate::Bits("bitrate"),
        profiles: BASELINE,
        ..BASE
    },
    EncoderKind {
        element: "vp8enc",
        codec: Codec::Vp8,
        package: "gstreamer1.0-plugins-good",
        settings: VPX,
        bitrate: Bitrate::Bits("target-bitrate"),
        ..BASE
    },
    EncoderKind {
        element: "vp9enc",
        codec: Codec::Vp9,
        package: "gstreamer1.0-plugins-good",
        settings: VPX,
        bitrate: Bitrate::Bits("target-bitrate"),
        ..BASE
    },
    EncoderKind {
        element: "svtav1enc",
        codec: Codec::Av1,
        package: "gstreamer1.0-plugins-bad of 1.22 or later with SVT-AV1",
        settings: &[
            ("preset", Is("12")),
            // Low delay, constant bitrate.
            ("parameters-string", Is("pred-struct=1:rc=2")),
            ("intra-period-length", KeyframeDistance),
        ],
        bitrate: Bitrate::Kilobits("target-bitrate"),
        ..BASE
    },
    EncoderKind {
        element: "av1enc",
        codec: Codec::Av1,
        package: "gstreamer1.0-plugins-bad",
        settings: &[
            ("usage-profile", Is("realtime")),
            ("cpu-used", Is("10")),
            ("end-usage", Is("cbr")),
            ("lag-in-frames", Is("0")),
            // By its own account 0, and libaom aborts the program when the bitrate is changed then.
            ("max-quantizer", Is("63")),
            ("row-mt", Is("true")),
            ("keyframe-max-dist", KeyframeDistance),
            ("threads", Threads(Threading::Always)),
        ],
        bitrate: Bitrate::Kilobits("target-bitrate"),
        ..BASE
    },
];

/// What to try, in this order: the one that was asked for, then others.
pub fn candidates(codec: Option<Codec>, first: Option<EncoderKind>) -> Vec<EncoderKind> {
    let codecs = match codec.or(first.map(|first| first.codec)) {
        Some(codec) => vec![codec],
        None => Codec::BY_ITSELF.to_vec(),
    };
    let of = |codec| ENCODERS.iter().filter(move |kind| kind.codec == codec);
    let others = codecs.into_iter().flat_map(of);
    let is_other = |kind: &&EncoderKind| first.is_none_or(|first| first.element != kind.element);
    first
        .into_iter()
        .chain(others.filter(is_other).copied())
        .collect()
}

/// By its element.
impl FromStr for EncoderKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = ENCODERS.iter().find(|kind| kind.element == text);
        known.copied().ok_or_else(|| {
            let all: Vec<_> = ENCODERS.iter().map(|kind| kind.element).collect();
            format!("`{text}` is no encoder: use one of {}", all.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use gst::prelude::*;

    use super::{super::kind::set, *};
    use crate::format::{Format, Size};

    const FORMAT: Format = Format {
        size: Size {
            width: 1280,
            height: 720,
        },
        fps: 30,
    };

    #[test]
    fn what_is_here_has_each_property_and_takes_its_value() {
        gst::init().unwrap();
        let mut here = Vec::new();
        for kind in ENCODERS {
            let Ok(element) = gst::ElementFactory::make(kind.element).build() else {
                continue;
            };
            here.push(kind.element);
            let bitrate = kind.bitrate(FORMAT, 2500);
            for (name, value) in kind.values(FORMAT).chain([bitrate]) {
                assert_eq!(set(&element, name, &value), Ok(()), "{kind}");
            }
            let (template, wanted) = (element.static_pad("src"), kind.output(FORMAT));
            let made = template.unwrap().pad_template_caps();
            assert!(made.can_intersect(&wanted), "{kind}: {made} {wanted}");
        }
        for element in ["x264enc", "openh264enc", "vp8enc", "vp9enc", "av1enc"] {
            assert!(here.contains(&element), "{element}: {here:?}");
        }
    }

    #[test]
    fn the_controls_of_a_v4l2_device_are_a_structure() {
        gst::init().unwrap();
        let kind: EncoderKind = "v4l2h264enc".parse().unwrap();
        let (name, controls) = kind.bitrate(FORMAT, 2500);
        let controls: gst::Structure = controls.parse().unwrap();
        assert_eq!(name, "extra-controls");
        assert_eq!(controls.get("video_bitrate"), Ok(2_500_000));
        assert_eq!(controls.get("h264_i_frame_period"), Ok(60));
        assert!(
            kind.output(FORMAT)
                .to_string()
                .contains("level=(string)3.1")
        );
    }

    #[test]
    fn what_is_asked_for_comes_first_and_the_others_of_its_codec_behind_it() {
        let elements = |codec, first: Option<&str>| {
            let first = first.map(|first| first.parse().unwrap());
            let all = candidates(codec, first).into_iter();
            all.map(|kind| kind.element).collect::<Vec<_>>()
        };
        let openh264 = elements(None, Some("openh264enc"));
        assert_eq!(openh264[..2], ["openh264enc", "v4l2h264enc"]);
        assert_eq!(openh264.len(), 8);
        assert_eq!(elements(Some(Codec::Vp8), None), ["vp8enc"]);
        let by_itself = elements(None, None);
        assert_eq!(
            by_itself[6..],
            ["x264enc", "openh264enc", "vp8enc", "vp9enc"]
        );
        let error = "x265enc".parse::<EncoderKind>().unwrap_err();
        assert!(error.contains("mpph264enc, x264enc"), "{error}");
    }
}
