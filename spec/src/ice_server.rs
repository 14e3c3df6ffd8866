//! STUN and TURN servers: their URIs (RFC 7064, RFC 7065), as a `Link` names them (RFC 9725
//! section 4.6), and as options do.

mod uri;

use std::fmt;
use std::str::FromStr;

use crate::link::Link;
pub use uri::{IceUri, Scheme, Transport};

/// The rel of an ICE server, RFC 9725 section 4.6.
pub const ICE_SERVER: &str = "ice-server";

/// A STUN server, or a TURN server with what it asks for.
///
/// ```
/// # use sightline_spec::ice_server::IceServer;
/// let server: IceServer = "turn:ann:s3cret@turn.example.net".parse().unwrap();
/// assert_eq!(server.uri.to_string(), "turn:turn.example.net");
/// assert_eq!(server.credential.unwrap().username, "ann");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct IceServer {
    /// Where it is.
    pub uri: IceUri,
    /// The name and the password that a TURN server asks for.
    pub credential: Option<IceServerCredential>,
}

/// What a TURN server asks for.
#[derive(Clone, PartialEq, Eq)]
pub struct IceServerCredential {
    /// The user name.
    pub username: String,
    /// The password; a secret.
    pub password: String,
}

/// Why a link or a text names no ICE server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IceServerError {
    /// Not a URI of RFC 7064 or RFC 7065.
    #[error("an ICE server is stun[s]:host[:port] or turn[s]:host[:port][?transport=udp|tcp]")]
    Uri,
    /// What stands before an option's `@`.
    #[error(
        "before the @ of an ICE server stand user:password, without control characters and commas"
    )]
    Userinfo,
    /// TURN does not work without.
    #[error("a TURN server needs a username and a credential")]
    NoCredential,
}

impl IceServer {
    /// The server at this place.
    ///
    /// # Errors
    /// [`IceServerError::NoCredential`] for TURN without.
    pub fn new(
        uri: IceUri,
        credential: Option<IceServerCredential>,
    ) -> Result<Self, IceServerError> {
        match uri.scheme.is_turn() && credential.is_none() {
            true => Err(IceServerError::NoCredential),
            false => Ok(Self { uri, credential }),
        }
    }

    /// The link that tells a client of this server.
    pub fn to_link(&self) -> Link {
        let link = Link::new(self.uri.to_string(), ICE_SERVER);
        match &self.credential {
            None => link,
            Some(IceServerCredential { username, password }) => link
                .with("username", username)
                .with("credential", password)
                .with("credential-type", "password"),
        }
    }

    /// The server that a link names, if it is of that rel and well-formed.
    pub fn from_link(link: &Link) -> Option<Self> {
        if !link.has_rel(ICE_SERVER) {
            return None;
        }
        let credential = link
            .parameter("username")
            .zip(link.parameter("credential"))
            .map(|(username, password)| IceServerCredential {
                username: username.into(),
                password: password.into(),
            });
        Self::new(link.target.parse().ok()?, credential).ok()
    }
}

impl FromStr for IceServer {
    type Err = IceServerError;

    /// As options have it: `user:password@` stands before the host. A password may hold `@`,
    /// since the last one ends it.
    fn from_str(text: &str) -> Result<Self, IceServerError> {
        let (scheme, rest) = text.split_once(':').ok_or(IceServerError::Uri)?;
        let Some((user, host)) = rest.rsplit_once('@') else {
            return Self::new(text.parse()?, None);
        };
        // A header could not carry a control character; and OBS splits a link at every comma.
        if user.contains(|c: char| c.is_control() || c == ',') {
            return Err(IceServerError::Userinfo);
        }
        let (username, password) = user.split_once(':').ok_or(IceServerError::Userinfo)?;
        let credential = IceServerCredential {
            username: username.into(),
            password: password.into(),
        };
        Self::new(format!("{scheme}:{host}").parse()?, Some(credential))
    }
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IceServer({})", self.uri)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_stand_before_the_host() {
        let text = "turn:ann:p@ss:w@turn.example:3478?transport=tcp";
        let server: IceServer = text.parse().unwrap();
        assert_eq!(
            server.uri.to_string(),
            "turn:turn.example:3478?transport=tcp"
        );
        let credential = server.credential.unwrap();
        assert_eq!(
            (credential.username, credential.password),
            ("ann".into(), "p@ss:w".into())
        );
    }

    #[test]
    fn what_is_no_server_is_refused() {
        use IceServerError as E;
        for (text, error) in [
            ("", E::Uri),
            ("host", E::Uri),
            ("http://x", E::Uri),
            ("turn:ann:pw@", E::Uri),
            ("turn:ann@host", E::Userinfo),
            ("turn:a:\n@b", E::Userinfo),
            ("turn:ann:pass,word@host", E::Userinfo),
            ("turn:host", E::NoCredential),
        ] {
            assert_eq!(text.parse::<IceServer>(), Err(error), "{text}");
        }
    }

    #[test]
    fn secrets_stay_out_of_logs() {
        let server: IceServer = "turn:ann:secret@turn.example".parse().unwrap();
        assert_eq!(format!("{server:?}"), "IceServer(turn:turn.example)");
    }
}
