//! Those who watch by the relay, when its publisher is gone or silent.

use std::time::Instant;

use super::{Live, Media, RelayState};
use crate::room::{Action, Limits, Room, WaitingOffer};
use crate::session::Presence;

impl Room {
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
    pub(in crate::room) fn offer_for_stranded(&self) -> Option<usize> {
        let is_open = |offer: &WaitingOffer| offer.offered.terms.relay;
        let found = match &self.relay {
            RelayState::Absent => self.offers.iter().position(is_open),
            RelayState::Live(live) => self.offer_instead_of(live),
            RelayState::Taking { .. } | RelayState::Answering { .. } => None,
        };
        found.filter(|_| self.is_relay_watched)
    }

    /// An offer of whoever has sent this before, or of its successor.
    pub(in crate::room) fn offer_instead_of(&self, live: &Live) -> Option<usize> {
        let is_silent = live.media == Media::Stopped;
        let has_left = matches!(live.presence, Presence::Silent { .. });
        let is_other = |offer: &WaitingOffer| offer.offered.sdp.fingerprints() != self.relayed_from;
        let replaces = |offer: &WaitingOffer| {
            is_silent && !offer.is_from_before_silence || (is_silent || has_left) && is_other(offer)
        };
        let mut offers = self.offers.iter();
        offers.position(|offer| offer.offered.terms.relay && replaces(offer))
    }
}
