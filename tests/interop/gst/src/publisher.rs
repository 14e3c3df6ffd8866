//! The two publishers: a test picture and a test tone.

use anyhow::Context;
use gst::prelude::*;

const PICTURE: &str = "videotestsrc is-live=true pattern=ball \
    ! video/x-raw,format=I420,width=640,height=360,framerate=30/1 ! queue";
const TONE: &str = "audiotestsrc is-live=true wave=ticks \
    ! audio/x-raw,rate=48000,channels=2 ! queue";

/// `whipsink` takes RTP.
pub(crate) fn whipsink(url: &str) -> anyhow::Result<gst::Pipeline> {
    let text = format!(
        "whipsink name=client \
         {PICTURE} ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=800 key-int-max=60 \
         ! video/x-h264,profile=constrained-baseline \
         ! rtph264pay config-interval=-1 aggregate-mode=zero-latency \
         ! application/x-rtp,media=video,encoding-name=H264,payload=96 ! client. \
         {TONE} ! opusenc ! rtpopuspay \
         ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! client."
    );
    let pipeline = parse(&text)?;
    client_of(&pipeline)?.set_property("whip-endpoint", url);
    Ok(pipeline)
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
