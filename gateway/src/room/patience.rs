//! Nobody holds what he does not use: who takes a camera's offer and does not answer it keeps
//! others waiting for a moment only, and is not given the next one.

use std::time::{Duration, Instant};

use super::exchange::State;
use super::relayed::RelayState;
use super::{Action, RequestId, Room, WaitingOffer, WaitingViewer, Wants};
use crate::session::Side;
use crate::throttle::Neighbourhood;

/// How long an offer is left with a viewer that has not answered it while another waits. A
/// browser answers within a round trip and a tenth of a second.
const WHILE_OTHERS_WAIT: Duration = Duration::from_secs(1);

/// How long one who has not answered an offer is not given another one: less than a viewer waits
/// that does not say, who may be one that has loaded a page again.
const PAUSE: Duration = Duration::from_secs(4);

/// So many who have not answered lately, and where there is the relay nobody else is given an
/// offer: a camera makes the next one later each time that one is spent.
const TOO_MANY: usize = 4;

/// So many are remembered.
const MOST: usize = 64;

/// How long a viewer that may have the relay waits before the next offer is the relay's.
const STARVING: Duration = Duration::from_millis(500);

/// Who has not answered an offer lately.
#[derive(Debug, Default)]
pub(super) struct Patience {
    /// With the end of its pause; each once, oldest first, [`MOST`] at most.
    paused: Vec<(Neighbourhood, Instant)>,
}

impl Patience {
    fn pause(&mut self, who: Neighbourhood, now: Instant) {
        self.paused.retain(|(other, _)| *other != who);
        if self.paused.len() >= MOST {
            self.paused.remove(0);
        }
        self.paused.push((who, now + PAUSE));
    }

    fn forget_old(&mut self, now: Instant) {
        self.paused.retain(|(_, until)| *until > now);
    }
}

impl Room {
    /// Whether this one is not given a camera's offer for now.
    pub(super) fn is_paused(&self, from: Neighbourhood) -> bool {
        let paused = &self.patience.paused;
        let has_relay = || {
            let is_open = |offer: &WaitingOffer| offer.offered.terms.relay;
            self.offers.iter().any(is_open) || !matches!(self.relay, RelayState::Absent)
        };
        paused.iter().any(|(who, _)| *who == from) || (paused.len() >= TOO_MANY && has_relay())
    }

    /// A viewer has left an offer unanswered.
    pub(super) fn was_unanswered(&mut self, by: Neighbourhood, now: Instant) {
        self.patience.pause(by, now);
    }

    /// Takes offers from whoever does not answer them while others wait.
    pub(super) fn relieve(&mut self, now: Instant) -> Vec<Action> {
        self.patience.forget_old(now);
        if !self.keeps_somebody_waiting() {
            return Vec::new();
        }
        let exchanges = self.exchanges.values();
        let overdue = exchanges.filter(|e| e.relieved_at().is_some_and(|at| at <= now));
        let overdue: Vec<RequestId> = overdue.map(|exchange| exchange.camera_request).collect();
        let ended = overdue.into_iter();
        ended
            .flat_map(|request| self.end(request, Side::Viewer, now))
            .collect()
    }

    /// When there is something to relieve, or somebody's pause is over.
    pub(super) fn patience_deadline(&self) -> Option<Instant> {
        let waits = self.keeps_somebody_waiting();
        let exchanges = self.exchanges.values().filter(|_| waits);
        let is_awaited = !self.viewers.is_empty();
        let pauses = self.patience.paused.iter().filter(|_| is_awaited);
        let overdue = exchanges.filter_map(super::Exchange::relieved_at);
        overdue.chain(pauses.map(|(_, until)| *until)).min()
    }

    /// Which offer no viewer but this one is given, since others wait that the relay can serve.
    pub(super) fn reserved_for_the_relay(
        &self,
        viewer: &WaitingViewer,
        now: Instant,
    ) -> Option<usize> {
        let needs_it = |other: &WaitingViewer| {
            let visitor = &other.visitor;
            let needs = match visitor.wants {
                Wants::Relay => true,
                Wants::DirectOrRelay => {
                    now >= other.since + STARVING || self.is_paused(visitor.from)
                }
                Wants::Direct => false,
            };
            needs && other.request != viewer.request && self.admits(&visitor.ticket).is_ok()
        };
        let is_open = |offer: &WaitingOffer| offer.offered.terms.relay;
        let reserved = self.offers.iter().position(is_open)?;
        let is_absent = matches!(self.relay, RelayState::Absent);
        (is_absent && self.viewers.iter().any(needs_it)).then_some(reserved)
    }

    /// Whether somebody waits who has kept nobody waiting, with nothing on its way to it.
    fn keeps_somebody_waiting(&self) -> bool {
        let is_coming = matches!(
            self.relay,
            RelayState::Taking { .. } | RelayState::Answering { .. }
        );
        let may_be_given =
            |v: &WaitingViewer| v.visitor.wants != Wants::Direct || !self.is_paused(v.visitor.from);
        !is_coming && self.viewers.iter().any(may_be_given)
    }
}

impl super::Exchange {
    /// When its offer is taken from its viewer if others wait.
    fn relieved_at(&self) -> Option<Instant> {
        match self.state {
            State::Offered { since, .. } => Some(since + WHILE_OTHERS_WAIT),
            State::Established { .. } | State::Over { .. } => None,
        }
    }
}
