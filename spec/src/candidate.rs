//! ICE candidates, RFC 8839 section 5.1.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The value of an `a=candidate` attribute, without the `a=`.
///
/// ```
/// # use sightline_spec::candidate::Candidate;
/// let text = "candidate:1 1 UDP 2130706431 198.51.100.1 39132 typ host";
/// assert_eq!(text.parse::<Candidate>().unwrap().to_string(), text);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Groups candidates of one kind, base and server: 1 to 32 ICE characters.
    pub foundation: String,
    /// 1 for RTP, 2 for RTCP; up to 256. Some write 0 for 1.
    pub component: u16,
    /// `UDP` or `TCP`, in the sender's own case.
    pub transport: String,
    /// 1 to 2^31 - 1 by the RFC; more is passed on as it came.
    pub priority: u32,
    /// Where to send to.
    pub address: Address,
    /// The port at that address; 9 for TCP candidates that only connect out.
    pub port: u16,
    /// `host`, `srflx`, `prflx` or `relay`.
    pub kind: String,
    /// What follows the type (`raddr`, `tcptype`, `generation`, …), as it came.
    pub extensions: String,
}

/// A candidate's connection address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// An IPv4 or IPv6 address.
    Ip(IpAddr),
    /// A host name. Browsers hide host addresses behind `<uuid>.local`
    /// (draft-ietf-mmusic-mdns-ice-candidates), which GStreamer, OBS and FFmpeg
    /// cannot resolve.
    Name(String),
}

impl Address {
    /// Whether this is a name of multicast DNS.
    pub fn is_mdns(&self) -> bool {
        matches!(self, Self::Name(name) if name.to_ascii_lowercase().ends_with(".local"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Why a text is no candidate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CandidateError {
    /// It does not begin with `candidate:`.
    #[error("a candidate begins with candidate:")]
    Prefix,
    /// A field is missing, or is not what RFC 8839 section 5.1 says.
    #[error("a candidate's {0} is missing or malformed")]
    Field(&'static str),
    /// Longer than any candidate is.
    #[error("a candidate has at most {} bytes", Candidate::MAX_LEN)]
    TooLong,
}

impl Candidate {
    /// The longest candidate that is accepted, in bytes.
    pub const MAX_LEN: usize = 512;

    const PREFIX: &str = "candidate:";

    /// This candidate, reachable at `ip` and the same port.
    #[must_use]
    pub fn at(self, ip: IpAddr) -> Self {
        Self {
            address: Address::Ip(ip),
            ..self
        }
    }
}

impl FromStr for Candidate {
    type Err = CandidateError;

    fn from_str(text: &str) -> Result<Self, CandidateError> {
        use CandidateError::Field;
        if text.len() > Self::MAX_LEN {
            return Err(CandidateError::TooLong);
        }
        let rest = text
            .strip_prefix(Self::PREFIX)
            .ok_or(CandidateError::Prefix)?;
        // pion gives the attribute with its name, and its users write that name once more.
        let rest = rest.trim_start_matches(Self::PREFIX);
        let mut fields = rest.splitn(9, ' ');
        let mut field = |name| fields.next().filter(|f| !f.is_empty()).ok_or(Field(name));

        let foundation = field("foundation")?;
        let component = field("component")?;
        let transport = field("transport")?;
        let priority = field("priority")?;
        let address = field("address")?;
        let port = field("port")?;
        let typ = field("type")?;
        let kind = field("type")?;
        let extensions = fields.next().unwrap_or_default();

        let ice_char = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
        if foundation.len() > 32 || !foundation.bytes().all(ice_char) {
            return Err(Field("foundation"));
        }
        if !transport.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Field("transport"));
        }
        if typ != "typ" || !kind.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Field("type"));
        }
        if extensions.chars().any(char::is_control) {
            return Err(Field("extensions"));
        }
        let number = |text: &str, name| match text.bytes().all(|b| b.is_ascii_digit()) {
            true => text.parse::<u32>().map_err(|_| Field(name)),
            false => Err(Field(name)),
        };
        let ip_or_name: Address = address.parse()?;
        // An address in its canonical spelling can be longer than it came.
        if text.len() - address.len() + ip_or_name.to_string().len() > Self::MAX_LEN {
            return Err(CandidateError::TooLong);
        }
        Ok(Self {
            foundation: foundation.into(),
            component: match number(component, "component")? {
                0 => 1,
                id @ 1..=256 => id as u16,
                _ => return Err(Field("component")),
            },
            transport: transport.into(),
            priority: match number(priority, "priority")? {
                0 => return Err(Field("priority")),
                priority => priority,
            },
            address: ip_or_name,
            port: number(port, "port")?
                .try_into()
                .map_err(|_| Field("port"))?,
            kind: kind.into(),
            extensions: extensions.into(),
        })
    }
}

impl FromStr for Address {
    type Err = CandidateError;

    fn from_str(text: &str) -> Result<Self, CandidateError> {
        // In brackets as in a URL, which RFC 8839 does not have.
        let bracketed = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if let Some(ip) = bracketed {
            let ip = ip.parse().map_err(|_| CandidateError::Field("address"))?;
            return Ok(Self::Ip(IpAddr::V6(ip)));
        }
        if let Ok(ip) = text.parse() {
            return Ok(Self::Ip(ip));
        }
        let host = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.' || b == b'_';
        match !text.is_empty() && text.len() <= 253 && text.bytes().all(host) {
            true => Ok(Self::Name(text.into())),
            false => Err(CandidateError::Field("address")),
        }
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            foundation,
            component,
            transport,
            priority,
            address,
            port,
            kind,
            extensions,
        } = self;
        write!(
            f,
            "candidate:{foundation} {component} {transport} {priority} {address} {port} typ {kind}"
        )?;
        match extensions.is_empty() {
            true => Ok(()),
            false => write!(f, " {extensions}"),
        }
    }
}
