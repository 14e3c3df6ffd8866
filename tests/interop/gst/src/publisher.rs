//! The two publishers: a test picture and a test tone.

use anyhow::{Context, bail};
use gst::{glib, prelude::*};

use crate::report;

/// The number that Linux gives it.
const SIGUSR1: i32 = 10;

const PICTURE: &str = "videotestsrc is-live=true pattern=ball \
    ! video/x-raw,format=I420,width=640,height=360,framerate=30/1 ! queue";
const TONE: &str = "audiotestsrc is-live=true wave=ticks \
    ! audio/x-raw,rate=48000,channels=2 ! queue";

/// What pictures are before the publisher is told to send smaller ones, and from then on.
const SIZES: [&str; 2] = ["width=640,height=360", "width=320,height=180"];

/// An encoder with what puts its pictures into RTP, and its name in SDP. H.264 has a keyframe
/// each two seconds, and more when they are asked for. The others have one in twenty seconds,
/// whoever asks: between them a viewer that comes can only have what the relay has kept.
fn encoder(codec: &str) -> anyhow::Result<(&'static str, &'static str)> {
    Ok(match codec {
        "h264" => (
            "x264enc name=encoder tune=zerolatency speed-preset=ultrafast bitrate=800 key-int-max=60 \
             ! video/x-h264,profile=constrained-baseline \
             ! rtph264pay config-interval=-1 aggregate-mode=zero-latency",
            "H264",
        ),
        "h265" => (
            "x265enc name=encoder tune=zerolatency speed-preset=ultrafast bitrate=800 key-int-max=600 \
             ! rtph265pay config-interval=-1 aggregate-mode=zero-latency",
            "H265",
        ),
        "vp9" => (
            "vp9enc name=encoder deadline=1 cpu-used=8 target-bitrate=800000 keyframe-max-dist=600 \
             ! rtpvp9pay picture-id-mode=15-bit",
            "VP9",
        ),
        "av1" => (
            "av1enc name=encoder usage-profile=realtime cpu-used=10 target-bitrate=800 \
             keyframe-max-dist=600 ! av1parse ! rtpav1pay",
            "AV1",
        ),
        other => bail!("no encoder for {other}"),
    })
}

/// `whipsink` takes RTP.
pub(crate) fn whipsink(url: &str, codec: &str) -> anyhow::Result<gst::Pipeline> {
    let (encoder, encoding) = encoder(codec)?;
    let text = format!(
        "whipsink name=client \
         {PICTURE} ! videoscale ! capsfilter name=size ! {encoder} \
         ! application/x-rtp,media=video,encoding-name={encoding},payload=96 ! client. \
         {TONE} ! opusenc ! rtpopuspay \
         ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! client."
    );
    let pipeline = parse(&text)?;
    client_of(&pipeline)?.set_property("whip-endpoint", url);
    if codec != "h264" {
        keep_keyframes_rare(&pipeline)?;
    }
    shrink_when_told(&pipeline)?;
    Ok(pipeline)
}

/// Nobody's requests reach the encoder, and each keyframe is told.
fn keep_keyframes_rare(pipeline: &gst::Pipeline) -> anyhow::Result<()> {
    let encoder = pipeline.by_name("encoder").context("it is named so")?;
    let out = encoder.static_pad("src").context("an encoder has one")?;
    out.add_probe(gst::PadProbeType::EVENT_UPSTREAM, |_, info| {
        let is_request = info
            .event()
            .is_some_and(|event| event.has_name("GstForceKeyUnit"));
        match is_request {
            true => gst::PadProbeReturn::Drop,
            false => gst::PadProbeReturn::Ok,
        }
    });
    out.add_probe(gst::PadProbeType::BUFFER, |_, info| {
        let buffer = info.buffer();
        if buffer.is_some_and(|buffer| !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT)) {
            report::keyframe();
        }
        gst::PadProbeReturn::Ok
    });
    Ok(())
}

/// On SIGUSR1 pictures are half as wide and half as high.
fn shrink_when_told(pipeline: &gst::Pipeline) -> anyhow::Result<()> {
    let size = pipeline.by_name("size").context("it is named so")?;
    let [large, small] = SIZES.map(|size| format!("video/x-raw,{size}"));
    size.set_property_from_str("caps", &large);
    glib_unix::unix_signal_add(SIGUSR1, move || {
        size.set_property_from_str("caps", &small);
        glib::ControlFlow::Continue
    });
    Ok(())
}

/// `whipclientsink` takes raw pictures and sound, and encodes them as the answer says.
pub(crate) fn whipclientsink(url: &str) -> anyhow::Result<gst::Pipeline> {
    let text = format!("whipclientsink name=client {PICTURE} ! client. {TONE} ! client.");
    let pipeline = parse(&text)?;
    let client = client_of(&pipeline)?;
    client.set_property("stun-server", None::<&str>);
    client
        .property::<gst::glib::Object>("signaller")
        .set_property("whip-endpoint", url);
    Ok(pipeline)
}

fn parse(text: &str) -> anyhow::Result<gst::Pipeline> {
    gst::parse::launch(text)?
        .downcast()
        .ok()
        .context("a description of several elements is a pipeline")
}

fn client_of(pipeline: &gst::Pipeline) -> anyhow::Result<gst::Element> {
    pipeline.by_name("client").context("it is named so")
}
