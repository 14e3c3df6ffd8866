//! The encoder's pipeline: raw frames in, packets out to every viewer.
//!
//! ```text
//! capture ─▶ encoder ─▶ appsrc ─▶ payloader ─▶ tee ─┬▶ queue ─▶ webrtcbin   (viewer 1)
//!                                                   └▶ queue ─▶ webrtcbin   (viewer 2)
//! ```
//!
//! The encoder has a pipeline of its own, and another takes its place when it fails. Sound has a row of its own like that, to the same webrtcbins, and both are told the time by one
//! clock. Encoding and packetizing happen once; a further viewer costs encryption and sending.

mod branches;
mod failure;
mod input;

pub(crate) use branches::Watching;

use std::sync::{
    Arc, Mutex, Weak,
    atomic::{AtomicU64, AtomicUsize},
};

use gst::prelude::*;
use tokio::sync::watch;

use crate::{
    audio::track::AudioTrack,
    branch::Branch,
    encoder::{Choice, Encoder, EncoderError, EncoderKind, fresh_ssrc},
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
    #[error("the pipeline cannot be built: {0}")]
    Build(#[from] gst::glib::Error),
    /// It does not start.
    #[error("the pipeline does not start: {0}")]
    Start(#[from] gst::StateChangeError),
    /// It stopped on its own.
    #[error("the pipeline failed: {0}")]
    Failed(String),
}

/// More than this has piled up behind the encoder only if nothing runs.
const BACKLOG: u64 = 4 << 20;

/// One encoder and its viewers' branches. Stops when dropped.
#[derive(Debug)]
pub struct Pipeline {
    pipeline: gst::Pipeline,
    encoder: Encoder,
    rtp_caps: gst::Caps,
    tee: gst::Element,
    audio: AudioTrack,
    keyframe_requests: KeyframeRequests,
    /// Viewers that want pictures; without one nothing is encoded.
    watching: AtomicUsize,
    frames_in: watch::Sender<u64>,
    frames_encoded: AtomicU64,
    /// Branches so far.
    adopted: AtomicU64,
    /// Whom an error message can concern. The lock guards only the list.
    branches: Mutex<Vec<Weak<Branch>>>,
    /// Why the whole of it stopped, if it did.
    failure: watch::Sender<Option<String>>,
}

impl Pipeline {
    /// Builds and starts it, with the first of these encoders that is as it should be; it idles until
    /// frames come and somebody watches. Blocks while the encoders are tried.
    pub fn start(
        encoders: &[EncoderKind],
        format: Format,
        kbits: u32,
    ) -> Result<Arc<Self>, PipelineError> {
        let choice = Choice::of(encoders, format, kbits)?;
        let encoded = gst_app::AppSrc::builder()
            .name("encoded")
            .format(gst::Format::Time)
            .is_live(true)
            .max_bytes(BACKLOG)
            .leaky_type(gst_app::AppLeakyType::Downstream)
            .build();
        let ssrc = fresh_ssrc();
        let rtp_caps = choice
            .kind
            .codec
            .rtp_caps(format, ssrc, choice.profile.as_deref());
        let payloader = choice.kind.codec.payloader(ssrc)?;
        let tee = gst::ElementFactory::make("tee")
            .property("allow-not-linked", true)
            .build()?;
        let pipeline = gst::Pipeline::new();
        pipeline.add_many([encoded.upcast_ref(), &payloader, &tee])?;
        gst::Element::link_many([encoded.upcast_ref(), &payloader, &tee])?;
        let audio = AudioTrack::build_in(&pipeline)?;
        pipeline.use_clock(Some(&gst::SystemClock::obtain()));
        let this = Arc::new(Self {
            pipeline,
            encoder: Encoder::start(choice, format, kbits, encoded),
            rtp_caps,
            tee,
            audio,
            keyframe_requests: KeyframeRequests::new(),
            watching: AtomicUsize::new(0),
            frames_in: watch::Sender::new(0),
            frames_encoded: AtomicU64::new(0),
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
