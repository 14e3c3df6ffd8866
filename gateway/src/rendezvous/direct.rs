//! One end of an exchange, found for a request: what can be asked of it.

use std::net::IpAddr;

use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::ViewerAnswer;
use sightline_spec::sdpfrag::SdpFrag;

use super::{Listening, Rendezvous};
use crate::error::Error;
use crate::events::Outbox;
use crate::session::{Precondition, Side};

/// A session whose media goes straight from the camera to the viewer.
pub(crate) struct Direct {
    rendezvous: Rendezvous,
    room: RoomId,
    id: SessionId,
}

impl Rendezvous {
    /// Finds a session, and which end of its exchange it is.
    pub(crate) fn find(&self, room: RoomId, id: SessionId) -> Result<(Direct, Side), Error> {
        let side = self.existing(&room, |room, _, now| {
            (room.touch(id, now.into_std()), Vec::new())
        })?;
        let rendezvous = self.clone();
        let direct = Direct {
            rendezvous,
            room,
            id,
        };
        Ok((direct, side))
    }
}

impl Direct {
    pub(crate) fn room(&self) -> &RoomId {
        &self.room
    }

    /// Passes a viewer's answer to the camera whose POST is held for it.
    pub(crate) fn answer(
        &self,
        precondition: &Precondition,
        answer: &ViewerAnswer,
        from: IpAddr,
    ) -> Result<(), Error> {
        self.rendezvous.existing(&self.room, |room, _, now| {
            let now = now.into_std();
            match room.answer(self.id, precondition, answer, from, now) {
                Ok(action) => (Ok(()), vec![action]),
                Err(refused) => (Err(refused), Vec::new()),
            }
        })
    }

    /// Passes candidates to the other side.
    pub(crate) fn trickle(
        &self,
        precondition: &Precondition,
        fragment: SdpFrag,
        from: IpAddr,
    ) -> Result<(), Error> {
        self.rendezvous.existing(&self.room, |room, limits, _| {
            let trickled = room.trickle(self.id, precondition, fragment, from, limits);
            (trickled, Vec::new())
        })
    }

    /// Ends it.
    pub(crate) fn leave(&self) -> Result<(), Error> {
        self.rendezvous.existing(&self.room, |room, limits, now| {
            match room.delete(self.id, limits, now.into_std()) {
                Ok(actions) => (Ok(()), actions),
                Err(refused) => (Err(refused), Vec::new()),
            }
        })
    }

    /// Its event log.
    pub(crate) fn outbox(&self) -> Result<Outbox, Error> {
        self.rendezvous
            .existing(&self.room, |room, _, _| (room.outbox(self.id), Vec::new()))
    }

    /// Counts one of its event streams as open until the guard is dropped.
    pub(crate) fn listen(&self) -> Result<Listening, Error> {
        self.rendezvous.listen(&self.room, self.id)
    }
}
