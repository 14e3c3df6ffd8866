//! What has been sent, and what time it is in a stream: receivers align sound and picture by
//! it (RFC 3550 section 6.4.1).

use std::time::SystemTime;

use rtcp_types::{
    Bye, CompoundBuilder, RtcpPacketWriter, RtcpPacketWriterExt, Sdes, SdesChunk, SdesItem,
    SenderReport,
};

use crate::ntp::ntp;

/// What has been sent of one stream by now.
#[derive(Debug)]
pub(super) struct Sent {
    /// The time of day.
    pub(super) wall: SystemTime,
    /// The same, as the stream counts it.
    pub(super) time: u32,
    pub(super) packets: u32,
    pub(super) octets: u32,
}

impl Sent {
    /// A compound packet of `source`, which `name` names; with a goodbye if `is_over`.
    pub(super) fn report(&self, source: u32, name: &str, is_over: bool) -> Option<Vec<u8>> {
        let report = SenderReport::builder(source)
            .ntp_timestamp(ntp(self.wall))
            .rtp_timestamp(self.time)
            .packet_count(self.packets)
            .octet_count(self.octets);
        let name = SdesItem::builder(SdesItem::CNAME, name);
        let chunk = SdesChunk::builder(source).add_item(name);
        let mut packet = CompoundBuilder::default()
            .add_packet(report)
            .add_packet(Sdes::builder().add_chunk(chunk));
        if is_over {
            packet = packet.add_packet(Bye::builder().add_source(source));
        }
        let mut bytes = vec![0; packet.calculate_size().ok()?];
        packet.write_into(&mut bytes).ok()?;
        Some(bytes)
    }
}
