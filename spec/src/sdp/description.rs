//! A session description as a whole.

use std::fmt;

use super::attribute::{Direction, Fingerprint, IceCredentials};
use super::media::{Media, MediaLine, value_of};
use crate::name::CameraName;

/// A well-formed session description, RFC 8866, kept as it came.
#[derive(Clone, PartialEq, Eq)]
pub struct Sdp {
    pub(super) text: Box<str>,
}

/// Why a text is refused. The words are for the peer that sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// There is nothing.
    #[error("there is no SDP in the body")]
    Empty,
    /// Control characters, so this is no text.
    #[error("this is not text")]
    Binary,
    /// The last line has no end, and what is there may not be all of it.
    #[error(
        "the SDP is cut off, or its last line has no line break (with curl: --data-binary, not -d)"
    )]
    Truncated,
    /// A line that is not `<letter>=<value>`; the first is 1.
    #[error("line {0} is not of the form <letter>=<value>")]
    Line(usize),
    /// More of something than any peer has, which would take long to go through.
    #[error("the SDP has too many {0}")]
    TooMany(&'static str),
    /// A line that RFC 8866 section 5 demands is not there, or not in its place.
    #[error("the {0} line is missing or misplaced")]
    Missing(&'static str),
    /// An m= line without media, port, protocol and format.
    #[error("the m= line in line {0} is malformed")]
    MediaLine(usize),
    /// Nothing to send or to receive.
    #[error("there is no audio or video section that is not rejected")]
    NoMedia,
    /// A direction that is forbidden here.
    #[error("{what} must not be {direction}")]
    Direction {
        /// Which offer or answer.
        what: &'static str,
        /// The direction it had.
        direction: Direction,
    },
    /// No or malformed `a=ice-ufrag` and `a=ice-pwd`, RFC 8839 section 5.4.
    #[error("the section in line {0} has no valid ice-ufrag and ice-pwd")]
    IceCredentials(usize),
    /// No or malformed `a=fingerprint`, RFC 8122 section 5.
    #[error("the section in line {0} has no valid fingerprint")]
    Fingerprint(usize),
    /// Not an answer to the offer it was sent for.
    #[error("this does not answer the offer: {0}")]
    NotAnAnswer(&'static str),
}

impl Sdp {
    /// Lines of one description. Browsers write some hundreds.
    pub const MAX_LINES: usize = 4096;
    /// Its `m=` sections.
    pub const MAX_SECTIONS: usize = 64;
    /// Formats of one section; there are 128 payload types.
    pub const MAX_FORMATS: usize = 128;

    /// Checks the form that RFC 8866 section 5 gives every description.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, SdpError> {
        if text.trim().is_empty() {
            return Err(SdpError::Empty);
        }
        let control = |c: char| c.is_control() && c != '\r' && c != '\n' && c != '\t';
        if text.contains(control) || text.contains(char::REPLACEMENT_CHARACTER) {
            return Err(SdpError::Binary);
        }
        let body = text.trim_end();
        let tail = &text[body.len()..];
        let line_end = tail.find('\n');
        // Blank lines at the end are what editors and templates leave there.
        let kept = &text[..body.len() + line_end.map_or(0, |at| at + 1)];
        let sdp = Self {
            text: match line_end {
                Some(_) => kept.into(),
                None => format!("{body}\r\n").into(),
            },
        };
        let is_whole = line_end.is_some();
        match sdp.check_lines() {
            Ok(()) if is_whole || sdp.is_evidently_whole() => Ok(sdp),
            Err(error) if is_whole => Err(error),
            Ok(()) | Err(_) => Err(SdpError::Truncated),
        }
    }

    fn check_lines(&self) -> Result<(), SdpError> {
        let mut session_lines = String::new();
        let mut sections = 0;
        for (index, line) in self.text.lines().enumerate() {
            let mut chars = line.chars();
            let letter = chars.next().filter(char::is_ascii_lowercase);
            let (Some(letter), Some('=')) = (letter, chars.next()) else {
                return Err(SdpError::Line(index + 1));
            };
            // Some parsers end a line there, and would read another description.
            if line.contains('\r') {
                return Err(SdpError::Line(index + 1));
            }
            if index >= Self::MAX_LINES {
                return Err(SdpError::TooMany("lines"));
            }
            if letter == 'm' {
                sections += 1;
                let media_line = chars.as_str();
                MediaLine::parse(media_line).ok_or(SdpError::MediaLine(index + 1))?;
                // Media, port and protocol come before them.
                if media_line.split(' ').count() > Self::MAX_FORMATS + 3 {
                    return Err(SdpError::TooMany("formats"));
                }
            }
            if sections == 0 {
                session_lines.push(letter);
            }
        }
        if sections > Self::MAX_SECTIONS {
            return Err(SdpError::TooMany("sections"));
        }
        if self.text.lines().next().map(str::trim_end) != Some("v=0") {
            return Err(SdpError::Missing("v="));
        }
        // s= is demanded too, and means nothing to anyone; some leave it out.
        match session_lines.as_bytes() {
            [b'v', b'o', rest @ ..] if rest.contains(&b't') => Ok(()),
            [b'v', b'o', ..] => Err(SdpError::Missing("t=")),
            _ => Err(SdpError::Missing("o=")),
        }
    }

    /// The text, as it came or as it was rewritten.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The lines above the first `m=` line.
    pub(super) fn session_lines(&self) -> impl Iterator<Item = &str> {
        self.text.lines().take_while(|line| !line.starts_with("m="))
    }

    /// The media sections in their order.
    pub fn media(&self) -> impl Iterator<Item = Media<'_>> {
        let mut first = 1 + self.session_lines().count();
        let starts = self.text.match_indices("\nm=").map(|(at, _)| at + 1);
        starts.map(move |start| {
            let rest = &self.text[start..];
            let end = rest.find("\nm=").map_or(rest.len(), |at| at + 1);
            let media = Media {
                sdp: self,
                text: &rest[..end],
                first,
            };
            first += media.text.lines().count();
            media
        })
    }

    /// The mids of each group of sections that share one transport (RFC 9143 section 5).
    pub fn bundles(&self) -> impl Iterator<Item = Vec<&str>> {
        let groups = self.session_lines().filter_map(|l| value_of(l, "group"));
        groups.filter_map(|group| {
            let mut words = group.split_whitespace();
            (words.next() == Some("BUNDLE")).then(|| words.collect())
        })
    }

    /// The lines above the first `m=` line, each with its number; the first is 1.
    pub fn numbered_session_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.session_lines())
    }

    /// The sections that carry audio or video and are not rejected.
    pub fn active_media(&self) -> impl Iterator<Item = Media<'_>> {
        self.media()
            .filter(|media| !media.is_rejected() && matches!(media.kind(), "audio" | "video"))
    }

    /// Every certificate that this peer may present, sorted: who the peer is.
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        let lines = self.text.lines();
        let values = lines.filter_map(|line| line.strip_prefix("a=fingerprint:"));
        let mut all: Vec<_> = values.filter_map(Fingerprint::parse).collect();
        all.sort();
        all.dedup();
        all
    }

    /// The one certificate that this peer will present: every `a=fingerprint` line can be read,
    /// and all say the same. Nothing if there is none, or a choice.
    pub fn sole_fingerprint(&self) -> Option<Fingerprint> {
        let lines = self.text.lines();
        let mut all = lines.filter(|line| line.starts_with("a=fingerprint"));
        let read = |line: &str| Fingerprint::parse(line.strip_prefix("a=fingerprint:")?);
        let first = read(all.next()?)?;
        all.all(|line| read(line).as_ref() == Some(&first))
            .then_some(first)
    }

    /// What its `s=` line calls it, as far as that can be shown.
    pub fn session_name(&self) -> Option<CameraName> {
        let name = self.session_lines().find_map(|l| l.strip_prefix("s="));
        name.and_then(CameraName::cleaned)
    }

    /// The values of this attribute above the first `m=` line.
    pub fn session_attribute(&self, name: &str) -> impl Iterator<Item = &str> {
        self.session_lines().filter_map(move |line| {
            let (found, value) = line.strip_prefix("a=")?.split_once(':')?;
            (found == name).then_some(value.trim())
        })
    }

    /// Every pair of ICE credentials in use, in order of appearance.
    pub fn ice_credentials(&self) -> Vec<IceCredentials> {
        let mut all: Vec<_> = self
            .active_media()
            .filter_map(|m| m.ice_credentials())
            .collect();
        all.dedup();
        all
    }

    pub(super) fn check_directions(
        &self,
        forbidden: [Direction; 2],
        what: &'static str,
    ) -> Result<(), SdpError> {
        let directions: Vec<_> = self.active_media().map(|m| m.direction()).collect();
        // What is inactive beside what is not asks for nothing.
        let is_idle = |direction: &Direction| *direction == Direction::Inactive;
        if directions.is_empty() {
            return Err(SdpError::NoMedia);
        }
        let all_idle = directions.iter().all(is_idle);
        let mut counted = directions.into_iter().filter(|d| all_idle || !is_idle(d));
        match counted.find(|direction| forbidden.contains(direction)) {
            Some(direction) => Err(SdpError::Direction { what, direction }),
            None => Ok(()),
        }
    }

    /// What every WebRTC peer must say (RFC 8829 section 5.2.1), but of what is inactive beside
    /// what is not.
    pub(super) fn check_transport(&self) -> Result<(), SdpError> {
        let is_idle = |media: &Media<'_>| media.direction() == Direction::Inactive;
        let all_idle = self.active_media().all(|media| is_idle(&media));
        for media in self.active_media().filter(|m| all_idle || !is_idle(m)) {
            let line = media.first_line();
            let credentials = media.ice_credentials();
            credentials.ok_or(SdpError::IceCredentials(line))?;
            let fingerprints = media.fingerprints();
            fingerprints.ok_or(SdpError::Fingerprint(line))?;
        }
        Ok(())
    }
}

impl fmt::Display for Sdp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// An SDP holds an ICE password, so it is not for logs.
impl fmt::Debug for Sdp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sdp({} bytes)", self.text.len())
    }
}
