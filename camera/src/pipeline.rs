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
//!
//! What a source has encoded by itself goes past the encoder, to the appsrc of its codec's row
//! (`passing`). It is decoded, for the other rows, while somebody watches one of those.

mod branches;
mod decoding;
mod failure;
mod flow;
mod input;
mod passing;
mod video;

pub(crate) use branches::Watching;

use std::sync::{Arc, Mutex, Weak, atomic::AtomicU64};

use gst::prelude::*;
use passing::Passing;
use tokio::sync::watch;
use video::{Offered, VideoTrack};

use crate::{
    audio::track::AudioTrack,
    branch::Branch,
    encoder::{Choice, Codec, EncoderError, EncoderKind, candidates, fresh_ssrc},
    format::Format,
    stream::Stream,
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
    /// A viewer took an offer that is out of date.
    #[error("the source sends no {0} any more")]
    NotSent(Codec),
    /// It stopped on its own.
    #[error("the pipeline failed: {0}")]
    Failed(String),
}

/// Encoders, as many as are needed, and their viewers' branches. Stops when dropped.
#[derive(Debug)]
pub struct Pipeline {
    pipeline: gst::Pipeline,
    /// One for each codec, the one to prefer first.
    tracks: Vec<VideoTrack>,
    /// What offers name, the first to be preferred.
    offered: watch::Sender<Vec<Offered>>,
    passing: Passing,
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
        let mut tracks = vec![VideoTrack::build_in(&pipeline, choice, bounds, ssrc)?];
        if let Some(codec) = second.first().map(|kind| kind.codec) {
            // A viewer is sent one of them, so it may be the same source.
            let track =
                VideoTrack::build_on_demand_in(&pipeline, (codec, 1), &second, bounds, ssrc)?;
            tracks.extend(track.can_encode().then_some(track));
        }
        let passing = Passing::never(format);
        Self::build(pipeline, tracks, passing)
    }

    /// The same for a source that encodes by itself, by now like this: viewers get that as it is. It is
    /// encoded again, by what the machine has, only while somebody watches who cannot take it. With a
    /// codec, viewers are sent that one and no other.
    pub fn start_passing(
        stream: &Stream,
        codec: Option<Codec>,
        format: Format,
        kbits: u32,
    ) -> Result<Arc<Self>, PipelineError> {
        let pipeline = gst::Pipeline::new();
        let (bounds, ssrc) = ((format, kbits), fresh_ssrc());
        let codecs = match codec {
            Some(codec) => vec![codec],
            None => vec![Codec::H264, Codec::Vp8, Codec::H265],
        };
        let tracks = codecs.into_iter().enumerate().map(|(place, codec)| {
            let encoders = candidates(Some(codec), None);
            VideoTrack::build_on_demand_in(&pipeline, (codec, place), &encoders, bounds, ssrc)
        });
        let tracks = tracks.collect::<Result<_, _>>()?;
        let this = Self::build(pipeline, tracks, Passing::wanted(format))?;
        this.source_encodes(stream);
        Ok(this)
    }

    fn build(
        pipeline: gst::Pipeline,
        tracks: Vec<VideoTrack>,
        passing: Passing,
    ) -> Result<Arc<Self>, PipelineError> {
        let audio = AudioTrack::build_in(&pipeline)?;
        pipeline.use_clock(Some(&gst::SystemClock::obtain()));
        let this = Arc::new(Self {
            pipeline,
            offered: watch::Sender::new(tracks.iter().map(VideoTrack::offered).collect()),
            tracks,
            passing,
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
