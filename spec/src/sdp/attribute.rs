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
    /// The same direction as the other side sees it (RFC 3264 section 6.1).
    #[must_use]
    pub fn inverted(self) -> Self {
        match self {
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            both_or_neither => both_or_neither,
        }
    }

    /// Whether who wrote it sends.
    pub fn sends(self) -> bool {
        matches!(self, Self::SendOnly | Self::SendRecv)
    }

    /// Whether who wrote it receives.
    pub fn receives(self) -> bool {
        matches!(self, Self::RecvOnly | Self::SendRecv)
    }

    pub(super) fn of_line(line: &str) -> Option<Self> {
        Self::of_name(line.trim_end().strip_prefix("a=")?)
    }

    pub(super) fn of_name(name: &str) -> Option<Self> {
        match name {
            "sendrecv" => Some(Self::SendRecv),
            "sendonly" => Some(Self::SendOnly),
            "recvonly" => Some(Self::RecvOnly),
            "inactive" => Some(Self::Inactive),
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
        let (hash, bytes) = value.trim().split_once([' ', '\t'])?;
        let (length, bytes) = (length_of(hash)?, bytes.trim());
        let hex = |pair: &str| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
        let valid = bytes.split(':').count() == length && bytes.split(':').all(hex);
        valid.then(|| {
            let canonical = format!("{} {}", hash.to_ascii_lowercase(), bytes.to_uppercase());
            Self(canonical.into())
        })
    }

    /// Whether the value is by a hash that can be checked.
    pub(super) fn is_known(value: &str) -> bool {
        let hash = value.split_whitespace().next();
        hash.is_some_and(|hash| length_of(hash).is_some())
    }

    /// `sha-256 AB:CD:…`
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The hash function, in lower case: `sha-256`.
    pub fn hash(&self) -> &str {
        self.0.split(' ').next().unwrap_or_default()
    }

    /// What the hash function made of the certificate.
    pub fn digest(&self) -> Vec<u8> {
        let pairs = self.0.rsplit(' ').next().unwrap_or_default().split(':');
        // `parse` has seen that they are hexadecimal.
        pairs
            .filter_map(|pair| u8::from_str_radix(pair, 16).ok())
            .collect()
    }
}

/// How many bytes a hash has; RFC 8122 section 5 forbids MD2 and MD5.
fn length_of(hash: &str) -> Option<usize> {
    match hash.to_ascii_lowercase().as_str() {
        "sha-1" => Some(20),
        "sha-224" => Some(28),
        "sha-256" => Some(32),
        "sha-384" => Some(48),
        "sha-512" => Some(64),
        _ => None,
    }
}
