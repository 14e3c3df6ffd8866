//! Packets as they were sent lately, encrypted, for a viewer that has no other stream for what
//! it missed (RFC 4588): they leave once more as they are. Encrypted anew under the same number
//! they might be something else, and that must not be (RFC 3711 section 9.1).

use std::collections::VecDeque;
use std::time::Instant;

use crate::publisher::packet_cache::{SENT_HISTORY, SENT_HISTORY_PACKETS};

/// What is kept for one viewer: half a second at 4 Mbit/s.
const MAX_BYTES: usize = 256 << 10;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct SentPackets {
    /// Oldest first.
    packets: VecDeque<SentPacket>,
    bytes: usize,
}

#[derive(Debug)]
struct SentPacket {
    source: u32,
    index: u64,
    arrived: Instant,
    bytes: Box<[u8]>,
}

impl SentPackets {
    /// Keeps a packet that is being sent, and arrived here at that time.
    pub(super) fn keep(&mut self, (source, index): (u32, u64), arrived: Instant, bytes: &[u8]) {
        self.bytes += bytes.len();
        self.packets.push_back(SentPacket {
            source,
            index,
            arrived,
            bytes: bytes.into(),
        });
        while let Some(oldest) = self.packets.front() {
            let is_old = oldest.arrived + SENT_HISTORY < arrived;
            let is_much = self.bytes > MAX_BYTES || self.packets.len() > SENT_HISTORY_PACKETS;
            if !is_old && !is_much {
                break;
            }
            self.bytes -= oldest.bytes.len();
            self.packets.pop_front();
        }
    }

    /// The packet of this source and index, if it is still there.
    pub(super) fn find(&self, source: u32, index: u64) -> Option<&[u8]> {
        let is_it = |packet: &&SentPacket| packet.source == source && packet.index == index;
        let packet = self.packets.iter().rev().find(is_it)?;
        Some(&packet.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn what_was_sent_is_there_as_it_was_until_it_is_old_or_too_much() {
        let now = clock::now();
        let mut sent = SentPackets::default();
        sent.keep((1, 70_000), now, b"one");
        sent.keep((2, 70_000), now, b"two");
        assert_eq!(sent.find(1, 70_000), Some(&b"one"[..]));
        assert_eq!(sent.find(2, 70_000), Some(&b"two"[..]));
        assert_eq!(sent.find(1, 70_000 - 65_536), None);
        sent.keep((1, 70_001), now + 2 * SENT_HISTORY, b"three");
        assert_eq!(sent.find(1, 70_000), None);
        for index in 0..1000 {
            sent.keep((1, index), now + 2 * SENT_HISTORY, &[0; 1200]);
            assert!(sent.bytes <= MAX_BYTES);
        }
        assert!(sent.find(1, 999).is_some());
        assert_eq!(sent.packets.len(), MAX_BYTES / 1200);
    }
}
