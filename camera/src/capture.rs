//! Runs the sources of picture and sound, for ever: loops films, restarts cameras that failed.
//!
//! Each source has a GStreamer pipeline of its own. So a camera that is unplugged, a microphone too,
//! or a film that ends, takes neither the encoder nor any viewer's connection with it.

use std::{sync::Weak, time::Duration};

use futures_util::StreamExt;
use gst::prelude::*;
use tokio::time::Instant;

use crate::{
    audio::{Audio, AudioError, track},
    backoff::Backoff,
    complaint::Complaint,
    format::Format,
    pipeline::Pipeline,
    source::{Description, Source, SourceError},
};

/// A source that has not delivered a frame for so long is hung, and is restarted.
const HUNG: Duration = Duration::from_secs(5);

/// How often to look for a microphone where there is none.
const NEXT_LOOK: Duration = Duration::from_secs(10);

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
pub async fn run(source: Source, format: Format, pipeline: Weak<Pipeline>) {
    Input::Pictures { source, format }.run(pipeline).await;
}

/// The same for sound. The pictures do not depend on it.
pub async fn run_audio(audio: Audio, source: Source, pipeline: Weak<Pipeline>) {
    if audio.is_possible_with(&source) {
        Input::Sound { audio, source }.run(pipeline).await;
    } else if audio == Audio::Auto {
        tracing::info!("no sound: {}", AudioError::NoCamera);
    }
}

/// What is captured.
enum Input {
    Pictures {
        source: Source,
        format: Format,
    },
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
            Self::Pictures { .. } => complaint.raise(error),
            Self::Sound { .. } => complaint.raise(&format!("no sound: {error}")),
        }
    }

    /// Plays the source once: until it ends and cannot be rewound, or fails.
    async fn play(&self, pipeline: &Weak<Pipeline>) -> Result<(), CaptureError> {
        let mut name = None;
        let mut capture = match self {
            Self::Pictures { source, format } => {
                tracing::debug!(source = %source.resolve().name(), "source starts");
                Capture::of_pictures(&source.describe(*format)?, *format, pipeline.clone())?
            }
            Self::Sound { audio, source } => {
                let (audio, source) = (audio.clone(), source.clone());
                let found = tokio::task::spawn_blocking(move || audio.find(&source)).await;
                let found = found.map_err(|error| CaptureError::Failed(error.to_string()))??;
                name = Some(found.name);
                Capture::of_sound(found.element, pipeline.clone())?
            }
        };
        capture.set_state(gst::State::Paused).await?;
        if let Some(from) = name {
            tracing::info!(from, "sound");
        }
        let Some(bus) = capture.pipeline.bus() else {
            return Ok(());
        };
        let mut messages = bus.stream();
        let mut watchdog = tokio::time::interval(HUNG);
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
                    let seen = self.delivered_to(&pipeline);
                    if last_seen.replace(seen) == Some(seen) {
                        return Err(CaptureError::Hung);
                    }
                }
            }
        }
    }

    /// How much has come of it so far.
    fn delivered_to(&self, pipeline: &Pipeline) -> u64 {
        match self {
            Self::Pictures { .. } => pipeline.frames_in(),
            Self::Sound { .. } => pipeline.audio_blocks_in(),
        }
    }
}

#[derive(PartialEq, Eq)]
enum Playback {
    Continues,
    Over,
}

/// A running source; stops when dropped.
struct Capture {
    pipeline: gst::Pipeline,
    looped: bool,
    /// Whether its first frame has been there.
    ready: bool,
}

impl Capture {
    fn of_pictures(
        description: &Description,
        format: Format,
        to: Weak<Pipeline>,
    ) -> Result<Self, CaptureError> {
        let Format { size, fps } = format;
        let text = format!(
            "{} ! videorate ! videoconvertscale add-borders=true ! capsfilter \
             caps=\"video/x-raw,format=I420,width={},height={},framerate={fps}/1,\
             pixel-aspect-ratio=1/1,interlace-mode=progressive\" ! appsink name=out",
            description.text, size.width, size.height
        );
        let built = gst::parse::launch(&text).map_err(CaptureError::Build)?;
        let pipeline = built
            .downcast::<gst::Pipeline>()
            .map_err(|_| CaptureError::Failed("the text makes no pipeline".to_owned()))?;
        let out = Self::output_of(&pipeline)?;
        out.set_sync(description.paced);
        out.set_max_buffers(2);
        let this = Self::of(pipeline, description.looped);
        hand_over(&out, to, Pipeline::push);
        Ok(this)
    }

    fn of_sound(source: gst::Element, to: Weak<Pipeline>) -> Result<Self, CaptureError> {
        let text = format!(
            "audioconvert ! audioresample ! capsfilter caps=\"{}\" ! appsink name=out",
            track::RAW
        );
        let samples = gst::parse::bin_from_description(&text, true).map_err(CaptureError::Build)?;
        let pipeline = gst::Pipeline::new();
        let joined = pipeline
            .add_many([&source, samples.upcast_ref()])
            .and_then(|()| source.link(&samples));
        joined.map_err(|error| CaptureError::Failed(error.to_string()))?;
        let out = Self::output_of(&pipeline)?;
        // A recording would come as fast as it can be read; to what is live it does no harm.
        out.set_sync(true);
        out.set_max_buffers(10);
        let this = Self::of(pipeline, true);
        hand_over(&out, to, Pipeline::push_audio);
        Ok(this)
    }

    fn output_of(pipeline: &gst::Pipeline) -> Result<gst_app::AppSink, CaptureError> {
        let out = pipeline.by_name("out");
        out.and_then(|out| out.downcast::<gst_app::AppSink>().ok())
            .ok_or_else(|| CaptureError::Failed("another element is called `out`".to_owned()))
    }

    fn of(pipeline: gst::Pipeline, looped: bool) -> Self {
        // The clock that the encoder's pipeline runs by too, so that times can be compared.
        pipeline.use_clock(Some(&gst::SystemClock::obtain()));
        Self {
            pipeline,
            looped,
            ready: false,
        }
    }

    /// Opening a device can take a while, so not on the executor.
    async fn set_state(&self, state: gst::State) -> Result<(), CaptureError> {
        let pipeline = self.pipeline.clone();
        let change = tokio::task::spawn_blocking(move || pipeline.set_state(state)).await;
        match change {
            Ok(Ok(gst::StateChangeSuccess::NoPreroll)) if state == gst::State::Paused => {
                // A live source has nothing to show before it plays.
                Box::pin(self.set_state(gst::State::Playing)).await
            }
            Ok(Ok(_)) => Ok(()),
            // The bus has the reason, in words.
            _ => Err(self.reason()),
        }
    }

    fn reason(&self) -> CaptureError {
        let message = self.pipeline.bus().and_then(|bus| {
            bus.timed_pop_filtered(gst::ClockTime::ZERO, &[gst::MessageType::Error])
        });
        match message.as_ref().map(|message| message.view()) {
            Some(gst::MessageView::Error(error)) => failure(error),
            _ => CaptureError::Failed("it does not start; is it connected, and free?".to_owned()),
        }
    }

    async fn handle(&mut self, message: &gst::Message) -> Result<Playback, CaptureError> {
        use gst::MessageView;
        match message.view() {
            MessageView::Error(error) => return Err(failure(error)),
            MessageView::AsyncDone(_) if !self.ready => {
                self.ready = true;
                if self.looped {
                    // From the first run on as a segment: its end is a message instead of EOS,
                    // and the next run follows without a gap.
                    let _ = self
                        .rewind(gst::SeekFlags::FLUSH | gst::SeekFlags::SEGMENT)
                        .await;
                }
                self.set_state(gst::State::Playing).await?;
            }
            MessageView::SegmentDone(_) => return Ok(self.again(gst::SeekFlags::SEGMENT).await),
            // Some demuxers know no segments.
            MessageView::Eos(_) => return Ok(self.again(gst::SeekFlags::FLUSH).await),
            _ => {}
        }
        Ok(Playback::Continues)
    }

    async fn again(&self, flags: gst::SeekFlags) -> Playback {
        match self.rewind(flags).await {
            true => Playback::Continues,
            false => Playback::Over,
        }
    }

    /// Whether the source went back to its beginning.
    async fn rewind(&self, flags: gst::SeekFlags) -> bool {
        let pipeline = self.pipeline.clone();
        let seek = move || pipeline.seek_simple(flags, gst::ClockTime::ZERO);
        matches!(tokio::task::spawn_blocking(seek).await, Ok(Ok(())))
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let pipeline = self.pipeline.clone();
        // Closing a device can take a while, and a destructor may run on the executor.
        std::thread::spawn(move || pipeline.set_state(gst::State::Null));
    }
}

/// Gives what comes out to the encoder, with the time at which it was taken.
fn hand_over(
    out: &gst_app::AppSink,
    to: Weak<Pipeline>,
    push: fn(&Pipeline, &gst::Sample, gst::ClockTime),
) {
    // A stalled encoder costs pictures, never delay.
    out.set_drop(true);
    let new_sample = move |out: &gst_app::AppSink| {
        let sample = out.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let pipeline = to.upgrade().ok_or(gst::FlowError::Eos)?;
        let taken = || {
            let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
            let running = segment.to_running_time(sample.buffer()?.pts()?)?;
            Some(running + out.base_time()?)
        };
        if let Some(taken) = taken() {
            push(&pipeline, &sample, taken);
        }
        Ok(gst::FlowSuccess::Ok)
    };
    let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(new_sample);
    out.set_callbacks(callbacks.build());
}

fn failure(error: &gst::message::Error) -> CaptureError {
    let text = error.error().to_string();
    CaptureError::Failed(match error.error().kind::<gst::CoreError>() {
        Some(gst::CoreError::MissingPlugin) => {
            format!("{text} (apt install gstreamer1.0-libav gstreamer1.0-plugins-bad may help)")
        }
        _ => text,
    })
}
