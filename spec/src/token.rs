//! Publish tokens and view tickets: JWTs (RFC 7519) that the room itself verifies, since a
//! room is a key.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::room::RoomId;

/// What a token permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// To POST to `/whip/{room}`.
    Publish,
    /// To POST to `/whep/{room}`. Such a token is a view ticket.
    View,
}

/// Whom a publisher lets watch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Admission {
    /// Whoever has the link.
    #[default]
    Link,
    /// Whoever brings a ticket besides.
    Ticket,
}

impl Admission {
    fn is_link(&self) -> bool {
        *self == Self::Link
    }
}

/// The claims of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The room it is for.
    pub sub: RoomId,
    /// What it permits there.
    pub scope: Scope,
    /// The gateway's host and port as the client addresses it: the `Host` field.
    pub aud: String,
    /// When it was made, in seconds since 1970.
    pub iat: u64,
    /// When it ends, in seconds since 1970.
    pub exp: u64,
    /// In a publish token: whom its bearer lets watch.
    #[serde(default, skip_serializing_if = "Admission::is_link")]
    pub view: Admission,
}

/// Why a token does not let its bearer in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT with these claims, or not signed by the algorithm of its key.
    #[error("the token is malformed")]
    Malformed,
    /// Neither one that the gateway knows nor a JWT.
    #[error("the gateway knows no such token")]
    Unknown,
    /// The key that it takes here did not sign this.
    #[error("the token was not signed by the key that it takes here")]
    Signature,
    /// `exp` has passed.
    #[error(
        "the token expired {} ago by the gateway's clock: get a new one, or if it is new, set \
         the clock of whoever made it forward by that much",
        in_words(*.ago)
    )]
    Expired {
        /// How long ago, by the verifier's clock.
        ago: Duration,
    },
    /// `iat` or `nbf` is in the future: mostly, one of the clocks is wrong.
    #[error(
        "the token begins {} from now by the gateway's clock: the clock of whoever made it is \
         ahead by that much, or the gateway's is behind",
        in_words(*.begins_in)
    )]
    NotYetValid {
        /// How soon it begins, by the verifier's clock.
        begins_in: Duration,
    },
    /// `iss` is not the one whose tokens count here.
    #[error("the token is from another issuer")]
    Issuer,
    /// Made for another gateway.
    #[error("the token is for another gateway")]
    Audience,
    /// In order, but for another room.
    #[error("the token is for another room")]
    Room,
    /// In order, but it does not permit this.
    #[error("the token does not permit this")]
    Scope,
}

/// How far the clocks of a camera and its gateway may differ.
pub const LEEWAY: Duration = Duration::from_secs(60);

/// The longest token that is looked at, in bytes. One of ours has 350.
pub const MAX_LEN: usize = 8192;

/// A room's private key, which signs its tokens.
#[derive(Clone)]
pub struct SigningKey(EncodingKey);

impl SigningKey {
    /// A key from its PKCS #8 document.
    pub fn from_pkcs8(document: &[u8]) -> Self {
        Self(EncodingKey::from_ed_der(document))
    }

    /// Signs these claims: a compact JWS with `alg` EdDSA (RFC 8037).
    ///
    /// # Errors
    /// [`TokenError::Malformed`] if the document was no Ed25519 key.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, TokenError> {
        let header = Header::new(Algorithm::EdDSA);
        encode(&header, claims, &self.0).map_err(|_| TokenError::Malformed)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl Claims {
    /// Claims that begin `now` and last `lifetime`.
    pub fn new(
        room: RoomId,
        scope: Scope,
        audience: &str,
        now: SystemTime,
        lifetime: Duration,
    ) -> Self {
        let iat = seconds(now);
        Self {
            sub: room,
            scope,
            aud: audience.to_ascii_lowercase(),
            iat,
            exp: iat.saturating_add(lifetime.as_secs()),
            view: Admission::Link,
        }
    }

    /// The same, with whom the publisher lets watch.
    pub fn admitting(self, view: Admission) -> Self {
        Self { view, ..self }
    }

    /// Reads a token and checks it against the room it is used in.
    ///
    /// The signature comes first, then who it is for, then the time: a token that
    /// is good for another room is told apart from one that is good for nothing,
    /// since RFC 6750 section 3.1 answers them differently.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn verify(
        token: &str,
        room: &RoomId,
        scope: Scope,
        audience: &str,
        now: SystemTime,
    ) -> Result<Self, TokenError> {
        if token.len() > MAX_LEN {
            return Err(TokenError::Malformed);
        }
        let claimed: Self = insecure_decode_claims(token).map_err(|_| TokenError::Malformed)?;
        let key = claimed.sub.key().ok_or(TokenError::Signature)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        // `jsonwebtoken` reads the clock; we are given the time and check below.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let decoded = decode::<Self>(token, &DecodingKey::from_ed_der(&key), &validation);
        let decoded = decoded.map_err(|e| match e.kind() {
            ErrorKind::InvalidSignature => TokenError::Signature,
            _ => TokenError::Malformed,
        })?;
        // RFC 7515 section 4.1.11: extensions that MUST be understood; we know none.
        if decoded.header.crit.is_some() {
            return Err(TokenError::Malformed);
        }
        let claims = decoded.claims;
        if claims.sub != *room {
            return Err(TokenError::Room);
        }
        if claims.scope != scope {
            return Err(TokenError::Scope);
        }
        if !claims.aud.eq_ignore_ascii_case(audience) {
            return Err(TokenError::Audience);
        }
        check_times(claims.iat, claims.exp, now)?;
        Ok(claims)
    }
}

/// Whether `now`, give or take the [`LEEWAY`], is within a token's time. `begin` and `end`
/// are in seconds since 1970.
///
/// # Errors
/// [`TokenError::Expired`] or [`TokenError::NotYetValid`], with what is missing.
pub fn check_times(begin: u64, end: u64, now: SystemTime) -> Result<(), TokenError> {
    let now = seconds(now);
    if end.saturating_add(LEEWAY.as_secs()) <= now {
        let ago = Duration::from_secs(now - end);
        return Err(TokenError::Expired { ago });
    }
    if begin > now.saturating_add(LEEWAY.as_secs()) {
        let begins_in = Duration::from_secs(begin - now);
        return Err(TokenError::NotYetValid { begins_in });
    }
    Ok(())
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

/// The two largest units: `5 min 3 s`, `2 h 10 min`.
pub fn in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (larger, smaller) = match seconds {
        0..60 => return format!("{seconds} s"),
        60..3600 => ((seconds / 60, "min"), (seconds % 60, "s")),
        3600..86_400 => ((seconds / 3600, "h"), (seconds % 3600 / 60, "min")),
        _ => ((seconds / 86_400, "d"), (seconds % 86_400 / 3600, "h")),
    };
    match smaller {
        (0, _) => format!("{} {}", larger.0, larger.1),
        (count, unit) => format!("{} {} {count} {unit}", larger.0, larger.1),
    }
}
