//! The rooms as an administrator sees them.

use std::time::Duration;

use tokio::time::Instant;

use super::Rendezvous;
use crate::census::{Counts, RoomCensus};

/// How long viewers have watched directly, all together.
#[derive(Debug, Default)]
pub(super) struct Watched {
    watching: usize,
    total: Duration,
    since: Option<Instant>,
}

impl Watched {
    /// A room has changed: so many watched in it, and now so many do.
    pub(super) fn change(&mut self, before: usize, after: usize, now: Instant) {
        if before != after {
            self.total = self.total(now);
            self.since = Some(now);
            self.watching = self.watching - before + after;
        }
    }

    fn total(&self, now: Instant) -> Duration {
        let span = self.since.map_or(Duration::ZERO, |since| now - since);
        let watching = u32::try_from(self.watching).unwrap_or(u32::MAX);
        self.total.saturating_add(span.saturating_mul(watching))
    }
}

impl Rendezvous {
    /// Every room.
    pub(crate) fn census(&self) -> Vec<RoomCensus> {
        let state = self.state();
        let rooms = state.rooms.iter();
        rooms
            .map(|(id, entry)| entry.room.census(id.clone()))
            .collect()
    }

    /// The rooms in numbers.
    pub(crate) fn counts(&self) -> Counts {
        let state = self.state();
        let mut counts = Counts {
            rooms: state.rooms.len(),
            direct: state.watched.watching,
            ..Counts::default()
        };
        for entry in state.rooms.values() {
            let (offers, viewers) = entry.room.queues();
            counts.offers += offers;
            counts.viewers += viewers;
        }
        counts
    }

    /// How long viewers have watched directly since the start, all together.
    pub(crate) fn watched(&self) -> Duration {
        self.state().watched.total(Instant::now())
    }

    /// Whether requests are still admitted.
    pub(crate) fn is_open(&self) -> bool {
        !self.state().closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_counted_once_for_each_who_watches() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut watched = Watched::default();
        watched.change(0, 1, at(0));
        watched.change(3, 3, at(5));
        watched.change(0, 2, at(10));
        assert_eq!(watched.total(at(20)), Duration::from_secs(10 + 3 * 10));
        watched.change(2, 0, at(20));
        watched.change(1, 0, at(30));
        assert_eq!(watched.total(at(99)), Duration::from_secs(50));
    }
}
