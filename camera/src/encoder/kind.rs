//! What is known of an encoder, and how it is made of that.

use std::{fmt, num::NonZero, thread};

use gst::{glib, prelude::*};

use super::codec::{Codec, h264_level};
use crate::format::Format;

/// A new keyframe at least this often, for viewers whose request for one was lost.
const KEYFRAME_SECONDS: u32 = 2;

/// Requests for keyframes that come closer together than this share one, in nanoseconds. Longer, and
/// a viewer who arrives just after another's keyframe waits for it: that was a quarter of a second of
/// dark.
const KEYFRAME_SHARE: &str = "50000000";

/// One encoder: a row of the table.
#[derive(Debug, Clone, Copy)]
pub struct EncoderKind {
    /// The GStreamer element.
    pub element: &'static str,
    /// What it makes.
    pub codec: Codec,
    /// Whether a chip does the work.
    pub is_hardware: bool,
    /// Where it comes from: a package of Debian, or whose it is.
    pub package: &'static str,
    /// The form in which it takes pictures.
    pub raw: &'static str,
    /// What makes it fast and lets it hold back no frame. What this version of the element does not
    /// know is left out.
    pub settings: &'static [(&'static str, Setting)],
    /// How it is told how much it may spend, also while it runs.
    pub bitrate: Bitrate,
    /// Of H.264: profiles that it has, the one to prefer first.
    pub profiles: &'static [&'static str],
    /// Whether it makes nothing unless it is told the level.
    pub needs_level: bool,
}

/// The value of a property.
#[derive(Debug, Clone, Copy)]
pub enum Setting {
    /// As gst-launch text.
    Is(&'static str),
    /// How many frames there are from one keyframe to the next at most.
    KeyframeDistance,
    /// How many threads it may use.
    Threads(Threading),
}

/// When two threads are better than one.
#[derive(Debug, Clone, Copy)]
pub enum Threading {
    /// Above 720p: slices cost more than they win below.
    Slices,
    /// Above 640x480, with a core to spare. libvpx's threads wait for one another by spinning: on a
    /// machine with no core to spare, two took ten times the CPU of one, and gave two pictures a
    /// second. Browsers draw the line here, too.
    Spinning,
    /// Wherever there are cores.
    Always,
}

/// How the bitrate is said.
#[derive(Debug, Clone, Copy)]
pub enum Bitrate {
    /// By this property, in bits per second.
    Bits(&'static str),
    /// By this property, in kilobits per second.
    Kilobits(&'static str),
    /// By controls of the V4L2 device (`extra-controls`), beside these others.
    V4l2Controls(&'static str),
}

impl EncoderKind {
    /// The element, ready to run.
    pub(super) fn make(&self, format: Format, kbits: u32) -> Result<gst::Element, glib::BoolError> {
        let element = gst::ElementFactory::make(self.element).build()?;
        for (name, value) in self.values(format) {
            if let Err(why) = set(&element, name, &value) {
                tracing::debug!("{}: {why}", self.element);
            }
        }
        self.set_kbits(&element, format, kbits);
        Ok(element)
    }

    /// Tells it how much it may spend.
    pub(super) fn set_kbits(&self, element: &gst::Element, format: Format, kbits: u32) {
        let (name, value) = self.bitrate(format, kbits);
        if let Err(why) = set(element, name, &value) {
            tracing::debug!("{}: {why}", self.element);
        }
    }

    pub(super) fn values(&self, format: Format) -> impl Iterator<Item = (&'static str, String)> {
        let value = move |setting: &Setting| match setting {
            Setting::Is(text) => (*text).to_owned(),
            Setting::KeyframeDistance => keyframe_distance(format).to_string(),
            Setting::Threads(threading) => threading.threads(format).to_string(),
        };
        let share = ("min-force-key-unit-interval", KEYFRAME_SHARE.to_owned());
        let settings = self.settings.iter();
        settings
            .map(move |(name, setting)| (*name, value(setting)))
            .chain([share])
    }

    pub(super) fn bitrate(&self, format: Format, kbits: u32) -> (&'static str, String) {
        let bits = u64::from(kbits) * 1000;
        match self.bitrate {
            Bitrate::Bits(name) => (name, bits.to_string()),
            Bitrate::Kilobits(name) => (name, kbits.to_string()),
            Bitrate::V4l2Controls(others) => {
                let distance = keyframe_distance(format);
                let controls = format!(
                    "controls,{others},h264_i_frame_period={distance},video_bitrate={bits}"
                );
                ("extra-controls", controls)
            }
        }
    }

    /// What comes out of it, as it should be.
    pub(super) fn output(&self, format: Format) -> gst::Caps {
        let mut caps = gst::Caps::new_empty();
        for profile in self.profiles {
            let mut h264 = gst::Structure::builder("video/x-h264")
                .field("stream-format", "byte-stream")
                .field("alignment", "au")
                .field("profile", *profile);
            if self.needs_level {
                let (whole, tenth) = (h264_level(format) / 10, h264_level(format) % 10);
                let level = match tenth {
                    0 => whole.to_string(),
                    _ => format!("{whole}.{tenth}"),
                };
                h264 = h264.field("level", level);
            }
            caps.merge_structure(h264.build());
        }
        match self.codec {
            Codec::H264 => caps,
            _ => gst::Caps::new_any(),
        }
    }
}

impl fmt::Display for EncoderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.element)
    }
}

impl Threading {
    fn threads(self, format: Format) -> usize {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let (large, enough) = match self {
            // 1280x720.
            Self::Slices => (3600, 1),
            // 640x480.
            Self::Spinning => (1200, 3),
            Self::Always => return cores.min(4),
        };
        match format.size.macroblocks() > large && cores >= enough {
            true => 2,
            false => 1,
        }
    }
}

fn keyframe_distance(format: Format) -> u32 {
    KEYFRAME_SECONDS * format.fps
}

pub(super) fn set(element: &gst::Element, name: &str, value: &str) -> Result<(), String> {
    let property = element
        .find_property(name)
        .ok_or_else(|| format!("it has no property `{name}`"))?;
    let value = glib::Value::deserialize_with_pspec(value, &property)
        .map_err(|_| format!("`{name}` cannot be `{value}`"))?;
    element.set_property_from_value(name, &value);
    Ok(())
}
