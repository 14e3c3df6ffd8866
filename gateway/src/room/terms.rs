//! Who gets which path: the table of design section 2.

use std::time::Instant;

use super::relayed::{DIRECT_FIRST, RelayState};
use super::{Room, WaitingOffer, WaitingViewer};
use crate::error::Error;

/// How a camera's offer may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OfferTerms {
    /// Viewers that the camera serves itself, at most.
    pub(crate) direct: usize,
    /// Whether the relay may take it.
    pub(crate) relay: bool,
}

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
pub(super) enum Path {
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
    pub(super) fn path_for(&self, viewer: &WaitingViewer, now: Instant) -> Option<Path> {
        if viewer.wants != Wants::Relay {
            let free = |o: &WaitingOffer| self.direct_viewers_of(&o.publisher) < o.terms.direct;
            if let Some(offer) = self.offers.iter().position(free) {
                return Some(Path::Direct(offer));
            }
        }
        if viewer.wants == Wants::Direct {
            return self
                .is_relay_only()
                .then_some(Path::Neither(Error::RelayOnly));
        }
        match &self.relay {
            // A camera that serves viewers itself makes its next offer in a moment.
            RelayState::Live(live) if viewer.wants == Wants::DirectOrRelay => {
                let patient = now < viewer.since + DIRECT_FIRST && self.may_offer_again(live);
                (!patient).then_some(Path::Relay)
            }
            RelayState::Live(_) => Some(Path::Relay),
            RelayState::Taking(..) | RelayState::Answering(_) => None,
            RelayState::Absent => {
                let open = self.offers.iter().position(|offer| offer.terms.relay);
                let refused = viewer.wants == Wants::Relay && self.is_direct_only();
                let refused = refused.then_some(Path::Neither(Error::DirectOnly));
                open.map(Path::Take).or(refused)
            }
        }
    }
}
