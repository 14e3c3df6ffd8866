//! The two publishers: a test picture and a test tone.

use std::cell::RefCell;

use anyhow::{Context, bail};
use gst::{glib, prelude::*};

use crate::{ffmpeg::Encoding, report};

/// The number that Linux gives it.
const SIGUSR1: i32 = 10;

const PICTURE: &str = "videotestsrc is-live=true pattern=ball \
    ! video/x-raw,format=I420,width=640,height=360,framerate=30/1 ! queue";
const TONE: &str = "audiotestsrc is-live=true wave=ticks \
    ! audio/x-raw,rate=48000,channels=2 ! queue";

/// What pictures are before the publisher is told to send smaller ones, and from then on.
const SIZES: [[u32; 2]; 2] = [[640, 360], [320, 180]];

/// An encoder and what puts its pictures into RTP, with its name in SDP. H.264 has a keyframe
/// each two seconds, and more when they are asked for. The others have one in twenty seconds,
/// whoever asks: between them a viewer that comes can only have what the relay has kept.
fn encoder(codec: &str) -> anyhow::Result<[&'static str; 3]> {
    Ok(match codec {
        "h264" => [
            "x264enc name=encoder tune=zerolatency speed-preset=ultrafast bitrate=800 key-int-max=60 \
             ! video/x-h264,profile=constrained-baseline",
            "rtph264pay config-interval=-1 aggregate-mode=zero-latency",
            "H264",
        ],
        "h265" => [
            "x265enc name=encoder tune=zerolatency speed-preset=ultrafast bitrate=800 key-int-max=600",
            "rtph265pay config-interval=-1 aggregate-mode=zero-latency",
            "H265",
        ],
        "vp9" => [
            "vp9enc name=encoder deadline=1 cpu-used=8 target-bitrate=800000 keyframe-max-dist=600",
            "rtpvp9pay picture-id-mode=15-bit",
            "VP9",
        ],
        "av1" => [
            "av1enc name=encoder usage-profile=realtime cpu-used=10 target-bitrate=800 \
             keyframe-max-dist=600",
            "av1parse ! rtpav1pay",
            "AV1",
        ],
        other => bail!("no encoder for {other}"),
    })
}

/// GStreamer's own encoder before `whipsink`, which takes RTP.
pub(crate) fn whipsink(url: &str, codec: &str) -> anyhow::Result<gst::Pipeline> {
    let [encoder, payloader, encoding] = encoder(codec)?;
    let pictures = format!("{PICTURE} ! videoscale ! capsfilter name=size ! {encoder}");
    let pipeline = sink(url, &pictures, payloader, encoding)?;
    if codec != "h264" {
        keep_keyframes_rare(&pipeline)?;
    }
    let size = pipeline.by_name("size").context("it is named so")?;
    let [large, small] =
        SIZES.map(|[width, height]| format!("video/x-raw,width={width},height={height}"));
    size.set_property_from_str("caps", &large);
    when_told_to_shrink(move || size.set_property_from_str("caps", &small));
    Ok(pipeline)
}

/// FFmpeg before `whipsink`. Its encoders cannot change the size: another one takes over.
pub(crate) fn whipsink_of_ffmpeg(
    url: &str,
    codec: &str,
    ffmpeg: &str,
) -> anyhow::Result<gst::Pipeline> {
    let [_, payloader, encoding] = encoder(codec)?;
    let pictures = "appsrc name=encoder is-live=true do-timestamp=true format=time";
    let pipeline = sink(url, pictures, payloader, encoding)?;
    keep_keyframes_rare(&pipeline)?;
    let pictures: gst_app::AppSrc = pipeline
        .by_name("encoder")
        .and_then(|element| element.downcast().ok())
        .context("it is named so")?;
    let [large, small] = SIZES;
    let encoding = RefCell::new(Some(Encoding::start(ffmpeg, codec, large, &pictures)?));
    let (ffmpeg, codec) = (ffmpeg.to_owned(), codec.to_owned());
    when_told_to_shrink(move || {
        encoding.take();
        match Encoding::start(&ffmpeg, &codec, small, &pictures) {
            Ok(smaller) => *encoding.borrow_mut() = Some(smaller),
            Err(error) => report::failed(&format!("{error:#}")),
        }
    });
    Ok(pipeline)
}

fn sink(
    url: &str,
    pictures: &str,
    payloader: &str,
    encoding: &str,
) -> anyhow::Result<gst::Pipeline> {
    let pipeline = parse(&format!(
        "whipsink name=client \
         {pictures} ! {payloader} \
         ! application/x-rtp,media=video,encoding-name={encoding},payload=96 ! client. \
         {TONE} ! opusenc ! rtpopuspay \
         ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! client."
    ))?;
    client_of(&pipeline)?.set_property("whip-endpoint", url);
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

/// On SIGUSR1 pictures are to be half as wide and half as high.
fn when_told_to_shrink(shrink: impl Fn() + 'static) {
    glib_unix::unix_signal_add_local(SIGUSR1, move || {
        shrink();
        glib::ControlFlow::Continue
    });
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
