//! What has arrived, and how late.

use std::time::Duration;

/// Which packets a viewer has had.
#[derive(Default)]
pub(crate) struct Arrivals {
    /// One bit for each number, from `first` on.
    seen: Vec<u64>,
    first: u64,
    highest: u64,
    late: u64,
}

/// How many of the numbers between two had what fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fate {
    pub(crate) received: u64,
    pub(crate) lost: u64,
}

const BITS: u64 = 64;

/// A packet that claims to be further ahead than this is none of ours.
const FURTHEST: u64 = 1 << 24;

impl Arrivals {
    /// Says whether it is the first of its number.
    pub(crate) fn note(&mut self, number: u64) -> bool {
        if self.seen.is_empty() {
            self.first = number;
            self.highest = number;
        }
        // What is older than the first that we have had was sent again to fill in.
        let Some(place) = number.checked_sub(self.first) else {
            return false;
        };
        if place > FURTHEST {
            return false;
        }
        let (word, bit) = ((place / BITS) as usize, 1 << (place % BITS));
        if word >= self.seen.len() {
            self.seen.resize(word + 1, 0);
        }
        let is_new = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        if is_new && number < self.highest {
            self.late += 1;
        }
        self.highest = self.highest.max(number);
        is_new
    }

    /// How many came after one that was sent later: repaired, or overtaken on the way.
    pub(crate) fn late(&self) -> u64 {
        self.late
    }

    /// What became of the numbers from this one up to that one.
    pub(crate) fn fate(&self, from: u64, to: u64) -> Fate {
        let received = (from..to).filter(|number| self.has(*number)).count() as u64;
        Fate {
            received,
            lost: to.saturating_sub(from) - received,
        }
    }

    fn has(&self, number: u64) -> bool {
        number.checked_sub(self.first).is_some_and(|place| {
            let word = self.seen.get((place / BITS) as usize);
            word.is_some_and(|word| word & 1 << (place % BITS) != 0)
        })
    }
}

/// How often which delay was seen, to the microsecond.
pub(crate) struct Delays {
    microseconds: Box<[u32]>,
    count: u64,
}

/// A delay of a second or more counts as that.
const LONGEST: usize = 1_000_000;

impl Delays {
    pub(crate) fn new() -> Self {
        Self {
            microseconds: vec![0; LONGEST + 1].into(),
            count: 0,
        }
    }

    pub(crate) fn note(&mut self, delay: Duration) {
        let place = usize::try_from(delay.as_micros()).unwrap_or(LONGEST);
        self.microseconds[place.min(LONGEST)] += 1;
        self.count += 1;
    }

    /// The delay that so many of a thousand do not exceed.
    pub(crate) fn within(&self, per_mille: u64) -> Duration {
        let wanted = (self.count * per_mille).div_ceil(1000);
        let mut so_far = 0;
        for (delay, count) in (0..).zip(&self.microseconds) {
            so_far += u64::from(*count);
            if so_far >= wanted {
                return Duration::from_micros(delay);
            }
        }
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_lost_also_at_the_ends() {
        let mut arrivals = Arrivals::default();
        for number in [100, 101, 103, 104, 300] {
            assert!(arrivals.note(number));
        }
        let fate = |received, lost| Fate { received, lost };
        assert_eq!(arrivals.fate(100, 105), fate(4, 1));
        assert_eq!(arrivals.fate(95, 100), fate(0, 5));
        assert_eq!(arrivals.fate(300, 305), fate(1, 4));
        assert_eq!(arrivals.fate(100, 301), fate(5, 196));
        assert_eq!(arrivals.fate(103, 103), fate(0, 0));
        assert_eq!(arrivals.late(), 0);
    }

    #[test]
    fn what_comes_late_is_not_lost_and_what_comes_twice_counts_once() {
        let mut arrivals = Arrivals::default();
        for number in [10, 12, 13] {
            arrivals.note(number);
        }
        assert!(arrivals.note(11));
        assert!(!arrivals.note(11));
        assert!(!arrivals.note(13));
        assert!(!arrivals.note(9));
        assert_eq!(arrivals.late(), 1);
        assert_eq!(
            arrivals.fate(10, 14),
            Fate {
                received: 4,
                lost: 0
            }
        );
    }

    #[test]
    fn a_number_out_of_the_blue_costs_no_memory() {
        let mut arrivals = Arrivals::default();
        arrivals.note(1);
        assert!(!arrivals.note(u64::MAX));
        assert_eq!(arrivals.seen.len(), 1);
    }

    #[test]
    fn delays_are_told_by_their_share() {
        let mut delays = Delays::new();
        assert_eq!(delays.within(500), Duration::ZERO);
        for microseconds in 1..=100 {
            delays.note(Duration::from_micros(microseconds));
        }
        delays.note(Duration::from_secs(5));
        assert_eq!(delays.within(500), Duration::from_micros(51));
        assert_eq!(delays.within(990), Duration::from_micros(100));
        assert_eq!(delays.within(1000), Duration::from_secs(1));
    }
}
