//! `a=sightline-proof`: who is at the other end, signed over the certificate that it presents.
//!
//! A proof is a JWT (RFC 7519) at session level of an offer or an answer. Its claim `fp` is the
//! description's own fingerprint, so a proof is worth nothing to whoever lacks that certificate's
//! private key: it can be read and replayed by everyone, the gateway included.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::name::CameraName;
use crate::room::RoomId;
use crate::sdp::{Fingerprint, Sdp};
use crate::token::{MAX_LEN, SigningKey};

/// The attribute's name.
pub const ATTRIBUTE: &str = "sightline-proof";

/// The oldest camera's proof that is accepted. A camera makes one for each offer, so an older
/// one means that a clock is wrong.
pub const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// How far ahead the clock of a camera may be.
pub const MAX_AHEAD: Duration = Duration::from_secs(600);

/// Why a description does not prove who it is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// No `a=sightline-proof` at session level.
    #[error("there is no proof of who this is from")]
    Missing,
    /// More than one proof, or not a JWT with these claims and this algorithm.
    #[error("the proof is malformed")]
    Malformed,
    /// The description names no certificate, or not the same one throughout.
    #[error("the description does not name exactly one certificate")]
    Fingerprint,
    /// The room's key, or a private link of its, did not sign this.
    #[error("the proof was not made with this room's key or link")]
    Signature,
    /// Made for another room.
    #[error("the proof is for another room")]
    Room,
    /// In order, but of another certificate: somebody is in between.
    #[error("the proof is for another certificate: somebody is in between")]
    Certificate,
    /// A camera's proof that is older than [`MAX_AGE`].
    #[error("the proof is more than a day old: check the clocks")]
    Old,
    /// A camera's proof that is further ahead than [`MAX_AHEAD`].
    #[error("the proof is from the future: check the clocks")]
    Future,
    /// A viewer's proof by a link that has expired.
    #[error("the private link has expired")]
    Expired,
}

/// What a camera signs with the key that is its room.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: RoomId,
    fp: String,
    iat: u64,
    /// What the owner calls the camera. Whatever else stands there is no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<serde_json::Value>,
}

/// The offer with the proof that it is from the room's camera, which has this name.
///
/// # Errors
/// [`ProofError::Fingerprint`], or [`ProofError::Malformed`] if `key` is none.
pub fn prove_camera(
    offer: &Sdp,
    room: &RoomId,
    key: &SigningKey,
    name: Option<&CameraName>,
    now: SystemTime,
) -> Result<Sdp, ProofError> {
    let claims = Claims {
        sub: room.clone(),
        fp: certificate(offer)?.as_str().to_owned(),
        iat: seconds(now),
        name: name.map(|name| name.as_str().into()),
    };
    let proof = key.sign(&claims).map_err(|_| ProofError::Malformed)?;
    Ok(offer.with_session_attribute(ATTRIBUTE, &proof))
}

/// Whether this offer is from the camera whose key the room is; and the name that it has by its owner.
///
/// # Errors
/// The first check that fails.
pub fn check_camera(
    offer: &Sdp,
    room: &RoomId,
    now: SystemTime,
) -> Result<Option<CameraName>, ProofError> {
    let key = room.key().ok_or(ProofError::Signature)?;
    let proof = proof_in(offer)?;
    let claims: Claims = open(proof, Algorithm::EdDSA, &DecodingKey::from_ed_der(&key))?;
    check_bound(offer, room, &claims.sub, &claims.fp)?;
    let now = seconds(now);
    if claims.iat < now.saturating_sub(MAX_AGE.as_secs()) {
        return Err(ProofError::Old);
    }
    if claims.iat > now.saturating_add(MAX_AHEAD.as_secs()) {
        return Err(ProofError::Future);
    }
    let name = claims.name.as_ref().and_then(serde_json::Value::as_str);
    Ok(name.and_then(CameraName::cleaned))
}

/// The one proof that a description brings.
pub(crate) fn proof_in(sdp: &Sdp) -> Result<&str, ProofError> {
    let mut proofs = sdp.session_attribute(ATTRIBUTE);
    match (proofs.next(), proofs.next()) {
        (None, _) => Err(ProofError::Missing),
        (Some(proof), None) if proof.len() <= MAX_LEN => Ok(proof),
        _ => Err(ProofError::Malformed),
    }
}

/// The one certificate that whoever wrote this will present.
pub(crate) fn certificate(sdp: &Sdp) -> Result<Fingerprint, ProofError> {
    sdp.sole_fingerprint().ok_or(ProofError::Fingerprint)
}

/// Whether verified claims are about this room and this description's certificate.
pub(crate) fn check_bound(
    sdp: &Sdp,
    room: &RoomId,
    sub: &RoomId,
    fp: &str,
) -> Result<(), ProofError> {
    if sub != room {
        return Err(ProofError::Room);
    }
    match certificate(sdp)?.as_str() == fp {
        true => Ok(()),
        false => Err(ProofError::Certificate),
    }
}

/// The claims of a JWT that this key signed by this algorithm. Times are left to the caller.
pub(crate) fn open<T: DeserializeOwned>(
    proof: &str,
    algorithm: Algorithm,
    key: &DecodingKey,
) -> Result<T, ProofError> {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let decoded = decode::<T>(proof, key, &validation).map_err(|error| match error.kind() {
        ErrorKind::InvalidSignature => ProofError::Signature,
        _ => ProofError::Malformed,
    })?;
    // RFC 7515 section 4.1.11: extensions that MUST be understood; we know none.
    match decoded.header.crit {
        None => Ok(decoded.claims),
        Some(_) => Err(ProofError::Malformed),
    }
}

pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}
