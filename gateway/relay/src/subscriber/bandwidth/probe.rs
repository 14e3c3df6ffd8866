//! Finds out whether a link carries more than is sent: for a moment more is sent, filled up
//! by packets that were sent before, and how they arrive tells (libwebrtc's
//! `ProbeController` and `ProbeBitrateEstimator`).
//!
//! Short probes look how far up it goes, at little cost to a link that carries no more. A
//! shaped link lets some kilobytes pass at any rate (a token bucket), so what they have shown
//! counts only after a longer one has confirmed it, if it is enough for another layer.

mod seen;
#[cfg(test)]
mod tests;

use super::groups::Arrival;
use seen::{Seen, Shown, UNFILLED};

/// How long a short probe is sent, in microseconds: long enough that a busy machine's
/// milliseconds do not count, short enough that a link that cannot carry it is soon free.
const SHORT: i64 = 80_000;

/// How long one that confirms is sent.
const LONG: i64 = 600_000;

/// A probe has so many packets, unless that takes so many times its length.
const PACKETS: usize = 5;
const LONGEST: i64 = 3;

/// Padding is sent in steps of so long, and no more than this at once when one came late.
const STEP: i64 = 5_000;
const LATE: i64 = 20_000;

/// A short probe sends at most so many times what is known to fit, and is followed by another
/// at once if it has shown so many times as much.
const LEAP: f64 = 2.0;
const STEP_UP: f64 = 1.3;

/// How long its feedback is waited for.
const PATIENCE: i64 = 1_000_000;

/// Between probes that showed nothing: at first, longer each time, and at most. A link that
/// has become better is to be noticed within seconds.
const PAUSE: i64 = 3_000_000;
const LONGER: i64 = 1_000_000;
const LONGEST_PAUSE: i64 = 6_000_000;

/// How long a rate that was too much limits the next probes: a link may change.
const LIMITED: i64 = 10_000_000;

/// A probe is worth it if so many times the estimate is wanted.
const WORTH: f64 = 1.02;

/// See the module.
#[derive(Debug)]
pub(super) struct Probing {
    /// What has to fit to be of use, and what at most, in bit/s.
    needed: f64,
    goal: f64,
    cluster: Option<Cluster>,
    /// What short probes have shown since the last pause.
    shown: f64,
    is_to_confirm: bool,
    /// One that confirms sends no more until then: it was too much before.
    limit: Option<(f64, i64)>,
    /// Names the last probe; zero is no probe.
    last: u8,
    next: i64,
    pause: i64,
}

/// One probe.
#[derive(Debug)]
struct Cluster {
    name: u8,
    confirms: bool,
    /// In bit/s.
    rate: f64,
    began: i64,
    /// When the last of it was sent.
    ended: Option<i64>,
    /// It was ended because a queue grew.
    is_stopped: bool,
    packets: usize,
    bytes: usize,
    seen: Seen,
}

impl Probing {
    pub(super) fn new() -> Self {
        Self {
            needed: 0.0,
            goal: 0.0,
            cluster: None,
            shown: 0.0,
            is_to_confirm: false,
            limit: None,
            last: 0,
            next: 0,
            pause: PAUSE,
        }
    }

    /// Less than `needed` is of no use to know, and more than `goal` neither.
    pub(super) fn set_goal(&mut self, needed: f64, goal: f64) {
        (self.needed, self.goal) = (needed.min(goal), goal);
    }

    /// There is a queue now: none is added to it, nor soon after.
    pub(super) fn postpone(&mut self, now: i64) {
        self.give_up(now + PAUSE);
        self.pause = PAUSE;
        let running = self.cluster.as_mut().filter(|c| c.ended.is_none());
        if let Some(cluster) = running {
            (cluster.ended, cluster.is_stopped) = (Some(now), true);
        }
    }

    /// Begins a probe if it is time for one.
    pub(super) fn begin(&mut self, estimate: f64, now: i64) {
        if self.cluster.is_some() || now < self.next || !self.is_worth_it(estimate) {
            return;
        }
        let rate = match self.is_to_confirm {
            true => {
                let limit = self.limit.filter(|(_, until)| now < *until);
                let most = limit.map_or(self.shown, |(limit, _)| limit.min(self.shown));
                most.max(self.needed)
            }
            false => self.shown.max(estimate) * LEAP,
        };
        self.last = self.last.checked_add(1).unwrap_or(1);
        self.cluster = Some(Cluster {
            name: self.last,
            confirms: self.is_to_confirm,
            rate: rate.min(self.goal),
            began: now,
            ended: None,
            is_stopped: false,
            packets: 0,
            bytes: 0,
            seen: Seen::default(),
        });
    }

    fn is_worth_it(&self, estimate: f64) -> bool {
        self.goal >= estimate * WORTH
    }

    /// Bytes of padding that a probe lacks now, and how many microseconds later to ask again.
    /// Nothing while there is none.
    pub(super) fn padding(&mut self, now: i64) -> Option<(usize, u64)> {
        let cluster = self.cluster.as_mut().filter(|c| c.ended.is_none())?;
        let elapsed = now - cluster.began;
        let length = match cluster.confirms {
            true => LONG,
            false => SHORT,
        };
        let is_long = elapsed >= length && cluster.packets >= PACKETS;
        if is_long || elapsed >= length * LONGEST {
            cluster.ended = Some(now);
            return None;
        }
        let bytes = |microseconds: i64| (cluster.rate * microseconds as f64 / 8e6) as usize;
        let lacking = bytes(elapsed + STEP).saturating_sub(cluster.bytes);
        Some((lacking.min(bytes(LATE)), STEP.unsigned_abs()))
    }

    /// Counts a packet that is sent; says which probe it belongs to.
    pub(super) fn note(&mut self, bytes: usize) -> u8 {
        match &mut self.cluster {
            Some(cluster) if cluster.ended.is_none() => {
                cluster.packets += 1;
                cluster.bytes += bytes;
                cluster.name
            }
            _ => 0,
        }
    }

    pub(super) fn arrived(&mut self, packet: &Arrival) {
        if let Some(cluster) = self.named(packet.probe) {
            cluster.seen.add(packet);
        }
    }

    pub(super) fn lost(&mut self, probe: u8) {
        if let Some(cluster) = self.named(probe) {
            cluster.seen.lost += 1;
        }
    }

    fn named(&mut self, name: u8) -> Option<&mut Cluster> {
        self.cluster.as_mut().filter(|cluster| cluster.name == name)
    }

    /// What has been confirmed to fit, once that is known. `base` is the delay of a packet
    /// that waits in no queue.
    pub(super) fn result(&mut self, estimate: f64, base: i64, now: i64) -> Option<f64> {
        let cluster = self.cluster.as_ref()?;
        let ended = cluster.ended?;
        let is_complete = cluster.seen.arrived + cluster.seen.lost >= cluster.packets;
        if !is_complete && !cluster.is_stopped && now < ended + PATIENCE {
            return None;
        }
        let cluster = self.cluster.take()?;
        let shown = cluster
            .seen
            .shown(cluster.bytes, base)
            .filter(|_| !cluster.is_stopped);
        if cluster.confirms {
            return self.confirm(&cluster, shown, now);
        }
        let before = self.shown.max(estimate);
        self.shown = self.shown.max(match shown {
            Some(Shown::Fits(rate) | Shown::Fills(rate)) => rate,
            // A longer one will tell.
            Some(Shown::Unclear) => self.needed,
            None => 0.0,
        });
        let needed = match self.needed > estimate {
            true => self.needed,
            false => self.goal,
        };
        match self.shown < self.goal * UNFILLED && self.shown > before * STEP_UP {
            true => self.next = now,
            false if self.shown >= needed * UNFILLED => {
                (self.is_to_confirm, self.next) = (true, now);
            }
            false => self.wait(now),
        }
        None
    }

    fn confirm(&mut self, cluster: &Cluster, shown: Option<Shown>, now: i64) -> Option<f64> {
        let Some(Shown::Fits(rate)) = shown else {
            self.limit = Some((cluster.rate / LEAP, now + LIMITED));
            self.wait(now);
            return None;
        };
        self.give_up(now);
        (self.limit, self.pause) = (None, PAUSE);
        Some(rate)
    }

    fn wait(&mut self, now: i64) {
        self.give_up(now + self.pause);
        self.pause = (self.pause + LONGER).min(LONGEST_PAUSE);
    }

    /// What short probes have shown counts no more.
    fn give_up(&mut self, next: i64) {
        (self.shown, self.is_to_confirm) = (0.0, false);
        self.next = self.next.max(next);
    }
}
