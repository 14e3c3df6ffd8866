//! What a test's peer has seen.

use std::sync::Arc;
use std::time::Instant;

use str0m::media::Rid;
use str0m::rtp::rtcp::{Rtcp, SenderInfo};
use str0m::rtp::{ExtensionValues, RawPacket, RtpPacket};
use str0m::{Event, IceConnectionState};

use super::film::Label;

/// Everything, in the order in which it came.
#[derive(Debug, Default)]
pub struct Seen {
    /// When ICE and DTLS were done.
    pub connected: Option<Instant>,
    pub packets: Vec<Arrived>,
    /// When keyframes were asked for, and of which layer.
    pub keyframe_requests: Vec<(Instant, Option<Rid>)>,
    /// Packets that the other side has asked for again.
    pub nacks: u64,
    /// What time the other side says that it is in each of its streams.
    pub reports: Vec<SenderInfo>,
    /// When the other side has told what has arrived of a source.
    pub received: Vec<(u32, Instant)>,
    /// The sources that the other side has said goodbye for.
    pub goodbyes: Vec<u32>,
    /// The other side said goodbye by DTLS.
    pub is_closed: bool,
    /// The other side said goodbye, or is silent.
    pub is_over: bool,
}

/// One packet as it came out of str0m: decrypted, retransmissions in their place.
#[derive(Debug, Clone)]
pub struct Arrived {
    pub at: Instant,
    pub sequence: u64,
    pub time: u64,
    pub marker: bool,
    pub payload_type: u8,
    pub source: u32,
    pub extensions: ExtensionValues,
    pub payload: Arc<[u8]>,
    pub label: Option<Label>,
}

impl Arrived {
    pub fn new(packet: RtpPacket) -> Self {
        Self {
            at: packet.timestamp,
            sequence: *packet.seq_no,
            time: packet.time.numer(),
            marker: packet.header.marker,
            payload_type: *packet.header.payload_type,
            source: *packet.header.ssrc,
            extensions: packet.header.ext_vals,
            label: Label::of(&packet.payload),
            payload: packet.payload,
        }
    }

    pub fn is_video(&self) -> bool {
        // Opus begins with the code of its one frame.
        self.payload.first() != Some(&0xfc)
    }
}

impl Seen {
    pub(crate) fn note(&mut self, event: Event, now: Instant) {
        match event {
            Event::Connected => self.connected = Some(now),
            Event::RtpPacket(packet) => self.packets.push(Arrived::new(packet)),
            Event::KeyframeRequest(request) => self.keyframe_requests.push((now, request.rid)),
            Event::RawPacket(packet) => {
                if let RawPacket::RtcpRx(rtcp) = *packet {
                    self.note_rtcp(rtcp, now);
                }
            }
            Event::MediaEgressStats(stats) => self.nacks = stats.nacks,
            Event::Closed => {
                self.is_closed = true;
                self.is_over = true;
            }
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                self.is_over = true;
            }
            _ => {}
        }
    }

    fn note_rtcp(&mut self, rtcp: Rtcp, now: Instant) {
        match rtcp {
            Rtcp::ReceiverReport(report) => {
                let sources = report.reports.iter().map(|report| (*report.ssrc, now));
                self.received.extend(sources);
            }
            Rtcp::SenderReport(report) => self.reports.push(report.sender_info),
            Rtcp::Goodbye(goodbye) => {
                let sources = goodbye.reports.iter().map(|source| **source);
                self.goodbyes.extend(sources);
            }
            _ => {}
        }
    }

    /// The packets of video with their labels, in the order of their numbers.
    pub fn video(&self) -> impl DoubleEndedIterator<Item = (&Arrived, Label)> {
        let video = self.packets.iter().filter(|packet| packet.is_video());
        video.filter_map(|packet| Some((packet, packet.label?)))
    }

    /// Whether the video has come as far as this picture.
    pub fn has_reached(&self, picture: u32) -> bool {
        let newest = self.video().next_back();
        newest.is_some_and(|(_, label)| label.picture >= picture)
    }

    /// The video in the order of its sequence numbers, as a decoder gets it.
    pub fn in_order(&self) -> Vec<(&Arrived, Label)> {
        let mut all: Vec<_> = self.video().collect();
        all.sort_by_key(|(packet, _)| packet.sequence);
        all
    }

    pub fn sound(&self) -> impl Iterator<Item = &Arrived> {
        self.packets.iter().filter(|packet| !packet.is_video())
    }

    /// For a test that has waited in vain.
    pub fn summary(&self) -> String {
        let labels: Vec<_> = self
            .video()
            .map(|(packet, l)| (packet.sequence, l))
            .collect();
        let last = labels.len().saturating_sub(5);
        format!(
            "connected: {}, packets: {}, of video: {}, keyframe requests: {}, nacks: {}, over: {}, \
             the last: {:#?}",
            self.connected.is_some(),
            self.packets.len(),
            labels.len(),
            self.keyframe_requests.len(),
            self.nacks,
            self.is_over,
            &labels[last..],
        )
    }
}
