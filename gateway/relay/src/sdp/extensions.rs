//! The RTP header extensions that a viewer accepted (RFC 8285), and how they are written.

use rtp_types::RtpPacketBuilder;
use str0m::rtp::{Extension, ExtensionMap, ExtensionValues};

use crate::ntp::ntp;

/// The profile of one-byte extensions (RFC 8285 section 4.2).
const ONE_BYTE: u16 = 0xbede;

/// The highest id that such an extension can have.
const MAX_ID: u8 = 14;

/// What one packet's extensions may take: each the name of the section and when it was captured,
/// two bytes each for loudness and rotation, and three for the transport-wide number.
const MAX_EXTENSIONS: usize = 44;

/// An RTP packet that is being sent.
pub(crate) type Rtp<'a> = RtpPacketBuilder<&'a [u8], &'a [u8]>;

/// The header extensions that the viewer accepted, by their ids there.
#[derive(Debug, Default, Clone)]
pub(crate) struct Extensions {
    /// `urn:ietf:params:rtp-hdrext:sdes:mid`, with the name of the section.
    mid: Option<(u8, String)>,
    /// `urn:ietf:params:rtp-hdrext:ssrc-audio-level`
    audio_level: Option<u8>,
    /// `urn:3gpp:video-orientation`
    orientation: Option<u8>,
    /// `http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time`
    capture_time: Option<u8>,
    /// `http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01`
    transport_sequence: Option<u8>,
}

/// The extensions of one packet.
pub(crate) struct Written {
    bytes: [u8; MAX_EXTENSIONS],
    length: usize,
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
            capture_time: id(Extension::AbsoluteCaptureTime),
            transport_sequence: id(Extension::TransportSequenceNumber),
        }
    }

    /// Whether the viewer tells of every packet when it arrived.
    pub(crate) fn are_measured(&self) -> bool {
        self.transport_sequence.is_some()
    }

    /// Those of one packet, which has this number among all to the viewer.
    pub(crate) fn write(
        &self,
        values: &ExtensionValues,
        transport_sequence: Option<u16>,
    ) -> Written {
        let mut written = Written {
            bytes: [0; MAX_EXTENSIONS],
            length: 0,
        };
        if let Some((id, mid)) = &self.mid {
            written.push(*id, mid.as_bytes());
        }
        if let (Some(id), Some(level)) = (self.audio_level, values.audio_level) {
            // RFC 6464 section 3.
            let is_voice = values.voice_activity.unwrap_or_default();
            let level = level.unsigned_abs() & 0x7f;
            written.push(id, &[u8::from(is_voice) << 7 | level]);
        }
        if let (Some(id), Some(orientation)) = (self.orientation, values.video_orientation) {
            written.push(id, &[orientation as u8]);
        }
        if let (Some(id), Some(captured)) = (self.capture_time, values.abs_capture_time) {
            // Both in the form of NTP, the difference of the clocks after the time.
            let mut value = [0; 16];
            value[..8].copy_from_slice(&ntp(captured.capture_time).to_be_bytes());
            match captured.clock_offset {
                Some(offset) => {
                    value[8..].copy_from_slice(&offset.to_be_bytes());
                    written.push(id, &value);
                }
                None => written.push(id, &value[..8]),
            }
        }
        if let (Some(id), Some(number)) = (self.transport_sequence, transport_sequence) {
            written.push(id, &number.to_be_bytes());
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

    pub(crate) fn add_to<'a>(&'a self, rtp: Rtp<'a>) -> Rtp<'a> {
        match self.length {
            0 => rtp,
            length => rtp.extension(ONE_BYTE, &self.bytes[..length]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use str0m::rtp::AbsCaptureTime;

    use super::*;

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
        written.push(4, &[7; 16]);
        written.push(4, &[7; 16]);
        assert_eq!(written.length, 41, "there is no room for more");
    }

    #[test]
    fn when_something_was_captured_is_passed_on() {
        let mut map = ExtensionMap::empty();
        map.set(5, Extension::AbsoluteCaptureTime);
        let extensions = Extensions::new(&map, "");
        let mut captured = AbsCaptureTime {
            capture_time: UNIX_EPOCH + Duration::from_millis(500),
            clock_offset: None,
        };
        let write = |captured| {
            let values = ExtensionValues {
                abs_capture_time: Some(captured),
                ..ExtensionValues::default()
            };
            let written = extensions.write(&values, None);
            hex::encode(&written.bytes[..written.length])
        };
        assert_eq!(write(captured), "5783aa7e8080000000000000");
        captured.clock_offset = Some(-2);
        assert_eq!(write(captured), "5f83aa7e8080000000fffffffffffffffe000000");
    }
}
