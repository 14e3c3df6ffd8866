//! The encoder's pipeline: raw frames in, packets out to every viewer.
//!
//! ```text
//! capture ─▶ encoder ─▶ appsrc ─▶ payloader ─▶ tee ─┬▶ queue ─▶ webrtcbin   (viewer 1)
//!                                                   └▶ queue ─▶ webrtcbin   (viewer 2)
//! ```
//!
//! The encoder has a pipeline of its own, and another takes its place when it fails. There is a second
//! row of that kind, by another codec, whose encoder runs while a viewer cannot take the first. Sound
//! has a row of its own like that, to the same webrtcbins, and all are told the time by one clock.
//! Encoding and packetizing happen once for each codec; a further viewer costs encryption and sending.

mod branches;
mod failure;
mod flow;
mod input;
mod video;

pub(crate) use branches::Watching;

use std::sync::{Arc, Mutex, Weak, atomic::AtomicU64};

use gst::prelude::*;
use tokio::sync::watch;
use video::VideoTrack;

use crate::{
    audio::track::AudioTrack,
    branch::Branch,
    encoder::{Choice, EncoderError, EncoderKind, fresh_ssrc},
    format::Format,
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
    #[error("the pipeline cannot be built: {0}")]
    Build(#[from] gst::glib::Error),
    /// It does not start.
    #[error("the pipeline does not start: {0}")]
    Start(#[from] gst::StateChangeError),
    /// It stopped on its own.
    #[error("the pipeline failed: {0}")]
    Failed(String),
}

/// An encoder, one more at times, and their viewers' branches. Stops when dropped.
#[derive(Debug)]
pub struct Pipeline {
    pipeline: gst::Pipeline,
    video: VideoTrack,
    /// For viewers that cannot take the first.
    second: Option<VideoTrack>,
    audio: AudioTrack,
    frames_in: watch::Sender<u64>,
    /// Branches so far.
    adopted: AtomicU64,
    /// Whom an error message can concern. The lock guards only the list.
    branches: Mutex<Vec<Weak<Branch>>>,
    /// Why the whole of it stopped, if it did.
    failure: watch::Sender<Option<String>>,
}

impl Pipeline {
    /// Builds and starts it, with the first of these encoders that is as it should be; it idles until
    /// frames come and somebody watches. One of the second kind runs while somebody watches who
    /// cannot take what the first makes. Blocks while the encoders are tried.
    pub fn start(
        encoders: &[EncoderKind],
        second: &[EncoderKind],
        format: Format,
        kbits: u32,
    ) -> Result<Arc<Self>, PipelineError> {
        let choice = Choice::of(encoders, format, kbits)?;
        let is_other = |kind: &&EncoderKind| kind.codec != choice.kind.codec;
        let second: Vec<_> = second.iter().filter(is_other).copied().collect();
        let pipeline = gst::Pipeline::new();
        let (bounds, ssrc) = ((format, kbits), fresh_ssrc());
        let video = VideoTrack::build_in(&pipeline, choice, bounds, ssrc)?;
        // A viewer is sent one of them, so it may be the same source.
        let second = VideoTrack::build_on_demand_in(&pipeline, &second, bounds, ssrc)?;
        let audio = AudioTrack::build_in(&pipeline)?;
        pipeline.use_clock(Some(&gst::SystemClock::obtain()));
        let this = Arc::new(Self {
            pipeline,
            video,
            second,
            audio,
            frames_in: watch::Sender::new(0),
            adopted: AtomicU64::new(0),
            branches: Mutex::new(Vec::new()),
            failure: watch::Sender::new(None),
        });
        this.read_messages();
        this.pipeline.set_state(gst::State::Playing)?;
        this.audio.warm_up();
        Ok(this)
    }
}

impl Drop for Pipeline {
    fn drop(&mut self) {
        let pipeline = self.pipeline.clone();
        // A destructor may run on the executor, where whipsink must not say its goodbye.
        std::thread::spawn(move || pipeline.set_state(gst::State::Null));
    }
}
