//! One RTP stream to one viewer (RFC 3550), with its retransmissions (RFC 4588).

use std::time::{Instant, SystemTime};

use super::outgoing::{Downlink, Outgoing};
use super::picture_ids::PictureNumbers;
use super::sender_report::Sent as SentSoFar;
use super::sent_history::{Sent, SentHistory};
use crate::publisher::packet_cache::{Cursor, Packet, PacketCache, Position};
use crate::sdp::negotiate::SendParameters;

/// See the module.
#[derive(Debug)]
pub(crate) struct RtpStream {
    clock_rate: u32,
    /// Retransmissions so far.
    retransmissions: u64,
    sent_history: SentHistory,
    packets: u32,
    octets: u32,
    /// The packet that was sent last: its time, and when it arrived here.
    latest: Option<(u32, Instant)>,
}

impl RtpStream {
    pub(crate) fn new(clock_rate: u32) -> Self {
        Self {
            clock_rate,
            retransmissions: 0,
            sent_history: SentHistory::default(),
            packets: 0,
            octets: 0,
            latest: None,
        }
    }

    /// Remembers so many packets, at least.
    pub(crate) fn provide_history(&mut self, packets: usize) {
        self.sent_history.provide(packets);
    }

    /// What was sent is in no cache any more.
    pub(crate) fn forget_cursors(&mut self) {
        self.sent_history.forget_cursors();
    }

    /// Sends a packet that stands at `cursor` in its cache, at `position` in this stream.
    pub(crate) fn send(
        &mut self,
        parameters: &SendParameters,
        (packet, cursor): (&Packet, Cursor),
        position: Position,
        numbers: Option<PictureNumbers>,
        downlink: &mut impl Downlink,
    ) {
        // RTP has the lower bits of both.
        let time = position.time as u32;
        let sent = Sent {
            sequence: position.sequence,
            time,
            numbers,
            cursor: Some(cursor),
            retransmissions: 0,
        };
        if !downlink.retransmits() && !self.sent_history.note(sent) {
            return;
        }
        downlink.send(&Outgoing {
            packet,
            source: parameters.source,
            payload_type: parameters.payload_type,
            sequence: position.sequence,
            time,
            numbers,
            original: None,
            extensions: &parameters.extensions,
            is_video: parameters.format.encoding.is_video(),
        });
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(packet.payload.len() as u32);
        self.latest = Some((time, packet.arrived));
    }

    /// Sends a packet once more, if it is still there and the viewer knows RTX.
    pub(crate) fn retransmit(
        &mut self,
        parameters: &SendParameters,
        cache: &PacketCache,
        sequence: u16,
        downlink: &mut impl Downlink,
    ) {
        let Some(rtx) = parameters.rtx else {
            return;
        };
        let Some(sent) = self.sent_history.again(sequence) else {
            return;
        };
        let Some(packet) = sent.cursor.and_then(|cursor| cache.get(cursor)) else {
            return;
        };
        downlink.send(&Outgoing {
            packet,
            source: rtx.source,
            payload_type: rtx.payload_type,
            sequence: self.retransmissions,
            time: sent.time,
            numbers: sent.numbers,
            original: Some(sequence),
            extensions: &parameters.extensions,
            is_video: parameters.format.encoding.is_video(),
        });
        self.retransmissions += 1;
    }

    /// What has been sent by now; nothing if nothing has.
    pub(crate) fn sent(&self, now: Instant, wall: SystemTime) -> Option<SentSoFar> {
        let (time, at) = self.latest?;
        let since = now.saturating_duration_since(at);
        let ticks = since.as_micros() * u128::from(self.clock_rate) / 1_000_000;
        Some(SentSoFar {
            wall,
            time: time.wrapping_add(ticks as u32),
            packets: self.packets,
            octets: self.octets,
        })
    }
}
