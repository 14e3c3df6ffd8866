//! What a viewer measures of what it sees and hears.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// When something began, after a while without it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edges(Arc<Mutex<(Option<gst::ClockTime>, Vec<gst::ClockTime>)>>);

impl Edges {
    pub(crate) fn note(&self, at: gst::ClockTime, is_on: bool) {
        const WHILE: gst::ClockTime = gst::ClockTime::from_mseconds(300);
        if !is_on {
            return;
        }
        let mut edges = self.0.lock().unwrap();
        if edges.0.is_none_or(|last| last + WHILE < at) {
            edges.1.push(at);
        }
        edges.0 = Some(at);
    }

    pub(crate) fn all(&self) -> Vec<gst::ClockTime> {
        self.0.lock().unwrap().1.clone()
    }
}

/// The longest time between two pictures.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dark(Arc<Mutex<(Option<Instant>, Duration)>>);

impl Dark {
    pub(crate) fn longest(&self) -> Duration {
        self.0.lock().unwrap().1
    }

    pub(crate) fn picture(&self) {
        let (last, longest) = &mut *self.0.lock().unwrap();
        let before = last.replace(Instant::now());
        let dark = before.map(|before| before.elapsed());
        *longest = dark.unwrap_or_default().max(*longest);
    }
}

/// 20 ms of sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Block {
    /// Mean amplitude, left and right; the loudest is 32,767.
    pub(crate) left: f64,
    pub(crate) right: f64,
    /// From how often the left one crosses zero.
    pub(crate) hertz: f64,
}

impl Block {
    /// What `--audio test` gives.
    pub(crate) fn is_test_tone(&self) -> bool {
        (400.0..480.0).contains(&self.hertz) && self.left > 1000.0 && self.right > 1000.0
    }

    /// Of stereo samples at 48 kHz.
    pub(crate) fn of(samples: &[u8]) -> Self {
        let sample = |bytes: &[u8]| f64::from(i16::from_le_bytes([bytes[0], bytes[1]]));
        let left: Vec<f64> = samples.chunks_exact(4).map(sample).collect();
        let right: Vec<f64> = samples
            .chunks_exact(4)
            .map(|both| sample(&both[2..]))
            .collect();
        let mean = |side: &[f64]| side.iter().map(|s| s.abs()).sum::<f64>() / side.len() as f64;
        let crossed = left
            .windows(2)
            .filter(|two| (two[0] < 0.0) != (two[1] < 0.0));
        Self {
            left: mean(&left),
            right: mean(&right),
            hertz: crossed.count() as f64 * 24_000.0 / left.len() as f64,
        }
    }
}
