//! The packets of one layer: those just arrived, and the last group of pictures.
//!
//! Every viewer has a cursor in it. A live viewer's is at the end; a newcomer's is at the
//! last picture that needs no other, from where it catches up. Nothing is copied for it.
//!
//! A layer comes from one source at a time. Another one begins anew here, since its numbers are
//! not the last one's; what came of that one stays for those who have still to be sent it.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::rtp::{ExtensionValues, RtpPacket, Ssrc};

use super::parameter_sets::ParameterSets;
use super::picture_size::vp9_begins_key_frame;
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

    /// How many packets are from another place to this one.
    pub(crate) fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Where a packet stands in its source, both numbers extended beyond their wrap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) sequence: u64,
    pub(crate) time: u64,
}

/// One packet, with what is needed to send it on. Its clones share the payload.
#[derive(Debug, Clone)]
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

impl SourceNumber {
    /// A name for it, for who is to tell them apart and no more.
    pub(crate) fn name(self) -> Ssrc {
        // Nobody remembers so many of them that the same one would come again.
        Ssrc::from(self.0 as u32)
    }
}

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

    /// Takes a packet in, and the parameter set that is whole with it if it was cut; says whether
    /// the packet begins a picture group.
    pub(crate) fn push(&mut self, packet: Packet, whole_set: Option<&[u8]>) -> bool {
        let position = packet.position;
        let is_ahead = |latest: Position| latest.sequence < position.sequence;
        if self.latest.is_none_or(is_ahead) {
            self.latest = Some(position);
        }
        let sets = self.sets.note(whole_set.unwrap_or(&packet.payload));
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
        let begins_group = self.is_key(&packet.payload) && self.group.is_none_or(is_newer);
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

    fn is_key(&self, payload: &[u8]) -> bool {
        match self.encoding {
            Encoding::Vp9 => vp9_begins_key_frame(payload),
            other => other.starts_picture_group(payload),
        }
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

    /// What was seen of parameter sets.
    pub(crate) fn sets(&self) -> &ParameterSets {
        &self.sets
    }

    /// These were seen elsewhere, before what comes here.
    pub(crate) fn know_sets(&mut self, sets: ParameterSets) {
        self.sets = sets;
    }

    /// Where the first packet is that is still here.
    pub(crate) fn first(&self) -> Cursor {
        Cursor(self.first)
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

    /// How many bytes of payload there are from here on.
    pub(crate) fn bytes_from(&self, cursor: Cursor) -> usize {
        let before = usize::try_from(cursor.0.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let packets = self.packets.iter().skip(before);
        packets.map(|(_, packet)| packet.payload.len()).sum()
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
