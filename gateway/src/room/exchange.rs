//! One camera and one viewer, from the counter-offer to the end.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use sightline_spec::candidate::Candidate;
use sightline_spec::event::Event;
use sightline_spec::sdp::{Fingerprint, Sdp, ViewerAnswer};
use sightline_spec::sdpfrag::SdpFrag;

use super::{Action, Answered, CounterOffer, Limits, Offered, Publisher, RequestId};
use crate::error::Error;
use crate::session::{CandidateLimits, Holds, Party, Presence, Side};
use crate::throttle::Neighbourhood;

/// Two parties that met.
pub(super) struct Exchange {
    /// The camera's POST; also this exchange's name.
    pub(super) camera_request: RequestId,
    pub(super) publisher: Publisher,
    pub(super) camera: Party,
    pub(super) viewer: Party,
    pub(super) viewer_from: Neighbourhood,
    pub(super) state: State,
    /// The viewer count that the viewer was told last.
    pub(super) told_count: usize,
    offer: Sdp,
}

/// How far they are.
pub(super) enum State {
    /// The viewer has the offer; the camera's POST is held.
    Offered {
        /// The viewer's POST, which may end before its response is written.
        viewer_request: RequestId,
        since: Instant,
        valid_until: Instant,
        /// Candidates that came before the answer and go into it.
        early: Vec<SdpFrag>,
    },
    /// The camera has the answer. Media flows, and we do not see it.
    Established { touched: Instant },
    /// One of them is gone.
    Over { since: Instant },
}

impl Exchange {
    pub(super) fn new(
        camera_request: RequestId,
        offered: Offered,
        visited: (Neighbourhood, Holds),
        state: State,
    ) -> Self {
        let Offered {
            publisher,
            sdp: offer,
            holds,
            ..
        } = offered;
        let (viewer_from, viewer_holds) = visited;
        Self {
            camera_request,
            publisher,
            camera: Party::new(offer.ice_credentials(), holds),
            viewer: Party::new(Vec::new(), viewer_holds),
            viewer_from,
            state,
            told_count: 0,
            offer,
        }
    }

    pub(super) fn party(&self, side: Side) -> &Party {
        match side {
            Side::Camera => &self.camera,
            Side::Viewer => &self.viewer,
        }
    }

    fn party_mut(&mut self, side: Side) -> &mut Party {
        match side {
            Side::Camera => &mut self.camera,
            Side::Viewer => &mut self.viewer,
        }
    }

    pub(super) fn counter_offer(&self, answer_within: Duration) -> CounterOffer {
        CounterOffer {
            session: self.viewer.id,
            etag: self.viewer.etag.clone(),
            sdp: self.offer.clone(),
            answer_within,
        }
    }

    /// Whose request this was, if the exchange cannot go on without it.
    pub(super) fn side_of(&self, request: RequestId) -> Option<Side> {
        match self.state {
            State::Over { .. } => None,
            _ if request == self.camera_request => Some(Side::Camera),
            State::Offered { viewer_request, .. } if request == viewer_request => {
                Some(Side::Viewer)
            }
            _ => None,
        }
    }

    /// A camera is here if its POST is held or its event stream is open.
    pub(super) fn has_camera(&self) -> bool {
        match self.state {
            State::Offered { .. } => true,
            State::Established { .. } => matches!(self.camera.presence, Presence::Listening(_)),
            State::Over { .. } => false,
        }
    }

    /// Whether its camera has another certificate than these, and its event stream has broken
    /// off.
    pub(super) fn is_of_a_silent_other(&self, certificates: &[Fingerprint]) -> bool {
        matches!(self.state, State::Established { .. })
            && matches!(self.camera.presence, Presence::Silent { .. })
            && self.offer.fingerprints() != certificates
    }

    pub(super) fn answer(
        &mut self,
        answer: &ViewerAnswer,
        from: IpAddr,
        now: Instant,
    ) -> Result<Action, Error> {
        let early = match &mut self.state {
            State::Offered { valid_until, .. } if *valid_until <= now => {
                return Err(Error::OfferExpired);
            }
            State::Offered { early, .. } => early,
            State::Established { .. } => return Err(Error::AlreadyAnswered),
            State::Over { .. } => return Err(Error::OfferExpired),
        };
        answer.check_answers(&self.offer)?;
        let mut early = std::mem::take(early);
        self.viewer.describe(answer.ice_credentials(), &mut early);
        self.state = State::Established { touched: now };
        self.viewer.outbox.push(Event::Active);
        self.camera.outbox.push(Event::Join);
        let answered = Answered {
            session: self.camera.id,
            etag: self.camera.etag.clone(),
            sdp: answer.with_candidates(&early).with_mdns_resolved_to(from),
        };
        Ok(Action::Answered(self.camera_request, answered))
    }

    pub(super) fn trickle(
        &mut self,
        side: Side,
        fragment: SdpFrag,
        from: IpAddr,
        most: CandidateLimits,
    ) -> Result<(), Error> {
        if matches!(self.state, State::Over { .. }) {
            return Err(Error::OfferExpired);
        }
        self.party_mut(side).accept(&fragment, most)?;
        if fragment.is_empty() {
            return Ok(());
        }
        let fragment = match side {
            // A browser can resolve its peer's names, a camera cannot.
            Side::Viewer => fragment.map_candidates(|c| reachable(c, from)),
            Side::Camera => fragment,
        };
        self.party_mut(side).keep(&fragment)?;
        match &mut self.state {
            State::Offered { early, .. } => early.push(fragment),
            State::Established { .. } => {
                let outbox = &self.party(side.other()).outbox;
                outbox.push(Event::Candidates(fragment));
            }
            State::Over { .. } => {}
        }
        Ok(())
    }

    /// Somebody has asked for something: it is in use.
    pub(super) fn touch(&mut self, now: Instant) {
        if let State::Established { touched } = &mut self.state {
            *touched = now;
        }
    }

    pub(super) fn stream_opened(&mut self, side: Side) {
        let party = self.party_mut(side);
        party.presence = party.presence.opened();
    }

    pub(super) fn stream_closed(&mut self, side: Side, now: Instant) {
        let party = self.party_mut(side);
        party.presence = party.presence.closed(now);
    }

    /// One side is gone.
    pub(super) fn leave(&mut self, side: Side, now: Instant) {
        self.party_mut(side).presence = Presence::Gone;
        if matches!(self.state, State::Over { .. }) {
            return;
        }
        self.state = State::Over { since: now };
        match side {
            Side::Camera => self.viewer.outbox.push(Event::Inactive),
            Side::Viewer => self.camera.outbox.push(Event::Leave),
        }
        self.camera.outbox.end();
        self.viewer.outbox.end();
    }

    /// Both are gone.
    pub(super) fn is_deserted(&self) -> bool {
        self.camera.presence == Presence::Gone && self.viewer.presence == Presence::Gone
    }

    /// When something has to happen if nobody does anything before.
    pub(super) fn deadline(&self, limits: &Limits) -> Option<Instant> {
        match self.state {
            State::Offered { valid_until, .. } => Some(valid_until),
            State::Over { since } => Some(since + limits.linger),
            State::Established { touched } => {
                let parties = [&self.camera, &self.viewer];
                let silent = parties.iter().filter_map(|party| match party.presence {
                    Presence::Silent { since } => Some(since + limits.event_grace),
                    _ => None,
                });
                let heard = |party: &&Party| matches!(party.presence, Presence::Listening(_));
                match silent.min() {
                    Some(soonest) => Some(soonest),
                    None if parties.iter().any(heard) => None,
                    None => Some(touched + limits.idle),
                }
            }
        }
    }

    /// What is due at the deadline: who is then taken for gone, if not both.
    pub(super) fn due(&self) -> (RequestId, Option<Side>) {
        let gone = match self.state {
            State::Offered { .. } => Some(Side::Viewer),
            State::Over { .. } => None,
            State::Established { .. } => {
                let since = |party: &Party| match party.presence {
                    Presence::Silent { since } => Some(since),
                    _ => None,
                };
                match (since(&self.camera), since(&self.viewer)) {
                    (None, None) => None,
                    (Some(camera), Some(viewer)) if viewer < camera => Some(Side::Viewer),
                    (Some(_), _) => Some(Side::Camera),
                    (None, Some(_)) => Some(Side::Viewer),
                }
            }
        };
        (self.camera_request, gone)
    }
}

/// The candidate as someone without multicast DNS can reach it.
fn reachable(candidate: Candidate, from: IpAddr) -> Candidate {
    match candidate.address.is_mdns() {
        true => candidate.at(from),
        false => candidate,
    }
}
