//! What has broken, and who is at work: for health checks and metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::clock;

/// A worker that is so much longer at one turn than it may be, or sleeps so much longer than it
/// wanted to, hangs.
const HANGS: Duration = Duration::from_secs(10);

/// What a panic was contained in. Each is a fault of ours or of a library below; none is meant
/// to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Answering an offer: that offer was refused.
    Negotiation,
    /// Driving a connection: that connection was ended.
    Connection,
    /// A worker: all of its sessions were ended, and another has taken its place.
    Worker,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Negotiation, Self::Connection, Self::Worker];

    /// What it is called where people read.
    pub fn name(self) -> &'static str {
        match self {
            Self::Negotiation => "negotiation",
            Self::Connection => "connection",
            Self::Worker => "worker",
        }
    }
}

/// How the relay is.
#[derive(Debug, Default)]
pub struct Health {
    panics: [AtomicU64; Part::ALL.len()],
    at_work: watch::Sender<usize>,
}

/// Counts as a worker at work, until it is dropped.
pub(crate) struct AtWork(Arc<Health>);

impl Health {
    /// How many workers are at work.
    pub fn at_work(&self) -> usize {
        *self.at_work.borrow()
    }

    /// Panics in this part since the start.
    pub fn panics(&self, part: Part) -> u64 {
        self.panics[part as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn broke(&self, part: Part) {
        self.panics[part as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn goes_to_work(self: &Arc<Self>) -> AtWork {
        self.at_work.send_modify(|count| *count += 1);
        AtWork(self.clone())
    }

    /// Waits until no worker is at work.
    pub(crate) async fn is_idle(&self) {
        let mut at_work = self.at_work.subscribe();
        // The sender is here, so it cannot be gone.
        let _ = at_work.wait_for(|count| *count == 0).await;
    }
}

/// Whether a worker goes on. A thread that hangs cannot be ended, so it is told of.
#[derive(Debug)]
pub(crate) struct Pulse {
    made: Instant,
    /// When it goes on at the latest, in milliseconds since then and one; 0 if it does not work.
    goes_on_by: AtomicU64,
    hangs: AtomicBool,
}

/// Whether a worker hangs, and whether that is news.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hanging {
    pub(crate) hangs: bool,
    pub(crate) is_news: bool,
}

impl Default for Pulse {
    fn default() -> Self {
        Self {
            made: clock::now(),
            goes_on_by: AtomicU64::default(),
            hangs: AtomicBool::default(),
        }
    }
}

impl Pulse {
    /// It goes on by then: it has something to do now, or is going to sleep.
    pub(crate) fn goes_on_by(&self, at: Instant) {
        let since = at.saturating_duration_since(self.made);
        let milliseconds = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        self.goes_on_by
            .store(milliseconds.saturating_add(1), Ordering::Relaxed);
    }

    /// It does not work any more.
    pub(crate) fn stops(&self) {
        self.goes_on_by.store(0, Ordering::Relaxed);
    }

    /// Whether it hangs.
    pub(crate) fn look(&self, now: Instant) -> Hanging {
        let goes_on_by = self.goes_on_by.load(Ordering::Relaxed).checked_sub(1);
        let since = now.saturating_duration_since(self.made);
        let hangs = goes_on_by.is_some_and(|by| since >= Duration::from_millis(by) + HANGS);
        let is_news = self.hangs.swap(hangs, Ordering::Relaxed) != hangs;
        Hanging { hangs, is_news }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.at_work.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_too_long_at_one_turn_or_asleep_hangs_until_it_goes_on() {
        let (pulse, mut now) = (Pulse::default(), clock::now() + Duration::from_secs(1));
        let told = |hangs, is_news| Hanging { hangs, is_news };
        assert_eq!(pulse.look(now + HANGS), told(false, false), "not begun");
        pulse.goes_on_by(now);
        pulse.goes_on_by(now + 2 * HANGS);
        now += 2 * HANGS;
        assert_eq!(pulse.look(now), told(false, false), "it sleeps");
        now += HANGS;
        assert_eq!(pulse.look(now), told(true, true));
        assert_eq!(pulse.look(now), told(true, false));
        pulse.goes_on_by(now);
        assert_eq!(pulse.look(now), told(false, true));
        now += HANGS;
        assert_eq!(pulse.look(now), told(true, true), "a turn without an end");
        pulse.stops();
        assert_eq!(pulse.look(now), told(false, true));
    }
}
