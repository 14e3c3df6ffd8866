//! How many packets are kept for a viewer that asks for them again.
//!
//! They are most of a viewer's memory: str0m keeps some 430 bytes for each, the payload
//! not counted, which all viewers share.

use std::time::Duration;

use str0m::Rtc;

use super::feed::Feed;

/// Retransmissions come too late after this: two round trips of a slow link.
const HISTORY: Duration = Duration::from_millis(500);

/// What one packet of video carries, about.
const PACKET_BITS: u64 = 8 * 1100;

/// At least a picture group's first pictures, at most what 16 Mbit/s needs.
const PACKETS: std::ops::RangeInclusive<usize> = 64..=1024;

/// Makes room for as many packets as the layer's bitrate calls for, if that has grown.
pub(super) fn provide(feed: &mut Feed, rtc: &mut Rtc, bitrate: u64) {
    if !feed.outlet.format.encoding.is_video() {
        return;
    }
    let wanted = packets(bitrate);
    // Another size loses what is kept, so small changes are let pass.
    if wanted <= feed.resend_packets + feed.resend_packets / 2 {
        return;
    }
    feed.resend_packets = wanted;
    if let Some(stream) = rtc.direct_api().stream_tx(&feed.outlet.source) {
        // Without a cap on the share of retransmissions: a lossy link needs them most.
        stream.set_rtx_cache(wanted, HISTORY, None);
    }
}

fn packets(bitrate: u64) -> usize {
    let history = u64::try_from(HISTORY.as_millis()).unwrap_or_default();
    let packets = bitrate * history / 1000 / PACKET_BITS;
    let packets = usize::try_from(packets).unwrap_or(usize::MAX);
    packets.clamp(*PACKETS.start(), *PACKETS.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_second_is_kept_within_bounds() {
        assert_eq!(packets(0), 64);
        assert_eq!(packets(2_500_000), 142);
        assert_eq!(packets(u64::from(u32::MAX)), 1024);
    }
}
