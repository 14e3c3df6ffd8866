//! One RTP stream to one viewer (RFC 3550), with its retransmissions (RFC 4588).

use std::time::{Duration, Instant};

use super::outgoing::{Downlink, Outgoing, Way};
use super::picture_ids::PictureNumbers;
use super::sender_report::{About, Sent as SentSoFar};
use super::sent_history::{Place, Sent, SentHistory};
use crate::publisher::packet_cache::{Packet, PacketCache, Position};
use crate::sdp::negotiate::SendParameters;

/// Packets of which the largest is sent again as padding.
const PADDING_CHOICE: usize = 16;

/// See the module.
#[derive(Debug)]
pub(crate) struct RtpStream {
    clock_rate: u32,
    /// Retransmissions so far.
    retransmissions: u64,
    sent_history: SentHistory,
    packets: u32,
    octets: u32,
    /// What was sent last.
    latest: Option<Latest>,
}

/// A packet that was sent.
#[derive(Debug, Clone, Copy)]
struct Latest {
    time: u32,
    arrived: Instant,
    /// When that time was, as far as it is known.
    captured: Option<Instant>,
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
    pub(crate) fn forget_places(&mut self) {
        self.sent_history.forget_places();
    }

    /// The viewer is given other parameter sets.
    pub(crate) fn forget_sets(&mut self) {
        self.sent_history.forget_sets();
    }

    /// Sends a packet that can be found again at `place`, at `position` in this stream, which
    /// was `captured` at that time.
    pub(crate) fn send(
        &mut self,
        parameters: &SendParameters,
        (packet, place): (&Packet, Place),
        (position, captured): (Position, Option<Instant>),
        numbers: Option<PictureNumbers>,
        way: &mut Way<'_, impl Downlink>,
    ) {
        // RTP has the lower bits of both.
        let time = position.time as u32;
        let sent = Sent {
            sequence: position.sequence,
            time,
            numbers,
            place: Some(place),
            retransmissions: 0,
        };
        if !self.sent_history.note(sent) {
            return;
        }
        let outgoing = Outgoing {
            packet,
            source: parameters.source,
            payload_type: parameters.payload_type,
            sequence: position.sequence,
            time,
            numbers,
            original: None,
            extensions: &parameters.extensions,
            encoding: parameters.format.encoding,
            transport_sequence: way.number(&parameters.extensions, packet),
            is_kept: parameters.rtx.is_none() && parameters.format.encoding.is_video(),
        };
        way.downlink.send(&outgoing);
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(packet.payload.len() as u32);
        self.latest = Some(Latest {
            time,
            arrived: packet.arrived,
            captured,
        });
    }

    /// Sends a packet once more that the viewer has missed, if it is still there.
    pub(crate) fn retransmit(
        &mut self,
        parameters: &SendParameters,
        (cache, sets): (&PacketCache, &[Packet]),
        sequence: u16,
        way: &mut Way<'_, impl Downlink>,
    ) {
        let Some(sent) = self.sent_history.again(sequence) else {
            return;
        };
        if parameters.rtx.is_none() {
            // RFC 4585 section 6.2.1 leaves open how. RFC 4588 has another stream for it; without
            // one the packet itself comes again, as RTP allows packets to come twice.
            return way.downlink.repeat(parameters.source, sent.sequence);
        }
        if let Some(packet) = sent.place.and_then(|place| match place {
            Place::Cache(cursor) => cache.get(cursor),
            Place::Sets(index) => sets.get(index),
        }) {
            self.send_again(parameters, packet, &sent, way);
        }
    }

    /// Sends a packet once more that the viewer has, to fill its link; returns how many
    /// bytes that were. A receiver drops it, as any that comes twice.
    pub(crate) fn pad(
        &mut self,
        parameters: &SendParameters,
        cache: &PacketCache,
        way: &mut Way<'_, impl Downlink>,
    ) -> Option<usize> {
        let latest = self.sent_history.latest().take(PADDING_CHOICE);
        let there = latest.filter_map(|(sent, cursor)| Some((sent, cache.get(cursor)?)));
        let (sent, packet) = there.max_by_key(|(_, packet)| packet.payload.len())?;
        self.send_again(parameters, packet, &sent, way)
    }

    /// Sends a packet by the retransmission stream, if the viewer knows RTX (RFC 4588).
    fn send_again(
        &mut self,
        parameters: &SendParameters,
        packet: &Packet,
        sent: &Sent,
        way: &mut Way<'_, impl Downlink>,
    ) -> Option<usize> {
        let rtx = parameters.rtx?;
        let outgoing = Outgoing {
            packet,
            source: rtx.source,
            payload_type: rtx.payload_type,
            sequence: self.retransmissions,
            time: sent.time,
            numbers: sent.numbers,
            // RTP has the lower bits of it.
            original: Some(sent.sequence as u16),
            extensions: &parameters.extensions,
            encoding: parameters.format.encoding,
            transport_sequence: way.number(&parameters.extensions, packet),
            is_kept: false,
        };
        way.downlink.send(&outgoing);
        self.retransmissions += 1;
        Some(packet.payload.len())
    }

    /// What has been sent by now; nothing if nothing has, or if what time that is in the stream
    /// is not known and nobody needs it any more.
    pub(crate) fn sent(&self, about: &About<'_>) -> Option<SentSoFar> {
        let (latest, now) = (self.latest?, about.now);
        let at_last = about.is_over.then_some(latest.arrived);
        let at = latest.captured.or(at_last)?;
        let ticks = |time: Duration| {
            let ticks = time.as_micros() * u128::from(self.clock_rate) / 1_000_000;
            ticks as u32
        };
        let since = ticks(now.saturating_duration_since(at));
        let until = ticks(at.saturating_duration_since(now));
        Some(SentSoFar {
            wall: about.wall,
            time: latest.time.wrapping_add(since).wrapping_sub(until),
            packets: self.packets,
            octets: self.octets,
        })
    }
}
