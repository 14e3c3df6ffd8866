//! The encoder's pipeline: raw frames in, packets out to every viewer.
//!
//! ```text
//! capture ─▶ appsrc ─▶ encoder, payloader ─▶ tee ─┬▶ queue ─▶ webrtcbin   (viewer 1)
//!                                                 └▶ queue ─▶ webrtcbin   (viewer 2)
//! ```
//!
//! Encoding and packetizing happen once; a further viewer costs encryption and sending.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use gst::prelude::*;
use tokio::sync::watch;

use crate::{
    branch::Branch,
    encoder::{Codec, Encoder, EncoderError},
    format::Format,
    keyframe::KeyframeRequests,
};

/// Why there is no pipeline.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// No encoder.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// A part that comes with GStreamer itself is missing.
    #[error("GStreamer is incomplete: {0}")]
    Incomplete(#[from] gst::glib::BoolError),
    /// It does not start.
    #[error("the pipeline does not start: {0}")]
    Start(#[from] gst::StateChangeError),
    /// It stopped on its own.
    #[error("the pipeline failed: {0}")]
    Failed(String),
}

/// One encoder and its viewers' branches. Stops when dropped.
#[derive(Debug)]
pub struct Pipeline {
    pipeline: gst::Pipeline,
    input: gst_app::AppSrc,
    encoder: Encoder,
    tee: gst::Element,
    keyframe_requests: KeyframeRequests,
    /// Viewers that want pictures; without one nothing is encoded.
    watching: AtomicUsize,
    frames_in: watch::Sender<u64>,
    frames_encoded: AtomicU64,
    /// Whom an error message can concern. The lock guards only the list.
    branches: Mutex<Vec<Weak<Branch>>>,
    /// Why the whole of it stopped, if it did.
    failure: watch::Sender<Option<String>>,
}

impl Pipeline {
    /// Builds and starts it; it idles until frames come and somebody watches.
    pub fn start(codec: Codec, format: Format, kbits: u32) -> Result<Arc<Self>, PipelineError> {
        let encoder = Encoder::build(codec, format, kbits)?;
        let input = gst_app::AppSrc::builder()
            .name("frames")
            .format(gst::Format::Time)
            .is_live(true)
            // An encoder that cannot keep up skips frames; it must not fall behind.
            .max_buffers(2)
            .leaky_type(gst_app::AppLeakyType::Downstream)
            .build();
        let tee = gst::ElementFactory::make("tee")
            .property("allow-not-linked", true)
            .build()?;
        let pipeline = gst::Pipeline::new();
        pipeline.add_many([input.upcast_ref(), encoder.bin.upcast_ref(), &tee])?;
        gst::Element::link_many([input.upcast_ref(), encoder.bin.upcast_ref(), &tee])?;
        pipeline.use_clock(Some(&gst::SystemClock::obtain()));
        let this = Arc::new(Self {
            pipeline,
            input,
            encoder,
            tee,
            keyframe_requests: KeyframeRequests::new(),
            watching: AtomicUsize::new(0),
            frames_in: watch::Sender::new(0),
            frames_encoded: AtomicU64::new(0),
            branches: Mutex::new(Vec::new()),
            failure: watch::Sender::new(None),
        });
        this.read_messages();
        this.pipeline.set_state(gst::State::Playing)?;
        Ok(this)
    }

    /// Takes a frame that was captured at this time of the system clock.
    pub fn push(&self, frame: &gst::Sample, taken: gst::ClockTime) {
        self.frames_in.send_modify(|count| *count += 1);
        let first = self.frames_in() == 1;
        // The first frame always goes through: it makes the encoder set itself up, which the
        // first viewer then need not wait for.
        if !first && self.watching.load(Ordering::Relaxed) == 0 {
            return;
        }
        let (Some(buffer), Some(base)) = (frame.buffer_owned(), self.pipeline.base_time()) else {
            return;
        };
        let Some(pts) = taken.checked_sub(base) else {
            return;
        };
        let mut buffer = buffer;
        {
            let buffer = buffer.make_mut();
            buffer.set_pts(pts);
            buffer.set_dts(gst::ClockTime::NONE);
        }
        let mut sample = gst::Sample::builder().buffer(&buffer);
        if let Some(caps) = frame.caps_owned() {
            sample = sample.caps(&caps);
            if self.keyframe_requests.answer(Instant::now()) {
                self.encoder.force_keyframe();
            }
            let _ = self.input.push_sample(&sample.build());
            self.frames_encoded.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many frames the source has delivered.
    pub fn frames_in(&self) -> u64 {
        *self.frames_in.borrow()
    }

    /// Waits until the source has delivered so many.
    pub async fn has_taken_in(&self, frames: u64) {
        let mut count = self.frames_in.subscribe();
        // It cannot end while we have it.
        let _ = count.wait_for(|count| *count >= frames).await;
    }

    /// How many of them went to the encoder.
    pub fn frames_encoded(&self) -> u64 {
        self.frames_encoded.load(Ordering::Relaxed)
    }

    /// How many GStreamer elements there are, to see that none is left behind.
    pub fn elements(&self) -> usize {
        self.pipeline.children().len()
    }

    /// Waits until the pipeline fails. What concerns one viewer ends that viewer only.
    pub async fn failed(&self) -> PipelineError {
        let mut failure = self.failure.subscribe();
        match failure.wait_for(Option::is_some).await {
            Ok(why) => PipelineError::Failed(why.clone().unwrap_or_default()),
            Err(_) => PipelineError::Failed("it is gone".to_owned()),
        }
    }

    /// Acts on messages as they are posted and keeps none: those about a viewer's elements would
    /// keep the elements alive.
    fn read_messages(self: &Arc<Self>) {
        let this = Arc::downgrade(self);
        let Some(bus) = self.pipeline.bus() else {
            return;
        };
        bus.set_sync_handler(move |_, message| {
            if let (Some(this), gst::MessageView::Error(error)) = (this.upgrade(), message.view()) {
                this.handle_error(message.src(), &error.error().to_string());
            }
            gst::BusSyncReply::Drop
        });
    }

    fn handle_error(&self, source: Option<&gst::Object>, why: &str) {
        let concerned = self
            .branches()
            .iter()
            .filter_map(Weak::upgrade)
            .find(|branch| source.is_some_and(|source| branch.contains(source)));
        match concerned {
            Some(branch) => branch.fail(why),
            None => {
                self.failure.send_replace(Some(why.to_owned()));
            }
        }
    }

    /// What offers say of the packets.
    pub(crate) fn rtp_caps(&self) -> &gst::Caps {
        &self.encoder.rtp_caps
    }

    /// Makes the next frame a keyframe.
    pub(crate) fn force_keyframe(&self) {
        self.keyframe_requests.settle();
        self.encoder.force_keyframe();
    }

    /// Takes a viewer's elements in and starts them.
    pub(crate) fn adopt(&self, branch: &Arc<Branch>) -> Result<(), gst::glib::BoolError> {
        let mut branches = self.branches();
        branches.retain(|branch| branch.strong_count() > 0);
        branches.push(Arc::downgrade(branch));
        drop(branches);
        branch.report_keyframe_requests(self.keyframe_requests.asker());
        branch.enter(&self.pipeline)
    }

    /// From now on somebody needs pictures, until the guard is dropped.
    pub(crate) fn watch(self: &Arc<Self>) -> Watching {
        self.watching.fetch_add(1, Ordering::Relaxed);
        Watching(self.clone())
    }

    /// Opens the way for packets into this branch, beginning with a keyframe.
    pub(crate) fn connect(&self, branch: &Branch) -> Result<gst::Pad, PipelineError> {
        let pad = self
            .tee
            .request_pad_simple("src_%u")
            .ok_or_else(|| PipelineError::Failed("the tee has no pad left".to_owned()))?;
        if branch
            .entrance()
            .is_none_or(|entrance| pad.link(&entrance).is_err())
        {
            self.tee.release_request_pad(&pad);
            return Err(PipelineError::Failed(
                "a viewer cannot be linked".to_owned(),
            ));
        }
        self.force_keyframe();
        Ok(pad)
    }

    /// Closes that way again. Blocks until no packet is on it any more: not for streaming threads.
    pub(crate) fn disconnect(&self, pad: &gst::Pad) {
        let (done, is_done) = std::sync::mpsc::channel();
        // While a pad is idle nothing is being pushed through it, so it can be taken off without
        // the flow to the other viewers seeing an error.
        pad.add_probe(gst::PadProbeType::IDLE, move |pad, _| {
            if let Some(peer) = pad.peer() {
                let _ = pad.unlink(&peer);
            }
            let _ = done.send(());
            gst::PadProbeReturn::Remove
        });
        // The queue behind never blocks, so the pad is idle within one packet.
        let _ = is_done.recv_timeout(std::time::Duration::from_secs(2));
        self.tee.release_request_pad(pad);
    }

    /// Removes a viewer's elements, which have been stopped.
    pub(crate) fn release(&self, branch: &Branch) {
        branch.leave(&self.pipeline);
    }

    fn branches(&self) -> MutexGuard<'_, Vec<Weak<Branch>>> {
        self.branches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// Proof that somebody watches: as long as it exists, frames are encoded.
#[derive(Debug)]
pub(crate) struct Watching(Arc<Pipeline>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.watching.fetch_sub(1, Ordering::Relaxed);
    }
}
