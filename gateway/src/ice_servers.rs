//! The STUN and TURN servers that clients are told of, RFC 9725 section 4.6.

use std::str::FromStr;

use sightline_spec::link::{IceServer, IceServerCredential, IceServerError, Link};

/// One `--ice-server`: `stun:host[:port]` or
/// `turn[s]:user:password@host[:port][?transport=udp|tcp]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfiguredIceServer(IceServer);

impl ConfiguredIceServer {
    /// The header that tells a client of it.
    pub(crate) fn to_link(&self) -> Link {
        self.0.to_link()
    }
}

impl FromStr for ConfiguredIceServer {
    type Err = IceServerError;

    /// The user and the password stand where a URL has them; a password may hold
    /// any character, since the last `@` ends it.
    fn from_str(text: &str) -> Result<Self, IceServerError> {
        let (scheme, rest) = text.split_once(':').ok_or(IceServerError::Url)?;
        let Some((user, host)) = rest.rsplit_once('@') else {
            return IceServer::new(text, None).map(Self);
        };
        let (username, password) = user.split_once(':').ok_or(IceServerError::NoCredential)?;
        let credential = IceServerCredential {
            username: username.into(),
            password: password.into(),
        };
        IceServer::new(&format!("{scheme}:{host}"), Some(credential)).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stand_before_the_host() {
        let server: ConfiguredIceServer = "turn:ann:p@ss:w@turn.example:3478?transport=tcp"
            .parse()
            .unwrap();
        assert_eq!(
            server.to_link().to_string(),
            "<turn:turn.example:3478?transport=tcp>; rel=\"ice-server\"; username=\"ann\"; \
             credential=\"p@ss:w\"; credential-type=\"password\""
        );
    }

    #[test]
    fn stun_needs_none_and_turn_does() {
        assert!("stun:stun.example".parse::<ConfiguredIceServer>().is_ok());
        for bad in [
            "turn:turn.example",
            "http://x",
            "stun:",
            "",
            "turn:ann@host",
        ] {
            assert!(bad.parse::<ConfiguredIceServer>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_password_stays_out_of_logs() {
        let server: ConfiguredIceServer = "turn:ann:secret@turn.example".parse().unwrap();
        assert!(!format!("{server:?} {:?}", server.to_link()).contains("secret"));
    }
}
