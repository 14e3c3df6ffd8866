//! Where sound comes from: what `--audio` means.

pub(crate) mod microphone;
pub(crate) mod track;

use std::{fmt, str::FromStr};

use gst::prelude::*;

use crate::source::{Source, quoted};
use microphone::Microphone;

/// A source of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audio {
    /// The microphone of the camera, else the machine's; nothing for a source that is no camera
    /// here.
    Auto,
    /// No sound.
    Off,
    /// A steady tone, the same left and right.
    Test,
    /// An ALSA device; without a name the default one.
    Alsa(Option<String>),
    /// A source of PulseAudio, or of PipeWire by the same protocol.
    Pulse(Option<String>),
    /// A node of PipeWire.
    PipeWire(Option<String>),
    /// gst-launch text that ends in raw audio.
    Launch(String),
}

/// Why there is no sound.
#[derive(Debug, thiserror::Error)]
pub enum AudioError {
    /// A test picture, a film or a desktop has no microphone, and a network camera's is elsewhere.
    #[error(
        "only a camera of this machine has a microphone by itself: --audio pulse (or alsa, pipewire) takes one for other sources"
    )]
    NoCamera,
    /// None that GStreamer can find.
    #[error("there is no microphone")]
    NoMicrophone,
    /// The microphone has gone again.
    #[error("the microphone cannot be used: {0}")]
    Unusable(#[from] gst::glib::BoolError),
    /// GStreamer lacks an element, or does not understand the text.
    #[error(
        "{0} (apt install gstreamer1.0-alsa gstreamer1.0-pulseaudio gstreamer1.0-pipewire may help)"
    )]
    Build(#[from] gst::glib::Error),
}

impl AudioError {
    /// Whether nothing is wrong: a machine may be without a microphone.
    pub(crate) fn is_no_fault(&self) -> bool {
        matches!(self, Self::NoCamera | Self::NoMicrophone)
    }
}

impl FromStr for Audio {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(launch) = text.strip_prefix("gst:") {
            return Ok(Self::Launch(launch.trim().to_owned()));
        }
        let (kind, name) = match text.trim().split_once(':') {
            Some((kind, name)) => (kind, Some(name.to_owned())),
            None => (text.trim(), None),
        };
        match (kind, name) {
            (launch, _) if launch.contains('!') => Ok(Self::Launch(text.trim().to_owned())),
            ("auto", None) => Ok(Self::Auto),
            ("off", None) => Ok(Self::Off),
            ("test", None) => Ok(Self::Test),
            ("alsa", name) => Ok(Self::Alsa(name)),
            ("pulse", name) => Ok(Self::Pulse(name)),
            ("pipewire", name) => Ok(Self::PipeWire(name)),
            _ => Err(format!(
                "`{text}` is no source of sound: use auto, off, test, alsa[:DEVICE], pulse[:SOURCE], pipewire[:NODE] or gst-launch text"
            )),
        }
    }
}

impl fmt::Display for Audio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = match self {
            Self::Auto => ("auto", None),
            Self::Off => ("off", None),
            Self::Test => ("test", None),
            Self::Alsa(name) => ("alsa", name.as_ref()),
            Self::Pulse(name) => ("pulse", name.as_ref()),
            Self::PipeWire(name) => ("pipewire", name.as_ref()),
            Self::Launch(text) => ("gst", Some(text)),
        };
        match name {
            Some(name) => write!(f, "{kind}:{name}"),
            None => f.write_str(kind),
        }
    }
}

impl Audio {
    /// Whether there can ever be sound.
    pub fn is_possible_with(&self, source: &Source) -> bool {
        match self {
            Self::Off => false,
            Self::Auto => *source == Source::Auto || source.is_camera_here(),
            _ => true,
        }
    }

    /// Whether there is sound now, or will be: a source that was named is waited for.
    ///
    /// Looks for microphones where it has to, which can take a moment. GStreamer must be
    /// initialised.
    pub fn is_expected_with(&self, source: &Source) -> bool {
        match self {
            Self::Off => false,
            Self::Auto => self.find(source).is_ok(),
            _ => true,
        }
    }

    /// The element that gives the sound, and what it is called in the log. Can take a moment.
    pub(crate) fn find(&self, source: &Source) -> Result<Found, AudioError> {
        let with = |what: &str, property: &str, name: &Option<String>| match name {
            Some(name) => format!("{what} {property}={}", quoted_text(name)),
            None => what.to_owned(),
        };
        let text = match self {
            Self::Auto => return Found::microphone(source),
            Self::Off => return Err(AudioError::NoMicrophone),
            // 20 ms, as long as a packet.
            Self::Test => "audiotestsrc is-live=true wave=sine freq=440 volume=0.1 \
                           samplesperbuffer=960 ! audio/x-raw,rate=48000,channels=2"
                .to_owned(),
            Self::Alsa(name) => with("alsasrc", "device", name),
            Self::Pulse(name) => with("pulsesrc", "device", name),
            Self::PipeWire(name) => with("pipewiresrc", "target-object", name),
            Self::Launch(text) => text.clone(),
        };
        Ok(Found {
            name: match self {
                // It may hold passwords.
                Self::Launch(_) => "gst-launch text".to_owned(),
                named => named.to_string(),
            },
            // The text may end in caps, which GStreamer takes between elements only.
            element: gst::parse::bin_from_description(&format!("{text} ! queue"), true)?.upcast(),
        })
    }
}

/// A source of sound that is there.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) element: gst::Element,
}

impl Found {
    fn microphone(source: &Source) -> Result<Self, AudioError> {
        if !source.is_camera_here() {
            return Err(AudioError::NoCamera);
        }
        let microphone = Microphone::best_for(&source.resolve()).ok_or(AudioError::NoMicrophone)?;
        Ok(Self {
            element: microphone.element()?,
            name: microphone.name,
        })
    }
}

fn quoted_text(text: &str) -> String {
    // A text is UTF-8.
    quoted(text.into()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_of_sound_is_known_by_its_text() {
        let cases = [
            ("auto", Audio::Auto),
            ("off", Audio::Off),
            ("test", Audio::Test),
            ("alsa", Audio::Alsa(None)),
            ("alsa:hw:1,0", Audio::Alsa(Some("hw:1,0".into()))),
            ("pulse:mic", Audio::Pulse(Some("mic".into()))),
            ("pipewire:42", Audio::PipeWire(Some("42".into()))),
            ("gst:alsasrc", Audio::Launch("alsasrc".into())),
            ("a ! b", Audio::Launch("a ! b".into())),
        ];
        for (text, audio) in cases {
            assert_eq!(text.parse(), Ok(audio.clone()), "{text}");
            assert_eq!(audio.to_string().parse(), Ok(audio));
        }
        for text in ["", "on", "hw:1,0", "auto:x", "mic.wav"] {
            let error = text.parse::<Audio>().unwrap_err();
            assert!(error.contains("alsa[:DEVICE]"), "{error}");
        }
    }

    #[test]
    fn a_microphone_is_for_cameras_unless_it_is_asked_for() {
        gst::init().unwrap();
        for source in ["test", "clip.mp4", "screen", "gst:rtspsrc ! decodebin"] {
            let source: Source = source.parse().unwrap();
            assert!(!Audio::Auto.is_possible_with(&source), "{source}");
            assert!(!Audio::Auto.is_expected_with(&source), "{source}");
            assert!(Audio::Test.is_expected_with(&source), "{source}");
            assert!(!Audio::Off.is_possible_with(&source), "{source}");
        }
        for source in ["auto", "v4l2", "libcamera"] {
            assert!(Audio::Auto.is_possible_with(&source.parse().unwrap()));
        }
    }

    #[test]
    fn a_name_cannot_break_out_of_its_quotes() {
        gst::init().unwrap();
        let audio = Audio::Pulse(Some("x\" ! fakesink name=\"y".to_owned()));
        if let Ok(found) = audio.find(&Source::Test) {
            let bin = found.element.downcast::<gst::Bin>().unwrap();
            assert!(bin.by_name("y").is_none());
        }
    }
}
