//! Whether sound and picture that were taken together are shown together.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use gst::prelude::*;
use sightline_camera::{encoder::EncoderKind, pipeline::Pipeline};

use crate::{
    endpoint::{Endpoint, Reply, Waiting},
    gateway::Gateway,
    peer::Peer,
    rig::{Camera, FORMAT, eventually_within},
    stand_ins::{Fault, stand_in, x264},
};

/// Once in each second of the system's clock there is light and sound, for a tenth of it.
const SECOND: u64 = 1_000_000_000;
const LASTS: u64 = SECOND / 10;

/// What gives both to a camera; ends when dropped.
struct FlashAndBeep {
    running: Vec<gst::Pipeline>,
    /// How much later than the second the last flash began, since there is no picture in between.
    late: Arc<AtomicU64>,
}

impl Drop for FlashAndBeep {
    fn drop(&mut self) {
        for pipeline in &self.running {
            let _ = pipeline.set_state(gst::State::Null);
        }
    }
}

impl FlashAndBeep {
    /// The picture comes so much later than the sound, as if its encoder took that long.
    fn start(camera: &Camera, picture_takes: gst::ClockTime) -> Self {
        let late = Arc::new(AtomicU64::new(0));
        let noted = late.clone();
        let picture = format!(
            "videotestsrc is-live=true pattern=black ! video/x-raw,format=I420,width={},height={},\
             framerate={}/1,pixel-aspect-ratio=1/1,interlace-mode=progressive ! identity name=mark \
             ! queue max-size-buffers=0 max-size-bytes=0 max-size-time=0 min-threshold-time={} \
             ! appsink name=out sync=false",
            FORMAT.size.width,
            FORMAT.size.height,
            FORMAT.fps,
            picture_takes.nseconds()
        );
        let mut was_lit = false;
        let flash = move |at: u64, picture: &mut [u8]| {
            let is_lit = at % SECOND < LASTS;
            if is_lit {
                picture.fill(235);
            }
            if is_lit && !std::mem::replace(&mut was_lit, is_lit) {
                noted.store(at % SECOND, Ordering::SeqCst);
            }
            was_lit = is_lit;
        };
        let sound = "audiotestsrc is-live=true wave=silence samplesperbuffer=960 \
            ! audio/x-raw,format=S16LE,rate=48000,channels=2,layout=interleaved \
            ! identity name=mark ! appsink name=out sync=false";
        let beep = |at: u64, samples: &mut [u8]| {
            for (number, both) in samples.chunks_exact_mut(4).enumerate() {
                let at = at + number as u64 * SECOND / 48_000;
                if at % SECOND < LASTS {
                    let amplitude = if (at / 500_000).is_multiple_of(2) {
                        12_000_i16
                    } else {
                        -12_000
                    };
                    both[..2].copy_from_slice(&amplitude.to_le_bytes());
                    both[2..].copy_from_slice(&amplitude.to_le_bytes());
                }
            }
        };
        let to = Arc::downgrade(&camera.pipeline);
        let running = vec![
            give(&picture, flash, to.clone(), Pipeline::push),
            give(sound, beep, to, Pipeline::push_audio),
        ];
        Self { running, late }
    }
}

/// Runs this, with each buffer marked by the time at which it was taken.
fn give(
    text: &str,
    mark: impl FnMut(u64, &mut [u8]) + Send + 'static,
    to: Weak<Pipeline>,
    push: fn(&Pipeline, &gst::Sample, gst::ClockTime),
) -> gst::Pipeline {
    let pipeline = gst::parse::launch(text).unwrap();
    let pipeline = pipeline.downcast::<gst::Pipeline>().unwrap();
    pipeline.use_clock(Some(&gst::SystemClock::obtain()));
    let marked = pipeline
        .by_name("mark")
        .unwrap()
        .static_pad("sink")
        .unwrap();
    let mark = std::sync::Mutex::new(mark);
    let weak = pipeline.downgrade();
    marked.add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        let base = weak.upgrade().and_then(|pipeline| pipeline.base_time());
        let Some(gst::PadProbeData::Buffer(buffer)) = &mut info.data else {
            return gst::PadProbeReturn::Ok;
        };
        let at = base.unwrap() + buffer.pts().unwrap();
        let mut map = buffer.make_mut().map_writable().unwrap();
        mark.lock().unwrap()(at.nseconds(), &mut map);
        gst::PadProbeReturn::Ok
    });
    let out = pipeline.by_name("out").unwrap();
    let out = out.downcast::<gst_app::AppSink>().unwrap();
    let new_sample = move |out: &gst_app::AppSink| {
        let sample = out.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let taken = out.base_time().unwrap() + sample.buffer().unwrap().pts().unwrap();
        if let Some(pipeline) = to.upgrade() {
            push(&pipeline, &sample, taken);
        }
        Ok(gst::FlowSuccess::Ok)
    };
    let callbacks = gst_app::AppSinkCallbacks::builder().new_sample(new_sample);
    out.set_callbacks(callbacks.build());
    pipeline.set_state(gst::State::Playing).unwrap();
    pipeline
}

/// How many milliseconds each of the viewer's flashes is behind the beep that belongs to it.
fn lags(viewer: &Peer, source: &FlashAndBeep) -> Vec<f64> {
    let (flashes, beeps) = viewer.flashes_and_beeps();
    let late = source.late.load(Ordering::SeqCst) as f64;
    let lag = |flash: &gst::ClockTime| {
        let from = |beep: &gst::ClockTime| flash.nseconds() as f64 - beep.nseconds() as f64;
        let nearest = beeps.iter().map(from);
        let nearest = nearest.min_by(|one, other| one.abs().total_cmp(&other.abs()))?;
        Some((nearest - late) / 1e6)
    };
    flashes.iter().filter_map(lag).collect()
}

/// For five in a row, of one in a second, on a machine that loses some for want of time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for reports of both, by which the viewer knows, and for what comes after them.
async fn is_together(what: &str, viewer: &Peer, source: &FlashAndBeep) {
    let look = async || lags(viewer, source);
    let seen = eventually_within(PATIENCE, "sound and picture together", look, |lags| {
        let last = lags.iter().rev().take(5);
        last.filter(|lag| lag.abs() < 20.0).count() == 5
    });
    let seen = seen.await;
    let last: Vec<_> = seen.iter().rev().take(5).map(|lag| lag.round()).collect();
    eprintln!("lip-sync, {what}: {last:?} ms");
}

async fn is_together_directly(what: &str, encoder: EncoderKind, picture_takes: gst::ClockTime) {
    let mut endpoint = Endpoint::start().await;
    let camera = Camera::start_bare(&endpoint.url(), &[encoder]);
    let source = FlashAndBeep::start(&camera, picture_takes);
    let Waiting { offer, reply, .. } = endpoint.offer().await;
    let viewer = Peer::answering(&offer).await;
    assert!(reply.send(Reply::Answer(viewer.answer.clone())).is_ok());
    is_together(&format!("directly, {what}"), &viewer, &source).await;
}

async fn is_together_by_the_relay(what: &str, encoder: EncoderKind, picture_takes: gst::ClockTime) {
    let gateway = Gateway::start();
    let camera = Camera::start_bare(&gateway.url, &[encoder]);
    let source = FlashAndBeep::start(&camera, picture_takes);
    let viewer = Peer::watching(&gateway.whep()).await;
    is_together(&format!("by the relay, {what}"), &viewer, &source).await;
}

const LONG: gst::ClockTime = gst::ClockTime::from_mseconds(300);

#[tokio::test(flavor = "multi_thread")]
async fn sound_and_picture_are_shown_together() {
    is_together_directly("at once", x264(), gst::ClockTime::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_if_the_picture_takes_300_ms_longer() {
    is_together_directly("300 ms later", x264(), LONG).await;
}

/// The same where it is lost in the encoder itself: by ten frames.
#[tokio::test(flavor = "multi_thread")]
async fn they_are_if_the_encoder_holds_frames_back() {
    let holds_back = stand_in(Fault::FallsBehind);
    is_together_directly("encoder 333 ms behind", holds_back, gst::ClockTime::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_by_way_of_the_relay() {
    is_together_by_the_relay("at once", x264(), gst::ClockTime::ZERO).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_by_way_of_the_relay_if_the_encoder_holds_frames_back() {
    let holds_back = stand_in(Fault::FallsBehind);
    is_together_by_the_relay("encoder 333 ms behind", holds_back, gst::ClockTime::ZERO).await;
}
