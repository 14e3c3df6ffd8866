//! What a publisher sends: packets that look like H.264 (RFC 6184) to whoever forwards them.

use std::time::Instant;

use str0m::Rtc;
use str0m::media::Mid;
use str0m::rtp::RtpWrite;

use crate::peer::Role;

/// Packets of one picture, as long as packets get.
const PACKETS: usize = 3;
const LENGTH: usize = 1100;

/// Pictures of which one needs no other, as OBS has it by default.
const GROUP: u32 = 60;

/// Ticks of the RTP clock between two pictures at 30 a second.
const TICKS: u32 = 3000;

/// The pictures of one publisher. A viewer has none.
pub(crate) struct Picture {
    pub(crate) mid: Mid,
    pub(crate) is_connected: bool,
    role: Role,
    sequence: u64,
    time: u32,
    /// Pictures since the last one that needed no other.
    since_first: u32,
}

impl Picture {
    pub(crate) fn new(role: Role, mid: Mid) -> Self {
        Self {
            mid,
            is_connected: false,
            role,
            sequence: 1,
            time: 0,
            since_first: 0,
        }
    }

    /// The next picture needs no other.
    pub(crate) fn begin_anew(&mut self) {
        self.since_first = 0;
    }

    /// Sends the next picture, if there is someone to send it to.
    pub(crate) fn send(&mut self, rtc: &mut Rtc) {
        if self.role != Role::Publisher || !self.is_connected {
            return;
        }
        let mut packets = Vec::new();
        if self.since_first == 0 {
            // Sequence and picture parameters in one STAP-A (section 5.7.1).
            packets.push(vec![
                24, 0, 4, 0x67, 0x42, 0xe0, 0x1f, 0, 3, 0x68, 0xce, 0x3c,
            ]);
            packets.extend(fragments(5));
        } else {
            packets.extend(fragments(1));
        }
        let last = packets.len() - 1;
        for (index, payload) in packets.into_iter().enumerate() {
            self.send_packet(rtc, payload, index == last);
        }
        self.time = self.time.wrapping_add(TICKS);
        self.since_first = (self.since_first + 1) % GROUP;
    }

    /// Sends one packet, whatever is in it. Long ones end with a number of their own.
    pub(crate) fn send_packet(&mut self, rtc: &mut Rtc, mut payload: Vec<u8>, is_last: bool) {
        let Some(number) = payload_type(rtc, self.mid) else {
            return;
        };
        let mut api = rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(self.mid, None) else {
            return;
        };
        if payload.len() >= LENGTH {
            let end = payload.len() - 8;
            payload[end..].copy_from_slice(&self.sequence.to_be_bytes());
        }
        let sequence = self.sequence.into();
        let packet = RtpWrite::new(number, sequence, self.time, Instant::now(), payload);
        stream.write_rtp(packet.marker(is_last).nackable(true));
        self.sequence += 1;
    }

    /// Leaves a gap in the numbers.
    pub(crate) fn skip(&mut self, packets: u64) {
        self.sequence += packets;
    }
}

/// What the answer has chosen.
fn payload_type(rtc: &Rtc, mid: Mid) -> Option<str0m::media::Pt> {
    rtc.media(mid)?.remote_pts().first().copied()
}

/// One NAL unit in fragments (FU-A, section 5.8).
fn fragments(kind: u8) -> impl Iterator<Item = Vec<u8>> {
    (0..PACKETS).map(move |index| {
        let start = if index == 0 { 0x80 } else { 0 };
        let end = if index == PACKETS - 1 { 0x40 } else { 0 };
        let mut payload = vec![0x55; LENGTH];
        payload[0] = 0x60 | 28;
        payload[1] = start | end | kind;
        payload
    })
}

/// The number at the end of a packet that was sent as part of a picture.
pub(crate) fn number(payload: &[u8]) -> Option<u64> {
    let end = payload.last_chunk().filter(|_| payload.len() == LENGTH)?;
    Some(u64::from_be_bytes(*end))
}
