//! The named rooms that a rule or a token is about.

use std::str::FromStr;

use serde::Deserialize;
use sightline_spec::room::{RoomId, RoomIdError};

/// `garage`, or `yard-*`: every room whose name begins so.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Rooms {
    /// This one.
    Named(RoomId),
    /// Those that begin so.
    Beginning(String),
}

/// Why a text means no named rooms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidRooms {
    #[error(transparent)]
    Name(#[from] RoomIdError),
    #[error("a room that is a key takes the tokens of that key, and no others")]
    Key,
}

impl Rooms {
    /// Whether this room is among them. One that is a key never is.
    pub(crate) fn cover(&self, room: &RoomId) -> bool {
        let is_named = room.key().is_none();
        is_named
            && match self {
                Self::Named(name) => name == room,
                Self::Beginning(start) => room.as_str().starts_with(start),
            }
    }
}

impl FromStr for Rooms {
    type Err = InvalidRooms;

    fn from_str(text: &str) -> Result<Self, InvalidRooms> {
        let Some(start) = text.strip_suffix('*') else {
            let room: RoomId = text.parse()?;
            return match room.key() {
                Some(_) => Err(InvalidRooms::Key),
                None => Ok(Self::Named(room)),
            };
        };
        // The beginning of a name is a name, or nothing.
        if !start.is_empty() {
            start.parse::<RoomId>()?;
        }
        Ok(Self::Beginning(start.to_owned()))
    }
}

impl TryFrom<String> for Rooms {
    type Error = InvalidRooms;

    fn try_from(text: String) -> Result<Self, InvalidRooms> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(rooms: &str, room: &str) -> bool {
        let rooms: Rooms = rooms.parse().unwrap();
        rooms.cover(&room.parse().unwrap())
    }

    #[test]
    fn a_name_is_one_room_and_a_star_is_any_end() {
        assert!(covers("garage", "garage"));
        assert!(!covers("garage", "garage-2"));
        assert!(!covers("garage", "Garage"));
        assert!(covers("yard-*", "yard-"));
        assert!(covers("yard-*", "yard-gate"));
        assert!(!covers("yard-*", "yard"));
        assert!(covers("*", "anything"));
    }

    #[test]
    fn a_room_that_is_a_key_is_never_meant() {
        let key = "0123456789abcdef".repeat(4);
        assert!(!covers("*", &key));
        assert!(!covers("0123*", &key));
        assert_eq!(key.parse::<Rooms>(), Err(InvalidRooms::Key));
    }

    #[test]
    fn a_star_stands_at_the_end_only() {
        for text in ["", "*-gate", "yard-*-gate", "**", "a b*"] {
            assert!(text.parse::<Rooms>().is_err(), "{text}");
        }
    }
}
