//! The relay as the room knows it: a party that takes a waiting offer, and then has what
//! any number of viewers can have.

use std::time::{Duration, Instant};

use sightline_spec::room::SessionId;
use sightline_spec::token::Admission;

use super::exchange::Exchange;
use super::{Action, Limits, OfferTerms, Publisher, RequestId, Room, State, WaitingOffer, Wants};
use crate::error::Error;
use crate::session::Presence;

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

    /// The relay has viewers, or has none any more.
    pub(crate) fn relay_watched(
        &mut self,
        is_watched: bool,
        limits: &Limits,
        now: Instant,
    ) -> Vec<Action> {
        self.is_relay_watched = is_watched;
        self.pair(limits, now)
    }

    /// An offer for those who watch by the relay, whose publisher is gone: nobody else asks for
    /// it, and they would wait for as long as the relay keeps them.
    ///
    /// A publisher that is only silent may go on. A camera of which that is so has made no new
    /// offer since. And one whose event stream has broken off is gone if there is an offer of
    /// another process, which has another certificate.
    pub(super) fn offer_for_stranded(&self) -> Option<usize> {
        let is_open = |offer: &WaitingOffer| offer.offered.terms.relay;
        let found = match &self.relay {
            RelayState::Absent => self.offers.iter().position(is_open),
            RelayState::Live(live) => self.offer_instead_of(live),
            RelayState::Taking { .. } | RelayState::Answering { .. } => None,
        };
        found.filter(|_| self.is_relay_watched)
    }

    /// An offer of whoever has sent this before, or of its successor.
    pub(super) fn offer_instead_of(&self, live: &Live) -> Option<usize> {
        let is_silent = live.media == Media::Stopped;
        let has_left = matches!(live.presence, Presence::Silent { .. });
        let is_other = |offer: &WaitingOffer| offer.offered.sdp.fingerprints() != self.relayed_from;
        let replaces = |offer: &WaitingOffer| {
            is_silent && !offer.is_from_before_silence || (is_silent || has_left) && is_other(offer)
        };
        let mut offers = self.offers.iter();
        offers.position(|offer| offer.offered.terms.relay && replaces(offer))
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

    /// Whether a camera is here whose viewers have its media from itself.
    fn is_published_directly(&self) -> bool {
        !self.offers.is_empty()
            || matches!(self.relay, RelayState::Taking { .. })
            || self.exchanges.values().any(Exchange::has_camera)
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
