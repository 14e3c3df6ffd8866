//! What has been sent, and what time it is in a stream: receivers align sound and picture by
//! it (RFC 3550 section 6.4.1). And how long it is since a receiver said what time it was: it
//! learns from that how long a round trip takes (RFC 3611 section 4.5).

use std::time::{Instant, SystemTime};

use rtcp_types::{
    Bye, CompoundBuilder, DelaySinceLastReceiverReport, DelaySinceLastReceiverReportBlock,
    DelaySinceLastReceiverReportBlockBuilder, RtcpPacketWriter, RtcpPacketWriterExt, Sdes,
    SdesChunk, SdesItem, SenderReport, Xr,
};
use str0m::rtp::Ssrc;

use crate::ntp::ntp;

/// What time it was at a receiver when it said so (RFC 3611 section 4.4).
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReferenceTime {
    /// Who says so.
    pub(crate) receiver: Ssrc,
    /// In units of 1/65536 seconds: the middle 32 bits of its NTP timestamp.
    pub(crate) time: u32,
    pub(crate) arrived: Instant,
}

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

/// What is reported beside what was sent of one stream.
#[derive(Debug, Clone, Copy)]
pub(in crate::subscriber) struct About<'a> {
    pub(super) now: Instant,
    /// The time of day.
    pub(super) wall: SystemTime,
    /// Whether it is the last report.
    pub(super) is_over: bool,
    /// Names our side.
    pub(super) name: &'a str,
    /// Those of the receiver that are to be answered.
    pub(super) reference_times: &'a [ReferenceTime],
}

impl Sent {
    /// A compound packet of `source`; with a goodbye if it is the last one.
    pub(super) fn report(&self, source: u32, about: &About<'_>) -> Option<Vec<u8>> {
        let report = SenderReport::builder(source)
            .ntp_timestamp(ntp(self.wall))
            .rtp_timestamp(self.time)
            .packet_count(self.packets)
            .octet_count(self.octets);
        let name = SdesItem::builder(SdesItem::CNAME, about.name);
        let chunk = SdesChunk::builder(source).add_item(name);
        let mut packet = CompoundBuilder::default()
            .add_packet(report)
            .add_packet(Sdes::builder().add_chunk(chunk));
        if !about.reference_times.is_empty() {
            let times = about.reference_times.iter();
            let delays = times.map(|time| time.delay(about.now));
            let delays = delays.fold(DelaySinceLastReceiverReport::builder(), |all, one| {
                all.add_block(one)
            });
            packet = packet.add_packet(Xr::builder().sender_ssrc(source).add_block(delays));
        }
        if about.is_over {
            packet = packet.add_packet(Bye::builder().add_source(source));
        }
        let mut bytes = vec![0; packet.calculate_size().ok()?];
        packet.write_into(&mut bytes).ok()?;
        Some(bytes)
    }
}

impl ReferenceTime {
    fn delay(&self, now: Instant) -> DelaySinceLastReceiverReportBlockBuilder {
        let delay = now.saturating_duration_since(self.arrived);
        // In the same units.
        let delay = delay.as_micros() * 65_536 / 1_000_000;
        DelaySinceLastReceiverReportBlock::builder()
            .ssrc(*self.receiver)
            .last_receiver_report(self.time)
            .delay_since_last_receiver_report_timestamp(delay as u32)
    }
}
