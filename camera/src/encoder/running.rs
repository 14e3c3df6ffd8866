//! An encoder as it runs, in a GStreamer pipeline of its own: so that one that fails takes nothing
//! else with it.

use std::{sync::mpsc, thread, time::Duration};

use gst::{glib, prelude::*};

use super::kind::EncoderKind;
use crate::format::Format;

/// Why an encoder does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error("it cannot be built: {0}")]
    Build(#[from] glib::BoolError),
    #[error("it does not start: {0}")]
    Start(String),
    #[error("it hangs as it starts")]
    Hangs,
}

/// Chips take their time to set themselves up; longer, and they hang.
const START_LIMIT: Duration = Duration::from_secs(3);

/// Raw frames in, encoded ones out; stops when dropped.
#[derive(Debug)]
pub(super) struct Encoding {
    pub(super) kind: EncoderKind,
    format: Format,
    pipeline: gst::Pipeline,
    input: gst_app::AppSrc,
    element: gst::Element,
}

impl Encoding {
    /// Starts it, with so much room for frames before it. What it makes comes by the time of what was
    /// put in. Both functions are called on its own threads.
    pub(super) fn start(
        kind: EncoderKind,
        (format, kbits): (Format, u32),
        room: u64,
        made: impl Fn(&gst::Sample) + Send + Sync + 'static,
        failed: impl Fn(String) + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let input = gst_app::AppSrc::builder()
            .format(gst::Format::Time)
            .is_live(true)
            // An encoder that cannot keep up skips frames; it must not fall behind.
            .max_buffers(room)
            .max_bytes(0)
            .leaky_type(gst_app::AppLeakyType::Downstream)
            .build();
        let element = kind.make(format, kbits)?;
        let as_wanted = gst::ElementFactory::make("capsfilter")
            .property("caps", kind.output(format))
            .build()?;
        let output = gst_app::AppSink::builder()
            .sync(false)
            .async_(false)
            .enable_last_sample(false)
            .build();
        let new_sample = move |output: &gst_app::AppSink| {
            let sample = output.pull_sample().map_err(|_| gst::FlowError::Eos)?;
            if let Some(sample) = timed(&sample) {
                made(&sample);
            }
            Ok(gst::FlowSuccess::Ok)
        };
        let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(new_sample);
        output.set_callbacks(callbacks.build());
        let mut chain = vec![input.clone().upcast()];
        if kind.raw != "I420" {
            let raw = gst::Caps::builder("video/x-raw").field("format", kind.raw);
            chain.push(gst::ElementFactory::make("videoconvert").build()?);
            let filter = gst::ElementFactory::make("capsfilter");
            chain.push(filter.property("caps", raw.build()).build()?);
        }
        chain.extend([element.clone(), as_wanted, output.upcast()]);
        let pipeline = gst::Pipeline::new();
        pipeline.add_many(&chain)?;
        gst::Element::link_many(&chain)?;
        // From here on dropping it stops it.
        let this = Self {
            kind,
            format,
            pipeline,
            input,
            element,
        };
        if let Some(bus) = this.pipeline.bus() {
            bus.set_sync_handler(move |_, message| {
                if let gst::MessageView::Error(error) = message.view() {
                    failed(error.error().to_string());
                }
                gst::BusSyncReply::Drop
            });
        }
        // A driver that hangs must not take the camera with it.
        let (pipeline, (done, is_done)) = (this.pipeline.clone(), mpsc::channel());
        thread::spawn(move || done.send(pipeline.set_state(gst::State::Playing)));
        let started = is_done.recv_timeout(START_LIMIT);
        started
            .map_err(|_| StartError::Hangs)?
            .map_err(|error| StartError::Start(error.to_string()))?;
        Ok(this)
    }

    pub(super) fn push(&self, frame: &gst::Sample) {
        let _ = self.input.push_sample(frame);
    }

    /// Makes the next frame a keyframe. Requests that come together share one.
    pub(super) fn force_keyframe(&self) {
        let event = gst_video::UpstreamForceKeyUnitEvent::builder()
            .all_headers(true)
            .build();
        if let Some(pad) = self.element.static_pad("src") {
            pad.send_event(event);
        }
    }

    pub(super) fn set_kbits(&self, kbits: u32) {
        self.kind.set_kbits(&self.element, self.format, kbits);
    }
}

impl Drop for Encoding {
    fn drop(&mut self) {
        let pipeline = self.pipeline.clone();
        // A chip may take its time to stop, and it may be a thread of the pipeline that drops this.
        thread::spawn(move || pipeline.set_state(gst::State::Null));
    }
}

/// With the running time as its time: encoders may shift timestamps and segment together.
pub(crate) fn timed(sample: &gst::Sample) -> Option<gst::Sample> {
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    let mut buffer = sample.buffer_owned()?;
    let pts = segment.to_running_time(buffer.pts()?)?;
    {
        let buffer = buffer.make_mut();
        buffer.set_pts(pts);
        buffer.set_dts(gst::ClockTime::NONE);
    }
    let caps = sample.caps_owned()?;
    Some(gst::Sample::builder().caps(&caps).buffer(&buffer).build())
}

/// Whether others are needed to decode it.
pub(crate) fn is_keyframe(sample: &gst::Sample) -> bool {
    let delta = gst::BufferFlags::DELTA_UNIT;
    sample
        .buffer()
        .is_some_and(|buffer| !buffer.flags().contains(delta))
}
