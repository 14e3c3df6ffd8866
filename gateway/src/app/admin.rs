//! What an administrator sees and does.

use std::collections::BTreeMap;

use sightline_spec::room::{RoomId, SessionId};

use super::App;
use crate::census::{Handle, RoomCensus};
use crate::error::Error;
use crate::relaying::Relaying;

impl App {
    /// Every room and who is in it, on both paths.
    pub(crate) fn census(&self) -> Vec<RoomCensus> {
        let rooms = self.rendezvous.census().into_iter();
        let mut rooms: BTreeMap<String, RoomCensus> = rooms
            .map(|census| (census.room.to_string(), census))
            .collect();
        let relayed = self.relay.as_ref().map(Relaying::census);
        for (room, seat) in relayed.unwrap_or_default() {
            let entry = rooms.entry(room.to_string());
            // Viewers of a publisher that has gone are in no other room.
            let entry = entry.or_insert_with(|| RoomCensus {
                room,
                is_published: false,
                offers: 0,
                viewers: 0,
                seats: Vec::new(),
            });
            entry.seats.push(seat);
        }
        rooms.into_values().collect()
    }

    /// Ends the session with this handle, as if its own side had.
    pub(crate) fn end(&self, handle: &str) -> Result<(), Error> {
        let found = self.find(handle).ok_or(Error::UnknownSession)?;
        let (session, _) = self.session(found.0, found.1)?;
        session.leave()
    }

    fn find(&self, handle: &str) -> Option<(RoomId, SessionId)> {
        let rooms = self.census().into_iter();
        let mut seats = rooms.flat_map(|census| {
            let room = census.room;
            let seats = census.seats.into_iter();
            seats.map(move |seat| (room.clone(), seat.session))
        });
        seats.find(|(_, session)| Handle::of(*session).is(handle))
    }

    /// Whether the gateway takes requests, and carries media if it is to.
    pub(crate) fn check_ready(&self) -> Result<(), Error> {
        match &self.relay {
            _ if !self.rendezvous.is_open() => Err(Error::ShuttingDown),
            Some(relay) if !relay.is_whole() => Err(Error::RelayBroken),
            _ => Ok(()),
        }
    }
}
