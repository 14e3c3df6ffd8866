//! One viewer's sequence numbers and times, whatever source they come from.
//!
//! A viewer sees one endless stream. What it is made of changes: another layer, a group
//! of pictures from memory, a publisher that came back.

use std::time::{Duration, Instant};

use crate::publisher::packet_cache::Position;

/// Packets of the very first picture that may come after one that follows them.
const MAX_LATE: u64 = 16;

/// See the module.
#[derive(Debug)]
pub(crate) struct Rewriter {
    clock_rate: u32,
    /// Of the packet that was sent furthest ahead, and when.
    last: Option<(Position, Instant)>,
    first_sequence: u64,
    source: Option<Source>,
}

/// The present source.
#[derive(Debug)]
struct Source {
    /// Packets from before belong to another source.
    first: Position,
    /// But for so many of its first picture, which may still come.
    late: u64,
    /// Added to the source's numbers, wrapping.
    sequence: u64,
    time: u64,
}

impl Rewriter {
    /// A stream that begins at `first_sequence`, which must be below 65,536: a receiver
    /// takes the rollover counter for zero (RFC 3711 section 3.3.1).
    pub(crate) fn new(clock_rate: u32, first_sequence: u16) -> Self {
        Self {
            clock_rate,
            last: None,
            first_sequence: first_sequence.into(),
            source: None,
        }
    }

    /// From now on packets come from another source, of which `first` is the first; its
    /// time is `now` on the viewer's clock. So many packets go `before` it, with its time;
    /// returns where these begin.
    pub(crate) fn switch(&mut self, first: Position, before: usize, now: Instant) -> Position {
        let next = match self.last {
            None => Position {
                sequence: self.first_sequence,
                time: 0,
            },
            Some((last, at)) => Position {
                sequence: last.sequence + 1,
                // Never the same time twice, or two pictures would be one. A source whose
                // time runs backwards may have got below zero.
                time: last
                    .time
                    .wrapping_add(self.ticks(now.saturating_duration_since(at)).max(1)),
            },
        };
        let sequence = next.sequence + before as u64;
        self.source = Some(Source {
            first,
            // Where something goes before, there are no numbers for them.
            late: match self.last.is_none() && before == 0 {
                true => sequence.min(MAX_LATE),
                false => 0,
            },
            sequence: sequence.wrapping_sub(first.sequence),
            time: next.time.wrapping_sub(first.time),
        });
        if before > 0 {
            let sequence = sequence - 1;
            self.last = Some((Position { sequence, ..next }, now));
        }
        next
    }

    /// The present source has nothing more to give.
    pub(crate) fn end_source(&mut self) {
        self.source = None;
    }

    /// Whether packets can be mapped.
    pub(crate) fn has_source(&self) -> bool {
        self.source.is_some()
    }

    /// The viewer's numbers of a packet; nothing for one that came late, from before the
    /// switch.
    pub(crate) fn map(&mut self, packet: Position, now: Instant) -> Option<Position> {
        let source = self.source.as_ref()?;
        let is_of_first = packet.time == source.first.time;
        let late = source.late * u64::from(is_of_first);
        if packet.sequence + late < source.first.sequence {
            return None;
        }
        let mapped = Position {
            sequence: packet.sequence.wrapping_add(source.sequence),
            time: packet.time.wrapping_add(source.time),
        };
        if self
            .last
            .is_none_or(|(last, _)| last.sequence < mapped.sequence)
        {
            self.last = Some((mapped, now));
        }
        Some(mapped)
    }

    fn ticks(&self, duration: Duration) -> u64 {
        let ticks = duration.as_micros() * u128::from(self.clock_rate) / 1_000_000;
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const fn at(sequence: u64, time: u64) -> Position {
        Position { sequence, time }
    }

    #[test]
    fn a_source_keeps_its_distances_and_its_gaps() {
        let now = clock::now();
        let mut rewriter = Rewriter::new(90_000, 7);
        rewriter.switch(at(90_000, 1_000), 0, now);
        assert_eq!(rewriter.map(at(90_000, 1_000), now), Some(at(7, 0)));
        assert_eq!(rewriter.map(at(90_003, 4_000), now), Some(at(10, 3_000)));
        assert_eq!(rewriter.map(at(90_001, 1_000), now), Some(at(8, 0)));
    }

    #[test]
    fn another_source_goes_on_where_the_last_one_ended() {
        let now = clock::now();
        let mut rewriter = Rewriter::new(90_000, 1);
        rewriter.switch(at(500, 0), 0, now);
        rewriter.map(at(509, 9_000), now);
        let later = now + Duration::from_millis(100);
        rewriter.switch(at(3, 77), 0, later);
        assert_eq!(rewriter.map(at(3, 77), later), Some(at(11, 18_000)));
    }

    #[test]
    fn what_goes_before_has_numbers_of_its_own_whatever_follows() {
        let now = clock::now();
        let mut rewriter = Rewriter::new(90_000, 7);
        assert_eq!(rewriter.switch(at(0, 500), 2, now), at(7, 0));
        assert_eq!(rewriter.map(at(0, 500), now), Some(at(9, 0)));
        assert_eq!(rewriter.switch(at(90, 0), 3, now), at(10, 1));
        assert_eq!(rewriter.switch(at(0, 0), 0, now), at(13, 2));
        assert_eq!(rewriter.map(at(0, 0), now), Some(at(13, 2)));
    }

    #[test]
    fn a_source_whose_time_runs_backwards_can_be_gone_over_from() {
        let now = clock::now();
        let mut rewriter = Rewriter::new(90_000, 1);
        rewriter.switch(at(500, 9_000), 0, now);
        rewriter.map(at(500, 9_000), now);
        let below = rewriter.map(at(501, 0), now).unwrap();
        assert_eq!(below.time as u32, 0_u32.wrapping_sub(9_000));
        let later = now + Duration::from_secs(1);
        rewriter.switch(at(3, 77), 0, later);
        assert_eq!(rewriter.map(at(3, 77), later), Some(at(3, 81_000)));
    }

    #[test]
    fn stragglers_of_the_last_source_are_dropped() {
        let now = clock::now();
        let mut rewriter = Rewriter::new(90_000, 1);
        assert_eq!(rewriter.map(at(1, 1), now), None);
        rewriter.switch(at(500, 7), 0, now);
        assert_eq!(rewriter.map(at(499, 6), now), None);
        rewriter.map(at(500, 7), now);
        rewriter.switch(at(700, 7), 0, now);
        assert_eq!(rewriter.map(at(699, 7), now), None, "it has no number");
    }

    /// Nobody has seen where the stream begins.
    #[test]
    fn the_very_first_picture_may_come_in_any_order() {
        let now = clock::now();
        let mut rewriter = Rewriter::new(90_000, 1000);
        rewriter.switch(at(500, 7), 0, now);
        assert_eq!(rewriter.map(at(500, 7), now), Some(at(1000, 0)));
        assert_eq!(rewriter.map(at(498, 7), now), Some(at(998, 0)));
        assert_eq!(rewriter.map(at(400, 7), now), None);
        let mut rewriter = Rewriter::new(90_000, 1);
        rewriter.switch(at(500, 7), 0, now);
        assert_eq!(rewriter.map(at(499, 7), now), Some(at(0, 0)));
        assert_eq!(rewriter.map(at(498, 7), now), None, "numbers begin at 0");
    }
}
