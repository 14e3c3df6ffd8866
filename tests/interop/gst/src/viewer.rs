//! The two viewers: they decode what comes, and count it.

use std::sync::Arc;

use anyhow::Context;
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
    wait_through_pauses(&pipeline);
    on_pad(
        source,
        &pipeline,
        report,
        |pipeline, pad, report| match name_of(pad)?.as_str() {
            "application/x-rtp" => decode(pipeline, pad, report),
            _ => count(pipeline, pad, report),
        },
    );
    Ok(pipeline)
}

/// A publisher that pauses has lost nothing. As it comes, the jitter buffer takes a packet that is
/// not there when it expects one for lost, throws it away when it comes, and GStreamer's AV1
/// decoder then gives up for good.
fn wait_through_pauses(pipeline: &gst::Pipeline) {
    const PROPERTY: &str = "rtx-next-seqnum";
    pipeline.connect_deep_element_added(|_, _, element| {
        if element.has_property(PROPERTY) {
            element.set_property(PROPERTY, false);
        }
    });
}

/// Calls for each pad that the element comes to have; what fails is reported.
fn on_pad(
    element: &gst::Element,
    pipeline: &gst::Pipeline,
    report: &Arc<Report>,
    take: impl Fn(&gst::Pipeline, &gst::Pad, &Arc<Report>) -> anyhow::Result<()> + Send + Sync + 'static,
) {
    let (pipeline, report) = (pipeline.downgrade(), report.clone());
    element.connect_pad_added(move |_, pad| {
        let Some(pipeline) = pipeline.upgrade() else {
            return;
        };
        if let Err(error) = take(&pipeline, pad, &report) {
            report::failed(&format!("{error:#}"));
        }
    });
}

fn decode(pipeline: &gst::Pipeline, pad: &gst::Pad, report: &Arc<Report>) -> anyhow::Result<()> {
    let decoder = gst::ElementFactory::make("decodebin").build()?;
    pipeline.add(&decoder)?;
    on_pad(&decoder, pipeline, report, count);
    decoder.sync_state_with_parent()?;
    link(pad, &decoder)
}

fn count(pipeline: &gst::Pipeline, pad: &gst::Pad, report: &Arc<Report>) -> anyhow::Result<()> {
    let is_video = name_of(pad)?.starts_with("video/");
    let format = if is_video { "video" } else { "audio" };
    // A format that needs no more decoding, since `whepclientsrc` decodes what is asked for.
    let text = format!("queue ! {format}/x-raw ! fakesink name=out sync=false");
    let bin = gst::parse::bin_from_description(&text, true)?;
    let out = bin.by_name("out").context("it is named so")?;
    let out = out.static_pad("sink").context("a sink has one")?;
    if is_video {
        let report = report.clone();
        out.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
            if let Some((width, height)) = info.event().and_then(size_of) {
                report.size(width, height);
            }
            gst::PadProbeReturn::Ok
        });
    }
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
    link(pad, bin.upcast_ref())
}

/// The size of pictures that an event announces.
fn size_of(event: &gst::Event) -> Option<(i32, i32)> {
    let gst::EventView::Caps(caps) = event.view() else {
        return None;
    };
    let format = caps.caps().structure(0)?;
    Some((format.get("width").ok()?, format.get("height").ok()?))
}

fn link(pad: &gst::Pad, to: &gst::Element) -> anyhow::Result<()> {
    pad.link(&to.static_pad("sink").context("it has a sink pad")?)?;
    Ok(())
}

/// What kind of thing comes out of the pad.
fn name_of(pad: &gst::Pad) -> anyhow::Result<String> {
    let caps = pad.query_caps(None);
    let format = caps.structure(0).context("a pad without a format")?;
    Ok(format.name().to_string())
}
