//! How much an encoder makes, and how long that takes it.

use std::{
    collections::VecDeque,
    ops::AddAssign,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// More frames than any encoder holds.
const MOST_HELD: usize = 32;

/// Encoders count time in units of their own.
const ROUNDING: gst::ClockTime = gst::ClockTime::from_mseconds(1);

/// What was encoded so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Encoded {
    pub(crate) frames: u64,
    pub(crate) bytes: u64,
    /// From each frame's way in to its way out, all together.
    pub(crate) time: Duration,
}

impl AddAssign for Encoded {
    fn add_assign(&mut self, more: Self) {
        self.frames += more.frames;
        self.bytes += more.bytes;
        self.time += more.time;
    }
}

/// Counts what goes through an encoder.
#[derive(Debug, Default)]
pub(super) struct Output {
    frames_in: AtomicU64,
    frames: AtomicU64,
    bytes: AtomicU64,
    nanoseconds: AtomicU64,
    /// Which frames are in it, and since when; the oldest first.
    held: Mutex<VecDeque<(gst::ClockTime, Instant)>>,
}

impl Output {
    /// A frame goes in.
    pub(super) fn begin(&self, frame: &gst::Sample) {
        self.frames_in.fetch_add(1, Ordering::Relaxed);
        let Some(pts) = frame.buffer().and_then(gst::BufferRef::pts) else {
            return;
        };
        let mut held = self.held();
        if held.len() == MOST_HELD {
            held.pop_front();
        }
        held.push_back((pts, Instant::now()));
    }

    /// It comes out.
    pub(super) fn end(&self, made: &gst::Sample) {
        let Some(buffer) = made.buffer() else {
            return;
        };
        self.frames.fetch_add(1, Ordering::Relaxed);
        self.bytes
            .fetch_add(buffer.size() as u64, Ordering::Relaxed);
        let Some(pts) = buffer.pts() else {
            return;
        };
        let mut began = None;
        let mut held = self.held();
        // What was put in before it, and is still here, was skipped.
        while let Some((of, at)) = held.front().copied()
            && of <= pts + ROUNDING
        {
            held.pop_front();
            began = Some(at);
        }
        drop(held);
        let took = began.map_or(Duration::ZERO, |began| began.elapsed());
        let took = u64::try_from(took.as_nanos()).unwrap_or(0);
        self.nanoseconds.fetch_add(took, Ordering::Relaxed);
    }

    /// How many frames have gone in and come out.
    pub(super) fn in_and_out(&self) -> (u64, u64) {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (load(&self.frames_in), load(&self.frames))
    }

    pub(super) fn encoded(&self) -> Encoded {
        Encoded {
            frames: self.frames.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            time: Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)),
        }
    }

    fn held(&self) -> MutexGuard<'_, VecDeque<(gst::ClockTime, Instant)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
