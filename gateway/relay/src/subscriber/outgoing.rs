//! One packet as it leaves for a viewer, and by what.

use std::time::Instant;

use str0m::media::Pt;
use str0m::rtp::Ssrc;

use super::bandwidth::Bandwidth;
use super::layer_choice::FIRST_ESTIMATE;
use super::picture_ids::PictureNumbers;
use crate::publisher::packet_cache::Packet;
use crate::sdp::encoding::Encoding;
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
    pub(crate) encoding: Encoding,
    /// Its number among all packets to the viewer
    /// (draft-holmer-rmcat-transport-wide-cc-extensions-01), if the viewer tells of them.
    pub(crate) transport_sequence: Option<u16>,
    /// Whether it may have to be [repeated](Downlink::repeat).
    pub(crate) is_kept: bool,
}

/// The way to one viewer.
pub(crate) trait Downlink {
    /// Sends a packet, together with those that follow.
    fn send(&mut self, packet: &Outgoing<'_>);

    /// Sends a packet of this source once more under the same number, as it was.
    fn repeat(&mut self, source: Ssrc, sequence: u64);

    /// Nothing follows for now.
    fn finish(self);
}

/// How packets leave for one viewer now.
pub(crate) struct Way<'a, D> {
    pub(super) downlink: &'a mut D,
    /// What the viewer's link carries, if it is measured.
    pub(super) bandwidth: Option<&'a mut Bandwidth>,
    pub(super) now: Instant,
}

impl<D> Way<'_, D> {
    /// What the viewer's link carries, in bit/s, or is taken to carry.
    pub(super) fn estimate(&self) -> u64 {
        let measured = self.bandwidth.as_ref().map(|b| b.link(self.now).estimate);
        measured.map_or(FIRST_ESTIMATE, |estimate| estimate as u64)
    }

    /// The transport-wide number of a packet that leaves now with these extensions, if the
    /// viewer accepted that. Layers are measured by their payload, and so is the link.
    pub(super) fn number(&mut self, extensions: &Extensions, packet: &Packet) -> Option<u16> {
        let bandwidth = self.bandwidth.as_deref_mut();
        let bandwidth = bandwidth.filter(|_| extensions.are_measured())?;
        Some(bandwidth.send(packet.payload.len(), self.now))
    }
}
