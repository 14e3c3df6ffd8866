//! A source as it runs: a GStreamer pipeline of its own, from device or film to the encoder.

use std::sync::{Arc, Weak};

use gst::prelude::*;

use super::{CaptureError, network};
use crate::{audio::track, format::Format, pipeline::Pipeline, source::Description};

/// What follows a message.
#[derive(PartialEq, Eq)]
pub(super) enum Playback {
    Continues,
    Over,
}

/// A running source; stops when dropped.
pub(super) struct Capture {
    pub(super) pipeline: gst::Pipeline,
    looped: bool,
    /// Whether its first frame has been there.
    ready: bool,
}

impl Capture {
    pub(super) fn of_pictures(
        description: &Description,
        format: Format,
        to: Weak<Pipeline>,
    ) -> Result<Self, CaptureError> {
        let text = format!(
            "{} ! {} ! appsink name=out",
            description.text,
            raw_pictures(format)
        );
        let built = gst::parse::launch(&text).map_err(CaptureError::Build)?;
        let pipeline = built
            .downcast::<gst::Pipeline>()
            .map_err(|_| CaptureError::Failed("the text makes no pipeline".to_owned()))?;
        let out = Self::output_of(pipeline.upcast_ref())?;
        out.set_sync(description.paced);
        out.set_max_buffers(2);
        let this = Self::of(pipeline, description.looped);
        hand_over(&out, to, |pipeline, frame, taken| {
            pipeline.push(frame, taken)
        });
        Ok(this)
    }

    pub(super) fn of_sound(source: gst::Element, to: Weak<Pipeline>) -> Result<Self, CaptureError> {
        let text = format!("{} ! appsink name=out", track::raw_sound());
        let samples = gst::parse::bin_from_description(&text, true).map_err(CaptureError::Build)?;
        let pipeline = gst::Pipeline::new();
        let joined = pipeline
            .add_many([&source, samples.upcast_ref()])
            .and_then(|()| source.link(&samples));
        joined.map_err(|error| CaptureError::Failed(error.to_string()))?;
        let out = Self::output_of(pipeline.upcast_ref())?;
        // A recording would come as fast as it can be read; to what is live it does no harm.
        out.set_sync(true);
        out.set_max_buffers(10);
        let this = Self::of(pipeline, true);
        hand_over(&out, to, |pipeline, sound, taken| {
            pipeline.push_audio(sound, taken)
        });
        Ok(this)
    }

    pub(super) fn output_of(pipeline: &gst::Bin) -> Result<gst_app::AppSink, CaptureError> {
        let out = pipeline.by_name("out");
        out.and_then(|out| out.downcast::<gst_app::AppSink>().ok())
            .ok_or_else(|| CaptureError::Failed("another element is called `out`".to_owned()))
    }

    pub(super) fn of(pipeline: gst::Pipeline, looped: bool) -> Self {
        // The clock that the encoder's pipeline runs by too, so that times can be compared.
        pipeline.use_clock(Some(&gst::SystemClock::obtain()));
        Self {
            pipeline,
            looped,
            ready: false,
        }
    }

    /// Opening a device can take a while, so not on the executor.
    pub(super) async fn set_state(&self, state: gst::State) -> Result<(), CaptureError> {
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
            Some(gst::MessageView::Error(error)) => network::in_words(error),
            _ => CaptureError::Failed("it does not start; is it connected, and free?".to_owned()),
        }
    }

    pub(super) async fn handle(
        &mut self,
        message: &gst::Message,
    ) -> Result<Playback, CaptureError> {
        use gst::MessageView;
        match message.view() {
            MessageView::Error(error) => return Err(network::in_words(error)),
            MessageView::Warning(_) if network::is_over(message) => {
                return Err(CaptureError::Failed(network::CLOSED.to_owned()));
            }
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

/// What makes pictures as the encoder takes them, as GStreamer text.
pub(crate) fn raw_pictures(format: Format) -> String {
    let Format { size, fps } = format;
    format!(
        "videorate skip-to-first=true ! videoconvertscale add-borders=true ! capsfilter \
         caps=\"video/x-raw,format=I420,width={},height={},framerate={fps}/1,\
         pixel-aspect-ratio=1/1,interlace-mode=progressive\"",
        size.width, size.height
    )
}

/// Gives what comes out to the encoder, with the time at which it was taken.
pub(super) fn hand_over(
    out: &gst_app::AppSink,
    to: Weak<Pipeline>,
    push: impl Fn(&Arc<Pipeline>, &gst::Sample, gst::ClockTime) + Send + 'static,
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

/// Gives what the source has encoded to viewers, and asks the source for keyframes.
pub(super) fn pass_on(out: &gst_app::AppSink, to: Weak<Pipeline>) {
    let asked = out.downgrade();
    hand_over(out, to, move |pipeline, picture, taken| {
        if pipeline.push_encoded(picture, taken)
            && let Some(out) = asked.upgrade()
        {
            // rtpsession makes a PLI of it, where a network camera has said that it takes one.
            let request = gst_video::UpstreamForceKeyUnitEvent::builder();
            out.send_event(request.all_headers(true).build());
        }
    });
}

pub(super) fn failure(error: &gst::message::Error) -> CaptureError {
    let text = error.error().to_string();
    CaptureError::Failed(match error.error().kind::<gst::CoreError>() {
        Some(gst::CoreError::MissingPlugin) => {
            format!("{text} (apt install gstreamer1.0-libav gstreamer1.0-plugins-bad may help)")
        }
        _ => text,
    })
}
