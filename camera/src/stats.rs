//! How the camera is doing: for the log, the status line and Prometheus.

mod host;
mod metrics;
mod report;
mod sampler;
mod scrape;
pub mod status_line;
mod viewer;

use std::time::Duration;

pub use report::{Audience, Reports};
pub use sampler::Sampler;
pub use scrape::{ListenError, Metrics};
pub(crate) use viewer::Reading;
pub use viewer::{Path, Traffic};

/// How things were when they were last looked at, and the rates since the time before.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Whoever is connected.
    pub viewers: Vec<Viewer>,
    /// All traffic since the start, by its way, of those too who have gone.
    pub traffic: [Traffic; Path::ALL.len()],
    /// Which encoders run.
    pub encoders: Vec<crate::encoder::EncoderKind>,
    /// What has gone through since the start.
    pub counts: Counts,
    /// Pictures a second from the source.
    pub fps_in: f64,
    /// Pictures a second from the encoder.
    pub fps_out: f64,
    /// Kilobits a second that the encoders may spend.
    pub kbits_wanted: u32,
    /// Kilobits a second that they have spent.
    pub kbits: f64,
    /// From a frame's way to the encoder until it is encoded, on the average; none if none was.
    pub encoder_time: Option<Duration>,
    /// Cores that this process has kept busy: 1.0 is one of them.
    pub cpu: f64,
    /// CPU time that this process has used since its start.
    pub cpu_time: Duration,
    /// Memory of this process, in bytes.
    pub memory: u64,
    /// The hottest part of this machine, in degrees Celsius, where it says so.
    pub temperature: Option<f64>,
}

/// What has gone through the camera since its start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames that the source has delivered.
    pub frames_in: u64,
    /// Frames that were encoded.
    pub frames_out: u64,
    /// Bytes that they became.
    pub bytes_out: u64,
    /// How long that took, all together.
    pub encoding: Duration,
}

/// One viewer, or the server that is published to.
#[derive(Debug, Clone, PartialEq)]
pub struct Viewer {
    /// Tells it from the others.
    pub number: u64,
    /// How it is reached.
    pub path: Path,
    /// Kilobits a second that it is sent, of RTP.
    pub kbits: f64,
    /// How much of that did not arrive, 0 to 1.
    pub loss: f64,
    /// To it and back, by its receiver reports; none until there is one.
    pub round_trip: Option<Duration>,
    /// Keyframes that it has asked for.
    pub keyframe_requests: u64,
}

impl Snapshot {
    /// How much did not arrive, of what was sent to all, 0 to 1.
    pub fn loss(&self) -> f64 {
        let sent: f64 = self.viewers.iter().map(|viewer| viewer.kbits).sum();
        let weighted = self.viewers.iter().map(|one| one.loss * one.kbits);
        if sent > 0.0 {
            weighted.sum::<f64>() / sent
        } else {
            0.0
        }
    }

    /// That of the viewer who is farthest away.
    pub fn round_trip(&self) -> Option<Duration> {
        self.viewers.iter().filter_map(|one| one.round_trip).max()
    }

    /// How many are reached this way.
    pub fn on(&self, path: Path) -> usize {
        self.viewers.iter().filter(|one| one.path == path).count()
    }

    /// One event for the camera and one for each viewer, if there is any.
    pub fn log(&self) {
        if self.viewers.is_empty() {
            return;
        }
        tracing::info!(
            viewers = self.viewers.len(),
            fps_in = tenth(self.fps_in),
            fps_out = tenth(self.fps_out),
            kbits_wanted = self.kbits_wanted,
            kbits = self.kbits.round(),
            loss_percent = tenth(self.loss() * 100.0),
            rtt_ms = self.round_trip().map(in_ms),
            encoder_ms = self.encoder_time.map(in_ms),
            cpu_percent = tenth(self.cpu * 100.0),
            temperature = self.temperature.map(tenth),
            "statistics"
        );
        for viewer in &self.viewers {
            tracing::info!(
                viewer = viewer.number,
                path = viewer.path.name(),
                kbits = viewer.kbits.round(),
                loss_percent = tenth(viewer.loss * 100.0),
                rtt_ms = viewer.round_trip.map(in_ms),
                keyframe_requests = viewer.keyframe_requests,
                "viewer"
            );
        }
    }
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn in_ms(duration: Duration) -> f64 {
    tenth(duration.as_secs_f64() * 1000.0)
}
