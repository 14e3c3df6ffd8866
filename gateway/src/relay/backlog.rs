//! The packets of one layer: those just arrived, and the last group of pictures.
//!
//! Every viewer has a place in it. A live viewer's place is the end; a newcomer's is the
//! last picture that needs no other, from where it catches up. Nothing is copied for it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use str0m::rtp::{ExtensionValues, RtpPacket};

use super::encoding::Encoding;
use super::splice::Position;

/// What a group of pictures may take: eight seconds at 8 Mbit/s. One that takes more is
/// not kept, and newcomers wait for the next.
const MAX_BYTES: usize = 8 << 20;

/// A place in a backlog. Places count up and are never used again.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u64);

impl Place {
    pub(super) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// One packet, with what is needed to send it on.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) position: Position,
    pub(super) marker: bool,
    pub(super) extensions: ExtensionValues,
    pub(super) payload: Arc<[u8]>,
    pub(super) arrived: Instant,
    /// Counts pictures: packets of one have the same number.
    pub(super) picture: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Backlog {
    encoding: Encoding,
    packets: VecDeque<Packet>,
    /// The place of the first of `packets`.
    first: u64,
    bytes: usize,
    /// Where the present picture began.
    picture_start: u64,
    /// Where the last picture group began, if all of it is still here.
    group_start: Option<u64>,
    group_began: Option<Instant>,
    picture: u64,
}

impl Backlog {
    pub(super) fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            packets: VecDeque::new(),
            first: 0,
            bytes: 0,
            picture_start: 0,
            group_start: None,
            group_began: None,
            picture: 0,
        }
    }

    /// Takes a packet in; says whether it begins a picture group.
    pub(super) fn push(&mut self, packet: RtpPacket) -> bool {
        let RtpPacket {
            seq_no,
            time,
            header,
            payload,
            timestamp,
            ..
        } = packet;
        let position = Position {
            sequence: *seq_no,
            time: time.numer(),
        };
        let place = self.end().0;
        let is_new_picture = self
            .packets
            .back()
            .is_none_or(|last| last.position.time != position.time);
        if is_new_picture {
            self.picture += 1;
            self.picture_start = place;
        }
        let begins_group = self.encoding.starts_picture_group(&payload)
            && self.group_start != Some(self.picture_start);
        if begins_group {
            self.group_start = Some(self.picture_start);
            self.group_began = Some(timestamp);
        }
        self.bytes += payload.len();
        self.packets.push_back(Packet {
            position,
            marker: header.marker,
            extensions: forwarded(header.ext_vals),
            payload,
            arrived: timestamp,
            picture: self.picture,
        });
        begins_group
    }

    /// Where the next packet will be.
    pub(super) fn end(&self) -> Place {
        Place(self.first + self.packets.len() as u64)
    }

    /// Where a newcomer begins, and since when that is there.
    pub(super) fn group(&self) -> Option<(Place, Instant)> {
        Some((Place(self.group_start?), self.group_began?))
    }

    /// The packet that came last.
    pub(super) fn latest(&self) -> Option<&Packet> {
        self.packets.back()
    }

    pub(super) fn get(&self, place: Place) -> Option<&Packet> {
        let index = place.0.checked_sub(self.first)?;
        self.packets.get(usize::try_from(index).ok()?)
    }

    /// Forgets what is neither of the last picture group nor still to be sent to a viewer
    /// at `slowest`.
    pub(super) fn trim(&mut self, slowest: Place) {
        if self.bytes > MAX_BYTES {
            self.group_start = None;
        }
        let keep = self.group_start.unwrap_or(u64::MAX).min(slowest.0);
        // Viewers that are further behind than that begin again at the next group.
        while self.first < keep || self.bytes > 2 * MAX_BYTES {
            let Some(packet) = self.packets.pop_front() else {
                break;
            };
            self.bytes -= packet.payload.len();
            self.first += 1;
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
