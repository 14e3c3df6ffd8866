//! How many packets are remembered for a viewer that asks for them again.

use str0m::Rtc;

use crate::publisher::packet_cache::{HISTORY, HISTORY_PACKETS};
use crate::subscriber::down_track::Feed;

/// What one packet of video carries, about.
const PACKET_BITS: u64 = 8 * 1100;

/// At least a picture group's first pictures.
const PACKETS: std::ops::RangeInclusive<usize> = 64..=HISTORY_PACKETS;

/// Makes room for as many packets as the layer's bitrate calls for, if that has grown.
pub(crate) fn provide(feed: &mut Feed, rtc: &mut Rtc, is_plain: bool, bitrate: u64) {
    let wanted = packets(bitrate);
    if is_plain {
        feed.stream.provide_history(wanted);
        return;
    }
    // Another size loses what str0m keeps, so small changes are let pass.
    let is_video = feed.outlet.format.encoding.is_video();
    if !is_video || wanted <= feed.resend_packets + feed.resend_packets / 2 {
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
