//! How much a worker has to do, as the HTTP side knows it, and who gets what comes next.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::health::Pulse;

/// What a connection is taken for until it can be measured, in packets a second: one of about
/// 1 Mbit/s.
const EXPECTED: u64 = 100;

/// Rounds after which a connection has been measured: two seconds.
const UNTIL_MEASURED: usize = 4;

/// How much more than the least a worker may have to do before a viewer's hop to that one is
/// worth its while, in packets a second: at least this much …
const MARGIN: u64 = 10 * EXPECTED;

/// … and this part of what it has to do.
const MARGIN_PART: u64 = 8;

/// One worker's load, in packets a second, both ways.
#[derive(Debug, Default)]
pub(crate) struct Load {
    measured: AtomicU64,
    /// Connections that the worker has not admitted yet.
    placed: AtomicU64,
    /// Whether it does anything at all.
    pub(crate) pulse: Pulse,
}

/// The worker's side of it.
#[derive(Debug)]
pub(crate) struct Meter {
    load: Arc<Load>,
    rate: u64,
    /// Connections that were admitted in each of the last rounds, the present one first.
    admitted: [u64; UNTIL_MEASURED],
}

impl Load {
    /// A connection is on its way to the worker.
    pub(crate) fn place(&self) {
        self.placed.fetch_add(1, Relaxed);
    }

    /// What the worker has to do now, as far as it is known.
    pub(crate) fn now(&self) -> u64 {
        self.measured.load(Relaxed) + EXPECTED * self.placed.load(Relaxed)
    }
}

impl Meter {
    pub(crate) fn new(load: Arc<Load>) -> Self {
        Self {
            load,
            rate: 0,
            admitted: [0; UNTIL_MEASURED],
        }
    }

    /// The worker is gone, and what it had with it.
    pub(crate) fn give_up(self) -> Arc<Load> {
        self.load.pulse.stops();
        self.load.measured.store(0, Relaxed);
        self.load.placed.fetch_sub(self.admitted[0], Relaxed);
        self.load
    }

    /// The worker goes on by then.
    pub(crate) fn goes_on_by(&self, at: Instant) {
        self.load.pulse.goes_on_by(at);
    }

    /// A connection has come.
    pub(crate) fn admitted(&mut self) {
        self.admitted[0] += 1;
    }

    /// So many packets came and went in a round. Nothing follows from that if nobody is here any
    /// more.
    pub(crate) fn measured(&mut self, packets: u64, period: Duration, is_idle: bool) {
        let milliseconds = u64::try_from(period.as_millis()).unwrap_or(u64::MAX);
        let rate = packets * 1000 / milliseconds.max(1);
        self.rate = u64::midpoint(self.rate, rate);
        let admitted = self.admitted[0];
        let unmeasured: u64 = self.admitted.iter().sum();
        self.admitted.rotate_right(1);
        self.admitted[0] = 0;
        if is_idle {
            self.rate = 0;
            self.admitted = [0; UNTIL_MEASURED];
        }
        let measured = match is_idle {
            true => 0,
            false => self.rate + EXPECTED * unmeasured,
        };
        self.load.measured.store(measured, Relaxed);
        self.load.placed.fetch_sub(admitted, Relaxed);
    }
}

/// Where a room's stream is already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) home: usize,
    pub(crate) replicas: Vec<usize>,
}

/// The worker that gets a new room: the one with the least to do. Nothing that a peer chooses
/// has a part in it.
pub(crate) fn for_publisher(loads: &[u64]) -> usize {
    let all = loads.iter().enumerate();
    all.min_by_key(|(_, load)| **load)
        .map_or(0, |(index, _)| index)
}

/// The worker that gets one more viewer of a room: its home, or one where its stream is already,
/// while that has not much more to do than the one with the least.
pub(crate) fn for_viewer(loads: &[u64], places: &Places) -> usize {
    let least = for_publisher(loads);
    let of = |index: usize| loads.get(index).copied().unwrap_or(u64::MAX);
    let is_fine = |index: &usize| {
        let load = of(*index);
        load <= of(least).saturating_add(MARGIN.max(load / MARGIN_PART))
    };
    let mut replicas = places.replicas.clone();
    replicas.sort_by_key(|index| of(*index));
    let mut nearest = std::iter::once(places.home).chain(replicas);
    nearest.find(is_fine).unwrap_or(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND: Duration = Duration::from_millis(500);

    #[test]
    fn connections_count_before_they_can_be_measured_and_as_what_they_are_then() {
        let load = Arc::new(Load::default());
        let mut meter = Meter::new(load.clone());
        (0..4).for_each(|_| load.place());
        assert_eq!(load.now(), 4 * EXPECTED);
        (0..4).for_each(|_| meter.admitted());
        meter.measured(0, ROUND, false);
        assert_eq!(load.now(), 4 * EXPECTED);
        (0..20).for_each(|_| meter.measured(1000, ROUND, false));
        assert!((1990..=2000).contains(&load.now()), "{}", load.now());
        meter.measured(1000, ROUND, true);
        assert_eq!(load.now(), 0);
        (0..2).for_each(|_| load.place());
        meter.admitted();
        assert_eq!(meter.give_up().now(), EXPECTED, "one is still to come");
    }

    /// So many workers, with what each has to do.
    struct Workers(Vec<u64>);

    impl Workers {
        fn publish(&mut self) -> usize {
            let index = for_publisher(&self.0);
            self.0[index] += EXPECTED;
            index
        }

        fn view(&mut self, places: &mut Places) -> usize {
            let index = for_viewer(&self.0, places);
            if index != places.home && !places.replicas.contains(&index) {
                places.replicas.push(index);
            }
            self.0[index] += EXPECTED;
            index
        }

        fn view_all(&mut self, places: &mut Places, count: usize) {
            for _ in 0..count {
                self.view(places);
            }
        }

        fn open(&mut self) -> Places {
            let home = self.publish();
            let replicas = Vec::new();
            Places { home, replicas }
        }

        /// How much more the busiest has to do than the mean.
        fn imbalance(&self) -> f64 {
            let mean = self.0.iter().sum::<u64>() as f64 / self.0.len() as f64;
            *self.0.iter().max().unwrap() as f64 / mean
        }
    }

    #[test]
    fn many_rooms_are_spread_and_a_small_one_stays_in_one_place() {
        let mut workers = Workers(vec![0; 4]);
        for _ in 0..200 {
            let mut places = workers.open();
            workers.view_all(&mut places, 6);
            assert!(places.replicas.is_empty());
        }
        assert!(workers.imbalance() < 1.05, "{:?}", workers.0);
    }

    #[test]
    fn a_large_room_is_spread_over_all() {
        for count in [2, 4] {
            let mut workers = Workers(vec![0; count]);
            let mut places = workers.open();
            workers.view_all(&mut places, 1000);
            assert_eq!(places.replicas.len(), count - 1);
            assert!(workers.imbalance() < 1.11, "{:?}", workers.0);
        }
    }

    #[test]
    fn many_rooms_and_a_large_one_are_spread() {
        let mut workers = Workers(vec![0; 4]);
        let mut large = workers.open();
        for number in 0..1000 {
            workers.view(&mut large);
            if number % 10 == 0 {
                let mut small = workers.open();
                workers.view_all(&mut small, 3);
            }
        }
        assert!(workers.imbalance() < 1.11, "{:?}", workers.0);
    }

    #[test]
    fn a_room_goes_where_it_is_already_before_it_goes_elsewhere() {
        let places = Places {
            home: 0,
            replicas: vec![2],
        };
        let busy = 20 * MARGIN;
        assert_eq!(for_viewer(&[MARGIN, 0, 0], &places), 0);
        assert_eq!(for_viewer(&[busy, 0, MARGIN], &places), 2);
        assert_eq!(for_viewer(&[busy, 0, busy], &places), 1);
        assert_eq!(
            for_viewer(
                &[busy],
                &Places {
                    home: 0,
                    replicas: vec![]
                }
            ),
            0
        );
    }
}
