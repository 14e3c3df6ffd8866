//! Publish tokens: JWTs (RFC 7519) that the room itself verifies, since a room is a key.

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
    /// To POST to `/whep/{room}`.
    View,
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
}

/// Why a token does not let its bearer in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT with these claims, or not signed by EdDSA.
    #[error("the token is malformed")]
    Malformed,
    /// The room's key did not sign this.
    #[error("the token was not signed by this room's key")]
    Signature,
    /// `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// `iat` is in the future: one of the clocks is wrong.
    #[error("the token is from the future: check the clocks")]
    NotYetValid,
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
    pub fn sign(&self, claims: &Claims) -> Result<String, TokenError> {
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
            exp: iat + lifetime.as_secs(),
        }
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
        let claimed: Self = insecure_decode_claims(token).map_err(|_| TokenError::Malformed)?;
        let key = claimed.sub.key().ok_or(TokenError::Signature)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        // `jsonwebtoken` reads the clock; we are given the time and check below.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let decoded = decode::<Self>(token, &DecodingKey::from_ed_der(&key), &validation);
        let claims = decoded.map_err(|e| match e.kind() {
            ErrorKind::InvalidSignature => TokenError::Signature,
            _ => TokenError::Malformed,
        })?;
        let claims = claims.claims;
        if claims.sub != *room {
            return Err(TokenError::Room);
        }
        if claims.scope != scope {
            return Err(TokenError::Scope);
        }
        if !claims.aud.eq_ignore_ascii_case(audience) {
            return Err(TokenError::Audience);
        }
        let now = seconds(now);
        if claims.exp.saturating_add(LEEWAY.as_secs()) <= now {
            return Err(TokenError::Expired);
        }
        if claims.iat > now.saturating_add(LEEWAY.as_secs()) {
            return Err(TokenError::NotYetValid);
        }
        Ok(claims)
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}
