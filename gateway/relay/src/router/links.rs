//! What a router needs of the connections, and of the ways to other workers.

use str0m::rtp::Ssrc;

use super::pull::{Replica, Update, Wish};
use crate::keys::{Key, WorkerId};
use crate::subscriber::outgoing::Downlink;

/// The ways out of a room.
pub(crate) trait Links {
    /// The way to a viewer.
    type Downlink<'a>: Downlink
    where
        Self: 'a;

    /// The way to this viewer; nothing if its connection is gone.
    fn downlink(&mut self, viewer: Key) -> Option<Self::Downlink<'_>>;

    /// Asks a publisher for keyframes (RFC 4585 section 6.3.1) of these sources.
    fn request_keyframes(&mut self, publisher: Key, sources: &[Ssrc]);

    /// Whether one more update can be on its way to this worker.
    fn has_room(&self, worker: WorkerId) -> bool;

    /// Has a replica know this. Only to be called while there is room.
    fn update(&mut self, replica: Replica, update: Update);

    /// So many packets will never reach a replica: there was no room for them.
    fn not_handed_over(&mut self, packets: u64);

    /// Asks the home, of which this room is a replica.
    fn ask_home(&mut self, wish: Wish);
}
