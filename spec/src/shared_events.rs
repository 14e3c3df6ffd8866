//! Several event streams in one: `GET /events?streams=PATH,PATH…`, an extension of ours for pages
//! with many players, whose browser opens six connections to a gateway by HTTP/1.1.
//!
//! Each path is that of an event stream, and knowing it is what permits to read it, here as there.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::room::{RoomId, SessionId};

/// Where shared streams are.
pub const PATH: &str = "/events";

/// How many streams one can be of.
pub const MOST: usize = 32;

/// The name of the event that says that there will be no more of one of the streams.
pub const END: &str = "end";

/// Why a query names no streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the query must be streams=PATH,PATH…, with 1 to {MOST} paths of event streams, and may have \
     after=NUMBER.NUMBER…"
)]
pub struct SharedEventsError;

/// The path of an event stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPath {
    /// Whether it is a camera's, below `/whip`; else a viewer's, below `/whep`.
    pub is_camera: bool,
    /// Its session's room.
    pub room: RoomId,
    /// Its session.
    pub session: SessionId,
    /// The stream itself.
    pub stream: SessionId,
}

impl FromStr for StreamPath {
    type Err = SharedEventsError;

    fn from_str(text: &str) -> Result<Self, SharedEventsError> {
        let parse = || {
            let mut segments = text.strip_prefix('/')?.split('/');
            let is_camera = match segments.next()? {
                "whip" => true,
                "whep" => false,
                _ => return None,
            };
            let room = segments.next()?.parse().ok()?;
            let session = segments.next()?.parse().ok()?;
            let is_events = segments.next()? == "events";
            let stream = segments.next()?.parse().ok()?;
            (is_events && segments.next().is_none()).then_some(Self {
                is_camera,
                room,
                session,
                stream,
            })
        };
        parse().ok_or(SharedEventsError)
    }
}

impl fmt::Display for StreamPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            is_camera,
            room,
            session,
            stream,
        } = self;
        let side = if *is_camera { "whip" } else { "whep" };
        write!(f, "/{side}/{room}/{session}/events/{stream}")
    }
}

/// How far each of the streams has been read, by the ids of their events, in the streams' order:
/// the `id:` of each event. `3.0.7`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Positions(pub Vec<u64>);

impl FromStr for Positions {
    type Err = SharedEventsError;

    fn from_str(text: &str) -> Result<Self, SharedEventsError> {
        let positions = text.split('.').take(MOST + 1).map(str::parse).collect();
        match positions {
            Ok(positions) if Vec::len(&positions) <= MOST => Ok(Self(positions)),
            _ => Err(SharedEventsError),
        }
    }
}

impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, position) in self.0.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            write!(f, "{dot}{position}")?;
        }
        Ok(())
    }
}

/// What a shared stream is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedEvents {
    /// 1 to [`MOST`].
    pub streams: Vec<StreamPath>,
    /// How far they have been read; nothing of those that are missing.
    pub after: Positions,
}

impl FromStr for SharedEvents {
    type Err = SharedEventsError;

    /// Reads a query, percent-decoded or with nothing in it that needs it.
    fn from_str(query: &str) -> Result<Self, SharedEventsError> {
        let (mut streams, mut after) = (Vec::new(), Positions::default());
        for part in query.split('&') {
            match part.split_once('=') {
                Some(("streams", paths)) if streams.is_empty() => {
                    let paths = paths.split(',').take(MOST + 1).map(str::parse);
                    streams = paths.collect::<Result<_, _>>()?;
                }
                Some(("after", positions)) => after = positions.parse()?,
                _ => return Err(SharedEventsError),
            }
        }
        match (1..=MOST).contains(&streams.len()) {
            true => Ok(Self { streams, after }),
            false => Err(SharedEventsError),
        }
    }
}

impl fmt::Display for SharedEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, stream) in self.streams.iter().enumerate() {
            let before = if index == 0 { "streams=" } else { "," };
            write!(f, "{before}{stream}")?;
        }
        match self.after.0.is_empty() {
            true => Ok(()),
            false => write!(f, "&after={}", self.after),
        }
    }
}

/// The data of an event: which of the streams it is of, counted from 0, and what its data is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedData {
    /// Its place in the query.
    pub stream: usize,
    /// Nothing for [`END`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(side: &str) -> String {
        let id = SessionId::random();
        format!("/{side}/garage/{id}/events/{id}")
    }

    #[test]
    fn queries_are_written_as_they_are_read() {
        let (a, b) = (path("whip"), path("whep"));
        for query in [
            format!("streams={a}"),
            format!("streams={a},{b}&after=12"),
            format!("streams={b},{a},{b}&after=0.7.18446744073709551615"),
        ] {
            let shared: SharedEvents = query.parse().unwrap();
            assert_eq!(shared.to_string(), query);
        }
    }

    #[test]
    fn what_names_no_streams_is_refused() {
        let a = path("whep");
        let [many, positions] = [a.as_str(), "1"].map(|one| vec![one; MOST + 1]);
        for query in [
            String::new(),
            "streams=".to_owned(),
            format!("streams={a},"),
            format!("streams={a}&streams={a}"),
            format!("streams={a}/"),
            format!("streams={}", a.replace("/events/", "/layer/")),
            format!("streams={}", a.replace("garage", "a b")),
            format!("streams={}", path("watch")),
            format!("streams={}", many.join(",")),
            format!("streams={a}&after="),
            format!("streams={a}&after=1.x"),
            format!("streams={a}&after={}", positions.join(".")),
            format!("streams={a}&more=1"),
        ] {
            assert_eq!(
                query.parse::<SharedEvents>(),
                Err(SharedEventsError),
                "{query}"
            );
        }
    }
}
