//! The packets of one layer: those just arrived, and the last group of pictures.
//!
//! Every viewer has a cursor in it. A live viewer's is at the end; a newcomer's is at the
//! last picture that needs no other, from where it catches up. Nothing is copied for it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::rtp::{ExtensionValues, RtpPacket};

use crate::sdp::encoding::Encoding;

/// What a group of pictures may take: some six seconds at 8 Mbit/s. One that takes more is
/// not kept, and newcomers wait for the next.
const MAX_BYTES: usize = 8 << 20;

/// Viewers that have missed a packet can have it again for so long: two round trips of a
/// slow link.
pub(crate) const SENT_HISTORY: Duration = Duration::from_millis(500);

/// And so many packets at most, which is what 16 Mbit/s needs.
pub(crate) const SENT_HISTORY_PACKETS: usize = 1024;

/// A place in a cache. They count up and are never used again.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cursor(u64);

impl Cursor {
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Where a packet stands in its source, both numbers extended beyond their wrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) sequence: u64,
    pub(crate) time: u64,
}

/// One packet, with what is needed to send it on.
#[derive(Debug)]
pub(crate) struct Packet {
    pub(crate) position: Position,
    pub(crate) marker: bool,
    pub(crate) extensions: ExtensionValues,
    pub(crate) payload: Arc<[u8]>,
    pub(crate) arrived: Instant,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct PacketCache {
    encoding: Encoding,
    packets: VecDeque<Packet>,
    /// The cursor at the first of `packets`.
    first: u64,
    bytes: usize,
    /// The packet that is furthest ahead in the publisher's order.
    latest: Option<Position>,
    /// Where its picture began.
    picture_start: u64,
    /// Where the last picture group began, if all of it is still here.
    group_start: Option<u64>,
    group_began: Option<Instant>,
}

impl PacketCache {
    pub(crate) fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            packets: VecDeque::new(),
            first: 0,
            bytes: 0,
            latest: None,
            picture_start: 0,
            group_start: None,
            group_began: None,
        }
    }

    /// Takes a packet in; says whether it begins a picture group.
    pub(crate) fn push(&mut self, packet: Packet) -> bool {
        let Position { sequence, time } = packet.position;
        let cursor = self.end().0;
        if self.latest.is_none_or(|latest| latest.sequence < sequence) {
            if self.latest.is_none_or(|latest| latest.time != time) {
                self.picture_start = cursor;
            }
            self.latest = Some(packet.position);
        }
        let start = self.start_of_picture(time);
        let begins_group = self.encoding.starts_picture_group(&packet.payload)
            && start.is_some_and(|start| self.group_start.is_none_or(|group| group < start));
        if begins_group {
            self.group_start = start;
            self.group_began = Some(packet.arrived);
        }
        self.bytes += packet.size();
        self.packets.push_back(packet);
        begins_group
    }

    /// Where the picture of this time begins, of which a packet has just come. It may have
    /// come late, by retransmission.
    fn start_of_picture(&self, time: u64) -> Option<u64> {
        if self.latest.is_some_and(|latest| latest.time == time) {
            return Some(self.picture_start);
        }
        let found = self.packets.iter().position(|p| p.position.time == time)?;
        Some(self.first + found as u64)
    }

    /// Where the next packet will be.
    pub(crate) fn end(&self) -> Cursor {
        Cursor(self.first + self.packets.len() as u64)
    }

    /// Where a newcomer begins, and since when that is there.
    pub(crate) fn group(&self) -> Option<(Cursor, Instant)> {
        Some((Cursor(self.group_start?), self.group_began?))
    }

    /// The packet that is furthest ahead in the publisher's order.
    pub(crate) fn latest(&self) -> Option<Position> {
        self.latest
    }

    /// The first packet of the picture at this cursor, which is not always the one that
    /// came first.
    pub(crate) fn picture(&self, cursor: Cursor) -> Option<Position> {
        let time = self.get(cursor)?.position.time;
        let all = self.packets.iter().map(|packet| packet.position);
        let of_picture = all.filter(|position| position.time == time);
        of_picture.min_by_key(|position| position.sequence)
    }

    pub(crate) fn get(&self, cursor: Cursor) -> Option<&Packet> {
        let index = cursor.0.checked_sub(self.first)?;
        self.packets.get(usize::try_from(index).ok()?)
    }

    /// Forgets what is neither of the last picture group nor of the present picture, which
    /// may turn out to begin one, nor still to be sent to a viewer at `slowest`, nor young
    /// enough to be sent again.
    pub(crate) fn trim(&mut self, slowest: Cursor, now: Instant) {
        if self.bytes > MAX_BYTES {
            self.group_start = None;
        }
        let group = self.group_start.unwrap_or(u64::MAX);
        let keep = group.min(self.picture_start).min(slowest.0);
        // Viewers that are further behind than that begin again at the next group.
        while let Some(oldest) = self.packets.front() {
            let is_young = oldest.arrived + SENT_HISTORY > now;
            let can_be_asked_for = is_young && self.packets.len() <= SENT_HISTORY_PACKETS;
            let is_needed = self.first >= keep || can_be_asked_for;
            if is_needed && self.bytes <= 2 * MAX_BYTES {
                break;
            }
            self.bytes -= oldest.size();
            self.packets.pop_front();
            self.first += 1;
        }
    }
}

impl Packet {
    /// What it takes in memory: the smallest packets are mostly what is around them.
    fn size(&self) -> usize {
        size_of::<Self>() + self.payload.len()
    }
}

impl From<RtpPacket> for Packet {
    fn from(packet: RtpPacket) -> Self {
        Self {
            position: Position {
                sequence: *packet.seq_no,
                time: packet.time.numer(),
            },
            marker: packet.header.marker,
            extensions: forwarded(packet.header.ext_vals),
            payload: packet.payload,
            arrived: packet.timestamp,
        }
    }
}

/// The extensions that mean something beyond one hop.
fn forwarded(extensions: ExtensionValues) -> ExtensionValues {
    ExtensionValues {
        mid: None,
        rid: None,
        rid_repair: None,
        transport_cc: None,
        abs_send_time: None,
        tx_time_offs: None,
        ..extensions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const SEQUENCE: &[u8] = &[0x67, 0x42];
    const KEY: &[u8] = &[0x65, 1];
    const OTHER: &[u8] = &[0x41, 1];

    fn cache(packets: &[(u64, u64, &[u8])]) -> PacketCache {
        let mut cache = PacketCache::new(Encoding::H264);
        packets.iter().for_each(|packet| add(&mut cache, *packet));
        cache
    }

    fn add(cache: &mut PacketCache, (sequence, time, payload): (u64, u64, &[u8])) {
        cache.push(Packet {
            position: Position { sequence, time },
            marker: false,
            extensions: ExtensionValues::default(),
            payload: payload.into(),
            arrived: clock::now(),
        });
    }

    /// When all viewers have everything, and nobody may ask for it again.
    fn trim(cache: &mut PacketCache) {
        cache.trim(cache.end(), clock::now() + SENT_HISTORY);
    }

    /// The sequence numbers from the group's beginning on.
    fn group(cache: &PacketCache) -> Vec<u64> {
        let cursor = cache.group().unwrap().0;
        let numbers = (cursor.0..cache.end().0).map(Cursor);
        let packets = numbers.map(|cursor| cache.get(cursor).unwrap());
        packets.map(|packet| packet.position.sequence).collect()
    }

    #[test]
    fn a_group_begins_with_all_of_its_first_picture() {
        let mut cache = cache(&[(1, 0, OTHER), (2, 3000, SEQUENCE)]);
        // Everyone has got the parameters before the picture itself arrives.
        trim(&mut cache);
        add(&mut cache, (3, 3000, KEY));
        add(&mut cache, (4, 3000, KEY));
        add(&mut cache, (5, 6000, OTHER));
        trim(&mut cache);
        assert_eq!(group(&cache), [2, 3, 4, 5]);
    }

    #[test]
    fn a_newer_group_takes_the_place_of_an_older_one() {
        let mut cache = cache(&[(1, 0, KEY), (2, 3000, OTHER), (3, 6000, KEY)]);
        trim(&mut cache);
        assert_eq!(group(&cache), [3]);
        assert_eq!(cache.packets.len(), 1);
    }

    #[test]
    fn a_late_packet_belongs_to_its_own_picture() {
        let mut cache = cache(&[(2, 0, KEY), (4, 3000, OTHER)]);
        add(&mut cache, (3, 0, OTHER));
        add(&mut cache, (5, 3000, OTHER));
        assert_eq!(cache.picture_start, 1, "the present picture is still one");
        add(&mut cache, (1, 0, SEQUENCE));
        assert_eq!(group(&cache), [2, 4, 3, 5, 1]);
        let first = cache.picture(cache.group().unwrap().0).unwrap();
        assert_eq!(first.sequence, 1, "what came last comes first");
        assert_eq!(cache.latest().unwrap().sequence, 5);
    }

    #[test]
    fn a_keyframe_that_comes_late_does_not_take_a_newer_ones_place() {
        let mut cache = cache(&[(2, 0, OTHER), (3, 3000, KEY)]);
        add(&mut cache, (1, 0, KEY));
        assert_eq!(group(&cache), [3, 1]);
    }

    #[test]
    fn what_has_just_been_sent_can_be_sent_again() {
        let mut cache = cache(&[(1, 0, KEY), (2, 3000, OTHER), (3, 6000, KEY)]);
        cache.trim(cache.end(), clock::now());
        assert!(cache.get(Cursor::default()).is_some());
        trim(&mut cache);
        assert!(cache.get(Cursor::default()).is_none());
    }

    #[test]
    fn what_a_viewer_still_needs_is_kept_until_it_is_too_much() {
        let mut cache = cache(&[(1, 0, OTHER)]);
        let slow = Cursor::default();
        let large = vec![0x41; 1 << 20];
        for number in 2..50 {
            add(&mut cache, (number, number * 3000, &large));
            cache.trim(slow, clock::now() + SENT_HISTORY);
            assert!(cache.bytes <= 2 * MAX_BYTES);
        }
        assert!(cache.get(slow).is_none());
        assert!(cache.bytes > MAX_BYTES);
    }

    #[test]
    fn small_packets_do_not_take_more_than_large_ones() {
        let mut cache = cache(&[(1, 0, KEY)]);
        for number in 2..200_000 {
            add(&mut cache, (number, number * 3000, OTHER));
            trim(&mut cache);
        }
        assert!(cache.packets.len() * size_of::<Packet>() < 2 * MAX_BYTES);
    }
}
