//! What was sent lately, by transport-wide sequence number: when, and how much.

/// So many packets are remembered at first.
const FEWEST: usize = 64;

/// And so many at most: two seconds of 10 Mbit/s. Feedback about older ones says nothing of
/// the link as it is.
const MOST: usize = 2048;

/// See the module.
#[derive(Debug)]
pub(super) struct SentPackets {
    /// By the lower bits of the sequence number.
    records: Vec<Record>,
    /// The number of the next packet, with its rollovers.
    next: u64,
}

/// One packet.
#[derive(Debug, Clone, Copy)]
struct Record {
    /// The lower bits of the time it left at, in microseconds.
    at: u32,
    bytes: u16,
    probe: u8,
    fate: Fate,
}

/// What is known of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Unknown,
    Missing,
    Arrived,
}

/// A packet that a receiver has reported for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reported {
    /// When it left, in microseconds.
    pub(super) sent: i64,
    pub(super) bytes: usize,
    /// The probe that it belonged to; zero for none.
    pub(super) probe: u8,
    /// It was reported missing before, and has arrived after all.
    pub(super) was_missing: bool,
}

impl SentPackets {
    pub(super) fn new() -> Self {
        Self {
            records: vec![Record::NONE; FEWEST],
            next: 0,
        }
    }

    /// Notes a packet that leaves `now`, in microseconds; returns its number.
    pub(super) fn note(&mut self, bytes: usize, probe: u8, now: i64) -> u16 {
        let oldest = self.records[self.slot(self.next)];
        if oldest.fate == Fate::Unknown && oldest.bytes > 0 && self.records.len() < MOST {
            self.grow();
        }
        let slot = self.slot(self.next);
        self.records[slot] = Record {
            at: now as u32,
            bytes: u16::try_from(bytes).unwrap_or(u16::MAX),
            probe,
            fate: Fate::Unknown,
        };
        // On the wire are the lower bits.
        let number = self.next as u16;
        self.next += 1;
        number
    }

    /// The whole number of one that a receiver names, if it was sent and is remembered.
    pub(super) fn unwrap(&self, number: u16) -> Option<u64> {
        let last = self.next.checked_sub(1)?;
        let behind = u64::from((last as u16).wrapping_sub(number));
        last.checked_sub(behind)
            .filter(|_| behind < self.records.len() as u64)
    }

    /// Notes what a receiver says of a packet. Nothing comes of what it said before.
    pub(super) fn report(&mut self, number: u16, has_arrived: bool, now: i64) -> Option<Reported> {
        let slot = self.slot(self.unwrap(number)?);
        let record = &mut self.records[slot];
        let fate = match has_arrived {
            true => Fate::Arrived,
            false => Fate::Missing,
        };
        if record.fate == fate || record.fate == Fate::Arrived {
            return None;
        }
        let was_missing = std::mem::replace(&mut record.fate, fate) == Fate::Missing;
        let age = (now as u32).wrapping_sub(record.at);
        Some(Reported {
            sent: now - i64::from(age),
            bytes: record.bytes.into(),
            probe: record.probe,
            was_missing,
        })
    }

    fn grow(&mut self) {
        let length = self.records.len();
        let old = std::mem::replace(&mut self.records, vec![Record::NONE; 2 * length]);
        let oldest = self.next.saturating_sub(length as u64);
        for number in oldest..self.next {
            let slot = self.slot(number);
            self.records[slot] = old[number as usize & (length - 1)];
        }
    }

    fn slot(&self, number: u64) -> usize {
        // The length is a power of two.
        number as usize & (self.records.len() - 1)
    }
}

impl Record {
    const NONE: Self = Self {
        at: 0,
        bytes: 0,
        probe: 0,
        fate: Fate::Unknown,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(packets: u64) -> SentPackets {
        let mut sent = SentPackets::new();
        for number in 0..packets {
            sent.note(1000, 0, number as i64);
            sent.report(number as u16, true, number as i64);
        }
        sent
    }

    #[test]
    fn a_packet_is_reported_once() {
        let mut sent = sent(3);
        assert_eq!(sent.note(700, 9, 5_000_000_000), 3);
        let reported = sent.report(3, true, 5_000_070_000).unwrap();
        assert_eq!(reported.sent, 5_000_000_000);
        assert_eq!((reported.bytes, reported.probe), (700, 9));
        assert_eq!(sent.report(3, true, 5_000_080_000), None);
        assert_eq!(sent.report(3, false, 5_000_080_000), None);
    }

    #[test]
    fn what_was_missing_may_arrive_later() {
        let mut sent = sent(0);
        sent.note(700, 0, 0);
        assert!(!sent.report(0, false, 1).unwrap().was_missing);
        assert_eq!(sent.report(0, false, 2), None);
        assert!(sent.report(0, true, 3).unwrap().was_missing);
    }

    #[test]
    fn numbers_wrap() {
        let mut sent = sent(65_534);
        let numbers: Vec<_> = (0..4).map(|_| sent.note(1, 0, 0)).collect();
        assert_eq!(numbers, [65_534, 65_535, 0, 1]);
        assert_eq!(sent.unwrap(0), Some(65_536));
        assert_eq!(sent.unwrap(65_535), Some(65_535));
        assert_eq!(sent.unwrap(2), None, "not sent yet");
    }

    #[test]
    fn memory_grows_with_what_is_under_way_and_has_a_bound() {
        let mut sent = sent(10_000);
        assert_eq!(sent.records.len(), FEWEST);
        for _ in 0..10 * MOST {
            sent.note(1000, 0, 0);
        }
        assert_eq!(sent.records.len(), MOST);
        let last = sent.next - 1;
        assert!(sent.report(last as u16, true, 0).is_some());
        let oldest = sent.next - MOST as u64;
        assert!(sent.report(oldest as u16, true, 0).is_some());
        assert!(sent.report((oldest - 1) as u16, true, 0).is_none());
    }

    #[test]
    fn growing_loses_nothing() {
        let mut sent = sent(1000);
        for number in 0..FEWEST as i64 + 1 {
            sent.note(number as usize + 1, 0, number);
        }
        assert_eq!(sent.records.len(), 2 * FEWEST);
        for number in 0..FEWEST as i64 + 1 {
            let reported = sent.report(1000 + number as u16, true, 1000).unwrap();
            assert_eq!(reported.sent, number);
        }
    }
}
