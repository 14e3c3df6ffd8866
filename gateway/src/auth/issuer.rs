//! JWTs that somebody else makes: an identity provider, the site that a player is part of.

use std::time::SystemTime;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Validation, decode, decode_header};
use serde::{Deserialize, Deserializer};
use sightline_spec::room::RoomId;
use sightline_spec::token::{MAX_LEN, Scope, TokenError, check_times};

use super::access::Role;
use super::keys::{Key, Keys};
use super::rooms::Rooms;

/// Who makes tokens for which rooms, and how they are told to be its own.
#[derive(Debug, Clone)]
pub(crate) struct Issuer {
    /// Where its tokens count, whatever they say.
    pub(crate) rooms: Vec<Rooms>,
    /// What they can permit, whatever they say.
    pub(crate) role: Role,
    pub(crate) keys: Keys,
    /// What `iss` has to be, if anything.
    pub(crate) iss: Option<String>,
    /// What has to be in `aud`. Otherwise a token that has an `aud` names the gateway as
    /// its bearer addresses it.
    pub(crate) aud: Option<String>,
}

/// What we read of such a token.
#[derive(Debug, Deserialize)]
struct Claims {
    room: Rooms,
    /// Separated by spaces (RFC 8693 section 4.2).
    scope: String,
    #[serde(deserialize_with = "numeric_date")]
    exp: u64,
    #[serde(default, deserialize_with = "numeric_date")]
    nbf: u64,
    iss: Option<String>,
    aud: Option<Audience>,
}

/// RFC 7519 section 4.1.3: "an array of case-sensitive strings", or one of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Issuer {
    /// Whether a token of this issuer could permit that.
    pub(super) fn may_permit(&self, room: &RoomId, scope: Scope) -> bool {
        self.role.permits(scope) && self.covers(room)
    }

    /// Whether its tokens count there at all.
    pub(super) fn covers(&self, room: &RoomId) -> bool {
        self.rooms.iter().any(|rooms| rooms.cover(room))
    }

    /// Whether this token is from this issuer and permits its bearer that.
    pub(super) fn check(
        &self,
        token: &str,
        room: &RoomId,
        scope: Scope,
        audience: &str,
        now: SystemTime,
    ) -> Result<(), TokenError> {
        if token.len() > MAX_LEN || token.split('.').count() != 3 {
            return Err(TokenError::Unknown);
        }
        let claims = self.read(token)?;
        if self.iss.is_some() && claims.iss != self.iss {
            return Err(TokenError::Issuer);
        }
        if !claims.room.cover(room) {
            return Err(TokenError::Room);
        }
        let wanted = match scope {
            Scope::Publish => "publish",
            Scope::View => "view",
        };
        let is_claimed = claims.scope.split(' ').any(|scope| scope == wanted);
        if !is_claimed || !self.role.permits(scope) {
            return Err(TokenError::Scope);
        }
        if !self.is_meant(claims.aud.as_ref(), audience) {
            return Err(TokenError::Audience);
        }
        check_times(claims.nbf, claims.exp, now)
    }

    /// The claims, once one of the issuer's keys has proved to have signed them.
    fn read(&self, token: &str) -> Result<Claims, TokenError> {
        let header = decode_header(token).map_err(|_| TokenError::Malformed)?;
        // RFC 7515 section 4.1.11: extensions that MUST be understood; we know none.
        if header.crit.is_some() {
            return Err(TokenError::Malformed);
        }
        let keys = self.keys.current();
        let is_named = |key: &&Key| key.id.is_some() && key.id == header.kid;
        let is_certain = keys.iter().any(|key| is_named(&key));
        let candidates = keys.iter().filter(|key| !is_certain || is_named(key));
        let mut refused = TokenError::Signature;
        for key in candidates {
            // The key says by which algorithm it signs, never the token (RFC 8725
            // section 3.1).
            let mut validation = Validation::new(key.algorithm.into());
            // It reads the clock; we are given the time.
            validation.validate_exp = false;
            validation.validate_aud = false;
            validation.required_spec_claims.clear();
            match decode::<Claims>(token, &key.key, &validation) {
                Ok(decoded) => return Ok(decoded.claims),
                Err(error) => match error.kind() {
                    ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => {}
                    _ => refused = TokenError::Malformed,
                },
            }
        }
        Err(refused)
    }

    /// RFC 7519 section 4.1.3: who does not find itself in `aud` MUST reject the token.
    fn is_meant(&self, claimed: Option<&Audience>, addressed: &str) -> bool {
        let is_us = |name: &String| match &self.aud {
            Some(aud) => name == aud,
            None => name.eq_ignore_ascii_case(addressed),
        };
        match claimed {
            None => self.aud.is_none(),
            Some(Audience::One(name)) => is_us(name),
            Some(Audience::Several(names)) => names.iter().any(is_us),
        }
    }
}

/// RFC 7519 section 2: seconds since 1970, "non-integer values can be represented".
fn numeric_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    // What is out of range becomes its end.
    Ok(seconds as u64)
}
