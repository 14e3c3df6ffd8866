//! `sightline-camera doctor`: what is there, what is missing, what to install.

use std::fmt::Write as _;

use crate::{
    audio::microphone::Microphone,
    encoder::{Codec, ENCODERS, Refusal, prove},
    format::{Format, Size},
    source,
};

/// What encoders are tried with.
const FORMAT: Format = Format {
    size: Size {
        width: 1280,
        height: 720,
    },
    fps: 30,
};

/// An element and where Debian keeps it.
struct Part {
    element: &'static str,
    package: &'static str,
    purpose: &'static str,
    /// Nothing works without.
    required: bool,
}

const fn required(element: &'static str, package: &'static str, purpose: &'static str) -> Part {
    Part {
        element,
        package,
        purpose,
        required: true,
    }
}

const fn optional(element: &'static str, package: &'static str, purpose: &'static str) -> Part {
    Part {
        element,
        package,
        purpose,
        required: false,
    }
}

const PARTS: &[Part] = &[
    required(
        "appsrc",
        "gstreamer1.0-plugins-base",
        "frames into the encoder",
    ),
    required(
        "videoconvertscale",
        "gstreamer1.0-plugins-base",
        "size and format of the picture",
    ),
    required("webrtcbin", "gstreamer1.0-plugins-bad", "WebRTC"),
    required("dtlsdec", "gstreamer1.0-plugins-bad", "WebRTC: keys"),
    required("srtpenc", "gstreamer1.0-plugins-bad", "WebRTC: encryption"),
    required("nicesrc", "gstreamer1.0-nice", "WebRTC: ICE"),
    required("rtph264pay", "gstreamer1.0-plugins-good", "H.264 in RTP"),
    optional(
        "rtpvp8pay",
        "gstreamer1.0-plugins-good",
        "VP8 in RTP, for viewers without H.264",
    ),
    optional("v4l2src", "gstreamer1.0-plugins-good", "--source v4l2"),
    optional(
        "jpegdec",
        "gstreamer1.0-plugins-good",
        "webcams that send JPEG",
    ),
    optional(
        "libcamerasrc",
        "gstreamer1.0-libcamera",
        "--source libcamera",
    ),
    optional(
        "ximagesrc",
        "gstreamer1.0-plugins-good",
        "--source screen on X11",
    ),
    optional(
        "pipewiresrc",
        "gstreamer1.0-pipewire",
        "--source screen on Wayland; microphones: --audio pipewire",
    ),
    required("opusenc", "gstreamer1.0-plugins-base", "sound"),
    required("rtpopuspay", "gstreamer1.0-plugins-good", "sound in RTP"),
    optional("alsasrc", "gstreamer1.0-alsa", "microphones: --audio alsa"),
    optional(
        "pulsesrc",
        "gstreamer1.0-pulseaudio",
        "microphones: --audio pulse",
    ),
    optional("rtspsrc", "gstreamer1.0-plugins-good", "--source rtsp://…"),
    optional("h264parse", "gstreamer1.0-plugins-bad", "--source rtsp://…"),
    optional("avdec_h264", "gstreamer1.0-libav", "--source film.mp4"),
];

/// What the doctor found.
#[derive(Debug)]
pub struct Findings {
    /// For people.
    pub report: String,
    /// Whether the camera can run.
    pub healthy: bool,
}

/// Looks at this machine. GStreamer must be initialised.
pub fn examine() -> Findings {
    let mut report = format!("{}\n", gst::version_string());
    let mut packages = Vec::new();
    let there = |element| gst::ElementFactory::find(element).is_some();
    let mut healthy = true;
    for part in PARTS {
        let found = there(part.element);
        let mark = match (found, part.required) {
            (true, _) => "ok",
            (false, true) => "MISSING",
            (false, false) => "missing",
        };
        // Writing to a string does not fail.
        let _ = writeln!(report, "{mark:>8}  {:<18} {}", part.element, part.purpose);
        if !found {
            healthy &= !part.required;
            if !packages.contains(&part.package) {
                packages.push(part.package);
            }
        }
    }
    healthy &= examine_encoders(&mut report);
    match source::first_video_device() {
        Some(device) => {
            let _ = writeln!(report, "{:>8}  {}", "ok", device.display());
        }
        None => {
            report.push_str("    none  /dev/video*: no webcam, `auto` shows the test picture\n")
        }
    }
    let microphones = Microphone::all(None);
    for microphone in &microphones {
        let _ = writeln!(report, "{:>8}  microphone: {}", "ok", microphone.name);
    }
    if microphones.is_empty() {
        report.push_str("    none  microphone: `--audio auto` has no sound\n");
    }
    if !packages.is_empty() {
        let _ = writeln!(report, "for all of it: apt install {}", packages.join(" "));
    }
    report.push_str(if healthy {
        "the camera can run\n"
    } else {
        "the camera cannot run\n"
    });
    Findings { report, healthy }
}

/// Has each encode a few frames; whether one of them makes what viewers take by itself.
fn examine_encoders(report: &mut String) -> bool {
    let mut works = false;
    for kind in ENCODERS {
        let how = if kind.is_hardware {
            "hardware"
        } else {
            "software"
        };
        let (mark, what) = match prove(*kind, FORMAT, FORMAT.fitting_kbits()) {
            Ok(proof) => {
                works |= kind.codec != Codec::Av1;
                let rate = proof.frames_per_second;
                (
                    "ok",
                    format!("{rate:.0} frames a second at {}", FORMAT.size),
                )
            }
            Err(why @ Refusal::Poor(..)) => ("poor", why.to_string()),
            Err(why) => ("missing", why.to_string()),
        };
        let (element, codec) = (kind.element, kind.codec);
        let _ = writeln!(report, "{mark:>8}  {element:<18} {codec} in {how}: {what}");
    }
    works
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_in_the_report() {
        gst::init().unwrap();
        let findings = examine();
        for part in PARTS {
            assert!(findings.report.contains(part.element));
        }
        for kind in ENCODERS {
            assert!(findings.report.contains(kind.element));
        }
    }
}
