//! Runs the source, for ever: loops films, restarts cameras that failed.
//!
//! The source has a GStreamer pipeline of its own. So a camera that is unplugged, or a film that
//! ends, takes neither the encoder nor any viewer's connection with it.

use std::{sync::Weak, time::Duration};

use futures_util::StreamExt;
use gst::prelude::*;
use tokio::time::Instant;

use crate::{
    backoff::Backoff,
    complaint::Complaint,
    format::Format,
    pipeline::Pipeline,
    source::{Description, Source, SourceError},
};

/// A source that has not delivered a frame for so long is hung, and is restarted.
const HUNG: Duration = Duration::from_secs(5);

/// Why the source stopped.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// It cannot be used here.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// GStreamer does not understand the text, or lacks an element.
    #[error("cannot build the source: {0}")]
    Build(gst::glib::Error),
    /// GStreamer's own words, with its hint where it has one.
    #[error("the source failed: {0}")]
    Failed(String),
    /// No frame came for some seconds.
    #[error("the source delivers no pictures")]
    Hung,
}

/// Feeds the encoder from the source until the pipeline is gone.
pub async fn run(source: Source, format: Format, pipeline: Weak<Pipeline>) {
    let mut backoff = Backoff::new();
    let mut complaint = Complaint::default();
    while pipeline.strong_count() > 0 {
        let started = Instant::now();
        match play(&source, format, &pipeline).await {
            Ok(()) => tracing::debug!("the source ended and begins anew"),
            Err(error) => complaint.raise(&error),
        }
        if started.elapsed() > HUNG * 2 {
            backoff.reset();
            complaint.settle();
        }
        tokio::time::sleep(backoff.next()).await;
    }
}

/// Plays the source once: until it ends and cannot be rewound, or fails.
async fn play(
    source: &Source,
    format: Format,
    pipeline: &Weak<Pipeline>,
) -> Result<(), CaptureError> {
    let mut capture = Capture::build(&source.describe(format)?, format, pipeline.clone())?;
    tracing::debug!(source = %source.resolve().name(), "source starts");
    capture.set_state(gst::State::Paused).await?;
    let Some(bus) = capture.pipeline.bus() else {
        return Ok(());
    };
    let mut messages = bus.stream();
    let mut watchdog = tokio::time::interval(HUNG);
    let mut frames_seen = None;
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
                let frames = pipeline.frames_in();
                if frames_seen.replace(frames) == Some(frames) {
                    return Err(CaptureError::Hung);
                }
            }
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
    fn build(
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
        let out = pipeline
            .by_name("out")
            .and_then(|out| out.downcast::<gst_app::AppSink>().ok())
            .ok_or_else(|| CaptureError::Failed("another element is called `out`".to_owned()))?;
        out.set_sync(description.paced);
        out.set_max_buffers(2);
        // A stalled encoder costs pictures, never delay.
        out.set_drop(true);
        out.set_callbacks(
            gst_app::AppSinkCallbacks::builder()
                .new_sample(move |out| hand_over(out, &to))
                .build(),
        );
        // The clock that the encoder's pipeline runs by too, so that times can be compared.
        pipeline.use_clock(Some(&gst::SystemClock::obtain()));
        Ok(Self {
            pipeline,
            looped: description.looped,
            ready: false,
        })
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
            _ => CaptureError::Failed(
                "it does not start; is the camera connected, and free?".to_owned(),
            ),
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

/// Gives one frame to the encoder, with the time at which it was taken.
fn hand_over(
    out: &gst_app::AppSink,
    to: &Weak<Pipeline>,
) -> Result<gst::FlowSuccess, gst::FlowError> {
    let sample = out.pull_sample().map_err(|_| gst::FlowError::Eos)?;
    let pipeline = to.upgrade().ok_or(gst::FlowError::Eos)?;
    let taken = || {
        let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
        let running = segment.to_running_time(sample.buffer()?.pts()?)?;
        Some(running + out.base_time()?)
    };
    if let Some(taken) = taken() {
        pipeline.push(&sample, taken);
    }
    Ok(gst::FlowSuccess::Ok)
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
