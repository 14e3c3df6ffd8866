//! Who gets which path: the table of design section 2.

use std::time::Instant;

use sightline_spec::token::Admission;

use super::relayed::{DIRECT_FIRST, RelayState};
use super::{Room, WaitingOffer, WaitingViewer};
use crate::error::Error;
use crate::throttle::Neighbourhood;

/// How a camera's offer may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OfferTerms {
    /// Viewers that the camera serves itself, at most.
    pub(crate) direct: usize,
    /// Whether the relay may take it.
    pub(crate) relay: bool,
    /// Whom it may be given to.
    pub(crate) admission: Admission,
}

/// A viewer who asks to be let in.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) wants: Wants,
    pub(crate) ticket: Shown,
    pub(crate) from: Neighbourhood,
}

/// Whether a viewer has shown a good view ticket, and if not, what it is told where that
/// matters.
pub(crate) type Shown = Result<(), Error>;

/// Which path a viewer can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    /// Only a camera's own offer.
    Direct,
    /// A camera's own offer, and if there is none, the relay.
    DirectOrRelay,
    /// Only the relay: a player that knows nothing of counter-offers.
    Relay,
}

/// What there is for a viewer; offers by their index.
pub(super) enum Available {
    /// This offer, to be answered by the viewer.
    Direct(usize),
    /// The relay has the room's media.
    Relay,
    /// The relay can have this offer.
    Take(usize),
    /// None, however long it waits.
    Neither(Error),
}

impl Room {
    /// What a viewer can have now. It need not be what another viewer can have.
    pub(super) fn path_for(&self, viewer: &WaitingViewer, now: Instant) -> Option<Available> {
        let WaitingViewer { visitor, since, .. } = viewer;
        if matches!(self.relay, RelayState::Answering { .. }) {
            // Who has the room is about to be decided, without anybody being waited for.
            return None;
        }
        if let Err(refused) = self.admits(&visitor.ticket) {
            return Some(Available::Neither(refused));
        }
        let is_paused = self.is_paused(visitor.from);
        if visitor.wants != Wants::Relay && !is_paused {
            let reserved = self.reserved_for_the_relay(viewer, now);
            let mut offers = self.offers.iter().enumerate();
            let free = |(index, o): &(usize, &WaitingOffer)| {
                Some(*index) != reserved
                    && self.direct_viewers_of(&o.offered.publisher) < o.offered.terms.direct
            };
            if let Some((offer, _)) = offers.find(free) {
                return Some(Available::Direct(offer));
            }
        }
        if visitor.wants == Wants::Direct {
            return self
                .is_relay_only()
                .then_some(Available::Neither(Error::RelayOnly));
        }
        match &self.relay {
            // A camera that is gone has nothing for the relay, and when it is back, perhaps an
            // offer for this one.
            RelayState::Live(live) if visitor.wants == Wants::DirectOrRelay && live.is_away() => {
                self.offer_instead_of(live).map(Available::Take)
            }
            // A camera that serves viewers itself makes its next offer in a moment.
            RelayState::Live(live) if visitor.wants == Wants::DirectOrRelay => {
                let patient =
                    !is_paused && now < *since + DIRECT_FIRST && self.may_offer_again(live);
                (!patient).then_some(Available::Relay)
            }
            RelayState::Live(_) => Some(Available::Relay),
            RelayState::Taking { .. } | RelayState::Answering { .. } => None,
            RelayState::Absent => {
                let open = self
                    .offers
                    .iter()
                    .position(|offer| offer.offered.terms.relay);
                let refused = visitor.wants == Wants::Relay && self.is_direct_only();
                let refused = refused.then_some(Available::Neither(Error::DirectOnly));
                open.map(Available::Take).or(refused)
            }
        }
    }

    /// Whether a viewer may have anything of what is here: if one publisher demands tickets,
    /// nobody comes in without.
    pub(crate) fn admits(&self, ticket: &Shown) -> Result<(), Error> {
        let waiting = self
            .offers
            .iter()
            .map(|offer| offer.offered.terms.admission);
        let mut present = waiting.chain(self.relay.admissions());
        match present.any(|admission| admission == Admission::Ticket) {
            true => ticket.clone(),
            false => Ok(()),
        }
    }
}
