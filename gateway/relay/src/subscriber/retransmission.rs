//! What a viewer has missed, and how much is remembered for it to have again.

use str0m::rtp::Ssrc;

use crate::publisher::packet_cache::{SENT_HISTORY, SENT_HISTORY_PACKETS};

/// What one packet of video carries, about.
const PACKET_BITS: u64 = 8 * 1100;

/// Room is made for so many more at a time: not every kilobit more is to make room anew.
const STEP: usize = 32;

/// At least a picture group's first pictures.
const PACKETS: std::ops::RangeInclusive<usize> = 64..=SENT_HISTORY_PACKETS;

/// Packets of one source that a viewer has missed (RFC 4585 section 6.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) source: Ssrc,
    /// Their sequence numbers.
    pub(crate) sequences: Vec<u16>,
}

/// How many packets a stream of this bitrate calls for.
pub(super) fn packets(bitrate: u64) -> usize {
    let history = u64::try_from(SENT_HISTORY.as_millis()).unwrap_or_default();
    let packets = bitrate * history / 1000 / PACKET_BITS;
    let packets = usize::try_from(packets).unwrap_or(usize::MAX);
    let packets = packets.checked_next_multiple_of(STEP).unwrap_or(packets);
    packets.clamp(*PACKETS.start(), *PACKETS.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_second_is_kept_within_bounds() {
        assert_eq!(packets(0), 64);
        assert_eq!(packets(2_500_000), 160);
        assert_eq!(packets(u64::from(u32::MAX)), 1024);
    }
}
