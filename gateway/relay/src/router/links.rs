//! What a router needs of the connections.

use str0m::rtp::Ssrc;

use crate::keys::Key;
use crate::subscriber::outgoing::Downlink;

/// The connections of a room.
pub(crate) trait Links {
    /// The way to a viewer.
    type Downlink<'a>: Downlink
    where
        Self: 'a;

    /// The way to this viewer; nothing if its connection is gone.
    fn downlink(&mut self, viewer: Key) -> Option<Self::Downlink<'_>>;

    /// Asks a publisher for keyframes (RFC 4585 section 6.3.1) of these sources.
    fn request_keyframes(&mut self, publisher: Key, sources: &[Ssrc]);
}
