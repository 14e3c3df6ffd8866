//! Runs the sources of picture and sound, for ever: loops films, restarts cameras that failed.
//!
//! Each source has a GStreamer pipeline of its own. So a camera that is unplugged, a microphone too,
//! or a film that ends, takes neither the encoder nor any viewer's connection with it.

mod network;
mod playback;
mod reordering;
mod webcam;

use std::{sync::Weak, time::Duration};

use futures_util::StreamExt;
use gst::prelude::*;
use tokio::time::{Instant, MissedTickBehavior};

use crate::{
    audio::{Audio, AudioError, Found},
    backoff::Backoff,
    complaint::Complaint,
    format::Format,
    pipeline::Pipeline,
    rtsp::RtspUrl,
    source::{Source, SourceError},
    stream::Stream,
};
use network::NetworkCamera;
pub(crate) use playback::raw_pictures;
use playback::{Capture, Playback};

/// A source that has not delivered a frame for so long is hung, and is restarted.
const HUNG: Duration = Duration::from_secs(5);

/// How often to look for a microphone where there is none.
const NEXT_LOOK: Duration = Duration::from_secs(3);

/// Why the source stopped.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// It cannot be used here.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// There is no sound.
    #[error(transparent)]
    Audio(#[from] AudioError),
    /// GStreamer does not understand the text, or lacks an element.
    #[error("cannot build the source: {0}")]
    Build(gst::glib::Error),
    /// GStreamer's own words, with its hint where it has one.
    #[error("the source failed: {0}")]
    Failed(String),
    /// Nothing came for some seconds.
    #[error("the source delivers nothing")]
    Hung,
}

/// Feeds the encoder from the source until the pipeline is gone.
///
/// A network camera's sound is in the same session as its pictures, and is what `auto` takes.
pub async fn run(source: Source, audio: Audio, format: Format, pipeline: Weak<Pipeline>) {
    let input = match source {
        Source::Rtsp(url) => Input::Network(NetworkCamera {
            url,
            with_sound: audio == Audio::Auto,
        }),
        source => Input::Pictures { source, format },
    };
    input.run(pipeline).await;
}

/// Waits for a network camera and asks it what it has.
pub async fn find(camera: &RtspUrl) -> Stream {
    let mut backoff = Backoff::new();
    let mut complaint = Complaint::default();
    loop {
        match network::describe(camera).await {
            Ok(stream) => return stream,
            Err(error) => complaint.raise(&error),
        }
        tokio::time::sleep(backoff.next()).await;
    }
}

/// What a webcam encodes by itself, if it does so in this format.
pub async fn find_webcam(source: Source, format: Format) -> Option<Stream> {
    let looking = tokio::task::spawn_blocking(move || webcam::stream_of(&source, format));
    looking.await.ok().flatten()
}

/// The same for sound. The pictures do not depend on it.
pub async fn run_audio(audio: Audio, source: Source, pipeline: Weak<Pipeline>) {
    if audio.is_possible_with(&source) {
        Input::Sound { audio, source }.run(pipeline).await;
    } else if audio == Audio::Auto && !matches!(source, Source::Rtsp(_)) {
        tracing::info!("no sound: {}", AudioError::NoCamera);
    }
}

/// What is captured.
enum Input {
    Pictures {
        source: Source,
        format: Format,
    },
    Network(NetworkCamera),
    /// The microphone may be that of the source of pictures.
    Sound {
        audio: Audio,
        source: Source,
    },
}

impl Input {
    async fn run(self, pipeline: Weak<Pipeline>) {
        let mut backoff = Backoff::new();
        let mut complaint = Complaint::default();
        while pipeline.strong_count() > 0 {
            let started = Instant::now();
            let ended = self.play(&pipeline).await;
            if started.elapsed() > HUNG * 2 {
                backoff.reset();
                complaint.settle();
            }
            let mut wait = backoff.next();
            match ended {
                Ok(()) => tracing::debug!("the source ended and begins anew"),
                Err(CaptureError::Audio(none)) if none.is_no_fault() => {
                    complaint.mention(&format!("no sound: {none}"));
                    wait = NEXT_LOOK;
                }
                Err(error) => self.complain(&mut complaint, &error),
            }
            tokio::time::sleep(wait).await;
        }
    }

    fn complain(&self, complaint: &mut Complaint, error: &CaptureError) {
        match self {
            Self::Pictures { .. } | Self::Network(_) => complaint.raise(error),
            Self::Sound { .. } => complaint.raise(&format!("no sound: {error}")),
        }
    }

    /// Plays the source once: until it ends and cannot be rewound, or fails.
    async fn play(&self, pipeline: &Weak<Pipeline>) -> Result<(), CaptureError> {
        let name;
        let mut capture = match self {
            Self::Pictures { source, format } => {
                name = source.resolve().name();
                tracing::debug!(source = name, "source starts");
                let description = source.describe(*format)?;
                let viewers = pipeline.upgrade().filter(|viewers| viewers.may_pass());
                let encoded = match viewers.is_some() {
                    true => find_webcam(source.clone(), *format).await,
                    false => None,
                };
                match (viewers, encoded) {
                    (Some(viewers), Some(stream)) => {
                        viewers.source_encodes(&stream);
                        webcam::start(source, *format, pipeline)?
                    }
                    (viewers, _) => {
                        // It was one that encodes when the program began.
                        viewers.iter().for_each(|viewers| viewers.source_is_raw());
                        Capture::of_pictures(&description, *format, pipeline.clone())?
                    }
                }
            }
            Self::Network(camera) => {
                name = camera.url.to_string();
                tracing::debug!(source = %camera.url, "source starts");
                camera.start(pipeline)?
            }
            Self::Sound { audio, source } => {
                let found = find_microphone(audio, source).await?;
                name = found.name;
                Capture::of_sound(found.element, pipeline.clone())?
            }
        };
        capture.set_state(gst::State::Paused).await?;
        if let Self::Sound { .. } = self {
            tracing::info!(from = name, "sound");
        }
        let Some(bus) = capture.pipeline.bus() else {
            return Ok(());
        };
        let mut messages = bus.stream();
        let mut watchdog = tokio::time::interval(HUNG);
        // A machine that slept has missed some, and nobody has delivered anything.
        watchdog.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_seen = None;
        loop {
            tokio::select! {
                message = messages.next() => match message {
                    Some(message) => if capture.handle(&message).await? == Playback::Over {
                        return Ok(());
                    },
                    None => return Ok(()),
                },
                _ = watchdog.tick() => {
                    let Some(pipeline) = pipeline.upgrade() else { return Ok(()) };
                    if self.would_not_be(&name).await {
                        tracing::info!("no longer {name}");
                        return Ok(());
                    }
                    let seen = self.delivered_to(&pipeline);
                    if last_seen.replace(seen) == Some(seen) {
                        return Err(CaptureError::Hung);
                    }
                }
            }
        }
    }

    /// Whether something else than this would be taken now: there is a camera, or the microphone of
    /// the camera, or it is gone and the sound server has put another source in its place.
    async fn would_not_be(&self, name: &str) -> bool {
        match self {
            Self::Pictures { source, .. } => {
                name == Source::Test.name() && source.resolve() != Source::Test
            }
            Self::Sound { audio, source } if *audio == Audio::Auto => {
                let found = find_microphone(audio, source).await;
                found.map_or(true, |found| found.name != name)
            }
            Self::Network(_) | Self::Sound { .. } => false,
        }
    }

    /// How much has come of it so far.
    fn delivered_to(&self, pipeline: &Pipeline) -> u64 {
        match self {
            Self::Pictures { .. } | Self::Network(_) => pipeline.frames_in(),
            Self::Sound { .. } => pipeline.audio_blocks_in(),
        }
    }
}

/// Looks for microphones where it has to, which can take a moment.
async fn find_microphone(audio: &Audio, source: &Source) -> Result<Found, CaptureError> {
    let (audio, source) = (audio.clone(), source.clone());
    let found = tokio::task::spawn_blocking(move || audio.find(&source)).await;
    Ok(found.map_err(|error| CaptureError::Failed(error.to_string()))??)
}
