//! The relay as the room knows it: a party that takes a waiting offer, and then has what
//! any number of viewers can have.

mod claims;
mod stranded;

use std::time::{Duration, Instant};

use sightline_spec::room::SessionId;
use sightline_spec::token::Admission;

use super::exchange::Exchange;
use super::{Action, Limits, Publisher, RequestId, Room, State, WaitingOffer, Wants};
use crate::session::Presence;
pub(crate) use claims::Entrance;

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
        request: RequestId,
        publisher: Publisher,
        admission: Admission,
        /// Whose media it has until then, which has stopped.
        before: Option<Live>,
    },
    /// It is answering a publisher.
    Answering {
        claimant: Live,
        /// Whose media it has until then, and goes on with if there is no answer.
        before: Option<Live>,
    },
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
    media: Media,
    /// Of the publisher, as far as event streams tell.
    presence: Presence,
}

/// What has come of a publisher's media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Media {
    /// Nothing yet: it has not proved its certificate.
    Expected,
    /// It arrives, or is about to: its publisher has proved the certificate of its offer.
    Arriving,
    /// It has stopped: another publisher may have the room.
    Stopped,
}

impl Live {
    /// Whether it is a camera that serves viewers itself, and has stopped sending.
    pub(super) fn is_away(&self) -> bool {
        self.direct.is_some() && self.media == Media::Stopped
    }
}

impl RelayState {
    pub(super) fn is_taking(&self, request: RequestId) -> bool {
        matches!(self, Self::Taking { request: taken, .. } if *taken == request)
    }

    /// An event stream was opened; says whether its session is a publisher's here.
    pub(super) fn stream_opened(&mut self, session: SessionId) -> bool {
        let live = self.live(session);
        live.map(|live| live.presence = live.presence.opened())
            .is_some()
    }

    /// An event stream closed, or broke.
    pub(super) fn stream_closed(&mut self, session: SessionId, now: Instant) {
        if let Some(live) = self.live(session) {
            live.presence = live.presence.closed(now);
        }
    }

    /// Publishers that are here.
    pub(super) fn present_publishers(&self) -> impl Iterator<Item = &Publisher> {
        let taking = match self {
            Self::Taking { publisher, .. } => Some(publisher),
            _ => None,
        };
        let present = self.lives().filter(|live| live.media != Media::Stopped);
        taking
            .into_iter()
            .chain(present.map(|live| &live.publisher))
    }

    /// Whether the media of a publisher arrives that has proved its certificate.
    fn is_arriving(&self) -> bool {
        self.lives().any(|live| live.media == Media::Arriving)
    }

    /// Whom its publishers let watch.
    pub(super) fn admissions(&self) -> impl Iterator<Item = Admission> {
        let taking = match self {
            Self::Taking { admission, .. } => Some(*admission),
            _ => None,
        };
        let lives = self.lives().map(|live| live.admission);
        taking.into_iter().chain(lives)
    }

    /// All of which it has or is about to have media.
    fn lives(&self) -> impl Iterator<Item = &Live> {
        let lives = match self {
            Self::Answering { claimant, before } => [Some(claimant), before.as_ref()],
            Self::Live(live) => [Some(live), None],
            Self::Taking { before, .. } => [before.as_ref(), None],
            Self::Absent => [None, None],
        };
        lives.into_iter().flatten()
    }

    fn live(&mut self, session: SessionId) -> Option<&mut Live> {
        let lives = match self {
            Self::Answering { claimant, before } => [Some(claimant), before.as_mut()],
            Self::Live(live) => [Some(live), None],
            Self::Taking { before, .. } => [before.as_mut(), None],
            Self::Absent => [None, None],
        };
        let mut lives = lives.into_iter().flatten();
        lives.find(|live| live.session == session)
    }
}

impl Room {
    /// The relay has answered: viewers can have what it has.
    pub(crate) fn relay_ready(
        &mut self,
        session: SessionId,
        limits: &Limits,
        now: Instant,
    ) -> Vec<Action> {
        self.relay = match std::mem::take(&mut self.relay) {
            RelayState::Answering { claimant, .. } if claimant.session == session => {
                self.owner = Some(claimant.publisher.clone());
                RelayState::Live(claimant)
            }
            other => other,
        };
        self.pair(limits, now)
    }

    /// The relay's publisher has stopped sending, or begun again.
    pub(crate) fn relay_sends(
        &mut self,
        session: SessionId,
        is_sending: bool,
        limits: &Limits,
        now: Instant,
    ) -> Vec<Action> {
        if let Some(live) = self.relay.live(session) {
            live.media = match is_sending {
                true => Media::Arriving,
                false => Media::Stopped,
            };
        }
        if !is_sending {
            let waiting = self.offers.iter_mut();
            waiting.for_each(|offer| offer.is_from_before_silence = true);
        }
        // Somebody may have waited for that.
        self.pair(limits, now)
    }

    /// The relay has lost a publisher, or could not answer it: what it had before it has
    /// still.
    pub(crate) fn relay_left(
        &mut self,
        session: SessionId,
        limits: &Limits,
        now: Instant,
    ) -> Vec<Action> {
        self.apart.retain(|live| live.session != session);
        self.relay = match std::mem::take(&mut self.relay) {
            RelayState::Live(live) if live.session == session => RelayState::Absent,
            RelayState::Answering { claimant, before } if claimant.session == session => {
                before.map_or(RelayState::Absent, RelayState::Live)
            }
            RelayState::Answering { claimant, before } => RelayState::Answering {
                claimant,
                before: before.filter(|live| live.session != session),
            },
            RelayState::Taking {
                request,
                publisher,
                admission,
                before,
            } => RelayState::Taking {
                request,
                publisher,
                admission,
                before: before.filter(|live| live.session != session),
            },
            other => return self.put_back(other),
        };
        self.pair(limits, now)
    }

    fn put_back(&mut self, relay: RelayState) -> Vec<Action> {
        self.relay = relay;
        Vec::new()
    }

    /// How many viewers watch directly.
    pub(crate) fn direct_viewers(&self) -> usize {
        let live = |exchange: &&Exchange| !matches!(exchange.state, State::Over { .. });
        self.exchanges.values().filter(live).count()
    }

    pub(super) fn direct_viewers_of(&self, publisher: &Publisher) -> usize {
        let served = |exchange: &&Exchange| {
            exchange.publisher == *publisher && !matches!(exchange.state, State::Over { .. })
        };
        self.exchanges.values().filter(served).count()
    }

    /// Gives the relay an offer that waits.
    pub(super) fn hand_to_relay(&mut self, offer: usize) -> Option<Action> {
        let WaitingOffer {
            request, offered, ..
        } = self.offers.remove(offer)?;
        self.relayed_from = offered.sdp.fingerprints();
        let before = match std::mem::take(&mut self.relay) {
            RelayState::Live(live) => Some(live),
            RelayState::Absent | RelayState::Taking { .. } | RelayState::Answering { .. } => None,
        };
        self.relay = RelayState::Taking {
            request,
            publisher: offered.publisher,
            admission: offered.terms.admission,
            before,
        };
        // It waits no longer, and what comes of it has its place.
        let mut holds = offered.holds;
        holds.memory.clear();
        Some(Action::Taken(request, offered.sdp, holds))
    }

    /// The offer that the relay was to have is gone: it has what it had before.
    pub(super) fn take_back(&mut self) {
        self.relay = match std::mem::take(&mut self.relay) {
            RelayState::Taking { before, .. } => {
                before.map_or(RelayState::Absent, RelayState::Live)
            }
            other => other,
        };
    }

    /// Whether the camera here refuses the relay.
    pub(super) fn is_direct_only(&self) -> bool {
        !self.offers.is_empty() && self.offers.iter().all(|offer| !offer.offered.terms.relay)
    }

    /// Whether the publisher here can serve no viewer itself.
    pub(super) fn is_relay_only(&self) -> bool {
        match &self.relay {
            RelayState::Live(live) => live.direct.is_none() && self.offers.is_empty(),
            RelayState::Absent | RelayState::Taking { .. } | RelayState::Answering { .. } => false,
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
        match &self.relay {
            RelayState::Live(live) if !live.is_away() => {}
            _ => return None,
        }
        let patient = self
            .viewers
            .iter()
            .filter(|v| v.visitor.wants == Wants::DirectOrRelay);
        patient.map(|viewer| viewer.since + DIRECT_FIRST).min()
    }
}
