//! A session description and what the protocol reads from it.

use std::fmt;

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
    /// The last line has no end.
    #[error("the SDP is cut off: its last line has no line break")]
    Truncated,
    /// A line that is not `<letter>=<value>`; the first is 1.
    #[error("line {0} is not of the form <letter>=<value>")]
    Line(usize),
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
    #[error("a section has no valid ice-ufrag and ice-pwd")]
    IceCredentials,
    /// No or malformed `a=fingerprint`, RFC 8122 section 5.
    #[error("a section has no valid fingerprint")]
    Fingerprint,
    /// Not an answer to the offer it was sent for.
    #[error("this does not answer the offer: {0}")]
    NotAnAnswer(&'static str),
}

/// `a=sendrecv` and its siblings, RFC 8866 section 6.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Sends and receives; also meant where no direction is given.
    SendRecv,
    /// Only sends.
    SendOnly,
    /// Only receives.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    fn of_line(line: &str) -> Option<Self> {
        match line.trim_end() {
            "a=sendrecv" => Some(Self::SendRecv),
            "a=sendonly" => Some(Self::SendOnly),
            "a=recvonly" => Some(Self::RecvOnly),
            "a=inactive" => Some(Self::Inactive),
            _ => None,
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        })
    }
}

/// `a=ice-ufrag` and `a=ice-pwd`: who a connectivity check comes from.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IceCredentials {
    /// 4 to 256 ICE characters.
    pub ufrag: String,
    /// 22 to 256 ICE characters; a secret.
    pub pwd: String,
}

impl IceCredentials {
    /// Both parts, if they are what RFC 8839 section 5.4 says.
    pub fn new(ufrag: &str, pwd: &str) -> Option<Self> {
        let ice = |text: &str| {
            let ice_char = |b: u8| b.is_ascii_alphanumeric() || b"+/-_=".contains(&b);
            text.len() <= 256 && text.bytes().all(ice_char)
        };
        let valid = ice(ufrag) && ice(pwd) && ufrag.len() >= 4 && pwd.len() >= 22;
        valid.then(|| Self {
            ufrag: ufrag.into(),
            pwd: pwd.into(),
        })
    }
}

impl fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IceCredentials({}, …)", self.ufrag)
    }
}

/// The hash of a DTLS certificate, RFC 8122 section 5, in its canonical case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(Box<str>);

impl Fingerprint {
    /// Reads the value of `a=fingerprint`: `sha-256 AB:CD:…`.
    pub fn parse(value: &str) -> Option<Self> {
        let (hash, bytes) = value.trim().split_once(' ')?;
        let length = match hash.to_ascii_lowercase().as_str() {
            "sha-1" => 20,
            "sha-224" => 28,
            "sha-256" => 32,
            "sha-384" => 48,
            "sha-512" => 64,
            _ => return None,
        };
        let hex = |pair: &str| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
        let valid = bytes.split(':').count() == length && bytes.split(':').all(hex);
        valid.then(|| {
            let canonical = format!("{} {}", hash.to_ascii_lowercase(), bytes.to_uppercase());
            Self(canonical.into())
        })
    }

    /// `sha-256 AB:CD:…`
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Sdp {
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
        if !text.ends_with('\n') {
            return Err(SdpError::Truncated);
        }
        let mut session_lines = String::new();
        let mut in_session = true;
        for (index, line) in text.lines().enumerate() {
            let mut chars = line.chars();
            let letter = chars.next().filter(char::is_ascii_lowercase);
            let (Some(letter), Some('=')) = (letter, chars.next()) else {
                return Err(SdpError::Line(index + 1));
            };
            // Some parsers end a line there, and would read another description.
            if line.contains('\r') {
                return Err(SdpError::Line(index + 1));
            }
            if letter == 'm' {
                in_session = false;
                let media_line = chars.as_str();
                MediaLine::parse(media_line).ok_or(SdpError::MediaLine(index + 1))?;
            }
            if in_session {
                session_lines.push(letter);
            }
        }
        if !text.starts_with("v=0\r\n") && !text.starts_with("v=0\n") {
            return Err(SdpError::Missing("v="));
        }
        match session_lines.as_bytes() {
            [b'v', b'o', b's', rest @ ..] if rest.contains(&b't') => Ok(Self { text: text.into() }),
            [b'v', b'o', b's', ..] => Err(SdpError::Missing("t=")),
            [b'v', b'o', ..] => Err(SdpError::Missing("s=")),
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
        let starts = self.text.match_indices("\nm=").map(|(at, _)| at + 1);
        starts.map(|start| {
            let rest = &self.text[start..];
            let end = rest.find("\nm=").map_or(rest.len(), |at| at + 1);
            Media {
                sdp: self,
                text: &rest[..end],
            }
        })
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
        let mut directions = self
            .active_media()
            .map(|media| media.direction())
            .peekable();
        if directions.peek().is_none() {
            return Err(SdpError::NoMedia);
        }
        match directions.find(|direction| forbidden.contains(direction)) {
            Some(direction) => Err(SdpError::Direction { what, direction }),
            None => Ok(()),
        }
    }

    /// What every WebRTC peer must say (RFC 8829 section 5.2.1).
    pub(super) fn check_transport(&self) -> Result<(), SdpError> {
        for media in self.active_media() {
            media.ice_credentials().ok_or(SdpError::IceCredentials)?;
            let fingerprint = media.attribute("fingerprint").and_then(Fingerprint::parse);
            fingerprint.ok_or(SdpError::Fingerprint)?;
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

/// One `m=` line and what belongs to it.
#[derive(Clone, Copy)]
pub struct Media<'a> {
    sdp: &'a Sdp,
    pub(super) text: &'a str,
}

struct MediaLine<'a> {
    kind: &'a str,
    port: &'a str,
}

impl<'a> MediaLine<'a> {
    /// `<media> <port> <proto> <fmt> …`
    fn parse(value: &'a str) -> Option<Self> {
        let mut fields = value.split(' ').filter(|field| !field.is_empty());
        let (kind, port) = (fields.next()?, fields.next()?);
        let (_proto, _format) = (fields.next()?, fields.next()?);
        port.split('/').next()?.parse::<u16>().ok()?;
        Some(Self { kind, port })
    }
}

impl<'a> Media<'a> {
    fn line(&self) -> MediaLine<'a> {
        let value = self.text.lines().next().unwrap_or_default();
        // `Sdp::parse` has read every one of these lines before.
        MediaLine::parse(value.trim_start_matches("m=")).unwrap_or(MediaLine {
            kind: "",
            port: "0",
        })
    }

    /// `audio`, `video`, `application`, …
    pub fn kind(&self) -> &'a str {
        self.line().kind
    }

    /// Port 0 without `bundle-only`: not wanted (RFC 3264 section 6, RFC 9143).
    pub fn is_rejected(&self) -> bool {
        let port_is_zero = self.line().port.split('/').next() == Some("0");
        port_is_zero && !self.has("bundle-only")
    }

    /// The section's name in the BUNDLE group; not always a number.
    pub fn mid(&self) -> Option<&'a str> {
        self.own_attribute("mid")
    }

    /// Which way media flows, seen from who wrote this.
    pub fn direction(&self) -> Direction {
        let own = self.text.lines().find_map(Direction::of_line);
        own.or_else(|| self.sdp.session_lines().find_map(Direction::of_line))
            .unwrap_or(Direction::SendRecv)
    }

    /// The section's ICE credentials, its own or those of the session, or of the
    /// section that its bundle shares a transport with.
    pub fn ice_credentials(&self) -> Option<IceCredentials> {
        IceCredentials::new(self.attribute("ice-ufrag")?, self.attribute("ice-pwd")?)
    }

    /// The first `a=<name>:<value>` here, at session level, or, since bundled
    /// sections share one transport (RFC 9143 section 7.1.3), in any section.
    fn attribute(&self, name: &str) -> Option<&'a str> {
        let anywhere = || self.sdp.text.lines().find_map(|line| value_of(line, name));
        self.own_attribute(name)
            .or_else(|| self.sdp.session_lines().find_map(|l| value_of(l, name)))
            .or_else(|| self.is_bundled().then(anywhere).flatten())
    }

    /// Whether the section may leave its transport to another of its bundle.
    fn is_bundled(&self) -> bool {
        let groups = self
            .sdp
            .session_lines()
            .filter_map(|l| value_of(l, "group"));
        let mut bundled = groups
            .filter_map(|group| group.strip_prefix("BUNDLE "))
            .flat_map(|mids| mids.split(' '));
        self.has("bundle-only") || bundled.any(|mid| Some(mid) == self.mid())
    }

    /// Whether candidates belong here: neither rejected nor a guest of another
    /// section's transport.
    pub(super) fn has_transport(&self) -> bool {
        !self.is_rejected() && !self.has("bundle-only")
    }

    fn own_attribute(&self, name: &str) -> Option<&'a str> {
        self.text.lines().find_map(|line| value_of(line, name))
    }

    fn has(&self, flag: &str) -> bool {
        let mut attributes = self.text.lines().filter_map(|l| l.strip_prefix("a="));
        attributes.any(|attribute| attribute.trim_end() == flag)
    }
}

fn value_of<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let value = line.strip_prefix("a=")?.strip_prefix(name)?;
    Some(value.strip_prefix(':')?.trim())
}
