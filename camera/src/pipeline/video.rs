//! Pictures of one codec: from frames to packets, for all viewers who take it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use gst::prelude::*;

use super::PipelineError;
use crate::{
    encoder::{Choice, Codec, Encoded, Encoder, EncoderError, EncoderKind},
    format::Format,
    keyframe::KeyframeRequests,
    pace::Pace,
};

/// More than this has piled up behind the encoder only if nothing runs.
const BACKLOG: u64 = 4 << 20;

/// Payload types in every offer: the first dynamic ones.
const FIRST_PAYLOAD_TYPE: u32 = 96;
const SECOND_PAYLOAD_TYPE: u32 = 97;
const SECOND_RETRANSMISSION: u32 = 98;

/// One codec's part of the pipeline.
#[derive(Debug)]
pub(crate) struct VideoTrack {
    pub(crate) codec: Codec,
    pub(crate) rtp_caps: gst::Caps,
    pub(crate) tee: gst::Element,
    pub(crate) keyframe_requests: KeyframeRequests,
    format: Format,
    /// Where an encoder's work goes.
    encoded: gst_app::AppSrc,
    /// What to encode with while somebody watches; where there is none, the encoder runs always.
    on_demand: Vec<EncoderKind>,
    /// Held while an encoder is tried and starts, by one thread that blocks.
    starting: Mutex<()>,
    /// Guards what is below, and nothing that takes time.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    watching: usize,
    running: Option<Running>,
    kbits: u32,
    /// How many frames went to encoders.
    pushed: u64,
    /// What encoders made that have ended.
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
        let mut rtp_caps = codec.rtp_caps(format, FIRST_PAYLOAD_TYPE, profile.as_deref());
        rtp_caps.make_mut().set("ssrc", ssrc);
        let payloader = codec.payloader(FIRST_PAYLOAD_TYPE, ssrc)?;
        let this = Self::build(pipeline, codec, (format, kbits), (payloader, rtp_caps))?;
        let encoder = Encoder::start(choice, format, kbits, this.encoded.clone());
        this.state().running = Some(Running {
            encoder,
            pace: None,
        });
        Ok(this)
    }

    /// The same with one that runs while somebody watches. None if there is none of them here.
    pub(super) fn build_on_demand_in(
        pipeline: &gst::Pipeline,
        encoders: &[EncoderKind],
        bounds: (Format, u32),
        ssrc: u32,
    ) -> Result<Option<Self>, PipelineError> {
        let is_here = |kind: &&EncoderKind| gst::ElementFactory::find(kind.element).is_some();
        let encoders: Vec<_> = encoders.iter().filter(is_here).copied().collect();
        let Some(codec) = encoders.first().map(|kind| kind.codec) else {
            return Ok(None);
        };
        // The offer describes the source once.
        let mut rtp_caps = codec.rtp_caps(bounds.0, SECOND_PAYLOAD_TYPE, None);
        // webrtcbin does this for the first by itself.
        rtp_caps.merge(retransmissions(SECOND_RETRANSMISSION, SECOND_PAYLOAD_TYPE));
        let payloader = codec.payloader(SECOND_PAYLOAD_TYPE, ssrc)?;
        let mut this = Self::build(pipeline, codec, bounds, (payloader, rtp_caps))?;
        this.on_demand = encoders;
        Ok(Some(this))
    }

    fn build(
        pipeline: &gst::Pipeline,
        codec: Codec,
        (format, kbits): (Format, u32),
        (payloader, rtp_caps): (gst::Element, gst::Caps),
    ) -> Result<Self, PipelineError> {
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
        Ok(Self {
            codec,
            rtp_caps,
            tee,
            keyframe_requests: KeyframeRequests::new(),
            format,
            encoded,
            on_demand: Vec::new(),
            starting: Mutex::new(()),
            state: Mutex::new(State {
                watching: 0,
                running: None,
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
        let ended = match state.watching == 0 && !self.on_demand.is_empty() {
            true => state.running.take(),
            false => None,
        };
        if let Some(ended) = &ended {
            state.ended += ended.encoder.encoded();
            tracing::info!(codec = %self.codec, "encoder: nobody takes this codec any more");
        }
        drop(state);
        drop(ended);
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
            if state.running.is_some() || state.watching == 0 {
                return Ok(());
            }
            state.kbits
        };
        let choice = Choice::of(&self.on_demand, self.format, kbits)?;
        let pace = Pace::new(self.format.fps, choice.frames_per_second, Instant::now());
        let encoder = Encoder::start(choice, self.format, kbits, self.encoded.clone());
        let mut state = self.state();
        // Whoever it was for may have gone.
        if state.watching > 0 {
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

    /// Makes the next frame a keyframe.
    pub(super) fn force_keyframe(&self) {
        self.keyframe_requests.settle();
        if let Some(running) = &self.state().running {
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

/// What an offer says of packets that are sent again (RFC 4588 section 8.1).
fn retransmissions(payload_type: u32, of: u32) -> gst::Caps {
    gst::Caps::builder("application/x-rtp")
        .field("media", "video")
        .field("clock-rate", 90_000)
        .field("encoding-name", "rtx")
        .field("payload", payload_type as i32)
        .field("apt", of.to_string())
        .build()
}
