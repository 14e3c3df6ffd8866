//! One room: who waits, who met, and what follows from everything that happens.
//!
//! A state machine without clock, I/O or tasks. Each method is one thing that
//! happened at `now`; it changes the room and returns what has to be told to
//! requests that are being held. `rendezvous.rs` does the telling.

mod census;
mod exchange;
mod newcomers;
mod pairing;
mod patience;
mod relayed;
mod terms;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use sightline_spec::event::Event;
use sightline_spec::room::SessionId;
use sightline_spec::sdp::{Fingerprint, Sdp, ViewerAnswer};
use sightline_spec::sdpfrag::SdpFrag;

use crate::error::Error;
use crate::events::Outbox;
use crate::session::{CandidateLimits, EntityTag, Holds, Precondition, Side};
use crate::throttle::Neighbourhood;
use exchange::{Exchange, State};
use newcomers::Newcomer;
use patience::Patience;
pub(crate) use relayed::Entrance;
use relayed::{Live, RelayState};
pub(crate) use terms::{OfferTerms, Shown, Visitor, Wants};

/// Names a held request, unique in the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RequestId(pub(crate) u64);

/// Who publishes. Two offers of one publisher may wait in a room, two publishers
/// may not share one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Publisher {
    /// Whoever holds the key that the room is.
    Key,
    /// In a named room a publisher is its DTLS certificate: it is the one thing
    /// that all offers of one camera share and no other camera has.
    Certificates(Vec<Fingerprint>),
}

/// The room's bounds.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Offers, and viewers, that may wait in one room.
    pub(crate) waiting: usize,
    /// Candidates that one session may send.
    pub(crate) candidates: CandidateLimits,
    /// How long a viewer has to answer a counter-offer.
    pub(crate) answer_within: Duration,
    /// How long an event stream may be away before its party counts as gone.
    pub(crate) event_grace: Duration,
    /// How long a session lasts that nobody listens to or touches.
    pub(crate) idle: Duration,
    /// How long a session that has ended still answers as itself.
    pub(crate) linger: Duration,
}

/// What a viewer gets: the camera's offer, to be answered by PATCH.
#[derive(Debug, Clone)]
pub(crate) struct CounterOffer {
    pub(crate) session: SessionId,
    pub(crate) etag: EntityTag,
    pub(crate) sdp: Sdp,
    pub(crate) answer_within: Duration,
}

/// What a camera gets: the viewer's answer.
#[derive(Debug, Clone)]
pub(crate) struct Answered {
    pub(crate) session: SessionId,
    pub(crate) etag: EntityTag,
    pub(crate) sdp: Sdp,
}

/// What a held request has to be told.
#[derive(Debug)]
pub(crate) enum Action {
    /// To a camera's POST: the relay wants its offer.
    Taken(RequestId, Sdp, Holds),
    /// To a publisher's POST: whoever had the room seems to be gone.
    Free(RequestId),
    /// To a viewer's POST: the relay has what it came for.
    Relayed(RequestId),
    /// To a viewer's POST: what it insists on cannot be had here.
    Refused(RequestId, Error),
    /// To a viewer's POST.
    CounterOffer(RequestId, CounterOffer),
    /// To a camera's POST.
    Answered(RequestId, Answered),
    /// To a camera's POST: its offer was handed out in vain.
    Spent(RequestId),
}

/// What a POST finds whose time is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GivenUp {
    /// It was still waiting and is not any more.
    Withdrawn,
    /// It has been paired: the outcome is on its way.
    Paired,
}

/// A camera's offer as it comes.
pub(crate) struct Offered {
    pub(crate) publisher: Publisher,
    pub(crate) sdp: Sdp,
    pub(crate) terms: OfferTerms,
    pub(crate) from: Neighbourhood,
    pub(crate) holds: Holds,
}

struct WaitingOffer {
    request: RequestId,
    offered: Offered,
    /// It waited already when the relay's publisher stopped sending.
    is_from_before_silence: bool,
}

struct WaitingViewer {
    request: RequestId,
    visitor: Visitor,
    holds: Holds,
    since: Instant,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Room {
    offers: VecDeque<WaitingOffer>,
    viewers: VecDeque<WaitingViewer>,
    relay: RelayState,
    /// The relay has viewers, also while it has no media for them.
    is_relay_watched: bool,
    /// Whose offer the relay took last.
    relayed_from: Vec<Fingerprint>,
    /// Publishers that have the relay's answer and no place in the room before they have proved
    /// who they are.
    apart: Vec<Live>,
    /// Publishers that wait until whoever has the room is gone, in the order in which they came.
    newcomers: VecDeque<Newcomer>,
    patience: Patience,
    /// Who was the last to be let in as its publisher.
    owner: Option<Publisher>,
    /// By the camera's POST.
    exchanges: BTreeMap<RequestId, Exchange>,
    sessions: HashMap<SessionId, (RequestId, Side)>,
}

impl Room {
    /// A request is gone: its connection closed, or it ended
    /// before it could be told the outcome.
    pub(crate) fn withdraw(
        &mut self,
        request: RequestId,
        limits: &Limits,
        now: Instant,
    ) -> Vec<Action> {
        self.offers.retain(|offer| offer.request != request);
        self.viewers.retain(|viewer| viewer.request != request);
        self.newcomers
            .retain(|newcomer| newcomer.request != request);
        if self.relay.is_taking(request) {
            self.take_back();
            return self.pair(limits, now);
        }
        let held = |exchange: &Exchange| exchange.side_of(request);
        let found = self
            .exchanges
            .values()
            .find_map(|exchange| Some((exchange.camera_request, held(exchange)?)));
        let mut actions = match found {
            Some((exchange, side)) => self.end(exchange, side, now),
            None => Vec::new(),
        };
        // What is left may be for somebody, or show that somebody waits in vain.
        actions.extend(self.pair(limits, now));
        actions
    }

    /// The time that a POST was willing to wait is over.
    pub(crate) fn give_up(&mut self, request: RequestId) -> GivenUp {
        let before = self.waiting();
        self.offers.retain(|offer| offer.request != request);
        self.viewers.retain(|viewer| viewer.request != request);
        self.newcomers
            .retain(|newcomer| newcomer.request != request);
        match self.waiting() < before {
            true => GivenUp::Withdrawn,
            false => GivenUp::Paired,
        }
    }

    /// A viewer PATCHed its answer.
    pub(crate) fn answer(
        &mut self,
        session: SessionId,
        precondition: &Precondition,
        answer: &ViewerAnswer,
        from: IpAddr,
        now: Instant,
    ) -> Result<Action, Error> {
        let (exchange, side) = self.exchange_of(session)?;
        exchange.party(side).check(precondition)?;
        match side {
            Side::Viewer => exchange.answer(answer, from, now),
            Side::Camera => Err(Error::NoCounterOffer),
        }
    }

    /// Either side PATCHed candidates.
    pub(crate) fn trickle(
        &mut self,
        session: SessionId,
        precondition: &Precondition,
        fragment: SdpFrag,
        from: IpAddr,
        limits: &Limits,
    ) -> Result<(), Error> {
        let (exchange, side) = self.exchange_of(session)?;
        exchange.party(side).check(precondition)?;
        exchange.trickle(side, fragment, from, limits.candidates)
    }

    /// Either side sent DELETE.
    pub(crate) fn delete(
        &mut self,
        session: SessionId,
        limits: &Limits,
        now: Instant,
    ) -> Result<Vec<Action>, Error> {
        let unknown = Error::UnknownSession;
        let (exchange, side) = *self.sessions.get(&session).ok_or(unknown)?;
        let mut actions = self.end(exchange, side, now);
        // Its camera may serve one more now.
        actions.extend(self.pair(limits, now));
        Ok(actions)
    }

    /// A request about a session has come: which end of its exchange is it?
    pub(crate) fn touch(&mut self, session: SessionId, now: Instant) -> Result<Side, Error> {
        let (exchange, side) = self.exchange_of(session)?;
        exchange.touch(now);
        Ok(side)
    }

    /// The log of a session, for its event streams.
    pub(crate) fn outbox(&self, session: SessionId) -> Result<Outbox, Error> {
        let (exchange, side) = self.sessions.get(&session).ok_or(Error::UnknownSession)?;
        let exchange = self.exchanges.get(exchange).ok_or(Error::UnknownSession)?;
        Ok(exchange.party(*side).outbox.clone())
    }

    /// An event stream of this session was opened.
    pub(crate) fn stream_opened(&mut self, session: SessionId) -> Result<(), Error> {
        if self.relay.stream_opened(session) {
            return Ok(());
        }
        let (exchange, side) = self.exchange_of(session)?;
        exchange.stream_opened(side);
        Ok(())
    }

    /// An event stream of this session closed, or broke.
    pub(crate) fn stream_closed(
        &mut self,
        session: SessionId,
        limits: &Limits,
        now: Instant,
    ) -> Vec<Action> {
        if let Ok((exchange, side)) = self.exchange_of(session) {
            exchange.stream_closed(side, now);
        }
        self.relay.stream_closed(session, now);
        self.pair(limits, now)
    }

    /// Does what has become due.
    pub(crate) fn expire(&mut self, limits: &Limits, now: Instant) -> Vec<Action> {
        let due = |exchange: &&Exchange| exchange.deadline(limits).is_some_and(|at| at <= now);
        let due: Vec<_> = self
            .exchanges
            .values()
            .filter(due)
            .map(Exchange::due)
            .collect();
        let mut actions = Vec::new();
        for (exchange, silent) in due {
            match silent {
                // Neither side is heard of: both are taken for gone.
                None => self.forget(exchange),
                Some(side) => actions.extend(self.end(exchange, side, now)),
            }
        }
        // Some viewers have waited long enough for a direct path.
        actions.extend(self.pair(limits, now));
        actions
    }

    /// When [`Room::expire`] has something to do next.
    pub(crate) fn next_deadline(&self, limits: &Limits) -> Option<Instant> {
        let deadlines = self.exchanges.values().filter_map(|e| e.deadline(limits));
        deadlines
            .chain(self.patience_ends())
            .chain(self.patience_deadline())
            .min()
    }

    /// Whether a camera is here, for a viewer that waited in vain.
    pub(crate) fn has_camera(&self) -> bool {
        let is_here = |exchange: &Exchange| exchange.has_camera();
        !self.offers.is_empty()
            || !matches!(self.relay, RelayState::Absent)
            || self.exchanges.values().any(is_here)
    }

    /// How many requests wait here.
    pub(crate) fn waiting(&self) -> usize {
        self.offers.len() + self.viewers.len() + self.newcomers.len()
    }

    /// How many sessions there are.
    pub(crate) fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Nobody is here, so the room need not be either.
    pub(crate) fn is_empty(&self) -> bool {
        let is_relayed = !matches!(self.relay, RelayState::Absent);
        let is_awaited = self.waiting() > 0 || !self.apart.is_empty();
        let is_used = is_relayed || self.is_relay_watched || !self.exchanges.is_empty();
        !is_awaited && !is_used
    }

    /// Ends every event stream; for the gateway's shutdown.
    pub(crate) fn close(&self) {
        for exchange in self.exchanges.values() {
            exchange.camera.outbox.end();
            exchange.viewer.outbox.end();
        }
    }

    /// Only a publisher that is provably here takes a room: one whose POST is
    /// held or whose event stream is open. Many vanish without a DELETE.
    ///
    /// One that had vanished can be here again when another has the room already.
    fn is_taken_by_other_than(&self, publisher: &Publisher) -> bool {
        let mut present: Vec<_> = self.present_publishers().collect();
        if let Some(owner) = self.owner.as_ref().filter(|owner| present.contains(owner)) {
            present = vec![owner];
        }
        !present.is_empty() && !present.contains(&publisher)
    }

    fn present_publishers(&self) -> impl Iterator<Item = &Publisher> {
        let waiting = self.offers.iter().map(|offer| &offer.offered.publisher);
        let live = self.exchanges.values().filter(|e| e.has_camera());
        waiting
            .chain(live.map(|exchange| &exchange.publisher))
            .chain(self.relay.present_publishers())
    }

    fn exchange_of(&mut self, session: SessionId) -> Result<(&mut Exchange, Side), Error> {
        let (exchange, side) = self.sessions.get(&session).ok_or(Error::UnknownSession)?;
        let exchange = self.exchanges.get_mut(exchange);
        Ok((exchange.ok_or(Error::UnknownSession)?, *side))
    }

    /// A camera's process has one certificate. So if an offer comes with another, those whose
    /// event stream has broken off are not about to open it again.
    fn end_of_another_process(
        &mut self,
        certificates: &[Fingerprint],
        now: Instant,
    ) -> Vec<Action> {
        let is_over = |exchange: &&Exchange| exchange.is_of_a_silent_other(certificates);
        let over = self.exchanges.values().filter(is_over);
        let over: Vec<RequestId> = over.map(|exchange| exchange.camera_request).collect();
        let ended = over.into_iter();
        ended
            .flat_map(|request| self.end(request, Side::Camera, now))
            .collect()
    }

    /// One side is gone: the other learns of it at once, and may still DELETE.
    fn end(&mut self, request: RequestId, side: Side, now: Instant) -> Vec<Action> {
        let Some(exchange) = self.exchanges.get_mut(&request) else {
            return Vec::new();
        };
        let was_held = matches!(exchange.state, State::Offered { .. });
        let viewer = exchange.viewer_from;
        exchange.leave(side, now);
        if exchange.is_deserted() {
            self.forget(request);
        }
        self.announce_viewer_count();
        if !was_held || side == Side::Camera {
            return Vec::new();
        }
        self.was_unanswered(viewer, now);
        vec![Action::Spent(request)]
    }

    fn forget(&mut self, request: RequestId) {
        if let Some(exchange) = self.exchanges.remove(&request) {
            exchange.camera.outbox.end();
            exchange.viewer.outbox.end();
            self.sessions.remove(&exchange.camera.id);
            self.sessions.remove(&exchange.viewer.id);
        }
    }

    fn announce_viewer_count(&mut self) {
        let live = |exchange: &&mut Exchange| !matches!(exchange.state, State::Over { .. });
        let count = self.exchanges.values_mut().filter(live).count();
        for exchange in self.exchanges.values_mut().filter(live) {
            if exchange.told_count != count {
                exchange.told_count = count;
                exchange.viewer.outbox.push(Event::ViewerCount(count));
            }
        }
    }
}
