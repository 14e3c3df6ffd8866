//! Pictures of one codec: from frames to packets, for all viewers who take it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use gst::prelude::*;

use super::PipelineError;
use crate::{
    capture_time,
    encoder::{Choice, Codec, Encoded, Encoder, EncoderError, EncoderKind},
    format::Format,
    keyframe::KeyframeRequests,
    pace::Pace,
    stream::Stream,
};

/// More than this has piled up behind the encoder only if nothing runs.
const BACKLOG: u64 = 4 << 20;

/// Payload types in every offer: the first dynamic ones. webrtcbin chooses the one by which packets
/// of the first codec are sent again.
const PAYLOAD_TYPES: [u32; 3] = [96, 97, 99];
const RETRANSMISSIONS: [u32; 3] = [101, 98, 100];

/// A codec in an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offered {
    pub(crate) codec: Codec,
    /// What is said of the packets.
    pub(super) rtp_caps: gst::Caps,
}

/// One codec's part of the pipeline.
#[derive(Debug)]
pub(crate) struct VideoTrack {
    pub(crate) codec: Codec,
    rtp_caps: gst::Caps,
    /// Which of the payload types is its.
    place: usize,
    pub(crate) tee: gst::Element,
    pub(crate) keyframe_requests: KeyframeRequests,
    format: Format,
    /// Where an encoder's work goes.
    encoded: gst_app::AppSrc,
    /// What to encode with while somebody watches. None: the encoder runs always.
    on_demand: Option<Vec<EncoderKind>>,
    /// Held while an encoder is tried and starts, by one thread that blocks.
    starting: Mutex<()>,
    /// Guards what is below, and nothing that takes time.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    watching: usize,
    running: Option<Running>,
    /// What the source has encoded like this is passed on, and nothing is encoded here.
    passed: Option<Stream>,
    /// Whether the source is to be asked for a keyframe.
    wants_keyframe: bool,
    kbits: u32,
    /// How many frames went to encoders, or past them.
    pushed: u64,
    /// What encoders made that have ended, and what was passed on.
    ended: Encoded,
}

#[derive(Debug)]
struct Running {
    encoder: Encoder,
    /// Which frames it gets; all of them, if there is none.
    pace: Option<Pace>,
}

impl VideoTrack {
    /// Adds it to the pipeline, with an encoder that runs from now on.
    pub(super) fn build_in(
        pipeline: &gst::Pipeline,
        choice: Choice,
        (format, kbits): (Format, u32),
        ssrc: u32,
    ) -> Result<Self, PipelineError> {
        let (codec, profile) = (choice.kind.codec, choice.profile.clone());
        let this = Self::build(
            pipeline,
            (codec, 0),
            (format, kbits),
            profile.as_deref(),
            ssrc,
        )?;
        let encoder = Encoder::start(choice, format, kbits, this.encoded.clone());
        this.state().running = Some(Running {
            encoder,
            pace: None,
        });
        Ok(this)
    }

    /// The same with one of these that runs while somebody watches, at this place in the offer.
    pub(super) fn build_on_demand_in(
        pipeline: &gst::Pipeline,
        (codec, place): (Codec, usize),
        encoders: &[EncoderKind],
        bounds: (Format, u32),
        ssrc: u32,
    ) -> Result<Self, PipelineError> {
        let is_here = |kind: &&EncoderKind| {
            kind.codec == codec && gst::ElementFactory::find(kind.element).is_some()
        };
        let mut this = Self::build(pipeline, (codec, place), bounds, None, ssrc)?;
        this.on_demand = Some(encoders.iter().filter(is_here).copied().collect());
        Ok(this)
    }

    fn build(
        pipeline: &gst::Pipeline,
        (codec, place): (Codec, usize),
        (format, kbits): (Format, u32),
        profile: Option<&str>,
        ssrc: u32,
    ) -> Result<Self, PipelineError> {
        let payload_type = PAYLOAD_TYPES[place];
        let payloader = codec.payloader(payload_type, ssrc)?;
        let mut rtp_caps = codec.rtp_caps(format, payload_type, profile);
        if place == 0 {
            // The offer describes the source once.
            rtp_caps.make_mut().set("ssrc", ssrc);
        }
        let encoded = gst_app::AppSrc::builder()
            .name(format!("encoded-{codec}"))
            .format(gst::Format::Time)
            .is_live(true)
            .max_bytes(BACKLOG)
            .leaky_type(gst_app::AppLeakyType::Downstream)
            .build();
        let tee = gst::ElementFactory::make("tee")
            .property("allow-not-linked", true)
            .build()?;
        let parts = [encoded.upcast_ref(), &payloader, &tee];
        pipeline.add_many(parts)?;
        gst::Element::link_many(parts)?;
        if let Some(packets) = payloader.static_pad("src") {
            capture_time::say_in(&packets, pipeline);
        }
        Ok(Self {
            codec,
            rtp_caps,
            place,
            tee,
            keyframe_requests: KeyframeRequests::new(),
            format,
            encoded,
            on_demand: None,
            starting: Mutex::new(()),
            state: Mutex::new(State {
                watching: 0,
                running: None,
                passed: None,
                wants_keyframe: false,
                kbits,
                pushed: 0,
                ended: Encoded::default(),
            }),
        })
    }

    /// One more viewer.
    pub(super) fn enter(&self) {
        self.state().watching += 1;
    }

    /// One less. After the last, an encoder that runs on demand is gone.
    pub(super) fn leave(&self) {
        let mut state = self.state();
        state.watching = state.watching.saturating_sub(1);
        let is_last = state.watching == 0 && self.on_demand.is_some();
        let ended = is_last.then(|| state.end_encoder()).flatten();
        drop(state);
        if ended.is_some() {
            tracing::info!(codec = %self.codec, "encoder: nobody takes this codec any more");
        }
    }

    /// What the source encodes like this is passed on from now on; or nothing is.
    pub(super) fn pass(&self, stream: Option<Stream>) {
        let mut state = self.state();
        let is_needless = stream.is_some() && self.on_demand.is_some();
        let ended = is_needless.then(|| state.end_encoder()).flatten();
        state.passed = stream;
        state.wants_keyframe = true;
        drop(state);
        drop(ended);
    }

    pub(super) fn passes(&self) -> bool {
        self.state().passed.is_some()
    }

    /// Whether there is an encoder, or could be one.
    pub(super) fn can_encode(&self) -> bool {
        self.on_demand
            .as_ref()
            .is_none_or(|encoders| !encoders.is_empty())
    }

    /// How offers speak of it now.
    pub(super) fn offered(&self) -> Offered {
        let caps = self.rtp_caps.clone();
        Offered {
            codec: self.codec,
            rtp_caps: match &self.state().passed {
                Some(stream) => stream.announced_in(caps),
                None => caps,
            },
        }
    }

    /// What it says of packets that are sent again (RFC 4588 section 8.1).
    pub(super) fn retransmissions(&self) -> gst::Caps {
        gst::Caps::builder("application/x-rtp")
            .field("media", "video")
            .field("clock-rate", 90_000)
            .field("encoding-name", "rtx")
            .field("payload", RETRANSMISSIONS[self.place] as i32)
            .field("apt", PAYLOAD_TYPES[self.place].to_string())
            .build()
    }

    pub(super) fn is_watched(&self) -> bool {
        self.state().watching > 0
    }

    /// Sees to it that there is an encoder. Blocks while it is tried.
    pub(super) fn start(&self) -> Result<(), EncoderError> {
        let starting = self.starting.lock();
        let _starting = starting.unwrap_or_else(PoisonError::into_inner);
        let kbits = {
            let state = self.state();
            if state.running.is_some() || state.passed.is_some() || state.watching == 0 {
                return Ok(());
            }
            state.kbits
        };
        let encoders = self.on_demand.as_deref().unwrap_or_default();
        let choice = Choice::of(encoders, self.format, kbits)?;
        let pace = Pace::new(self.format.fps, choice.frames_per_second, Instant::now());
        let encoder = Encoder::start(choice, self.format, kbits, self.encoded.clone());
        let mut state = self.state();
        // Whoever it was for may have gone, or the source does it by now.
        if state.watching > 0 && state.passed.is_none() {
            encoder.set_kbits(state.kbits);
            state.running = Some(Running {
                encoder,
                pace: Some(pace),
            });
        }
        Ok(())
    }

    /// Encodes this frame, if there is an encoder and it can keep up.
    pub(super) fn push(&self, frame: &gst::Sample, now: Instant) {
        let mut state = self.state();
        let Some(running) = &mut state.running else {
            return;
        };
        if let Some(pace) = &mut running.pace
            && !pace.takes(running.encoder.encoded(), now)
        {
            return;
        }
        if self.keyframe_requests.answer(now) {
            running.encoder.force_keyframe();
        }
        running.encoder.push(frame);
        state.pushed += 1;
    }

    /// Passes on what the source has encoded. Whether the source is to make a keyframe.
    pub(super) fn push_encoded(&self, picture: &gst::Sample, now: Instant) -> bool {
        let is_asked = self.keyframe_requests.answer(now);
        let mut state = self.state();
        state.pushed += 1;
        state.ended += Encoded {
            frames: 1,
            bytes: picture.buffer().map_or(0, gst::BufferRef::size) as u64,
            ..Encoded::default()
        };
        let _ = self.encoded.push_sample(picture);
        std::mem::take(&mut state.wants_keyframe) || is_asked
    }

    /// Makes the next frame a keyframe.
    pub(super) fn force_keyframe(&self) {
        self.keyframe_requests.settle();
        let mut state = self.state();
        state.wants_keyframe = true;
        if let Some(running) = &state.running {
            running.encoder.force_keyframe();
        }
    }

    pub(super) fn set_kbits(&self, kbits: u32) {
        let mut state = self.state();
        state.kbits = kbits;
        if let Some(running) = &state.running {
            running.encoder.set_kbits(kbits);
        }
    }

    pub(super) fn kbits(&self) -> u32 {
        self.state().kbits
    }

    /// How many frames went to its encoder.
    pub(super) fn pushed(&self) -> u64 {
        self.state().pushed
    }

    /// What has come out so far.
    pub(super) fn encoded(&self) -> Encoded {
        let state = self.state();
        let mut all = state.ended;
        if let Some(running) = &state.running {
            all += running.encoder.encoded();
        }
        all
    }

    /// Which encoder runs.
    pub(super) fn encoder(&self) -> Option<EncoderKind> {
        self.state().running.as_ref()?.encoder.running()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes it out; what it made is not forgotten.
    fn end_encoder(&mut self) -> Option<Running> {
        let ended = self.running.take()?;
        self.ended += ended.encoder.encoded();
        Some(ended)
    }
}
