//! What the relay does at the rendezvous: it claims a room, has it, and leaves it.

use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::token::Admission;

use super::{Claim, Claimed, Rendezvous};
use crate::error::Error;
use crate::room::{Entrance, OfferTerms, Publisher, Shown};

impl Rendezvous {
    /// The relay is about to answer a publisher; nobody else publishes here meanwhile.
    /// Without [`Claim::settle`] the claim is given back, and the room is as it was.
    ///
    /// Who only seems to be the one that publishes already is to be answered apart.
    pub(crate) fn claim(
        &self,
        id: &RoomId,
        session: SessionId,
        admitted: (Publisher, Admission),
        terms: Option<OfferTerms>,
    ) -> Result<Claimed, Error> {
        let mut state = self.state();
        if state.closed {
            return Err(Error::ShuttingDown);
        }
        let entrance = self.enter(&mut state, id, |room, limits, now| {
            room.claim(session, admitted, terms, limits, now.into_std())
        })?;
        let claim = Claim::new(self.clone(), id.clone(), session);
        Ok(match entrance {
            Entrance::AtOnce => Claimed::Room(claim),
            Entrance::OnceProved => Claimed::PlaceApart(claim),
        })
    }

    /// A publisher that the relay has answered apart has proved its certificate. If this is
    /// granted the relay is to give it the room.
    pub(crate) fn proved(&self, id: &RoomId, session: SessionId) -> Result<(), Error> {
        self.existing(id, |room, _, _| (room.proved(session), Vec::new()))
    }

    /// The relay has answered: viewers that wait can have what it has.
    pub(crate) fn relay_ready(&self, id: &RoomId, session: SessionId) {
        self.if_there(id, |room, limits, now| {
            room.relay_ready(session, limits, now)
        });
    }

    /// The relay has lost its publisher.
    pub(crate) fn relay_left(&self, id: &RoomId, session: SessionId) {
        self.if_there(id, |room, limits, now| {
            room.relay_left(session, limits, now)
        });
    }

    /// The relay's publisher has begun to send, or stopped.
    pub(crate) fn relay_sends(&self, id: &RoomId, session: SessionId, is_sending: bool) {
        self.if_there(id, |room, limits, now| {
            room.relay_sends(session, is_sending, limits, now)
        });
    }

    /// The relay's first viewer of a room has come, or the last one has left. It is asked here
    /// which of the two is so, since both may happen at one time.
    pub(crate) fn relay_watched(&self, id: &RoomId, is_watched: impl FnOnce() -> bool) {
        let mut state = self.state();
        let is_watched = is_watched();
        if is_watched || state.rooms.contains_key(id) {
            self.enter(&mut state, id, |room, limits, now| {
                ((), room.relay_watched(is_watched, limits, now.into_std()))
            });
        }
    }

    /// Whether a viewer may have what this room's publisher sends.
    pub(crate) fn admits(&self, id: &RoomId, ticket: &Shown) -> Result<(), Error> {
        let state = self.state();
        let entry = state.rooms.get(id);
        entry.map_or(Ok(()), |entry| entry.room.admits(ticket))
    }

    /// How many viewers of this room watch directly.
    pub(crate) fn direct_viewers(&self, id: &RoomId) -> usize {
        let state = self.state();
        state
            .rooms
            .get(id)
            .map_or(0, |entry| entry.room.direct_viewers())
    }
}
