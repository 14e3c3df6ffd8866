//! Private mode: a link whose secret only the camera can make and check, and the viewer's proof
//! that it has it.
//!
//! The link is `/watch/{room}#{secret}`. Browsers keep what follows `#` to themselves, so the
//! gateway never sees the secret, and what the viewer sends of it is a proof over its own
//! certificate. The secret follows from the camera's key and the time at which the link expires:
//! the camera stores nothing.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode};
use serde::{Deserialize, Serialize};

use crate::proof::{self, ATTRIBUTE, ProofError};
use crate::room::RoomId;
use crate::sdp::Sdp;

/// What the secret is for: no other use of the same key gives the same bytes (RFC 5869
/// section 3.2).
const PURPOSE: &str = "sightline private link:";

/// The greatest expiry: the greatest whole number that JavaScript can count to.
const MAX_EXPIRY: u64 = (1 << 53) - 1;

/// The private half of a room's Ed25519 key, from which its private links follow.
#[derive(Clone)]
pub struct Seed([u8; 32]);

impl Seed {
    /// The 32 bytes of RFC 8032 section 5.1.5.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(…)")
    }
}

/// What follows `#` in a private link: whoever has it may watch until it expires.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkSecret {
    /// In seconds since 1970; 0 for a link that does not expire.
    expiry: u64,
    mac: [u8; 32],
}

/// The text is no secret of a private link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the secret of a private link")]
pub struct LinkSecretError;

/// What a viewer signs with the secret of its link.
#[derive(Serialize, Deserialize)]
struct Claims {
    sub: RoomId,
    fp: String,
    iat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<u64>,
}

impl LinkSecret {
    /// The secret of this room's links that expire then, or never.
    pub fn derive(seed: &Seed, expires: Option<SystemTime>) -> Self {
        Self::at(seed, expires.map_or(0, proof::seconds).min(MAX_EXPIRY))
    }

    fn at(seed: &Seed, expiry: u64) -> Self {
        let mut mac = [0; 32];
        let info = format!("{PURPOSE}{expiry}");
        Salt::new(HKDF_SHA256, &[])
            .extract(&seed.0)
            .expand(&[info.as_bytes()], HKDF_SHA256)
            .and_then(|key| key.fill(&mut mac))
            .expect("RFC 5869 section 2.3: up to 255 hashes' worth of bytes");
        Self { expiry, mac }
    }

    /// `<expiry>.<mac>`, for the link and nothing else.
    pub fn expose(&self) -> String {
        format!("{}.{}", self.expiry, URL_SAFE_NO_PAD.encode(self.mac))
    }

    /// Whether it opens nothing any more.
    pub fn is_expired(&self, now: SystemTime) -> bool {
        self.expiry != 0 && self.expiry <= proof::seconds(now)
    }

    /// The answer with the proof that its writer has this secret.
    ///
    /// # Errors
    /// [`ProofError::Fingerprint`], or [`ProofError::Malformed`] if the crypto library fails.
    pub fn prove(&self, answer: &Sdp, room: &RoomId, now: SystemTime) -> Result<Sdp, ProofError> {
        let claims = Claims {
            sub: room.clone(),
            fp: proof::certificate(answer)?.as_str().to_owned(),
            iat: proof::seconds(now),
            exp: (self.expiry != 0).then_some(self.expiry),
        };
        let key = EncodingKey::from_secret(&self.mac);
        let proof = encode(&Header::new(Algorithm::HS256), &claims, &key)
            .map_err(|_| ProofError::Malformed)?;
        Ok(answer.with_session_attribute(ATTRIBUTE, &proof))
    }
}

/// Whether this answer is from somebody who has a link of this room that has not expired, and
/// when it will, if ever.
///
/// `iat` is not looked at: the proof is bound to the viewer's certificate, and the clock of a
/// viewer may be wrong.
///
/// # Errors
/// The first check that fails.
pub fn check_viewer(
    answer: &Sdp,
    room: &RoomId,
    seed: &Seed,
    now: SystemTime,
) -> Result<Option<SystemTime>, ProofError> {
    let proof = proof::proof_in(answer)?;
    // Which link it claims to have says which key verifies the claim.
    let claimed: Claims = insecure_decode_claims(proof).map_err(|_| ProofError::Malformed)?;
    let expiry = claimed.exp.unwrap_or(0);
    if expiry > MAX_EXPIRY {
        return Err(ProofError::Malformed);
    }
    let key = DecodingKey::from_secret(&LinkSecret::at(seed, expiry).mac);
    let claims: Claims = proof::open(proof, Algorithm::HS256, &key)?;
    if claims
        .exp
        .is_some_and(|expiry| expiry <= proof::seconds(now))
    {
        return Err(ProofError::Expired);
    }
    proof::check_bound(answer, room, &claims.sub, &claims.fp)?;
    Ok(claims
        .exp
        .map(|expiry| UNIX_EPOCH + Duration::from_secs(expiry)))
}

impl FromStr for LinkSecret {
    type Err = LinkSecretError;

    fn from_str(text: &str) -> Result<Self, LinkSecretError> {
        let (expiry, mac) = text.split_once('.').ok_or(LinkSecretError)?;
        let number: u64 = expiry.parse().map_err(|_| LinkSecretError)?;
        if number > MAX_EXPIRY || number.to_string() != expiry {
            return Err(LinkSecretError);
        }
        let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| LinkSecretError)?;
        Ok(Self {
            expiry: number,
            mac: mac.try_into().map_err(|_| LinkSecretError)?,
        })
    }
}

impl fmt::Debug for LinkSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkSecret({}, …)", self.expiry)
    }
}
