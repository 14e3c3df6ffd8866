//! Packets that left together, and by how much their way took longer than that of those
//! before (draft-ietf-rmcat-gcc-02 sections 5.1 and 5.2).

/// A packet that has arrived; times in microseconds, each by its own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) sent: i64,
    pub(super) arrived: i64,
    pub(super) bytes: usize,
    /// The probe that it belonged to; zero for none.
    pub(super) probe: u8,
}

/// Packets that left within so long are one group.
const GROUP: i64 = 5_000;

/// Packets that arrive within so long of each other came out of one queue at once, whenever
/// they left: a receiver that was busy, a radio that was off.
const BURST: i64 = 5_000;

/// As long as that took no longer than this in all.
const LONGEST_BURST: i64 = 100_000;

/// A delay that has grown by so much at once is another clock, not a queue.
const CLOCK_JUMP: i64 = 3_000_000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct ArrivalGroups {
    before: Option<Group>,
    current: Option<Group>,
}

/// Times of the first and last packets.
#[derive(Debug, Clone, Copy)]
struct Group {
    first_sent: i64,
    last_sent: i64,
    first_arrived: i64,
    last_arrived: i64,
}

/// How one group's way differed from that of the group before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Variation {
    /// Between their departures, in microseconds.
    pub(super) sent: i64,
    /// Between their arrivals, in microseconds.
    pub(super) arrived: i64,
    /// When the later one arrived.
    pub(super) at: i64,
}

impl ArrivalGroups {
    /// Adds a packet; says how a group's way differed once that group is complete.
    pub(super) fn add(&mut self, packet: &Arrival) -> Option<Variation> {
        let Some(current) = &mut self.current else {
            self.current = Some(Group::new(packet));
            return None;
        };
        if packet.sent < current.first_sent {
            // Out of order.
            return None;
        }
        if current.takes(packet) {
            current.last_sent = current.last_sent.max(packet.sent);
            current.last_arrived = current.last_arrived.max(packet.arrived);
            return None;
        }
        let complete = *current;
        self.current = Some(Group::new(packet));
        let before = self.before.replace(complete)?;
        let variation = Variation {
            sent: complete.last_sent - before.last_sent,
            arrived: complete.last_arrived - before.last_arrived,
            at: complete.last_arrived,
        };
        if (variation.arrived - variation.sent).abs() > CLOCK_JUMP {
            *self = Self::default();
            return None;
        }
        Some(variation).filter(|variation| variation.arrived >= 0)
    }
}

impl Group {
    fn new(packet: &Arrival) -> Self {
        Self {
            first_sent: packet.sent,
            last_sent: packet.sent,
            first_arrived: packet.arrived,
            last_arrived: packet.arrived,
        }
    }

    fn takes(&self, packet: &Arrival) -> bool {
        let sent = packet.sent - self.last_sent;
        let arrived = packet.arrived - self.last_arrived;
        let is_burst = arrived < sent
            && arrived <= BURST
            && packet.arrived - self.first_arrived < LONGEST_BURST;
        sent == 0 || is_burst || packet.sent - self.first_sent <= GROUP
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Variations of packets that were sent and have arrived at these milliseconds.
    fn variations(packets: &[(i64, i64)]) -> Vec<(i64, i64)> {
        let mut groups = ArrivalGroups::default();
        let add = |&(sent, arrived)| {
            let arrival = Arrival {
                sent: sent * 1000,
                arrived: arrived * 1000,
                bytes: 1200,
                probe: 0,
            };
            let variation = groups.add(&arrival)?;
            Some((variation.sent / 1000, variation.arrived / 1000))
        };
        packets.iter().filter_map(add).collect()
    }

    #[test]
    fn packets_of_one_picture_are_one_group() {
        let pictures = [(0, 40), (2, 43), (33, 73), (35, 79), (66, 106), (99, 139)];
        assert_eq!(variations(&pictures), [(33, 36), (31, 27)]);
    }

    #[test]
    fn what_a_busy_receiver_takes_in_at_once_is_one_group() {
        // It was away from 70 to 150.
        let packets = [
            (0, 40),
            (33, 73),
            (66, 150),
            (99, 151),
            (120, 154),
            (153, 193),
        ];
        assert_eq!(variations(&packets), [(33, 33), (87, 81)]);
    }

    #[test]
    fn disorder_and_other_clocks_are_no_delay() {
        assert_eq!(
            variations(&[(0, 40), (33, 73), (20, 74), (66, 106)]),
            [(33, 33)]
        );
        let jumped = [(0, 40), (33, 9073), (66, 9106), (99, 9139), (132, 9172)];
        assert_eq!(variations(&jumped), []);
    }
}
