//! Who comes to publish by the relay: whether it has the room at once, apart until it has proved
//! its certificate, or not.

use std::time::Instant;

use sightline_spec::room::SessionId;
use sightline_spec::token::Admission;

use super::{Live, Media, RelayState};
use crate::error::Error;
use crate::room::exchange::Exchange;
use crate::room::{Action, Limits, OfferTerms, Publisher, Room};
use crate::session::Presence;

/// How many may wait apart at one time.
const APART: usize = 8;

/// How a publisher comes into its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// It has the room as soon as it is answered.
    AtOnce,
    /// It waits apart until it has proved that it is who has the room already.
    OnceProved,
}

impl Room {
    /// The relay is about to answer this publisher, which has the room if that succeeds.
    ///
    /// `terms` are those of an offer that had waited.
    pub(crate) fn claim(
        &mut self,
        session: SessionId,
        (publisher, admission): (Publisher, Admission),
        terms: Option<OfferTerms>,
        limits: &Limits,
        now: Instant,
    ) -> (Result<Entrance, Error>, Vec<Action>) {
        let entrance = self.enter(session, publisher, admission, terms);
        if terms.is_none() || entrance == Ok(Entrance::AtOnce) {
            return (entrance, Vec::new());
        }
        // It was taken for viewers, who have what there was before: its media is back.
        self.take_back();
        (entrance, self.pair(limits, now))
    }

    fn enter(
        &mut self,
        session: SessionId,
        publisher: Publisher,
        admission: Admission,
        terms: Option<OfferTerms>,
    ) -> Result<Entrance, Error> {
        if self.is_taken_by_other_than(&publisher) {
            return Err(Error::RoomTaken);
        }
        // A certificate's hash is in every offer, so anybody can copy it. Whoever comes with
        // it has proved nothing yet, and takes nothing from who has.
        let is_copied = publisher != Publisher::Key
            && (self.relay.is_arriving() || (terms.is_none() && self.is_published_directly()));
        let claimant = Live {
            session,
            publisher,
            admission,
            direct: terms.map(|terms| terms.direct),
            media: Media::Expected,
            presence: Presence::Unknown,
        };
        if !is_copied {
            self.let_answer(claimant);
            return Ok(Entrance::AtOnce);
        }
        if self.apart.len() >= APART {
            return Err(Error::RoomTaken);
        }
        self.apart.push(claimant);
        Ok(Entrance::OnceProved)
    }

    /// A publisher that waits apart has proved its certificate. The relay is about to give it
    /// the room, unless that is somebody else's by now.
    pub(crate) fn proved(&mut self, session: SessionId) -> Result<(), Error> {
        let index = self.apart.iter().position(|live| live.session == session);
        let claimant = self.apart.remove(index.ok_or(Error::UnknownSession)?);
        let claimant = Live {
            media: Media::Arriving,
            ..claimant
        };
        if self.is_taken_by_other_than(&claimant.publisher) {
            return Err(Error::RoomTaken);
        }
        self.let_answer(claimant);
        Ok(())
    }

    fn let_answer(&mut self, claimant: Live) {
        let before = match std::mem::take(&mut self.relay) {
            RelayState::Live(live) => Some(live),
            // Of two that are answered at once the later one has the room.
            RelayState::Answering { before, .. } | RelayState::Taking { before, .. } => before,
            RelayState::Absent => None,
        };
        self.relay = RelayState::Answering { claimant, before };
    }

    /// Whether a camera is here whose viewers have its media from itself.
    fn is_published_directly(&self) -> bool {
        !self.offers.is_empty()
            || matches!(self.relay, RelayState::Taking { .. })
            || self.exchanges.values().any(Exchange::has_camera)
    }
}
