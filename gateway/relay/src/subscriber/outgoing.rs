//! One packet as it leaves for a viewer, and by what.

use str0m::media::Pt;
use str0m::rtp::Ssrc;

use super::picture_ids::PictureNumbers;
use crate::publisher::packet_cache::Packet;
use crate::sdp::extensions::Extensions;

/// A packet. What is not said here is the packet's own.
#[derive(Debug)]
pub(crate) struct Outgoing<'a> {
    pub(crate) packet: &'a Packet,
    pub(crate) source: Ssrc,
    pub(crate) payload_type: Pt,
    /// With its rollovers.
    pub(crate) sequence: u64,
    pub(crate) time: u32,
    /// To be written over those of the payload.
    pub(crate) numbers: Option<PictureNumbers>,
    /// The sequence number with which it was sent first, if this is a retransmission
    /// (RFC 4588 section 4).
    pub(crate) original: Option<u16>,
    /// What the viewer accepted.
    pub(crate) extensions: &'a Extensions,
    pub(crate) is_video: bool,
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
