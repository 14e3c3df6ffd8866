//! Decodes what a source has encoded, in a GStreamer pipeline of its own: so that a decoder that fails
//! takes nothing else with it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use gst::prelude::*;

use crate::{capture::raw_pictures, encoder::is_keyframe, encoder::timed, format::Format};

/// More pictures than this wait only for a decoder that cannot keep up.
const ROOM: u64 = 30;

/// When one that failed is tried again.
const NEXT_TRY: Duration = Duration::from_secs(5);

/// Encoded pictures in, raw ones out. Stops when dropped.
#[derive(Debug)]
pub(super) struct Decoding {
    /// None if it cannot be built.
    running: Option<(gst::Pipeline, gst_app::AppSrc)>,
    since: Instant,
    has_failed: Arc<AtomicBool>,
    /// Nothing can be decoded before there is one.
    awaits_keyframe: bool,
    /// Whether the source was asked for one.
    has_asked: bool,
}

impl Decoding {
    /// Frames come by the time of what was put in, in this format, on a thread of its own.
    pub(super) fn start(
        format: Format,
        made: impl Fn(&gst::Sample) + Send + Sync + 'static,
    ) -> Self {
        let has_failed = Arc::new(AtomicBool::new(false));
        let failed = {
            let has_failed = has_failed.clone();
            move |why: &str| {
                if !has_failed.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        "the source's pictures cannot be decoded for viewers who cannot take them: \
                         {why} (apt install gstreamer1.0-libav may help)"
                    );
                }
            }
        };
        let running = build(format, made, failed.clone());
        let running = running.inspect_err(|error| failed(&error.to_string())).ok();
        Self {
            running,
            since: Instant::now(),
            has_failed,
            awaits_keyframe: true,
            has_asked: false,
        }
    }

    /// Decodes this. Whether the source is to make a keyframe for it.
    pub(super) fn push(&mut self, picture: &gst::Sample) -> bool {
        let Some((_, input)) = &self.running else {
            return false;
        };
        // Where pictures are left out, those that need them are of no use.
        self.awaits_keyframe |= input.current_level_buffers() >= ROOM;
        self.awaits_keyframe &= !is_keyframe(picture);
        if self.awaits_keyframe {
            return !std::mem::replace(&mut self.has_asked, true);
        }
        self.has_asked = false;
        let _ = input.push_sample(picture);
        false
    }

    /// Whether another is to be tried.
    pub(super) fn is_over(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed) && self.since.elapsed() > NEXT_TRY
    }
}

impl Drop for Decoding {
    fn drop(&mut self) {
        if let Some((pipeline, _)) = self.running.take() {
            // It may take its time to stop, and this may be a thread that must not wait.
            thread::spawn(move || pipeline.set_state(gst::State::Null));
        }
    }
}

fn build(
    format: Format,
    made: impl Fn(&gst::Sample) + Send + Sync + 'static,
    failed: impl Fn(&str) + Send + Sync + 'static,
) -> Result<(gst::Pipeline, gst_app::AppSrc), Box<dyn std::error::Error>> {
    let text = format!(
        "appsrc name=in format=time is-live=true max-bytes=0 ! decodebin ! {} \
         ! appsink name=out sync=false async=false drop=true max-buffers=2",
        raw_pictures(format)
    );
    let pipeline = gst::parse::launch(&text)?.downcast::<gst::Pipeline>();
    let pipeline = pipeline.map_err(|_| "it is no pipeline")?;
    let part = |name| pipeline.by_name(name).ok_or("a part is missing");
    let (input, output) = (part("in")?, part("out")?);
    let input = input.downcast::<gst_app::AppSrc>();
    let input = input.map_err(|_| "there is no way in")?;
    let output = output.downcast::<gst_app::AppSink>();
    let output = output.map_err(|_| "there is no way out")?;
    let new_sample = move |output: &gst_app::AppSink| {
        let sample = output.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        if let Some(sample) = timed(&sample) {
            made(&sample);
        }
        Ok(gst::FlowSuccess::Ok)
    };
    let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(new_sample);
    output.set_callbacks(callbacks.build());
    if let Some(bus) = pipeline.bus() {
        bus.set_sync_handler(move |_, message| {
            if let gst::MessageView::Error(error) = message.view() {
                failed(&error.error().to_string());
            }
            gst::BusSyncReply::Drop
        });
    }
    pipeline.set_state(gst::State::Playing)?;
    Ok((pipeline, input))
}
