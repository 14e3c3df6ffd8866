//! Who waits, and who meets whom.

use std::time::Instant;

use super::exchange::{Exchange, State};
use super::terms::Available;
use super::{Action, Limits, Offered, RequestId, Room, Visitor, WaitingOffer, WaitingViewer};
use crate::error::Error;
use crate::session::{Holds, Side};
use crate::throttle::Neighbourhood;

impl Room {
    /// A camera POSTed an offer.
    pub(crate) fn publish(
        &mut self,
        request: RequestId,
        offered: Offered,
        limits: &Limits,
        now: Instant,
    ) -> Result<Vec<Action>, Error> {
        if self.is_taken_by_other_than(&offered.publisher) {
            return Err(Error::RoomTaken);
        }
        let others = self.offers.iter().map(|offer| offer.offered.from);
        has_room(others, offered.from, limits)?;
        self.owner = Some(offered.publisher.clone());
        let mut actions = self.end_of_another_process(&offered.sdp.fingerprints(), now);
        // Most rooms have one, of which there are many; left to itself, it takes room for four.
        if self.offers.is_empty() {
            self.offers.reserve_exact(1);
        }
        self.offers.push_back(WaitingOffer {
            request,
            offered,
            is_from_before_silence: false,
        });
        actions.extend(self.pair(limits, now));
        Ok(actions)
    }

    /// A viewer POSTed.
    pub(crate) fn view(
        &mut self,
        request: RequestId,
        visitor: Visitor,
        holds: Holds,
        limits: &Limits,
        now: Instant,
    ) -> Result<Vec<Action>, Error> {
        let others = self.viewers.iter().map(|viewer| viewer.visitor.from);
        has_room(others, visitor.from, limits)?;
        self.viewers.push_back(WaitingViewer {
            request,
            visitor,
            holds,
            since: now,
        });
        Ok(self.pair(limits, now))
    }

    /// First come, first served, on both sides: each viewer in turn gets what there is
    /// for it.
    pub(super) fn pair(&mut self, limits: &Limits, now: Instant) -> Vec<Action> {
        let mut actions = self.relieve(now);
        actions.extend(self.let_newcomers_in());
        // What one is given, or gives up, another may have been kept from.
        loop {
            let given = self.pair_once(limits, now);
            if given.is_empty() {
                break;
            }
            actions.extend(given);
        }
        self.announce_viewer_count();
        actions
    }

    fn pair_once(&mut self, limits: &Limits, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut index = 0;
        while let Some(viewer) = self.viewers.get(index) {
            let request = viewer.request;
            match self.path_for(viewer, now) {
                Some(Available::Direct(offer)) => {
                    actions.extend(self.meet(offer, index, limits, now))
                }
                Some(Available::Relay) => {
                    self.viewers.remove(index);
                    actions.push(Action::Relayed(request));
                }
                Some(Available::Neither(error)) => {
                    self.viewers.remove(index);
                    actions.push(Action::Refused(request, error));
                }
                Some(Available::Take(offer)) => {
                    actions.extend(self.hand_to_relay(offer));
                    index += 1;
                }
                None => index += 1,
            }
        }
        if let Some(offer) = self.offer_for_stranded() {
            actions.extend(self.hand_to_relay(offer));
        }
        actions
    }

    fn meet(
        &mut self,
        offer: usize,
        viewer: usize,
        limits: &Limits,
        now: Instant,
    ) -> Option<Action> {
        let WaitingOffer {
            request, offered, ..
        } = self.offers.remove(offer)?;
        let WaitingViewer {
            request: viewer,
            visitor,
            holds,
            ..
        } = self.viewers.remove(viewer)?;
        let state = State::Offered {
            viewer_request: viewer,
            since: now,
            valid_until: now + limits.answer_within,
            early: Vec::new(),
        };
        let exchange = Exchange::new(request, offered, (visitor.from, holds), state);
        for side in [Side::Camera, Side::Viewer] {
            let session = exchange.party(side).id;
            self.sessions.insert(session, (request, side));
        }
        let counter_offer = exchange.counter_offer(limits.answer_within);
        self.exchanges.insert(request, exchange);
        Some(Action::CounterOffer(viewer, counter_offer))
    }
}

/// Whether one more may wait beside these: as everywhere, an address has no more places than are
/// still free.
fn has_room(
    waiting: impl ExactSizeIterator<Item = Neighbourhood>,
    from: Neighbourhood,
    limits: &Limits,
) -> Result<(), Error> {
    let free = limits.waiting.saturating_sub(waiting.len());
    let has = waiting.filter(|other| *other == from).count();
    match free {
        0 => Err(Error::RoomFull),
        _ if has >= free && !from.is_this_machine() => Err(Error::AddressFull),
        _ => Ok(()),
    }
}
