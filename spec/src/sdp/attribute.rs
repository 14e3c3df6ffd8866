//! The values of single attributes.

use std::fmt;

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
    pub(super) fn of_line(line: &str) -> Option<Self> {
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
