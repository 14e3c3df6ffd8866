//! Names of rooms and sessions: the two path segments of every URL.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The name of a room: 1 to 64 characters of `A-Z a-z 0-9 _ -`.
///
/// 64 lower-case hex digits are the Ed25519 public key that says who may publish
/// there, see [`RoomId::key`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoomId(Box<str>);

/// Why a text is no room id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoomIdError {
    /// Empty, or longer than 64 characters.
    #[error("a room id has 1 to 64 characters, this one has {0}")]
    Length(usize),
    /// A character outside `A-Z a-z 0-9 _ -`.
    #[error("a room id is made of A-Z a-z 0-9 _ -, not {0:?}")]
    Character(char),
    /// A key in the wrong case would be a second name for one camera.
    #[error("a room key is written in lower-case hex")]
    UpperCaseKey,
}

impl RoomId {
    /// The longest room id, in characters; also the length of a room key.
    pub const MAX_LEN: usize = 64;

    /// The room of this Ed25519 public key.
    pub fn from_key(public_key: &[u8; 32]) -> Self {
        Self(hex::encode(public_key).into())
    }

    /// The Ed25519 public key that this room is, or nothing for a named room.
    pub fn key(&self) -> Option<[u8; 32]> {
        let mut key = [0; 32];
        // No room has upper-case digits in a key.
        hex::decode_to_slice(self.0.as_bytes(), &mut key).ok()?;
        Some(key)
    }

    /// The id as it stands in a URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoomId {
    type Err = RoomIdError;

    fn from_str(text: &str) -> Result<Self, RoomIdError> {
        let length = text.chars().count();
        if length == 0 || length > Self::MAX_LEN {
            return Err(RoomIdError::Length(length));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if let Some(odd) = text.chars().find(|c| !allowed(*c)) {
            return Err(RoomIdError::Character(odd));
        }
        let is_hex = text.bytes().all(|b| b.is_ascii_hexdigit());
        if length == Self::MAX_LEN && is_hex && text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(RoomIdError::UpperCaseKey);
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for RoomId {
    type Error = RoomIdError;

    fn try_from(text: String) -> Result<Self, RoomIdError> {
        text.parse()
    }
}

impl From<RoomId> for String {
    fn from(room: RoomId) -> Self {
        room.0.into()
    }
}

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// For logs: whoever knows a room's key in full may watch, so only its beginning.
impl fmt::Debug for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key() {
            Some(_) => write!(f, "{}…", &self.0[..8]),
            None => f.write_str(&self.0),
        }
    }
}

/// The unguessable name of one session: 128 bits from the system's random source.
///
/// Whoever knows it may change and end the session, so `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(Uuid);

/// The text is not 32 hex digits, so it names no session.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a session id")]
pub struct SessionIdError;

impl SessionId {
    /// A fresh id.
    ///
    /// A version-4 UUID has only 122 random bits, so the bits are drawn here and
    /// the UUID type only carries and prints them.
    ///
    /// # Panics
    /// If the system has no source of randomness.
    pub fn random() -> Self {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).expect("the system has a source of randomness");
        Self(Uuid::from_bytes(bits))
    }
}

impl FromStr for SessionId {
    type Err = SessionIdError;

    fn from_str(text: &str) -> Result<Self, SessionIdError> {
        let canonical = text.len() == 32 && !text.bytes().any(|b| b.is_ascii_uppercase());
        if !canonical {
            return Err(SessionIdError);
        }
        Uuid::try_parse(text).map(Self).map_err(|_| SessionIdError)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_simple().fmt(f)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_round_trips_through_its_room() {
        let key = std::array::from_fn(|i| i as u8 * 7);
        assert_eq!(RoomId::from_key(&key).key(), Some(key));
    }

    #[test]
    fn a_named_room_has_no_key() {
        assert_eq!("garage".parse::<RoomId>().unwrap().key(), None);
    }

    #[test]
    fn session_ids_differ_round_trip_and_stay_out_of_logs() {
        let (a, b) = (SessionId::random(), SessionId::random());
        assert_ne!(a, b);
        assert_eq!(a.to_string().parse(), Ok(a));
        assert!(!format!("{a:?}").contains(&a.to_string()));
    }

    #[test]
    fn only_the_canonical_spelling_names_a_session() {
        let upper = SessionId::random().to_string().to_uppercase();
        let dashed = SessionId::random().0.hyphenated().to_string();
        for text in ["", "x", "é", dashed.as_str(), upper.as_str()] {
            let canonical = text.bytes().all(|b| b.is_ascii_digit()) && text.len() == 32;
            assert_eq!(text.parse::<SessionId>().is_ok(), canonical, "{text}");
        }
    }
}
