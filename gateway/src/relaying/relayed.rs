//! One end of a connection with the relay, found for a request: what can be asked of it.

use sightline_spec::layer::LayerSelection;
use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdpfrag::SdpFrag;

use super::Relaying;
use super::sessions::Entry;
use crate::error::Error;
use crate::events::Outbox;
use crate::rendezvous::Listening;
use crate::session::{EntityTag, Precondition, Side};

/// A session whose media goes through the relay.
pub(crate) struct Relayed {
    relaying: Relaying,
    room: RoomId,
    id: SessionId,
}

/// What a PATCH with a fragment led to.
pub(crate) enum Trickled {
    /// The candidates were noted.
    Noted,
    /// ICE begins anew, with this fragment as our side of it.
    Restarted { fragment: SdpFrag, etag: EntityTag },
}

impl Relaying {
    /// Finds a session, and which end of its connection it is, or was a moment ago.
    pub(crate) fn find(&self, room: &RoomId, id: SessionId) -> Option<(Relayed, Side)> {
        let side = self.0.sessions.read(room, id, |session| session.side);
        let relayed = Relayed {
            relaying: self.clone(),
            room: room.clone(),
            id,
        };
        Some((relayed, side.ok()?))
    }
}

impl Relayed {
    pub(crate) fn room(&self) -> &RoomId {
        &self.room
    }

    /// Candidates, or an ICE restart (RFC 9725 section 4.3).
    ///
    /// The relay is ICE-lite: it answers checks and makes none (RFC 8445 section 2.5), so
    /// candidates are of no use to it, and only counted.
    pub(crate) async fn trickle(
        &self,
        precondition: &Precondition,
        fragment: &SdpFrag,
    ) -> Result<Trickled, Error> {
        let most = self.relaying.0.candidates;
        let restart = self.with(|session| {
            session.party.check(precondition)?;
            match session.party.accept(fragment, most) {
                Err(Error::RestartUnsupported) => {
                    let restarts = fragment.credentials();
                    let credentials = restarts.first().ok_or(Error::RestartUnsupported)?;
                    Ok(Some((session.connection.clone(), (*credentials).clone())))
                }
                accepted => accepted.map(|()| None),
            }
        })?;
        let Some((connection, theirs)) = restart else {
            return Ok(Trickled::Noted);
        };
        let fragment = connection.restart(&theirs).await?;
        let etag = self.with(|session| Ok(session.party.restart(theirs)))?;
        Ok(Trickled::Restarted { fragment, etag })
    }

    /// Notes which layer a viewer wants (WHEP core extensions section 5).
    pub(crate) async fn select(&self, selection: &LayerSelection) -> Result<(), Error> {
        let connection = self.with(|session| Ok(session.connection.clone()))?;
        Ok(connection.select(selection).await?)
    }

    /// Counts one of its event streams as open until the guard is dropped, if it is a publisher's.
    pub(crate) fn listen(&self) -> Option<Listening> {
        let rendezvous = &self.relaying.0.rendezvous;
        rendezvous.listen(&self.room, self.id).ok()
    }

    /// Ends it.
    pub(crate) fn leave(&self) -> Result<(), Error> {
        self.relaying.leave(&self.room, self.id)
    }

    /// Its event log.
    pub(crate) fn outbox(&self) -> Result<Outbox, Error> {
        let outbox = |session: &Entry| session.party.outbox.clone();
        self.relaying.0.sessions.read(&self.room, self.id, outbox)
    }

    /// One step of it while it is not over.
    fn with<T>(&self, step: impl FnOnce(&mut Entry) -> Result<T, Error>) -> Result<T, Error> {
        self.relaying.0.sessions.with(&self.room, self.id, step)
    }
}
