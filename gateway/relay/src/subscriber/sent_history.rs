//! What a viewer was sent lately, so that it can have it again.
//!
//! Only numbers are kept: the packets themselves are in the packet cache, once for everyone.

use crate::publisher::packet_cache::{Cursor, SENT_HISTORY_PACKETS};
use crate::subscriber::picture_ids::PictureNumbers;

/// How often one packet is sent again: as often as Chromium asks. Whoever asks more often is not
/// served by it.
const MAX_RETRANSMISSIONS: u8 = 10;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct SentHistory {
    /// Each at its sequence number modulo their count.
    sent: Vec<Option<Sent>>,
    highest: Option<u64>,
}

/// One packet as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    /// With its rollovers.
    pub(crate) sequence: u64,
    pub(crate) time: u32,
    /// Written over those of its payload.
    pub(crate) numbers: Option<PictureNumbers>,
    /// Where it is, if it still is.
    pub(crate) place: Option<Place>,
    pub(crate) retransmissions: u8,
}

/// Where a packet is that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the packet cache.
    Cache(Cursor),
    /// Among the parameter sets that the viewer was given.
    Sets(usize),
}

impl SentHistory {
    /// Has room for so many packets, at least.
    pub(crate) fn provide(&mut self, packets: usize) {
        if packets <= self.sent.len() {
            return;
        }
        let old = std::mem::replace(&mut self.sent, vec![None; packets]);
        for sent in old.into_iter().flatten() {
            let slot = self.slot(sent.sequence);
            self.sent[slot] = Some(sent);
        }
    }

    /// Notes a packet that is about to be sent. False if it must not be: its number was
    /// used before, or might have been. SRTP allows each only once (RFC 3711 section 9.1).
    pub(crate) fn note(&mut self, sent: Sent) -> bool {
        let highest = self.highest.unwrap_or(sent.sequence);
        if sent.sequence + self.sent.len() as u64 <= highest {
            return false;
        }
        // A picture that is larger than all others may lose its first packets with its last.
        let of_picture = |known: Sent| known.time == sent.time && known.sequence < sent.sequence;
        let in_place = self.sent.get(self.slot(sent.sequence)).copied().flatten();
        if in_place.is_some_and(of_picture) && self.sent.len() < SENT_HISTORY_PACKETS {
            self.provide(SENT_HISTORY_PACKETS.min(2 * self.sent.len()));
        }
        let slot = self.slot(sent.sequence);
        let Some(slot) = self.sent.get_mut(slot) else {
            return false;
        };
        if slot.is_some_and(|known| known.sequence >= sent.sequence) {
            return false;
        }
        *slot = Some(sent);
        self.highest = Some(highest.max(sent.sequence));
        true
    }

    /// The packet with this number, to be sent once more.
    pub(crate) fn again(&mut self, sequence: u16) -> Option<Sent> {
        let highest = self.highest?;
        let behind = (highest as u16).wrapping_sub(sequence);
        let sequence = highest.checked_sub(behind.into())?;
        let slot = self.slot(sequence);
        let sent = self.sent.get_mut(slot)?.as_mut()?;
        if sent.sequence != sequence || sent.retransmissions >= MAX_RETRANSMISSIONS {
            return None;
        }
        sent.retransmissions += 1;
        Some(*sent)
    }

    /// Those that were sent last, the last one first, with where they are.
    pub(crate) fn latest(&self) -> impl Iterator<Item = (Sent, Cursor)> {
        let highest = self.highest.unwrap_or_default();
        let numbers =
            (0..self.sent.len() as u64).map_while(move |behind| highest.checked_sub(behind));
        numbers.filter_map(|sequence| {
            let sent = self.sent[self.slot(sequence)].filter(|sent| sent.sequence == sequence)?;
            match sent.place {
                Some(Place::Cache(cursor)) => Some((sent, cursor)),
                Some(Place::Sets(_)) | None => None,
            }
        })
    }

    /// The packets are not there any more. That they were sent is remembered.
    pub(crate) fn forget_places(&mut self) {
        for sent in self.sent.iter_mut().flatten() {
            sent.place = None;
        }
    }

    /// The viewer is given other parameter sets.
    pub(crate) fn forget_sets(&mut self) {
        for sent in self.sent.iter_mut().flatten() {
            sent.place = sent.place.filter(|place| matches!(place, Place::Cache(_)));
        }
    }

    fn slot(&self, sequence: u64) -> usize {
        // Less than a length fits.
        sequence.checked_rem(self.sent.len() as u64).unwrap_or(0) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(sequence: u64) -> Sent {
        Sent {
            sequence,
            time: 3000 * sequence as u32,
            numbers: None,
            place: Some(Place::Cache(Cursor::default())),
            retransmissions: 0,
        }
    }

    fn history(sequences: impl IntoIterator<Item = u64>) -> SentHistory {
        let mut history = SentHistory::default();
        history.provide(4);
        for sequence in sequences {
            assert!(history.note(packet(sequence)));
        }
        history
    }

    #[test]
    fn the_last_packets_can_be_had_again() {
        let mut history = history(65_533..=65_540);
        assert_eq!(history.again(3).unwrap().sequence, 65_539);
        assert_eq!(history.again(1).unwrap().sequence, 65_537);
        assert_eq!(history.again(65_535), None, "too long ago");
        assert_eq!(history.again(5), None, "not sent yet");
    }

    #[test]
    fn more_room_loses_nothing() {
        let mut history = history([1, 2, 4]);
        history.provide(9);
        assert_eq!(history.sent.len(), 9);
        assert!(history.note(packet(3)));
        assert!((1..=4).all(|number| history.again(number).is_some()));
    }

    #[test]
    fn all_of_one_picture_is_there_however_large() {
        let large = |packets| {
            let mut history = history([]);
            for sequence in 0..packets {
                let time = 7;
                assert!(history.note(Sent {
                    time,
                    ..packet(sequence)
                }));
            }
            history
        };
        let mut history = large(300);
        assert!((0..300).all(|number| history.again(number).is_some()));
        assert!(history.note(packet(300)));
        assert_eq!(history.sent.len(), 512);
        let mut history = large(5000);
        assert_eq!(history.sent.len(), SENT_HISTORY_PACKETS, "but for a bound");
        assert!(history.again(3975).is_none());
    }

    #[test]
    fn no_number_is_used_twice() {
        let mut history = history([7, 9, 8]);
        assert!(!history.note(packet(8)));
        assert!(!history.note(packet(5)), "might have been");
        assert!(history.note(packet(6)));
        history.forget_places();
        assert!(!history.note(packet(9)));
        assert_eq!(history.again(9).unwrap().place, None);
    }

    #[test]
    fn the_last_is_first() {
        let latest = |history: &SentHistory| {
            let latest = history.latest();
            latest.map(|(sent, _)| sent.sequence).collect::<Vec<_>>()
        };
        let mut history = history([1, 2, 4]);
        assert_eq!(latest(&history), [4, 2, 1]);
        history.forget_places();
        assert!(latest(&history).is_empty());
        assert!(latest(&SentHistory::default()).is_empty());
    }

    #[test]
    fn nobody_is_sent_the_same_for_ever() {
        let mut history = history([7]);
        let again = std::iter::from_fn(|| history.again(7));
        assert_eq!(again.count(), usize::from(MAX_RETRANSMISSIONS));
    }
}
