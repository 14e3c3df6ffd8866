//! Looks at everything now and then.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use gst::prelude::*;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, timeout},
};

use super::{
    Counts, Path, Reading, Snapshot, Traffic, Viewer,
    host::{self, Usage},
};
use crate::{branch::Branch, pipeline::Pipeline};

/// An element that is being taken apart may never say.
const READING_LIMIT: Duration = Duration::from_millis(500);

/// Takes snapshots of a pipeline.
#[derive(Debug)]
pub struct Sampler {
    pipeline: Weak<Pipeline>,
    at: Instant,
    counts: Counts,
    usage: Usage,
    traffic: [Traffic; Path::ALL.len()],
    /// Of those who are here, by their number.
    last: HashMap<u64, Reading>,
}

impl Sampler {
    /// Rates are counted from now.
    pub fn new(pipeline: &Arc<Pipeline>) -> Self {
        Self {
            pipeline: Arc::downgrade(pipeline),
            at: Instant::now(),
            counts: pipeline.counts(),
            usage: Usage::now(),
            traffic: Default::default(),
            last: HashMap::new(),
        }
    }

    /// Tells whoever listens how things are, so often, until the pipeline or all of them are gone.
    pub async fn run(mut self, period: Duration, to: watch::Sender<Arc<Snapshot>>) {
        let mut ticks = tokio::time::interval_at((Instant::now() + period).into(), period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let Some(snapshot) = self.look().await else {
                return;
            };
            if to.send(Arc::new(snapshot)).is_err() {
                return;
            }
        }
    }

    /// None once the pipeline is gone.
    pub async fn look(&mut self) -> Option<Snapshot> {
        let pipeline = self.pipeline.upgrade()?;
        let readings = join_all(pipeline.connected().into_iter().map(read)).await;
        let (at, counts, usage) = (Instant::now(), pipeline.counts(), Usage::now());
        let seconds = (at - self.at).as_secs_f64().max(0.001);
        let mut last = HashMap::new();
        let mut viewers = Vec::new();
        for (branch, reading) in readings.into_iter().flatten() {
            let number = branch.number();
            let path = branch.path(reading.is_turned);
            let before = self
                .last
                .get(&number)
                .map_or_else(Traffic::default, |last| last.traffic);
            let more = reading.traffic.since(before);
            self.traffic[path as usize] += more;
            viewers.push(Viewer {
                number,
                path,
                kbits: kbits(more.bytes, seconds),
                loss: (more.lost as f64 / more.packets.max(1) as f64).min(1.0),
                round_trip: reading.round_trip,
                keyframe_requests: reading.traffic.keyframe_requests,
            });
            last.insert(number, reading);
        }
        let frames = counts.frames_out - self.counts.frames_out;
        let encoding = counts.encoding.saturating_sub(self.counts.encoding);
        let snapshot = Snapshot {
            viewers,
            traffic: self.traffic,
            encoders: pipeline.encoders(),
            counts,
            fps_in: (counts.frames_in - self.counts.frames_in) as f64 / seconds,
            fps_out: frames as f64 / seconds,
            kbits_wanted: pipeline.kbits(),
            kbits: kbits(counts.bytes_out - self.counts.bytes_out, seconds),
            encoder_time: (frames > 0).then(|| encoding.div_f64(frames as f64)),
            cpu: usage.cores_since(&self.usage),
            cpu_time: usage.cpu,
            memory: usage.memory,
            temperature: host::temperature(),
        };
        (self.at, self.counts, self.usage, self.last) = (at, counts, usage, last);
        Some(snapshot)
    }
}

async fn read(branch: Arc<Branch>) -> Option<(Arc<Branch>, Reading)> {
    let webrtcbin = branch.webrtcbin()?;
    let (promise, reply) = gst::Promise::new_future();
    webrtcbin.emit_by_name::<()>("get-stats", &[&None::<gst::Pad>, &promise]);
    let reply = timeout(READING_LIMIT, reply).await.ok()?.ok()??;
    Some((branch, Reading::of(&reply)))
}

fn kbits(bytes: u64, seconds: f64) -> f64 {
    bytes as f64 * 8.0 / 1000.0 / seconds
}
