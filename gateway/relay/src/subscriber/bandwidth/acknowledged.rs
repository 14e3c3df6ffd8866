//! How much arrives, by the receiver's clock.

/// One slot, in microseconds.
const SLOT: i64 = 50_000;

/// A second, and the one that is being filled.
const SLOTS: usize = 21;

/// Slots of the shorter rate.
const SHORT: i64 = 4;

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
}
