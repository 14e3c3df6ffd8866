//! How much arrives, by the receiver's clock.

/// One slot, in microseconds.
const SLOT: i64 = 50_000;

/// A second, and the one that is being filled.
const SLOTS: usize = 21;

/// Slots of the shorter rate.
const SHORT: i64 = 4;

/// A packet that has waited for longer than this comes from a link that is full, in
/// microseconds.
const FULL: i64 = 5_000;

/// How long a link has to be full for its rate to be known, and how long that holds.
const FULL_TIMES: std::ops::Range<i64> = 100_000..400_000;

/// A link that carries nothing for so long, in microseconds, has nothing to carry.
const GAP: i64 = 100_000;

/// What a link carries while it is full. What arrives is less than that where nothing was
/// sent, as when a publisher or we paused and then sent all at once.
#[derive(Debug, Default)]
pub(super) struct Full {
    /// Since when it is full, and how much has arrived after that.
    since: Option<(i64, usize)>,
    latest: i64,
}

impl Full {
    /// Adds a packet that arrived at a time after it had waited, in microseconds.
    pub(super) fn add(&mut self, arrived: i64, waited: i64, bytes: usize) {
        let gap = arrived - std::mem::replace(&mut self.latest, arrived);
        self.since = match self.since {
            _ if waited <= FULL => None,
            Some((since, sum)) if gap <= GAP && arrived - since < FULL_TIMES.end => {
                Some((since, sum + bytes))
            }
            _ => Some((arrived, 0)),
        };
    }

    /// In bit/s, if it is full for long enough.
    pub(super) fn rate(&self) -> Option<f64> {
        let (since, bytes) = self.since?;
        let time = self.latest - since;
        FULL_TIMES
            .contains(&time)
            .then(|| bytes as f64 * 8e6 / time as f64)
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    bytes: [usize; SLOTS],
    /// The slot that is being filled, and the one that was filled first.
    current: Option<i64>,
    first: i64,
}

impl Acknowledged {
    pub(super) fn add(&mut self, arrived: i64, bytes: usize) {
        let slot = arrived.div_euclid(SLOT);
        let current = *self.current.get_or_insert_with(|| {
            self.first = slot;
            slot
        });
        if slot <= current - SLOTS as i64 {
            return;
        }
        for passed in (current + 1..=slot).take(SLOTS) {
            self.bytes[place(passed)] = 0;
        }
        if slot - current >= SLOTS as i64 {
            // After a pause it starts anew.
            self.first = slot;
            self.bytes = [0; SLOTS];
        }
        self.current = Some(current.max(slot));
        self.bytes[place(slot)] += bytes;
    }

    /// In bit/s, over the last 200 ms.
    pub(super) fn short(&self) -> Option<f64> {
        self.over(SHORT)
    }

    /// Whether something has arrived in every part of that time. In a queue that the link does
    /// not empty there is always something to carry; where there are gaps nothing was sent, and
    /// what arrives is not what the link carries.
    pub(super) fn is_continuous(&self) -> bool {
        self.current.is_some_and(|current| {
            let mut slots = current - SHORT..current;
            slots.all(|slot| self.bytes[place(slot)] > 0)
        })
    }

    /// In bit/s, over the last second.
    pub(super) fn long(&self) -> Option<f64> {
        self.over(SLOTS as i64 - 1)
    }

    /// Over so many slots that are complete.
    fn over(&self, slots: i64) -> Option<f64> {
        let current = self.current?;
        if current - slots < self.first {
            return None;
        }
        let bytes: usize = (current - slots..current)
            .map(|slot| self.bytes[place(slot)])
            .sum();
        Some(bytes as f64 * 8.0 * 1e6 / (slots * SLOT) as f64)
    }
}

fn place(slot: i64) -> usize {
    slot.rem_euclid(SLOTS as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_last_while() {
        let mut acknowledged = Acknowledged::default();
        for millisecond in 0..2000 {
            acknowledged.add(millisecond * 1000, 250);
        }
        assert_eq!(acknowledged.short(), Some(2e6));
        assert_eq!(acknowledged.long(), Some(2e6));
        for millisecond in 2000..2250 {
            acknowledged.add(millisecond * 1000, 50);
        }
        assert_eq!(acknowledged.short(), Some(0.4e6));
        assert_eq!(acknowledged.long(), Some(1.68e6));
    }

    #[test]
    fn a_rate_takes_its_time() {
        let mut acknowledged = Acknowledged::default();
        assert_eq!(acknowledged.short(), None);
        acknowledged.add(-1_000_000, 100);
        acknowledged.add(-900_000, 100);
        assert_eq!(acknowledged.short(), None);
        acknowledged.add(9_000_000, 100);
        assert_eq!(acknowledged.short(), None, "after a pause");
        acknowledged.add(9_200_000, 1_000);
        assert_eq!(acknowledged.short(), Some(4_000.0));
        assert_eq!(acknowledged.long(), None);
    }

    #[test]
    fn a_full_link_shows_what_it_carries() {
        let mut full = Full::default();
        full.add(0, 0, 1000);
        // All at once after a pause, at 1 Mbit/s.
        for millisecond in 1..=200 {
            full.add(500_000 + millisecond * 1000, 60_000, 125);
        }
        assert_eq!(full.rate(), Some(1e6));
        full.add(701_000, 1_000, 125);
        assert_eq!(full.rate(), None);
    }
}
