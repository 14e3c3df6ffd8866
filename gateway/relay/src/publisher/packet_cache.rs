//! The packets of one layer: those just arrived, and the last group of pictures.
//!
//! Every viewer has a cursor in it. A live viewer's is at the end; a newcomer's is at the
//! last picture that needs no other, from where it catches up. Nothing is copied for it.
//!
//! A layer comes from one source at a time. Another one begins anew here, since its numbers are
//! not the last one's; what came of that one stays for those who have still to be sent it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::rtp::{ExtensionValues, RtpPacket};

use super::parameter_sets::ParameterSets;
use super::pictures::{Picture, Pictures};
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
    /// As far as that is known (see `capture_clock`).
    pub(crate) captured: Option<Instant>,
}

/// Which of the sources that a layer has had one after the other. They count up.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SourceNumber(u64);

/// The last group of pictures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group {
    /// Where a newcomer begins.
    pub(crate) cursor: Cursor,
    /// Its first packet in the publisher's order, which is not always the one that came first.
    pub(crate) first: Position,
    /// Since when it is there.
    pub(crate) began: Instant,
    /// Where its first picture's packets begin.
    start: Cursor,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct PacketCache {
    encoding: Encoding,
    packets: VecDeque<(SourceNumber, Packet)>,
    /// The cursor at the first of `packets`.
    first: u64,
    bytes: usize,
    /// The source that is being sent.
    source: SourceNumber,
    /// Its packet that is furthest ahead in the publisher's order.
    latest: Option<Position>,
    /// Its pictures.
    pictures: Pictures,
    /// Its last picture group, if all of it is still here.
    group: Option<Group>,
    /// What was seen of parameter sets.
    sets: ParameterSets,
    /// Those that the group is decoded with and does not bring itself, ready to be sent.
    group_sets: Arc<[Packet]>,
}

impl PacketCache {
    /// An empty one; `sets` are known beforehand.
    pub(crate) fn new(encoding: Encoding, sets: ParameterSets) -> Self {
        Self {
            encoding,
            packets: VecDeque::new(),
            first: 0,
            bytes: 0,
            source: SourceNumber::default(),
            latest: None,
            pictures: Pictures::default(),
            group: None,
            sets,
            group_sets: Arc::default(),
        }
    }

    /// Takes a packet in; says whether it begins a picture group.
    pub(crate) fn push(&mut self, packet: Packet) -> bool {
        let position = packet.position;
        let is_ahead = |latest: Position| latest.sequence < position.sequence;
        if self.latest.is_none_or(is_ahead) {
            self.latest = Some(position);
        }
        let sets = self.sets.note(&packet.payload);
        let picture = self.pictures.add(position, self.end(), sets);
        if let Some(group) = &mut self.group
            && group.start == picture.start
        {
            group.first = picture.first;
            if !sets.are_none() {
                self.group_sets = self.missing_sets(picture, packet.arrived);
            }
        }
        let is_newer = |group: Group| group.first.sequence < picture.first.sequence;
        let begins_group =
            self.encoding.starts_picture_group(&packet.payload) && self.group.is_none_or(is_newer);
        if begins_group {
            self.group = Some(Group {
                cursor: self.pictures.start_with_later(picture),
                first: picture.first,
                began: packet.arrived,
                start: picture.start,
            });
            self.group_sets = self.missing_sets(picture, packet.arrived);
        }
        self.bytes += packet.size();
        self.packets.push_back((self.source, packet));
        begins_group
    }

    /// The parameter sets that a newcomer needs before it begins with this picture.
    fn missing_sets(&self, picture: Picture, now: Instant) -> Arc<[Packet]> {
        match picture.sets.are_enough() {
            true => Arc::default(),
            false => self.sets.units().map(|u| Packet::of(u, now)).collect(),
        }
    }

    /// From now on packets come from another source, whose numbers and times have nothing to
    /// do with the last one's.
    pub(crate) fn begin_source(&mut self) {
        self.source.0 += 1;
        self.latest = None;
        self.pictures = Pictures::default();
        self.group = None;
    }

    /// The source that is being sent.
    pub(crate) fn source(&self) -> SourceNumber {
        self.source
    }

    /// Where the next packet will be.
    pub(crate) fn end(&self) -> Cursor {
        Cursor(self.first + self.packets.len() as u64)
    }

    /// Where newcomers begin.
    pub(crate) fn group(&self) -> Option<Group> {
        self.group
    }

    /// The parameter sets that they need before it: those that it does not bring itself.
    pub(crate) fn group_sets(&self) -> &Arc<[Packet]> {
        &self.group_sets
    }

    /// The packet that is furthest ahead in the publisher's order.
    pub(crate) fn latest(&self) -> Option<Position> {
        self.latest
    }

    pub(crate) fn get(&self, cursor: Cursor) -> Option<&Packet> {
        self.get_of_source(cursor).map(|(_, packet)| packet)
    }

    /// The same, with the source that it is of.
    pub(crate) fn get_of_source(&self, cursor: Cursor) -> Option<(SourceNumber, &Packet)> {
        let index = cursor.0.checked_sub(self.first)?;
        let (source, packet) = self.packets.get(usize::try_from(index).ok()?)?;
        Some((*source, packet))
    }

    /// Forgets what is neither of the last picture group nor of the present picture, which
    /// may turn out to begin one, nor still to be sent to a viewer at `slowest`, nor young
    /// enough to be sent again.
    pub(crate) fn trim(&mut self, slowest: Cursor, now: Instant) {
        if self.bytes > MAX_BYTES {
            self.group = None;
        }
        let group = self.group.map(|group| group.cursor);
        let picture = self.pictures.latest().map(|picture| picture.start);
        let keep = [group, picture].into_iter().flatten();
        let keep = keep.fold(slowest, Cursor::min);
        // Viewers that are further behind than that begin again at the next group.
        while let Some((source, oldest)) = self.packets.front() {
            let is_young = oldest.arrived + SENT_HISTORY > now;
            let can_be_asked_for = is_young && self.packets.len() <= SENT_HISTORY_PACKETS;
            let is_needed = self.first >= keep.0 || can_be_asked_for;
            if is_needed && self.bytes <= 2 * MAX_BYTES {
                break;
            }
            if *source == self.source {
                self.pictures.forget(oldest.position, Cursor(self.first));
            }
            self.bytes -= oldest.size();
            self.packets.pop_front();
            self.first += 1;
        }
    }
}

impl Position {
    /// The position of a packet that str0m has numbered so. A source whose numbers or times run
    /// backwards gets below zero, and what is there wraps round. Half way up, there is room on
    /// both sides, and what is earlier is less.
    fn of_source(sequence: u64, time: u64) -> Self {
        const ZERO: u64 = 1 << 63;
        Self {
            sequence: sequence.wrapping_add(ZERO),
            time: time.wrapping_add(ZERO),
        }
    }
}

impl Packet {
    /// A packet that did not come as one. Where it stands is up to who sends it.
    fn of(payload: Arc<[u8]>, now: Instant) -> Self {
        Self {
            position: Position {
                sequence: 0,
                time: 0,
            },
            marker: false,
            extensions: ExtensionValues::default(),
            payload,
            arrived: now,
            captured: None,
        }
    }

    /// What it takes in memory: the smallest packets are mostly what is around them.
    fn size(&self) -> usize {
        size_of::<(SourceNumber, Self)>() + self.payload.len()
    }
}

impl From<RtpPacket> for Packet {
    fn from(packet: RtpPacket) -> Self {
        Self {
            position: Position::of_source(*packet.seq_no, packet.time.numer()),
            marker: packet.header.marker,
            extensions: forwarded(packet.header.ext_vals),
            payload: packet.payload,
            arrived: packet.timestamp,
            captured: None,
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

    const SEQUENCE: &[u8] = &[0x67, 0x42, 0xe0, 0x1f, 0x80];
    const PICTURE: &[u8] = &[0x68, 0x80];
    const KEY: &[u8] = &[0x65, 1];
    const OTHER: &[u8] = &[0x41, 1];

    fn cache(packets: &[(u64, u64, &[u8])]) -> PacketCache {
        let mut cache = PacketCache::new(Encoding::H264, ParameterSets::new(Encoding::H264, &[]));
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
            captured: None,
        });
    }

    /// When all viewers have everything, and nobody may ask for it again.
    fn trim(cache: &mut PacketCache) {
        cache.trim(cache.end(), clock::now() + SENT_HISTORY);
    }

    /// The sequence numbers from the group's beginning on.
    fn group(cache: &PacketCache) -> Vec<u64> {
        let cursor = cache.group().unwrap().cursor;
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

    /// The parameter sets that a newcomer is given before the group.
    fn given(cache: &PacketCache) -> Vec<&[u8]> {
        let sets = cache.group_sets().iter();
        sets.map(|packet| &*packet.payload).collect()
    }

    #[test]
    fn parameter_sets_that_came_once_are_there_for_every_group() {
        let mut cache = cache(&[(1, 0, SEQUENCE), (2, 0, PICTURE), (3, 0, KEY)]);
        assert!(given(&cache).is_empty(), "it brings them itself");
        add(&mut cache, (4, 3000, KEY));
        assert_eq!(given(&cache), [SEQUENCE, PICTURE]);
        trim(&mut cache);
        assert_eq!(given(&cache), [SEQUENCE, PICTURE]);
    }

    #[test]
    fn a_group_has_the_sets_that_were_before_it_and_not_those_of_the_next() {
        let mut cache = cache(&[(1, 0, SEQUENCE), (2, 0, PICTURE), (3, 1500, KEY)]);
        let other: &[u8] = &[0x67, 0x42, 0xe0, 0x1f, 0x81];
        add(&mut cache, (4, 4000, other));
        assert_eq!(given(&cache), [SEQUENCE, PICTURE]);
        add(&mut cache, (5, 4500, KEY));
        assert_eq!(given(&cache), [other, PICTURE]);
    }

    #[test]
    fn sets_that_come_after_their_keyframe_count_as_its_own() {
        let mut cache = cache(&[(3, 0, KEY), (1, 0, SEQUENCE)]);
        assert_eq!(given(&cache), [SEQUENCE]);
        add(&mut cache, (2, 0, PICTURE));
        assert!(given(&cache).is_empty());
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
        let present = cache.pictures.latest().unwrap();
        assert_eq!(present.start, Cursor(1), "the present picture is still one");
        add(&mut cache, (1, 0, SEQUENCE));
        assert_eq!(group(&cache), [2, 4, 3, 5, 1]);
        let first = cache.group().unwrap().first;
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
    fn a_keyframe_of_which_nothing_came_before_does_so_neither() {
        let mut cache = cache(&[(5, 3000, KEY)]);
        add(&mut cache, (1, 0, KEY));
        assert_eq!(cache.group().unwrap().first.sequence, 5);
    }

    #[test]
    fn what_follows_a_keyframe_and_came_before_it_is_of_its_group() {
        let mut cache = cache(&[(1, 0, OTHER), (4, 6000, OTHER)]);
        add(&mut cache, (3, 3000, KEY));
        add(&mut cache, (2, 3000, SEQUENCE));
        assert_eq!(group(&cache), [4, 3, 2]);
        assert_eq!(cache.group().unwrap().first.sequence, 2);
    }

    #[test]
    fn another_source_has_a_group_of_its_own() {
        let mut cache = cache(&[(500, 90_000, KEY), (501, 93_000, OTHER)]);
        cache.begin_source();
        assert!(cache.group().is_none());
        add(&mut cache, (2, 0, OTHER));
        add(&mut cache, (3, 3000, KEY));
        assert_eq!(group(&cache), [3]);
        assert_eq!(cache.latest().unwrap().sequence, 3);
        trim(&mut cache);
        assert_eq!(cache.packets.len(), 1);
    }

    /// Each packet is of an older picture than all before: to look for where it begins must
    /// not be to look through them all.
    #[test]
    fn many_late_pictures_cost_no_more_than_many_in_order() {
        const MANY: u64 = 40_000;
        let began = clock::now();
        let mut cache = cache(&[(10 * MANY, 10 * MANY, KEY)]);
        for number in 1..MANY {
            let late = 10 * MANY - 2 * number;
            add(&mut cache, (late, late, KEY));
        }
        assert_eq!(cache.packets.len(), MANY as usize);
        // To look through all would be 800 million looks.
        assert!(clock::now() - began < Duration::from_secs(5));
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
    fn what_is_below_zero_is_earlier() {
        let zero = Position::of_source(0, 0);
        let below = Position::of_source(0_u64.wrapping_sub(3), 0_u64.wrapping_sub(9_000));
        assert!(below.sequence < zero.sequence && below.time < zero.time);
        let of = |position: Position| (position.sequence, position.time, KEY);
        let cache = cache(&[zero, below, Position::of_source(1, 3_000)].map(of));
        assert_eq!(cache.latest(), Some(Position::of_source(1, 3_000)));
    }

    #[test]
    fn small_packets_do_not_take_more_than_large_ones() {
        let mut cache = cache(&[(1, 0, KEY)]);
        for number in 2..200_000 {
            add(&mut cache, (number, number * 3000, OTHER));
            trim(&mut cache);
        }
        assert!(cache.packets.len() * size_of::<(SourceNumber, Packet)>() < 2 * MAX_BYTES);
    }
}
