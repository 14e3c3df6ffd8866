//! FFmpeg as the encoder of a pipeline.

use std::{
    os::fd::AsRawFd,
    process::{Child, ChildStdout, Command, Stdio},
};

use anyhow::{Context, bail};
use gst::prelude::*;

/// How FFmpeg encodes in that codec and writes what it has encoded, and what takes the pictures
/// out of that. Each has a keyframe in twenty seconds.
fn encoder(codec: &str) -> anyhow::Result<(&'static str, &'static str)> {
    Ok(match codec {
        "h265" => (
            "-c:v libx265 -preset ultrafast -tune zerolatency -f hevc",
            "h265parse ! video/x-h265,stream-format=byte-stream,alignment=au",
        ),
        "vp9" => (
            "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -lag-in-frames 0 -f ivf",
            "ivfparse ! vp9parse",
        ),
        "av1" => (
            "-c:v libsvtav1 -preset 12 -svtav1-params pred-struct=1:rc=2 -f ivf",
            "ivfparse ! av1parse ! video/x-av1,stream-format=obu-stream,alignment=tu",
        ),
        other => bail!("no encoder of FFmpeg's for {other}"),
    })
}

/// A test picture in real time. It ends when this is dropped.
pub(crate) struct Encoding {
    program: Child,
    /// Held open for as long as the pipeline reads from it.
    _encoded: ChildStdout,
    pipeline: gst::Pipeline,
}

impl Encoding {
    /// Its pictures come out of `pictures`, with the times at which they come.
    pub(crate) fn start(
        ffmpeg: &str,
        codec: &str,
        [width, height]: [u32; 2],
        pictures: &gst_app::AppSrc,
    ) -> anyhow::Result<Self> {
        let (encoder, parser) = encoder(codec)?;
        let mut program = Command::new(ffmpeg)
            .args("-hide_banner -loglevel error -nostdin -re -f lavfi -i".split(' '))
            .arg(format!("testsrc=size={width}x{height}:rate=30"))
            .args("-pix_fmt yuv420p -b:v 800k -g 600".split(' '))
            .args(encoder.split(' '))
            .args(["-flush_packets", "1", "pipe:1"])
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {ffmpeg}"))?;
        let encoded = program.stdout.take().context("it was piped")?;
        let pipeline: gst::Pipeline = gst::parse::launch(&format!(
            "fdsrc fd={} ! {parser} ! appsink name=pictures sync=false",
            encoded.as_raw_fd()
        ))?
        .downcast()
        .ok()
        .context("a description of several elements is a pipeline")?;
        let sink: gst_app::AppSink = pipeline
            .by_name("pictures")
            .and_then(|element| element.downcast().ok())
            .context("it is named so")?;
        let pictures = pictures.clone();
        sink.set_callbacks(
            gst_app::AppSinkCallbacks::builder()
                .new_sample(move |sink| {
                    let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                    let mut buffer = sample.buffer_owned().ok_or(gst::FlowError::Error)?;
                    let picture = buffer.make_mut();
                    picture.set_pts(gst::ClockTime::NONE);
                    picture.set_dts(gst::ClockTime::NONE);
                    pictures.set_caps(sample.caps_owned().as_ref());
                    pictures.push_buffer(buffer)
                })
                .build(),
        );
        pipeline.set_state(gst::State::Playing)?;
        Ok(Self {
            program,
            _encoded: encoded,
            pipeline,
        })
    }
}

impl Drop for Encoding {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}
