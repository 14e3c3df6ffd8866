//! The relay as the room knows it: a party that takes a waiting offer, and then has what
//! any number of viewers can have.

use std::time::{Duration, Instant};

use sightline_spec::room::SessionId;
use sightline_spec::token::Admission;

use super::{Action, Limits, OfferTerms, Publisher, Room, State, Ticket, Wants};
use crate::error::Error;

/// How long a viewer that would rather have it direct waits for a camera's next offer
/// while the relay could serve it.
pub(super) const DIRECT_FIRST: Duration = Duration::from_secs(1);

/// Whether the relay has this room's media.
#[derive(Debug, Default)]
pub(super) enum RelayState {
    /// It does not.
    #[default]
    Absent,
    /// It has been given a camera's offer; the camera's request is about to pass it on.
    Taking {
        ticket: Ticket,
        publisher: Publisher,
        admission: Admission,
    },
    /// It is answering a publisher.
    Answering(Live),
    /// It has.
    Live(Live),
}

/// A publisher that the relay has answered.
#[derive(Debug)]
pub(super) struct Live {
    session: SessionId,
    publisher: Publisher,
    admission: Admission,
    /// How many viewers the camera serves itself; nothing if it never does.
    direct: Option<usize>,
    /// Media has stopped: another publisher may have the room.
    is_silent: bool,
}

impl RelayState {
    pub(super) fn is_taking(&self, ticket: Ticket) -> bool {
        matches!(self, Self::Taking { ticket: taken, .. } if *taken == ticket)
    }

    /// A publisher that provably is here.
    pub(super) fn present_publisher(&self) -> Option<&Publisher> {
        match self {
            Self::Taking { publisher, .. } => Some(publisher),
            Self::Answering(live) | Self::Live(live) if !live.is_silent => Some(&live.publisher),
            Self::Absent | Self::Answering(_) | Self::Live(_) => None,
        }
    }

    /// Whom its publisher lets watch.
    pub(super) fn admission(&self) -> Option<Admission> {
        match self {
            Self::Taking { admission, .. } => Some(*admission),
            Self::Answering(live) | Self::Live(live) => Some(live.admission),
            Self::Absent => None,
        }
    }

    fn live(&mut self, session: SessionId) -> Option<&mut Live> {
        match self {
            Self::Answering(live) | Self::Live(live) if live.session == session => Some(live),
            _ => None,
        }
    }
}

impl Room {
    /// The relay is about to answer this publisher, which has the room from now on.
    ///
    /// `terms` are those of an offer that had waited.
    pub(crate) fn claim(
        &mut self,
        session: SessionId,
        publisher: Publisher,
        admission: Admission,
        terms: Option<OfferTerms>,
        limits: &Limits,
        now: Instant,
    ) -> Result<Vec<Action>, Error> {
        if self.is_taken_by_other_than(&publisher) {
            return Err(Error::RoomTaken);
        }
        self.relay = RelayState::Answering(Live {
            session,
            publisher,
            admission,
            direct: terms.map(|terms| terms.direct),
            is_silent: false,
        });
        // Whom it does not admit need not wait.
        Ok(self.pair(limits, now))
    }

    /// The relay has answered: viewers can have what it has.
    pub(crate) fn relay_ready(
        &mut self,
        session: SessionId,
        limits: &Limits,
        now: Instant,
    ) -> Vec<Action> {
        self.relay = match std::mem::take(&mut self.relay) {
            RelayState::Answering(live) if live.session == session => RelayState::Live(live),
            other => other,
        };
        self.pair(limits, now)
    }

    /// The relay's publisher has stopped sending, or begun again.
    pub(crate) fn relay_sends(&mut self, session: SessionId, is_sending: bool) {
        if let Some(live) = self.relay.live(session) {
            live.is_silent = !is_sending;
        }
    }

    /// The relay has lost its publisher, or could not answer it.
    pub(crate) fn relay_left(
        &mut self,
        session: SessionId,
        limits: &Limits,
        now: Instant,
    ) -> Vec<Action> {
        match self.relay.live(session) {
            Some(_) => {
                self.relay = RelayState::Absent;
                self.pair(limits, now)
            }
            None => Vec::new(),
        }
    }

    /// How many viewers watch directly.
    pub(crate) fn direct_viewers(&self) -> usize {
        let live = |exchange: &&super::Exchange| !matches!(exchange.state, State::Over { .. });
        self.exchanges.values().filter(live).count()
    }

    pub(super) fn direct_viewers_of(&self, publisher: &Publisher) -> usize {
        let served = |exchange: &&super::Exchange| {
            exchange.publisher == *publisher && !matches!(exchange.state, State::Over { .. })
        };
        self.exchanges.values().filter(served).count()
    }

    /// Gives the relay an offer that waits.
    pub(super) fn hand_to_relay(&mut self, offer: usize) -> Option<Action> {
        let offer = self.offers.remove(offer)?;
        self.relay = RelayState::Taking {
            ticket: offer.ticket,
            publisher: offer.publisher,
            admission: offer.terms.admission,
        };
        Some(Action::Taken(offer.ticket, offer.sdp))
    }

    /// Whether the camera here refuses the relay.
    pub(super) fn is_direct_only(&self) -> bool {
        !self.offers.is_empty() && self.offers.iter().all(|offer| !offer.terms.relay)
    }

    /// Whether the publisher here can serve no viewer itself.
    pub(super) fn is_relay_only(&self) -> bool {
        match &self.relay {
            RelayState::Live(live) => live.direct.is_none() && self.offers.is_empty(),
            RelayState::Absent | RelayState::Taking { .. } | RelayState::Answering(_) => false,
        }
    }

    /// Whether the camera behind the relay's media is about to make an offer that a viewer
    /// could have directly.
    pub(super) fn may_offer_again(&self, live: &Live) -> bool {
        let limit = live.direct.unwrap_or(0);
        self.direct_viewers_of(&live.publisher) < limit
    }

    /// When viewers give up hoping for a direct path.
    pub(super) fn patience_ends(&self) -> Option<Instant> {
        let RelayState::Live(_) = self.relay else {
            return None;
        };
        let patient = self
            .viewers
            .iter()
            .filter(|v| v.visitor.wants == Wants::DirectOrRelay);
        patient.map(|viewer| viewer.since + DIRECT_FIRST).min()
    }
}
