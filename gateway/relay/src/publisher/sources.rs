//! Which of a publisher's tracks and layers a source is.
//!
//! Its SDP or the name of the section in its packets says so (RFC 9143 section 9.2), and if
//! neither does, or what comes is not what was described, the payload type.

use str0m::Rtc;
use str0m::media::{Mid, Pt, Rid};
use str0m::rtp::{Extension, Ssrc};

use super::track::PublishedTrack;
use crate::sdp::negotiate::Track;

/// A peer invents as many sources as it likes; we remember a few.
const MOST: usize = 16;

/// Of these so many by their payload type, before anything of them has been decrypted.
const MOST_EXPECTED: usize = 8;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    known: Vec<(Ssrc, usize, Option<Rid>)>,
    /// Those that were found by payload type, the latest last.
    expected: Vec<Ssrc>,
}

/// What an RTP packet says of where it belongs, before it is decrypted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) source: Ssrc,
    /// The header extensions' profile, and themselves.
    extensions: Option<(u16, &'a [u8])>,
}

impl Sources {
    /// The track and layer of a source that was seen before.
    pub(crate) fn get(&self, source: Ssrc) -> Option<(usize, Option<Rid>)> {
        let known = self.known.iter().find(|(known, ..)| *known == source)?;
        Some((known.1, known.2))
    }

    pub(crate) fn insert(&mut self, source: Ssrc, track: usize, rid: Option<Rid>) {
        if self.known.len() >= MOST {
            self.known.remove(0);
        }
        self.known.push((source, track, rid));
    }

    /// Has the connection take in the source of this datagram, if nothing but the payload type
    /// says where it belongs.
    pub(crate) fn expect(&mut self, datagram: &[u8], rtc: &mut Rtc, tracks: &[PublishedTrack]) {
        let Some(head) = Head::of(datagram) else {
            return;
        };
        let source = head.source;
        let is_known = self.get(source).is_some() || self.expected.contains(&source);
        if is_known || *source == 0 || rtc.direct_api().stream_rx(&source).is_some() {
            return;
        }
        let Some((track, is_repair)) = by_payload_type(head.payload_type.into(), tracks) else {
            return;
        };
        let mid = tracks[track].track.mid;
        if rtc.media(mid).is_none() || head.names_section(rtc, mid) {
            return;
        }
        if is_repair {
            // Of what is sent now.
            let of_track = |(_, known, _): &&(Ssrc, usize, Option<Rid>)| *known == track;
            if let Some((main, ..)) = self.known.iter().rev().find(of_track) {
                let mut api = rtc.direct_api();
                api.expect_stream_rx(*main, Some(source), mid, None);
            }
            return;
        }
        let is_video = tracks[track].encoding().is_video();
        let mut api = rtc.direct_api();
        if self.expected.len() >= MOST_EXPECTED {
            let unseen = self.expected.iter().position(|s| self.get(*s).is_none());
            api.remove_stream_rx(self.expected.remove(unseen.unwrap_or_default()));
        }
        let stream = api.expect_stream_rx(source, None, mid, None);
        stream.suppress_nack(!is_video);
        self.expected.push(source);
    }
}

/// The only track that has this payload type, without layers; and whether it is that of
/// retransmissions.
fn by_payload_type(payload_type: Pt, tracks: &[PublishedTrack]) -> Option<(usize, bool)> {
    let mut fitting = tracks.iter().enumerate().filter_map(|(index, track)| {
        let Track {
            payload_type: main,
            rtx_type,
            ..
        } = &track.track;
        let is_repair = *rtx_type == Some(payload_type);
        let fits = is_repair || *main == payload_type;
        fits.then_some((index, track, is_repair))
    });
    match (fitting.next(), fitting.next()) {
        (Some((index, track, is_repair)), None) if !track.track.has_layers() => {
            Some((index, is_repair))
        }
        _ => None,
    }
}

impl<'a> Head<'a> {
    /// The head of a datagram that is RTP (RFC 7983, RFC 5761 section 4).
    pub(crate) fn of(datagram: &'a [u8]) -> Option<Self> {
        let [first @ 128..=191, second, rest @ ..] = datagram else {
            return None;
        };
        if (192..=223).contains(second) {
            return None;
        }
        let sequence = *rest.first_chunk()?;
        let source = rest.get(6..10)?.try_into().ok()?;
        let contributing = 4 * usize::from(first & 0x0f);
        let extensions = match first & 0x10 {
            0 => None,
            _ => {
                let rest = rest.get(10 + contributing..)?;
                let (&[a, b, c, d], rest) = rest.split_first_chunk()?;
                let length = 4 * usize::from(u16::from_be_bytes([c, d]));
                Some((u16::from_be_bytes([a, b]), rest.get(..length)?))
            }
        };
        Some(Self {
            payload_type: second & 0x7f,
            sequence: u16::from_be_bytes(sequence),
            source: u32::from_be_bytes(source).into(),
            extensions,
        })
    }

    /// Whether the packet names its section itself.
    fn names_section(&self, rtc: &Rtc, mid: Mid) -> bool {
        let map = rtc.media(mid).map(str0m::media::Media::remote_extmap);
        let id = map.and_then(|map| map.id_of(Extension::RtpMid));
        id.is_some_and(|id| self.has_extension(id))
    }

    /// Whether there is an extension of this id (RFC 8285 sections 4.2 and 4.3).
    fn has_extension(&self, id: u8) -> bool {
        let Some((profile, mut rest)) = self.extensions else {
            return false;
        };
        let is_short = profile == 0xbede;
        while let Some((first, more)) = rest.split_first() {
            let (found, length, more) = match (first, is_short, more.split_first()) {
                // Padding.
                (0, ..) => (0, 0, more),
                (first, true, _) => (first >> 4, usize::from(first & 0x0f) + 1, more),
                (first, false, Some((length, more))) => (*first, usize::from(*length), more),
                (_, false, None) => return false,
            };
            if found == id {
                return true;
            }
            rest = more.get(length..).unwrap_or_default();
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(first: u8, second: u8, rest: &[u8]) -> Vec<u8> {
        let head = [first, second, 0, 7, 0, 0, 0, 9, 0, 0, 0, 5];
        [&head, rest].concat()
    }

    #[test]
    fn the_head_of_rtp_is_read_and_of_nothing_else() {
        let plain = packet(0x80, 0x80 | 96, b"payload");
        let head = Head::of(&plain).unwrap();
        let fields = (head.payload_type, head.sequence, *head.source);
        assert_eq!(fields, (96, 7, 5));
        assert_eq!(head.extensions, None);
        assert_eq!(Head::of(&packet(0x80, 200, b"report")), None);
        assert_eq!(Head::of(&packet(20, 96, b"")), None);
        assert_eq!(Head::of(&plain[..11]), None);
        assert_eq!(Head::of(&packet(0x92, 96, &[0; 8])), None, "cut off");
    }

    #[test]
    fn extensions_of_either_form_are_found_behind_all_contributors() {
        let short = [0xbe, 0xde, 0, 2, 0x21, 1, 2, 0, 0x40, b'0', 0, 0];
        let short = packet(0x92, 96, &[&[0; 8][..], &short].concat());
        let has = |datagram: &[u8], id| Head::of(datagram).unwrap().has_extension(id);
        assert_eq!([2, 4, 3].map(|id| has(&short, id)), [true, true, false]);
        let long = [0x10, 0, 0, 2, 9, 0, 0, 4, 1, b'0', 30, 9];
        let long = packet(0x90, 96, &long);
        assert_eq!(
            [9, 4, 30, 1].map(|id| has(&long, id)),
            [true, true, true, false]
        );
        let broken = packet(0x90, 96, &[0xbe, 0xde, 0, 1, 0x2f, 0, 0, 0]);
        assert!(!has(&broken, 4));
    }
}
