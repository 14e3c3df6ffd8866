//! The first packets of a publisher's sources: they wait for a moment, and go on in the order of
//! their numbers.
//!
//! For str0m a source begins with the first packet that it is given. It has no place for one with
//! a lower number that comes later, so of a first picture whose packets overtake each other it
//! would drop some for good. And it takes the first packet to be before any rollover of its number
//! (RFC 3711 section 3.3.1), so of a source that begins at 65535 it could not decrypt the
//! packet 0 that comes first. In their order neither happens. Later on, str0m keeps places itself.

use std::time::{Duration, Instant};

use str0m::rtp::Ssrc;

use crate::net::udp::Route;

/// So long after the first of a source, no other is expected to have been overtaken by it. That
/// much later, once, the first picture of a stream is seen.
const WAIT: Duration = Duration::from_millis(100);

/// Sources whose beginning is remembered. The first packets of one that was forgotten wait again.
const MOST_SOURCES: usize = 16;

/// What may wait of all sources: 100 ms of 40 Mbit/s. If there is more, all goes on at once.
const MOST_BYTES: usize = 512 * 1024;

/// See the module.
#[derive(Default)]
pub(crate) struct FirstPackets {
    sources: Vec<(Ssrc, Beginning)>,
    /// Of all packets that wait.
    bytes: usize,
}

/// Of one source.
enum Beginning {
    Waits {
        packets: Vec<Waiting>,
        until: Instant,
    },
    IsOver,
}

/// A packet as it arrived.
pub(crate) struct Waiting {
    sequence: u16,
    pub(crate) arrived: Instant,
    /// The way back.
    pub(crate) route: Route,
    pub(crate) datagram: Vec<u8>,
}

impl FirstPackets {
    /// Whether this packet of a source waits.
    pub(crate) fn keep(
        &mut self,
        (source, sequence): (Ssrc, u16),
        datagram: &[u8],
        route: &Route,
        now: Instant,
    ) -> bool {
        let known = self.sources.iter().position(|(known, _)| *known == source);
        let Some(index) = known.or_else(|| self.begin(source, now)) else {
            return false;
        };
        let Beginning::Waits { packets, until } = &mut self.sources[index].1 else {
            return false;
        };
        self.bytes += bytes(datagram);
        if self.bytes > MOST_BYTES {
            *until = now;
        }
        packets.push(Waiting {
            sequence,
            arrived: now,
            route: *route,
            datagram: datagram.to_vec(),
        });
        true
    }

    /// When the next of them have waited long enough.
    pub(crate) fn due(&self) -> Option<Instant> {
        let untils = self.sources.iter().filter_map(|(_, it)| match it {
            Beginning::Waits { until, .. } => Some(*until),
            Beginning::IsOver => None,
        });
        untils.min()
    }

    /// Those that have, in the order of their numbers.
    pub(crate) fn take_due(&mut self, now: Instant) -> Vec<Waiting> {
        let mut due = Vec::new();
        for (_, beginning) in &mut self.sources {
            if let Beginning::Waits { packets, until } = beginning
                && *until <= now
            {
                sort(packets);
                due.append(packets);
                *beginning = Beginning::IsOver;
            }
        }
        self.bytes -= due
            .iter()
            .map(|packet| bytes(&packet.datagram))
            .sum::<usize>();
        due
    }

    /// Nothing can be decrypted yet: all sources are still to begin.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Where this source is from now on; nowhere if too many are just beginning.
    fn begin(&mut self, source: Ssrc, now: Instant) -> Option<usize> {
        if self.sources.len() >= MOST_SOURCES {
            let is_over = |(_, it): &(Ssrc, Beginning)| matches!(it, Beginning::IsOver);
            let oldest = self.sources.iter().position(is_over)?;
            self.sources.remove(oldest);
        }
        let waits = Beginning::Waits {
            packets: Vec::new(),
            until: now + WAIT,
        };
        self.sources.push((source, waits));
        Some(self.sources.len() - 1)
    }
}

fn bytes(datagram: &[u8]) -> usize {
    datagram.len() + size_of::<Waiting>()
}

/// By their numbers, which may roll over.
fn sort(packets: &mut [Waiting]) {
    if let Some(first) = packets.first().map(|packet| packet.sequence) {
        packets.sort_by_key(|packet| packet.sequence.wrapping_sub(first).cast_signed());
    }
}

#[cfg(test)]
mod tests {
    use str0m::net::Protocol;

    use super::*;
    use crate::clock;

    const SOURCE: u32 = 7;

    struct Scene {
        packets: FirstPackets,
        now: Instant,
    }

    impl Scene {
        fn new() -> Self {
            Self {
                packets: FirstPackets::default(),
                now: clock::now(),
            }
        }

        fn keeps(&mut self, source: u32, sequence: u16, length: usize) -> bool {
            let route = Route {
                proto: Protocol::Udp,
                source: ([192, 0, 2, 1], 1000).into(),
                destination: ([192, 0, 2, 2], 2000).into(),
            };
            let packet = (source.into(), sequence);
            self.packets
                .keep(packet, &vec![0; length], &route, self.now)
        }

        fn all_keeps(&mut self, source: u32, sequences: &[u16]) {
            for sequence in sequences {
                assert!(self.keeps(source, *sequence, 1200), "{sequence}");
            }
        }

        fn goes_on(&mut self) -> Vec<u16> {
            let due = self.packets.take_due(self.now);
            due.iter().map(|packet| packet.sequence).collect()
        }
    }

    #[test]
    fn the_first_go_on_in_order_and_all_others_at_once() {
        let mut scene = Scene::new();
        scene.all_keeps(SOURCE, &[102, 103, 101, 100]);
        assert!(scene.goes_on().is_empty());
        assert_eq!(scene.packets.due(), Some(scene.now + WAIT));
        scene.now += WAIT;
        scene.all_keeps(SOURCE, &[99]);
        assert_eq!(scene.goes_on(), [99, 100, 101, 102, 103]);
        assert!(!scene.keeps(SOURCE, 104, 1200));
        assert_eq!(scene.packets.due(), None);
    }

    #[test]
    fn the_number_may_roll_over_among_them() {
        let mut scene = Scene::new();
        scene.all_keeps(SOURCE, &[0, 1, 65_535, 65_534, 2]);
        scene.now += WAIT;
        assert_eq!(scene.goes_on(), [65_534, 65_535, 0, 1, 2]);
    }

    #[test]
    fn each_source_has_a_beginning_of_its_own() {
        let mut scene = Scene::new();
        scene.all_keeps(SOURCE, &[1]);
        scene.now += WAIT / 2;
        scene.all_keeps(8, &[50_000]);
        scene.now += WAIT / 2;
        assert_eq!(scene.goes_on(), [1]);
        scene.now += WAIT / 2;
        assert_eq!(scene.goes_on(), [50_000]);
    }

    #[test]
    fn there_is_a_bound_of_bytes_and_of_sources() {
        let mut scene = Scene::new();
        let mut count = 0;
        while scene.goes_on().is_empty() {
            scene.all_keeps(SOURCE, &[count]);
            count += 1;
        }
        assert!((300..450).contains(&count), "{count}");
        for source in 100..200 {
            scene.keeps(source, 1, 10);
        }
        assert_eq!(scene.packets.sources.len(), MOST_SOURCES);
        scene.now += WAIT;
        assert_eq!(scene.goes_on().len(), MOST_SOURCES);
        assert_eq!(scene.packets.bytes, 0);
    }

    #[test]
    fn what_comes_before_there_are_keys_is_no_beginning() {
        let mut scene = Scene::new();
        scene.all_keeps(SOURCE, &[5]);
        scene.packets.forget();
        scene.all_keeps(SOURCE, &[7, 6]);
        scene.now += WAIT;
        assert_eq!(scene.goes_on(), [6, 7]);
    }
}
