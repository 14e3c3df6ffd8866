//! A watch link, taken apart: which gateway, which room, and what stands behind its `#`.

use reqwest::Url;
use sightline_spec::{private::LinkSecret, room::RoomId};

use crate::{http::below, option::Secret};

/// What is to be watched, as `/watch/ROOM` and what may follow it say.
#[derive(Debug, Clone)]
pub struct WatchLink {
    /// The WHEP endpoint.
    pub endpoint: Url,
    /// The room, wherever the gateway may send us.
    pub room: RoomId,
    /// What lets us in where the camera asks for more than the link.
    pub ticket: Option<Secret>,
    /// That of a private link, which the camera checks.
    pub secret: Option<LinkSecret>,
}

/// Why a text is no watch link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not a URL, or not one of HTTP.
    #[error("a watch link begins with https:// or http://")]
    NotALink,
    /// No `/watch/ROOM` in it.
    #[error("the link names no room: it is to end in /watch/ROOM")]
    NoRoom,
    /// What stands there is no room id.
    #[error("the link is wrong: {0}")]
    Room(String),
    /// Neither a ticket nor a secret: half a link must not be taken for one that asks for less.
    #[error("the link is wrong: what stands behind its # is not whole. Copy all of it, in quotes")]
    Damaged,
}

impl std::str::FromStr for WatchLink {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let link = Url::parse(text.trim()).map_err(|_| LinkError::NotALink)?;
        if !matches!(link.scheme(), "http" | "https") {
            return Err(LinkError::NotALink);
        }
        let (gateway, room) = place(&link)?;
        let room: RoomId = room
            .parse()
            .map_err(|error| LinkError::Room(format!("{error}")))?;
        let (mut ticket, mut secret) = (None, None);
        for part in link.fragment().unwrap_or_default().split('&') {
            match part.split_once('=') {
                _ if part.is_empty() => {}
                Some(("token", value)) if ticket.is_none() && is_bearer(value) => {
                    ticket = value.parse().ok();
                }
                Some(("secret", value)) if secret.is_none() => secret = Some(secret_of(value)?),
                None if secret.is_none() => secret = Some(secret_of(part)?),
                _ => return Err(LinkError::Damaged),
            }
        }
        Ok(Self {
            endpoint: below(&gateway, &["whep", room.as_str()]),
            room,
            ticket,
            secret,
        })
    }
}

/// The gateway, which may live below a path, and the room.
fn place(link: &Url) -> Result<(Url, String), LinkError> {
    let segments: Vec<&str> = link.path_segments().into_iter().flatten().collect();
    let segments: Vec<&str> = segments.into_iter().filter(|s| !s.is_empty()).collect();
    let in_query = || link.query_pairs().find(|(name, _)| name == "room");
    let (above, room) = match segments.as_slice() {
        [above @ .., "watch", room] => (above, (*room).to_owned()),
        [above @ .., "watch"] => (above, in_query().ok_or(LinkError::NoRoom)?.1.into_owned()),
        _ => return Err(LinkError::NoRoom),
    };
    let mut gateway = link.clone();
    gateway.set_path("/");
    Ok((below(&gateway, above), room))
}

fn secret_of(text: &str) -> Result<LinkSecret, LinkError> {
    text.parse().map_err(|_| LinkError::Damaged)
}

/// The `b64token` of RFC 6750 section 2.1.
fn is_bearer(text: &str) -> bool {
    let token = text.trim_end_matches('=');
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
    !token.is_empty() && token.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::RoomKey;

    fn read(text: &str) -> Result<WatchLink, LinkError> {
        text.parse()
    }

    #[test]
    fn every_link_that_the_page_takes_is_taken() {
        let key = RoomKey::random();
        let secret = key.link_secret(None);
        let exposed = secret.expose();
        for (text, endpoint, has_ticket, is_private) in [
            (
                "http://h:1/watch/garage",
                "http://h:1/whep/garage",
                false,
                false,
            ),
            (
                " https://h/watch/garage/ ",
                "https://h/whep/garage",
                false,
                false,
            ),
            (
                "https://h/cam/watch/a?x=1",
                "https://h/cam/whep/a",
                false,
                false,
            ),
            ("https://h/watch?room=a", "https://h/whep/a", false, false),
            (
                "https://h/watch/a#token=x.y.z==",
                "https://h/whep/a",
                true,
                false,
            ),
            (
                &format!("https://h/watch/a#{exposed}"),
                "https://h/whep/a",
                false,
                true,
            ),
            (
                &format!("https://h/watch/a#secret={exposed}&token=t"),
                "https://h/whep/a",
                true,
                true,
            ),
        ] {
            let link = read(text).unwrap();
            assert_eq!(link.endpoint.as_str(), endpoint, "{text}");
            assert_eq!(link.ticket.is_some(), has_ticket, "{text}");
            assert_eq!(link.secret.is_some(), is_private, "{text}");
            assert_eq!(
                link.secret.is_some_and(|it| it == secret),
                is_private,
                "{text}"
            );
        }
    }

    #[test]
    fn half_a_link_is_not_one_that_asks_for_less() {
        for text in [
            "https://h/watch/a#0",
            "https://h/watch/a#0.abc",
            "https://h/watch/a#token=",
            "https://h/watch/a#token=a&token=b",
            "https://h/watch/a#ticket=a",
            "https://h/watch/a#token=a%20b",
        ] {
            assert_eq!(read(text).unwrap_err(), LinkError::Damaged, "{text}");
        }
        assert_eq!(read("garage").unwrap_err(), LinkError::NotALink);
        assert_eq!(read("rtsp://h/watch/a").unwrap_err(), LinkError::NotALink);
        assert_eq!(read("https://h/publish/a").unwrap_err(), LinkError::NoRoom);
        assert_eq!(read("https://h/watch/").unwrap_err(), LinkError::NoRoom);
        assert!(matches!(
            read("https://h/watch/a%20b"),
            Err(LinkError::Room(_))
        ));
    }
}
