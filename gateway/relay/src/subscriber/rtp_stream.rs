//! One RTP stream to one viewer (RFC 3550), with its retransmissions (RFC 4588) and its
//! sender reports.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rtcp_types::{Bye, CompoundBuilder, Sdes, SdesChunk, SdesItem, SenderReport};
use str0m::rtp::{Extension, ExtensionMap};

use crate::connection::srtp_sender::{Rtp, SrtpSender};
use crate::net::udp::Network;
use crate::publisher::packet_cache::{Cursor, Packet, PacketCache};
use crate::sdp::negotiate::{Rtx, SendParameters};
use crate::subscriber::picture_ids::PictureNumbers;
use crate::subscriber::rewriting::Position;
use crate::subscriber::sent_history::{Sent, SentHistory};

/// The profile of one-byte extensions (RFC 8285 section 4.2).
const ONE_BYTE: u16 = 0xbede;

/// The highest id that such an extension can have.
const MAX_ID: u8 = 14;

/// Seconds from 1900, where NTP begins, to 1970.
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// What one packet's extensions may take: the name of the section, and two bytes each for
/// loudness and rotation.
const MAX_EXTENSIONS: usize = 24;

/// See the module.
#[derive(Debug)]
pub(crate) struct RtpStream {
    source: u32,
    payload_type: u8,
    clock_rate: u32,
    rtx: Option<Rtx>,
    /// Retransmissions so far.
    retransmissions: u64,
    extensions: Extensions,
    sent_history: SentHistory,
    packets: u32,
    octets: u32,
    /// The packet that was sent last: its time, and when it arrived here.
    latest: Option<(u32, Instant)>,
}

/// The header extensions that the viewer accepted, by their ids there.
#[derive(Debug, Default, Clone)]
pub(crate) struct Extensions {
    /// `urn:ietf:params:rtp-hdrext:sdes:mid`, with the name of the section.
    mid: Option<(u8, String)>,
    /// `urn:ietf:params:rtp-hdrext:ssrc-audio-level`
    audio_level: Option<u8>,
    /// `urn:3gpp:video-orientation`
    orientation: Option<u8>,
}

/// The extensions of one packet.
struct Written {
    bytes: [u8; MAX_EXTENSIONS],
    length: usize,
}

impl RtpStream {
    pub(crate) fn new(parameters: &SendParameters) -> Self {
        Self {
            source: *parameters.source,
            payload_type: *parameters.payload_type,
            clock_rate: parameters.format.encoding.clock_rate(),
            rtx: parameters.rtx,
            retransmissions: 0,
            extensions: parameters.extensions.clone(),
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
        sender: &SrtpSender,
        network: &mut Network,
        (packet, cursor): (&Packet, Cursor),
        position: Position,
        numbers: Option<PictureNumbers>,
    ) {
        // RTP has the lower bits of both.
        let sent = Sent {
            sequence: position.sequence,
            time: position.time as u32,
            numbers,
            cursor: Some(cursor),
            retransmissions: 0,
        };
        if !self.sent_history.note(sent) {
            return;
        }
        let extensions = self.extensions.write(packet);
        let rtp = Rtp::new()
            .payload_type(self.payload_type)
            .marker_bit(packet.marker)
            .sequence_number(sent.sequence as u16)
            .timestamp(sent.time)
            .ssrc(self.source);
        let rtp = extensions.add_to(rtp).payload(&packet.payload);
        let identity = (self.source, sent.sequence);
        sender.send_rtp(network, &rtp, identity, packet.payload.len(), |payload| {
            numbers.iter().for_each(|numbers| numbers.write(payload));
        });
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(packet.payload.len() as u32);
        self.latest = Some((sent.time, packet.arrived));
    }

    /// Sends a packet once more, if it is still there and the viewer knows RTX.
    pub(crate) fn send_again(
        &mut self,
        sender: &SrtpSender,
        network: &mut Network,
        cache: &PacketCache,
        sequence: u16,
    ) {
        let Some(rtx) = self.rtx else {
            return;
        };
        let Some(sent) = self.sent_history.again(sequence) else {
            return;
        };
        let Some(packet) = sent.cursor.and_then(|cursor| cache.get(cursor)) else {
            return;
        };
        let extensions = self.extensions.write(packet);
        let original = sequence.to_be_bytes();
        let rtp = Rtp::new()
            .payload_type(*rtx.payload_type)
            .marker_bit(packet.marker)
            .sequence_number(self.retransmissions as u16)
            .timestamp(sent.time)
            .ssrc(*rtx.source)
            .payload(&original);
        let rtp = extensions.add_to(rtp).payload(&packet.payload);
        let identity = (*rtx.source, self.retransmissions);
        let length = original.len() + packet.payload.len();
        sender.send_rtp(network, &rtp, identity, length, |payload| {
            let payload = &mut payload[original.len()..];
            let numbers = sent.numbers.iter();
            numbers.for_each(|numbers| numbers.write(payload));
        });
        self.retransmissions += 1;
    }

    /// Tells what has been sent, and what time it is in the stream: receivers align sound
    /// and picture by it (RFC 3550 section 6.4.1). Or that it is over.
    pub(crate) fn report(
        &self,
        sender: &mut SrtpSender,
        network: &mut Network,
        name: &str,
        now: Instant,
        is_over: bool,
    ) {
        let Some((time, at)) = self.latest else {
            return;
        };
        let since = now.saturating_duration_since(at);
        let ticks = since.as_micros() * u128::from(self.clock_rate) / 1_000_000;
        let report = SenderReport::builder(self.source)
            .ntp_timestamp(ntp(SystemTime::now()))
            .rtp_timestamp(time.wrapping_add(ticks as u32))
            .packet_count(self.packets)
            .octet_count(self.octets);
        let name = SdesItem::builder(SdesItem::CNAME, name);
        let chunk = SdesChunk::builder(self.source).add_item(name);
        let mut packet = CompoundBuilder::default()
            .add_packet(report)
            .add_packet(Sdes::builder().add_chunk(chunk));
        if is_over {
            packet = packet.add_packet(Bye::builder().add_source(self.source));
        }
        sender.send_rtcp(network, &packet, self.source);
    }
}

impl Extensions {
    pub(crate) fn new(map: &ExtensionMap, mid: &str) -> Self {
        let id = |extension| map.id_of(extension).filter(|id| *id <= MAX_ID);
        // One-byte extensions have at most 16 bytes.
        let mid = Some(mid).filter(|mid| (1..=16).contains(&mid.len()));
        Self {
            mid: id(Extension::RtpMid).zip(mid.map(str::to_owned)),
            audio_level: id(Extension::AudioLevel),
            orientation: id(Extension::VideoOrientation),
        }
    }

    fn write(&self, packet: &Packet) -> Written {
        let mut written = Written {
            bytes: [0; MAX_EXTENSIONS],
            length: 0,
        };
        if let Some((id, mid)) = &self.mid {
            written.push(*id, mid.as_bytes());
        }
        let values = &packet.extensions;
        if let (Some(id), Some(level)) = (self.audio_level, values.audio_level) {
            // RFC 6464 section 3.
            let is_voice = values.voice_activity.unwrap_or_default();
            let level = level.unsigned_abs() & 0x7f;
            written.push(id, &[u8::from(is_voice) << 7 | level]);
        }
        if let (Some(id), Some(orientation)) = (self.orientation, values.video_orientation) {
            written.push(id, &[orientation as u8]);
        }
        written.length = written.length.next_multiple_of(4);
        written
    }
}

impl Written {
    fn push(&mut self, id: u8, value: &[u8]) {
        let end = self.length + 1 + value.len();
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            room[0] = id << 4 | (value.len() - 1) as u8;
            room[1..].copy_from_slice(value);
            self.length = end;
        }
    }

    fn add_to<'a>(&'a self, rtp: Rtp<'a>) -> Rtp<'a> {
        match self.length {
            0 => rtp,
            length => rtp.extension(ONE_BYTE, &self.bytes[..length]),
        }
    }
}

/// RFC 3550 section 4.
fn ntp(time: SystemTime) -> u64 {
    let unix: Duration = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let fraction = (u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000;
    ((unix.as_secs() + NTP_TO_UNIX) << 32) | fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_counted_from_1900() {
        let time = UNIX_EPOCH + Duration::from_millis(1_500);
        assert_eq!(ntp(time), ((NTP_TO_UNIX + 1) << 32) | 1 << 31);
    }

    #[test]
    fn extensions_are_whole_words() {
        let mut map = ExtensionMap::empty();
        map.set(3, Extension::RtpMid);
        map.set(15, Extension::VideoOrientation);
        let extensions = Extensions::new(&map, "video0");
        assert!(extensions.orientation.is_none(), "not in one byte");
        let mut written = Written {
            bytes: [0; MAX_EXTENSIONS],
            length: 0,
        };
        written.push(3, b"video0");
        assert_eq!(written.bytes[..8], *b"\x35video0\0");
        written.push(4, &[7; 16]);
        assert_eq!(written.length, 24);
        written.push(4, &[7]);
        assert_eq!(written.length, 24, "there is no room for more");
    }
}
