//! Whose media it is, and what follows when that is another's.

use sightline_spec::room::SessionId;

use super::Router;
use crate::event::Event;
use crate::keys::Key;
use crate::sdp::negotiate::Track;

/// Whose media it is.
pub(crate) struct Publisher {
    pub(crate) origin: Origin,
    pub(crate) session: SessionId,
    /// Whether it is given up when nobody watches.
    pub(crate) ends_unwatched: bool,
}

/// What a publisher is about to send.
pub(crate) struct Publication {
    pub(crate) tracks: Vec<Track>,
    /// Whether it is given up when nobody watches.
    pub(crate) ends_unwatched: bool,
}

/// From where a publisher's media comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// From the publisher: this is the home.
    Connection(Key),
    /// From the home, of which this is a replica.
    Home,
}

/// What follows when another connection publishes.
#[derive(Debug)]
pub(crate) struct Takeover {
    /// Who published before; its connection is to be ended.
    pub(crate) previous: Option<Key>,
    /// Viewers that cannot go on with what comes now, having no decoder for it.
    pub(crate) stranded: Vec<Key>,
    pub(crate) event: Option<Event>,
}

impl Publisher {
    /// Its connection, if that is here.
    pub(super) fn key(&self) -> Option<Key> {
        match self.origin {
            Origin::Connection(key) => Some(key),
            Origin::Home => None,
        }
    }
}

impl Router {
    /// A publisher waits until it may have the room; whatever it sends is dropped.
    pub(crate) fn keep_apart(&mut self, key: Key, publication: Publication) {
        self.apart.insert(key, publication);
    }

    /// Whether it waits so.
    pub(crate) fn is_apart(&self, key: Key) -> bool {
        self.apart.contains_key(&key)
    }

    /// It waits no longer.
    pub(crate) fn leave_apart(&mut self, key: Key) -> Option<Publication> {
        self.apart.remove(&key)
    }
}
