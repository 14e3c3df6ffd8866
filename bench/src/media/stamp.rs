//! What a packet says of itself: its number, and when it was sent.

use std::time::{Duration, SystemTime, SystemTimeError, UNIX_EPOCH};

/// Stands at the end of a payload. Its bytes are such that no H.264 parser takes them
/// for a start code, and its last one ends a NAL unit as H.264 section 7.3.2.11 has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Counts the publisher's packets, of all its media together.
    pub(crate) number: u64,
    /// Since the epoch: the kernel says in the same clock when a packet has arrived.
    pub(crate) sent: Duration,
}

/// A number of 64 bits, seven in each byte.
const NUMBER: usize = 10;
/// So no byte of a stamp is 0 to 3.
const TOP_BIT: u8 = 0x80;
/// The stop bit of a NAL unit.
const END: u8 = 0x80;

impl Stamp {
    /// How many bytes it takes.
    pub(crate) const LENGTH: usize = 2 * NUMBER + 1;

    /// Of the packet with this number, sent now.
    pub(crate) fn now(number: u64) -> Result<Self, SystemTimeError> {
        let sent = SystemTime::now().duration_since(UNIX_EPOCH)?;
        Ok(Self { number, sent })
    }

    pub(crate) fn append_to(self, payload: &mut Vec<u8>) {
        // Enough until the year 2554.
        let nanoseconds = u64::try_from(self.sent.as_nanos()).unwrap_or(u64::MAX);
        payload.extend(bytes(self.number));
        payload.extend(bytes(nanoseconds));
        payload.push(END);
    }

    /// Of this payload, if it has one.
    pub(crate) fn at_end_of(payload: &[u8]) -> Option<Self> {
        let (_, stamp) = payload.split_last_chunk::<{ Self::LENGTH }>()?;
        let (number, rest) = stamp.split_first_chunk::<NUMBER>()?;
        let (sent, end) = rest.split_first_chunk::<NUMBER>()?;
        if end != [END] {
            return None;
        }
        Some(Self {
            number: value(number)?,
            sent: Duration::from_nanos(value(sent)?),
        })
    }
}

fn bytes(number: u64) -> [u8; NUMBER] {
    std::array::from_fn(|place| TOP_BIT | (number >> (7 * place)) as u8)
}

fn value(bytes: &[u8; NUMBER]) -> Option<u64> {
    let mut number = 0;
    for (place, byte) in bytes.iter().enumerate() {
        let bits = byte.checked_sub(TOP_BIT)?;
        number |= u64::from(bits) << (7 * place);
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_as_it_was_written() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let sent = Duration::from_nanos(number);
            let stamp = Stamp { number, sent };
            let mut payload = vec![0x41; 5];
            stamp.append_to(&mut payload);
            assert_eq!(payload.len(), 5 + Stamp::LENGTH);
            assert_eq!(Stamp::at_end_of(&payload), Some(stamp));
        }
    }

    #[test]
    fn what_is_no_stamp_is_not_taken_for_one() {
        assert_eq!(Stamp::at_end_of(&[]), None);
        assert_eq!(Stamp::at_end_of(&[END; Stamp::LENGTH - 1]), None);
        let mut payload = Vec::new();
        Stamp::now(7).unwrap().append_to(&mut payload);
        for place in 0..payload.len() {
            let mut changed = payload.clone();
            changed[place] = 0x41;
            assert_eq!(Stamp::at_end_of(&changed), None, "byte {place}");
        }
    }
}
