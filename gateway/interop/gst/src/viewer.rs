//! The two viewers: they decode what comes, and count it.

use std::sync::Arc;

use anyhow::{Context, bail};
use gst::prelude::*;

use crate::report::{self, Report};

/// `whepsrc` gives RTP.
pub(crate) fn whepsrc(url: &str, report: &Arc<Report>) -> anyhow::Result<gst::Pipeline> {
    let source = gst::ElementFactory::make("whepsrc")
        .property("whep-endpoint", url)
        .build()?;
    watch(&source, report)
}

/// `whepclientsrc` decodes by itself, since raw pictures and sound are asked of it.
pub(crate) fn whepclientsrc(url: &str, report: &Arc<Report>) -> anyhow::Result<gst::Pipeline> {
    let source = gst::ElementFactory::make("whepclientsrc")
        .property("stun-server", None::<&str>)
        .build()?;
    source
        .property::<gst::glib::Object>("signaller")
        .set_property("whep-endpoint", url);
    watch(&source, report)
}

fn watch(source: &gst::Element, report: &Arc<Report>) -> anyhow::Result<gst::Pipeline> {
    let pipeline = gst::Pipeline::new();
    pipeline.add(source)?;
    let (weak, report) = (pipeline.downgrade(), report.clone());
    source.connect_pad_added(move |_, pad| {
        let Some(pipeline) = weak.upgrade() else {
            return;
        };
        if let Err(error) = decode(&pipeline, pad, &report) {
            report::failed(&format!("{error:#}"));
        }
    });
    Ok(pipeline)
}

fn decode(pipeline: &gst::Pipeline, pad: &gst::Pad, report: &Arc<Report>) -> anyhow::Result<()> {
    let caps = pad.query_caps(None);
    let format = caps.structure(0).context("a pad without a format")?;
    let is_video = format.name() == "video/x-raw" || format.get::<&str>("media") == Ok("video");
    let decoder = match format.get::<&str>("encoding-name") {
        // One thread: more of them decode several frames at once, so the first comes late.
        Ok("H264") => "rtph264depay ! h264parse ! avdec_h264 max-threads=1",
        Ok("VP8") => "rtpvp8depay ! vp8dec",
        Ok("VP9") => "rtpvp9depay ! vp9dec",
        Ok("OPUS") => "rtpopusdepay ! opusdec",
        Ok(other) => bail!("no decoder for {other}"),
        Err(_) if is_video => "video/x-raw",
        Err(_) => "audio/x-raw",
    };
    let text = format!("queue ! {decoder} ! fakesink name=out sync=false");
    let bin = gst::parse::bin_from_description(&text, true)?;
    let out = bin.by_name("out").context("it is named so")?;
    let out = out.static_pad("sink").context("a sink has one")?;
    let report = report.clone();
    out.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        if is_video {
            report.picture();
        } else {
            report.sound();
        }
        gst::PadProbeReturn::Ok
    });
    pipeline.add(&bin)?;
    bin.sync_state_with_parent()?;
    let into = bin.static_pad("sink").context("the queue's")?;
    pad.link(&into)?;
    Ok(())
}
