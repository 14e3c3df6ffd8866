//! Who is in a room, for an administrator.

use sightline_spec::room::RoomId;

use super::{Room, State};
use crate::census::{RoomCensus, Seat};
use crate::session::{Path, Side};

impl Room {
    /// Who is here. What has ended is not listed though it still answers as itself.
    pub(crate) fn census(&self, room: RoomId) -> RoomCensus {
        let live = self
            .exchanges
            .values()
            .filter(|exchange| !matches!(exchange.state, State::Over { .. }));
        let seats = live.flat_map(|exchange| {
            [Side::Camera, Side::Viewer].map(|side| {
                let party = exchange.party(side);
                Seat {
                    session: party.id,
                    side,
                    path: Path::Direct,
                    since: party.since,
                }
            })
        });
        RoomCensus {
            room,
            is_published: self.has_camera(),
            offers: self.offers.len(),
            viewers: self.viewers.len(),
            seats: seats.collect(),
        }
    }

    /// How many offers and how many viewers wait.
    pub(crate) fn queues(&self) -> (usize, usize) {
        (self.offers.len(), self.viewers.len())
    }

    /// How many watch directly: their answer is with the camera.
    pub(crate) fn watching(&self) -> usize {
        let established = |e: &&super::Exchange| matches!(e.state, State::Established { .. });
        self.exchanges.values().filter(established).count()
    }
}
