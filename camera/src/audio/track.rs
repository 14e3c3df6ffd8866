//! From samples to packets: Opus, encoded once for all viewers.

use gst::prelude::*;
use tokio::sync::watch;

use crate::{encoder::MTU, pipeline::PipelineError};

/// Payload type of the sound in every offer, the one that browsers use.
const PAYLOAD_TYPE: i32 = 111;

/// What an encoder and its packets are made of. By a loss of 8 % libopus 1.3 spends bits on error
/// correction where it hears speech; more, and it would code music as if it were speech too
/// (`decide_fec` and the mode's choice in opus_encoder.c).
const ENCODER: &str = "opusenc name=encode bitrate=96000 bitrate-type=constrained-vbr frame-size=20 \
    inband-fec=true packet-loss-percentage=8 dtx=false audio-type=generic";

/// What the payloader says of mono is not what was offered; a decoder takes either (RFC 7587
/// section 7.1).
const AS_OFFERED: &str = "capssetter caps=\"application/x-rtp,sprop-stereo=(string)1\"";

/// What sound is like before it is encoded. Mono stays mono, and stereo stereo.
const RAW: &str = "audio/x-raw,format=S16LE,rate=48000,channels=[1,2],layout=interleaved";

/// What makes it so, as GStreamer text.
pub(crate) fn raw_sound() -> String {
    format!("audioconvert ! audioresample ! capsfilter caps=\"{RAW}\"")
}

/// More than this has piled up before the encoder only if it does not run.
const BACKLOG: gst::ClockTime = gst::ClockTime::from_mseconds(200);

/// The sound's part of the pipeline.
#[derive(Debug)]
pub(crate) struct AudioTrack {
    input: gst_app::AppSrc,
    /// For what is Opus already.
    opus: gst_app::AppSrc,
    pub(crate) tee: gst::Element,
    pub(crate) rtp_caps: gst::Caps,
    /// Whether offers speak of it.
    is_offered: watch::Sender<bool>,
    blocks_in: watch::Sender<u64>,
}

impl AudioTrack {
    /// Adds it to the pipeline.
    pub(crate) fn build_in(pipeline: &gst::Pipeline) -> Result<Self, PipelineError> {
        let ssrc = gst::glib::random_int().max(1);
        let (input, opus) = (input("sound"), input("opus"));
        let encoder = gst::parse::bin_from_description_with_name(ENCODER, true, "sound-encoder")?;
        // One of them plays at a time.
        let either = gst::ElementFactory::make("funnel").build()?;
        let text = format!(
            "rtpopuspay name=payloader pt={PAYLOAD_TYPE} mtu={MTU} ssrc={ssrc} ! {AS_OFFERED}"
        );
        let payloader = gst::parse::bin_from_description_with_name(&text, true, "sound-packets")?;
        let tee = gst::ElementFactory::make("tee")
            .property("allow-not-linked", true)
            .build()?;
        let encoded = [input.upcast_ref(), encoder.upcast_ref(), &either];
        pipeline.add_many(encoded)?;
        pipeline.add_many([opus.upcast_ref(), payloader.upcast_ref(), &tee])?;
        gst::Element::link_many(encoded)?;
        gst::Element::link_many([opus.upcast_ref(), &either, payloader.upcast_ref(), &tee])?;
        Ok(Self {
            input,
            opus,
            tee,
            rtp_caps: rtp_caps(ssrc),
            is_offered: watch::Sender::new(false),
            blocks_in: watch::Sender::new(0),
        })
    }

    /// From now on offers speak of it.
    pub(crate) fn offer(&self) {
        self.is_offered
            .send_if_modified(|is_offered| !std::mem::replace(is_offered, true));
    }

    pub(crate) fn is_offered(&self) -> bool {
        *self.is_offered.borrow()
    }

    /// Tells of the change.
    pub(crate) fn offered(&self) -> watch::Receiver<bool> {
        self.is_offered.subscribe()
    }

    /// How many blocks of samples have come.
    pub(crate) fn blocks_in(&self) -> &watch::Sender<u64> {
        &self.blocks_in
    }

    /// Encodes this.
    pub(crate) fn push(&self, sample: &gst::Sample) {
        let _ = self.input.push_sample(sample);
    }

    /// Passes this on, which is encoded.
    pub(crate) fn push_opus(&self, sample: &gst::Sample) {
        let _ = self.opus.push_sample(sample);
    }

    /// Encodes a moment of silence: so the packets' form is known before there are any, which
    /// `whipsink` waits for.
    pub(crate) fn warm_up(&self) {
        const SILENCE: usize = 48_000 / 50 * 2 * 2;
        let caps = gst::Caps::builder("audio/x-raw")
            .field("format", "S16LE")
            .field("rate", 48_000)
            .field("channels", 2)
            .field("layout", "interleaved")
            .build();
        let mut buffer = gst::Buffer::from_mut_slice(vec![0; SILENCE]);
        buffer.make_mut().set_pts(gst::ClockTime::ZERO);
        self.push(&gst::Sample::builder().caps(&caps).buffer(&buffer).build());
    }
}

fn input(name: &str) -> gst_app::AppSrc {
    gst_app::AppSrc::builder()
        .name(name)
        .format(gst::Format::Time)
        .is_live(true)
        .max_time(BACKLOG)
        .leaky_type(gst_app::AppLeakyType::Downstream)
        .build()
}

/// What an offer says of the packets (RFC 7587 section 7).
fn rtp_caps(ssrc: u32) -> gst::Caps {
    gst::Caps::builder("application/x-rtp")
        .field("media", "audio")
        .field("clock-rate", 48_000)
        .field("encoding-name", "OPUS")
        .field("encoding-params", "2")
        .field("payload", PAYLOAD_TYPE)
        .field("ssrc", ssrc)
        .field("minptime", "10")
        .field("useinbandfec", "1")
        .field("sprop-stereo", "1")
        .build()
}
