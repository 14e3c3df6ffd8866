//! Whether packets wait in a queue now, whatever single ones do.
//!
//! A busy receiver, a radio or our own machine hold packets up and then let them go; the
//! last of them have not waited. In a queue that a link cannot empty every packet waits. So
//! the least delay of the last while tells one from the other, as in CoDel (RFC 8289
//! section 3.2).

/// One part of the last while, in microseconds, and how many it has.
const SLOT: i64 = 40_000;
const SLOTS: usize = 5;

/// How long the least delay of all holds: routes and clocks change.
const BASE: i64 = 10_000_000;

/// Packets that have all waited longer than this wait in a queue.
pub(super) const STANDING: i64 = 15_000;

/// And if they have waited for longer than this, no line through their delays is needed to
/// see that it is too much.
const DEEP: i64 = 60_000;

/// See the module. The clocks of both ends differ, so only differences mean something.
#[derive(Debug, Default)]
pub(super) struct Delays {
    /// The least delay of each slot, and which slot that was.
    slots: [Option<(i64, i64)>; SLOTS],
    /// The same of the last two base periods.
    bases: [Option<(i64, i64)>; 2],
    latest: i64,
}

impl Delays {
    /// Adds a packet that arrived at a time after a delay, in microseconds.
    pub(super) fn add(&mut self, arrived: i64, delay: i64) {
        self.latest = self.latest.max(arrived);
        note(&mut self.slots, arrived.div_euclid(SLOT), delay);
        note(&mut self.bases, arrived.div_euclid(BASE), delay);
    }

    /// How long every packet of the last while has waited, at least.
    pub(super) fn waited(&self) -> i64 {
        let oldest = self.latest.div_euclid(SLOT) - SLOTS as i64;
        let recent = self.slots.iter().flatten();
        let recent = recent.filter(|(slot, _)| *slot > oldest);
        let least = recent.map(|(_, delay)| *delay).min();
        least
            .zip(self.base())
            .map_or(0, |(least, base)| least - base)
    }

    /// The delay of a packet that does not wait.
    pub(super) fn base(&self) -> Option<i64> {
        self.bases.iter().flatten().map(|(_, delay)| *delay).min()
    }

    pub(super) fn is_standing(&self) -> bool {
        self.waited() > STANDING
    }

    pub(super) fn is_deep(&self) -> bool {
        self.waited() > DEEP
    }
}

fn note(slots: &mut [Option<(i64, i64)>], index: i64, delay: i64) {
    let Some(slot) = slots.get_mut(index.rem_euclid(slots.len() as i64) as usize) else {
        return;
    };
    *slot = match *slot {
        Some((known, least)) if known == index => Some((index, least.min(delay))),
        // A straggler says nothing of now.
        Some((known, least)) if known > index => Some((known, least)),
        _ => Some((index, delay)),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets each 10 ms, with these delays in milliseconds.
    fn delays(delays: impl IntoIterator<Item = i64>) -> Delays {
        let mut all = Delays::default();
        for (index, delay) in delays.into_iter().enumerate() {
            all.add(index as i64 * 10_000, delay * 1000 - 70_000);
        }
        all
    }

    #[test]
    fn a_queue_makes_every_packet_wait() {
        let free = [30; 100];
        let queued = (0..25).map(|index| 30 + 2 * index);
        let standing = delays(free.into_iter().chain(queued));
        assert!(standing.is_standing());
        assert!(!delays([30; 100]).is_standing());
    }

    #[test]
    fn a_receiver_that_was_away_is_no_queue() {
        let free = [30; 100];
        let away = (0..20).map(|index| 230 - 10 * index);
        assert!(!delays(free.into_iter().chain(away)).is_standing());
    }

    #[test]
    fn another_route_is_what_one_gets_used_to() {
        let longer = delays([30; 100].into_iter().chain([80; 2100]));
        assert!(!longer.is_standing());
    }
}
