//! The STUN and TURN servers that clients are told of, RFC 9725 section 4.6.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sightline_spec::ice_server::{IceServer, IceServerCredential, IceServerError, IceUri};
use sightline_spec::link::Link;
use sightline_spec::room::SessionId;

/// One `--ice-server`: `stun[s]:host[:port]` or
/// `turn[s]:[user:password@]host[:port][?transport=udp|tcp]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConfiguredIceServer {
    /// As clients are told of it.
    Ready(IceServer),
    /// A TURN server whose credentials are made by the [`TurnSecret`].
    NeedsSecret(IceUri),
}

impl FromStr for ConfiguredIceServer {
    type Err = IceServerError;

    fn from_str(text: &str) -> Result<Self, IceServerError> {
        match text.parse() {
            Err(IceServerError::NoCredential) => Ok(Self::NeedsSecret(text.parse()?)),
            server => server.map(Self::Ready),
        }
    }
}

/// What the gateway shares with its TURN servers (`use-auth-secret` of coturn), so
/// that it can make credentials which they accept and which expire.
#[derive(Clone)]
pub(crate) struct TurnSecret(hmac::Key);

impl TurnSecret {
    /// The credential that a TURN server accepts until `expiry`, as the TURN REST API
    /// has it (draft-uberti-behave-turn-rest-00 section 2.2). The name in it only
    /// makes it one client's own.
    fn credential(&self, expiry: SystemTime, name: &str) -> IceServerCredential {
        let expiry = expiry.duration_since(SystemTime::UNIX_EPOCH);
        let username = format!("{}:{name}", expiry.unwrap_or_default().as_secs());
        let password = BASE64_STANDARD.encode(hmac::sign(&self.0, username.as_bytes()));
        IceServerCredential { username, password }
    }
}

impl FromStr for TurnSecret {
    type Err = EmptySecret;

    fn from_str(text: &str) -> Result<Self, EmptySecret> {
        match text {
            "" => Err(EmptySecret),
            // SHA-1 is what TURN servers know, and is not broken as a HMAC.
            _ => Ok(Self(hmac::Key::new(
                hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
                text.as_bytes(),
            ))),
        }
    }
}

impl fmt::Debug for TurnSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TurnSecret(…)")
    }
}

/// A secret that everybody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret is empty")]
pub(crate) struct EmptySecret;

/// All servers, and what makes credentials for those that need some.
#[derive(Debug, Clone, Default)]
pub(crate) struct IceServers {
    pub(crate) servers: Vec<ConfiguredIceServer>,
    pub(crate) turn_secret: Option<TurnSecret>,
    /// How long credentials are good for.
    pub(crate) turn_ttl: Duration,
}

impl IceServers {
    /// The links for one client, with credentials of its own. A TURN server without
    /// any is left out; the configuration has refused it before.
    pub(crate) fn links(&self, now: SystemTime) -> impl Iterator<Item = Link> {
        let made = self.turn_secret.as_ref().map(|secret| {
            let name = SessionId::random().to_string();
            secret.credential(now + self.turn_ttl, &name)
        });
        self.servers.iter().filter_map(move |server| match server {
            ConfiguredIceServer::Ready(server) => Some(server.to_link()),
            ConfiguredIceServer::NeedsSecret(uri) => {
                let server = IceServer::new(uri.clone(), made.clone()).ok()?;
                Some(server.to_link())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(servers: &[&str], secret: Option<&str>, now: u64) -> Vec<String> {
        let servers = IceServers {
            servers: servers.iter().map(|text| text.parse().unwrap()).collect(),
            turn_secret: secret.map(|text| text.parse().unwrap()),
            turn_ttl: Duration::from_secs(12 * 60 * 60),
        };
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(now);
        servers.links(now).map(|link| link.to_string()).collect()
    }

    #[test]
    fn a_secret_makes_what_a_turn_server_computes_as_well() {
        // By `printf 1700043200:8c1d3c6e5f0a4b27 | openssl dgst -sha1 -hmac north -binary | base64`.
        let secret: TurnSecret = "north".parse().unwrap();
        let expiry = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_043_200);
        let made = secret.credential(expiry, "8c1d3c6e5f0a4b27");
        assert_eq!(made.username, "1700043200:8c1d3c6e5f0a4b27");
        assert_eq!(made.password, "3ifySy7oUenr2tWkW7iXKMTMB/8=");
    }

    #[test]
    fn every_client_gets_credentials_of_its_own_that_last_as_long_as_configured() {
        let servers = ["stun:s.example", "turn:t.example", "turn:ann:pw@u.example"];
        let one = links(&servers, Some("north"), 1_700_000_000);
        let other = links(&servers, Some("north"), 1_700_000_000);
        assert!(one[1].starts_with("<turn:t.example>; rel=\"ice-server\"; username=\"1700043200:"));
        assert_ne!(one[1], other[1]);
        assert_eq!([&one[0], &one[2]], [&other[0], &other[2]]);
        assert!(one[2].contains("username=\"ann\""));
    }

    #[test]
    fn secrets_stay_out_of_logs() {
        let secret: TurnSecret = "secret".parse().unwrap();
        assert!(!format!("{secret:?}").contains("secret"));
    }
}
