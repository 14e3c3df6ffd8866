//! One of GStreamer's WHIP or WHEP elements as a program:
//!
//! ```text
//! sightline-interop whipsink|whipclientsink|whepsrc|whepclientsrc URL [CODEC [FFMPEG]]
//! sightline-interop whepserversink URL [counter-offer]
//! ```
//!
//! `whipsink` encodes in that codec (h264, h265, vp9, av1), and makes its pictures smaller on SIGUSR1.
//! With the path of an FFmpeg, that one encodes.
//! It tells what happens as lines of JSON, and ends the friendly way on SIGTERM.

mod ffmpeg;
mod publisher;
mod report;
mod server;
mod viewer;

use std::{env, process::ExitCode, sync::Arc};

use anyhow::{Context, bail};
use gst::{glib, prelude::*};
use gst_webrtc::WebRTCPeerConnectionState;

use crate::report::Report;

/// The number that POSIX gives it.
const SIGTERM: i32 = 15;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::failed(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [element, url, more @ ..] = arguments.as_slice() else {
        bail!("usage: sightline-interop ELEMENT URL [CODEC [FFMPEG]]");
    };
    let codec = more.first().map_or("h264", String::as_str);
    gst::init()?;
    gstwebrtchttp::plugin_register_static()?;
    gstrswebrtc::plugin_register_static()?;
    gstrsrtp::plugin_register_static()?;

    let report = Arc::new(Report::default());
    let pipeline = match element.as_str() {
        "whipsink" => match more.get(1) {
            Some(ffmpeg) => publisher::whipsink_of_ffmpeg(url, codec, ffmpeg)?,
            None => publisher::whipsink(url, codec)?,
        },
        "whipclientsink" => publisher::whipclientsink(url)?,
        "whepsrc" => viewer::whepsrc(url, &report)?,
        "whepclientsrc" => viewer::whepclientsrc(url, &report)?,
        "whepserversink" => server::whepserversink(url, codec == "counter-offer")?,
        other => bail!("no element {other}"),
    };
    report_connections(&pipeline, &report);
    play(&pipeline, &report)
}

/// Every `webrtcbin`, however deep, reports that its peer is connected.
fn report_connections(pipeline: &gst::Pipeline, report: &Arc<Report>) {
    for element in pipeline.iterate_recurse().into_iter().flatten() {
        report_connection(&element, report);
    }
    let report = report.clone();
    pipeline.connect_deep_element_added(move |_, _, element| report_connection(element, &report));
}

fn report_connection(element: &gst::Element, report: &Arc<Report>) {
    let report = report.clone();
    match element.factory().map(|factory| factory.name()).as_deref() {
        Some("webrtcbin") => {}
        // It has a pipeline of its own for each session.
        Some("whipclientsink") => {
            element.connect("consumer-pipeline-created", false, move |arguments| {
                if let Some(Ok(pipeline)) = arguments.get(2).map(|value| value.get()) {
                    report_connections(&pipeline, &report);
                }
                None
            });
            return;
        }
        _ => return,
    }
    element.connect_notify(Some("connection-state"), move |webrtcbin, _| {
        let state: WebRTCPeerConnectionState = webrtcbin.property("connection-state");
        if state == WebRTCPeerConnectionState::Connected {
            report.connected();
        }
    });
}

fn play(pipeline: &gst::Pipeline, report: &Arc<Report>) -> anyhow::Result<()> {
    let over = glib::MainLoop::new(None, false);
    let stop = over.clone();
    glib_unix::unix_signal_add(SIGTERM, move || {
        stop.quit();
        glib::ControlFlow::Continue
    });
    let stop = over.clone();
    let bus = pipeline.bus().context("a pipeline has a bus")?;
    let _watch = bus.add_watch(move |_, message| {
        match message.view() {
            gst::MessageView::Error(error) => {
                let debug = error.debug().unwrap_or_default();
                report::failed(&format!("{} ({debug})", error.error()));
                stop.quit();
            }
            gst::MessageView::Eos(_) => {
                report::failed("the stream ended");
                stop.quit();
            }
            _ => {}
        }
        glib::ControlFlow::Continue
    })?;
    report.starting();
    pipeline.set_state(gst::State::Playing)?;
    over.run();
    // Down to NULL is what makes the elements DELETE their sessions.
    pipeline.set_state(gst::State::Null)?;
    Ok(())
}
