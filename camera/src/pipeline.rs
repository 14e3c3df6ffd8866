//! The encoder's pipeline: raw frames in, packets out to every viewer.
//!
//! ```text
//! capture ─▶ appsrc ─▶ encoder, payloader ─▶ tee ─┬▶ queue ─▶ webrtcbin   (viewer 1)
//!                                                 └▶ queue ─▶ webrtcbin   (viewer 2)
//! ```
//!
//! Sound has a row of its own like that, to the same webrtcbins, and both are told the time by one
//! clock. Encoding and packetizing happen once; a further viewer costs encryption and sending.

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
    audio::track::AudioTrack,
    branch::{Branch, Media},
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
    /// The same, or a setting that an element refused.
    #[error("the sound's encoder cannot be built: {0}")]
    Audio(#[from] gst::glib::Error),
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
    audio: AudioTrack,
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
        let audio = AudioTrack::build_in(&pipeline)?;
        pipeline.use_clock(Some(&gst::SystemClock::obtain()));
        let this = Arc::new(Self {
            pipeline,
            input,
            encoder,
            tee,
            audio,
            keyframe_requests: KeyframeRequests::new(),
            watching: AtomicUsize::new(0),
            frames_in: watch::Sender::new(0),
            frames_encoded: AtomicU64::new(0),
            branches: Mutex::new(Vec::new()),
            failure: watch::Sender::new(None),
        });
        this.read_messages();
        this.pipeline.set_state(gst::State::Playing)?;
        this.audio.warm_up();
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
        let Some(sample) = self.timed(frame, taken) else {
            return;
        };
        if self.keyframe_requests.answer(Instant::now()) {
            self.encoder.force_keyframe();
        }
        let _ = self.input.push_sample(&sample);
        self.frames_encoded.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes sound that was captured at this time of the system clock.
    pub fn push_audio(&self, sound: &gst::Sample, taken: gst::ClockTime) {
        self.audio.blocks_in().send_modify(|count| *count += 1);
        // There is a microphone after all.
        self.offer_audio();
        if self.watching.load(Ordering::Relaxed) == 0 {
            return;
        }
        if let Some(sample) = self.timed(sound, taken) {
            self.audio.push(&sample);
        }
    }

    /// What is to be encoded, by the time of this pipeline.
    fn timed(&self, sample: &gst::Sample, taken: gst::ClockTime) -> Option<gst::Sample> {
        let pts = taken.checked_sub(self.pipeline.base_time()?)?;
        let mut buffer = sample.buffer_owned()?;
        {
            let buffer = buffer.make_mut();
            buffer.set_pts(pts);
            buffer.set_dts(gst::ClockTime::NONE);
        }
        let caps = sample.caps_owned()?;
        Some(gst::Sample::builder().caps(&caps).buffer(&buffer).build())
    }

    /// From now on offers speak of sound.
    pub fn offer_audio(&self) {
        self.audio.offer();
    }

    /// How many blocks of sound have come.
    pub fn audio_blocks_in(&self) -> u64 {
        *self.audio.blocks_in().borrow()
    }

    /// Waits until so many have.
    pub async fn has_taken_in_audio(&self, blocks: u64) {
        let mut count = self.audio.blocks_in().subscribe();
        // It cannot end while we have it.
        let _ = count.wait_for(|count| *count >= blocks).await;
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

    /// What there is to send, and what offers say of the packets of each.
    pub(crate) fn media(&self) -> Vec<(Media, &gst::Caps)> {
        let mut media = vec![(Media::Video, &self.encoder.rtp_caps)];
        if self.audio.is_offered() {
            media.push((Media::Audio, &self.audio.rtp_caps));
        }
        media
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

    /// Opens the way for packets of this kind into this branch; pictures begin with a keyframe.
    pub(crate) fn connect(&self, branch: &Branch, media: Media) -> Result<gst::Pad, PipelineError> {
        let tee = match media {
            Media::Video => &self.tee,
            Media::Audio => &self.audio.tee,
        };
        let pad = tee
            .request_pad_simple("src_%u")
            .ok_or_else(|| PipelineError::Failed("the tee has no pad left".to_owned()))?;
        if branch
            .entrance(media)
            .is_none_or(|entrance| pad.link(&entrance).is_err())
        {
            tee.release_request_pad(&pad);
            return Err(PipelineError::Failed(
                "a viewer cannot be linked".to_owned(),
            ));
        }
        match media {
            Media::Video => self.force_keyframe(),
            Media::Audio => self.announce_audio(&pad),
        }
        Ok(pad)
    }

    /// Has the form of the packets go ahead of them: it would wait for the first one, and `whipsink`
    /// for it, with the picture.
    fn announce_audio(&self, pad: &gst::Pad) {
        if let Some(now) = self.pipeline.current_running_time() {
            pad.push_event(gst::event::Gap::new(now, gst::ClockTime::NONE));
        }
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
        if let Some(tee) = pad.parent_element() {
            tee.release_request_pad(pad);
        }
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
