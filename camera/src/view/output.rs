//! Where the picture goes: a window, a file or a pipe.

use std::{path::PathBuf, str::FromStr, sync::Mutex};

use tokio::sync::watch;

use super::{
    codecs::{Codecs, Kind},
    flow::Flow,
    recording::{Recording, Target},
    timeline::Timeline,
    window::Window,
};
use crate::branch::Media;

/// What to do with what comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Show it in a window, and play its sound.
    Window,
    /// Keep it in a file.
    File(PathBuf, Container),
    /// Write it to standard output, as Matroska.
    Pipe,
}

/// How a file holds what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// ISO base media, in fragments until it is finished.
    Mp4,
    /// Matroska, which holds everything.
    Mkv,
    /// WebM: VP8, VP9 and AV1 with Opus.
    Webm,
}

impl Container {
    /// GStreamer's element, as it is to be used.
    pub(super) fn muxer(self) -> &'static str {
        match self {
            // What was written can be played, even if the end of it is missing.
            Self::Mp4 => "mp4mux fragment-duration=1000 fragment-mode=first-moov-then-finalise",
            Self::Mkv => "matroskamux offset-to-zero=true",
            Self::Webm => "webmmux offset-to-zero=true",
        }
    }

    /// Whether it can hold this.
    fn takes(self, kind: &Kind) -> bool {
        // GStreamer 1.22's mp4mux ends the process where VP9 does not say how its colours lie.
        if self == Self::Mp4 && kind.encoding == "VP9" {
            return false;
        }
        let element = self.muxer().split(' ').next().unwrap_or_default();
        let caps = gst::Caps::new_empty_simple(kind.media_type);
        let factory = gst::ElementFactory::find(element);
        factory.is_some_and(|factory| {
            let mut templates = factory.static_pad_templates().into_iter();
            templates.any(|it| {
                it.direction() == gst::PadDirection::Sink && it.caps().can_intersect(&caps)
            })
        })
    }
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "-" {
            return Ok(Self::Pipe);
        }
        let path = PathBuf::from(text);
        let extension = path.extension().and_then(|extension| extension.to_str());
        let container = match extension.map(str::to_ascii_lowercase).as_deref() {
            Some("mp4") => Container::Mp4,
            Some("mkv") => Container::Mkv,
            Some("webm") => Container::Webm,
            _ => {
                return Err(format!(
                    "`{text}`: use a file that ends in .mp4, .mkv or .webm, or - for a pipe"
                ));
            }
        };
        Ok(Self::File(path, container))
    }
}

/// A picture or a piece of sound, as it was encoded.
#[derive(Debug, Clone)]
pub(crate) struct Packet {
    pub(super) kind: &'static Kind,
    pub(super) caps: gst::Caps,
    pub(super) buffer: gst::Buffer,
    /// When it is to be seen or heard, on the timeline.
    pub(super) at: gst::ClockTime,
}

impl Packet {
    pub(crate) fn of(kind: &'static Kind, sample: &gst::Sample) -> Option<Self> {
        let buffer = sample.buffer_owned()?;
        let pts = buffer.pts()?;
        let segment = sample.segment();
        let segment = segment.and_then(|it| it.downcast_ref::<gst::ClockTime>());
        Some(Self {
            kind,
            caps: sample.caps_owned()?,
            at: segment.map_or(Some(pts), |it| it.to_running_time(pts))?,
            buffer,
        })
    }

    pub(super) fn media(&self) -> Media {
        self.kind.media
    }

    /// Whether it needs no other.
    pub(super) fn is_key(&self) -> bool {
        !self.buffer.flags().contains(gst::BufferFlags::DELTA_UNIT)
    }
}

/// How an output ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OutputEnd {
    /// Somebody has closed the window, or the other end of the pipe.
    Closed(&'static str),
    /// It cannot go on.
    Failed(String),
}

/// Takes what comes, session after session.
#[derive(Debug)]
pub(crate) struct Output {
    inner: Inner,
    codecs: Codecs,
    pub(super) flow: Flow,
    end: watch::Sender<Option<OutputEnd>>,
}

#[derive(Debug)]
enum Inner {
    Window(Window),
    /// The lock guards what is written at the moment.
    Recording(Mutex<Recording>),
}

impl Output {
    /// Opens it: nothing is shown or written before something comes.
    pub(crate) fn open(destination: &Destination, timeline: &Timeline) -> anyhow::Result<Self> {
        let (end, _) = watch::channel(None);
        let recording = |target| Inner::Recording(Mutex::new(Recording::new(target, end.clone())));
        let (inner, codecs) = match destination {
            Destination::Window => (
                Inner::Window(Window::open(timeline, end.clone())?),
                Codecs::decodable(),
            ),
            Destination::File(path, container) => {
                let target = Target::file(path, *container)?;
                let container = *container;
                (
                    recording(target),
                    Codecs::that(|kind| container.takes(kind)),
                )
            }
            Destination::Pipe => (
                recording(Target::Pipe),
                Codecs::that(|kind| Container::Mkv.takes(kind)),
            ),
        };
        Ok(Self {
            inner,
            codecs,
            flow: Flow::default(),
            end,
        })
    }

    /// What it takes.
    pub(crate) fn codecs(&self) -> &Codecs {
        &self.codecs
    }

    /// For how long packets that are late or lost are waited for: a window is to be soon, a file
    /// whole.
    pub(crate) fn jitter_buffer(&self) -> gst::ClockTime {
        match self.inner {
            Inner::Window(_) => gst::ClockTime::from_mseconds(150),
            Inner::Recording(_) => gst::ClockTime::from_mseconds(500),
        }
    }

    /// Takes one packet.
    pub(crate) fn take(&self, packet: Packet) {
        self.flow.note(&packet);
        match &self.inner {
            Inner::Window(window) => window.take(&packet),
            Inner::Recording(recording) => {
                if let Ok(mut recording) = recording.lock() {
                    recording.take(packet);
                }
            }
        }
    }

    /// What comes from now on is of another session.
    pub(crate) fn begin_session(&self) {
        self.flow.begin();
        if let Inner::Recording(recording) = &self.inner
            && let Ok(mut recording) = recording.lock()
        {
            recording.begin_session();
        }
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(&self) -> OutputEnd {
        let mut end = self.end.subscribe();
        let ended = end.wait_for(Option::is_some).await;
        let ended = ended.ok().and_then(|end| end.clone());
        ended.unwrap_or_else(|| OutputEnd::Failed("it is gone".to_owned()))
    }

    /// Finishes what was begun. Blocks until a file is whole.
    pub(crate) fn close(&self) {
        match &self.inner {
            Inner::Window(window) => window.close(),
            Inner::Recording(recording) => {
                if let Ok(mut recording) = recording.lock() {
                    recording.finish();
                }
            }
        }
    }
}
