//! What a router needs of the connections.

use str0m::rtp::Ssrc;

use crate::connection::registry::Key;
use crate::subscriber::outgoing::Outgoing;

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

/// The way to one viewer.
pub(crate) trait Downlink {
    /// Whether it retransmits by itself what it has sent.
    fn retransmits(&self) -> bool;

    /// Sends a packet, together with those that follow.
    fn send(&mut self, packet: &Outgoing<'_>);

    /// Nothing follows for now.
    fn finish(self);
}
