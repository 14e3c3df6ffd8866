//! The URIs of STUN and TURN servers.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use super::IceServerError;

/// `stun[s]:host[:port]` (RFC 7064 section 3.1) or `turn[s]:host[:port][?transport=udp|tcp]`
/// (RFC 7065 section 3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IceUri {
    /// What it begins with.
    pub scheme: Scheme,
    /// A name or an address; one of IPv6 in brackets.
    pub host: String,
    /// Where it is not that of its scheme.
    pub port: Option<u16>,
    /// How to reach a TURN server, where that is said.
    pub transport: Option<Transport>,
}

/// What an [`IceUri`] begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what they are called")]
pub enum Scheme {
    Stun,
    Stuns,
    Turn,
    Turns,
}

/// What is between a client and a TURN server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what they are called")]
pub enum Transport {
    Udp,
    Tcp,
}

impl Scheme {
    /// The scheme as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stun => "stun",
            Self::Stuns => "stuns",
            Self::Turn => "turn",
            Self::Turns => "turns",
        }
    }

    /// Whether it is one of TURN servers.
    pub const fn is_turn(self) -> bool {
        matches!(self, Self::Turn | Self::Turns)
    }

    /// The port where none is written (RFC 7064 section 3.2, RFC 7065 section 3.2).
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Stun | Self::Turn => 3478,
            Self::Stuns | Self::Turns => 5349,
        }
    }
}

impl Transport {
    /// The transport as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}

impl FromStr for IceUri {
    type Err = IceServerError;

    fn from_str(text: &str) -> Result<Self, IceServerError> {
        parse(text).ok_or(IceServerError::Uri)
    }
}

fn parse(text: &str) -> Option<IceUri> {
    let (scheme, rest) = text.split_once(':')?;
    let scheme = match scheme {
        "stun" => Scheme::Stun,
        "stuns" => Scheme::Stuns,
        "turn" => Scheme::Turn,
        "turns" => Scheme::Turns,
        _ => return None,
    };
    let (place, transport) = match rest.split_once("?transport=") {
        Some((place, "udp")) => (place, Some(Transport::Udp)),
        Some((place, "tcp")) => (place, Some(Transport::Tcp)),
        Some(_) => return None,
        None => (rest, None),
    };
    let end_of_host = match place.starts_with('[') {
        true => place.find(']')? + 1,
        false => place.find(':').unwrap_or(place.len()),
    };
    let (host, port) = place.split_at_checked(end_of_host)?;
    let port = match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits.parse().ok()?),
        None if port.is_empty() => None,
        _ => return None,
    };
    Some(IceUri {
        scheme,
        host: is_host(host).then(|| host.to_owned())?,
        port,
        transport,
    })
}

/// RFC 3986 section 3.2.2, of which names use no more than this.
fn is_host(text: &str) -> bool {
    match text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => {
            let is_of_name = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
            !text.is_empty() && text.bytes().all(is_of_name)
        }
    }
}

impl fmt::Display for IceUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.scheme.as_str(), self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        if let Some(transport) = self.transport {
            write!(f, "?transport={}", transport.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_written_as_they_are_read() {
        for text in [
            "stun:stun.example.net",
            "stuns:stun.example.net:443",
            "stun:[2001:db8::1]",
            "turn:[2001:db8::1]:3479?transport=udp",
            "turns:192.0.2.1:443?transport=tcp",
        ] {
            let uri: IceUri = text.parse().unwrap();
            assert_eq!(uri.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        for text in [
            "",
            "stun",
            "stun:",
            "http:host",
            "stun://host",
            "stun:host:",
            "stun:host:65536",
            "stun:host:+1",
            "stun:host/x",
            "stun:a b",
            "stun:h\u{f6}st",
            "stun:2001:db8::1",
            "stun:[2001:db8::1",
            "stun:[host]",
            "stun:[::1]x",
            "turn:host?transport=sctp",
            "turn:host?x",
        ] {
            assert_eq!(text.parse::<IceUri>(), Err(IceServerError::Uri), "{text}");
        }
    }
}
