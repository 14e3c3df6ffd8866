//! How many packets are remembered for a viewer that asks for them again.

use str0m::Rtc;

use crate::publisher::packet_cache::{SENT_HISTORY, SENT_HISTORY_PACKETS};
use crate::subscriber::down_track::DownTrack;

/// What one packet of video carries, about.
const PACKET_BITS: u64 = 8 * 1100;

/// At least a picture group's first pictures.
const PACKETS: std::ops::RangeInclusive<usize> = 64..=SENT_HISTORY_PACKETS;

/// Makes room for as many packets as the layer's bitrate calls for, if that has grown.
pub(crate) fn provide(down_track: &mut DownTrack, rtc: &mut Rtc, is_plain: bool, bitrate: u64) {
    let wanted = packets(bitrate);
    if is_plain {
        down_track.stream.provide_history(wanted);
        return;
    }
    // Another size loses what str0m keeps, so small changes are let pass.
    let is_video = down_track.parameters.format.encoding.is_video();
    if !is_video || wanted <= down_track.rtx_cache_packets + down_track.rtx_cache_packets / 2 {
        return;
    }
    down_track.rtx_cache_packets = wanted;
    if let Some(stream) = rtc.direct_api().stream_tx(&down_track.parameters.source) {
        // Without a cap on the share of retransmissions: a lossy link needs them most.
        stream.set_rtx_cache(wanted, SENT_HISTORY, None);
    }
}

fn packets(bitrate: u64) -> usize {
    let history = u64::try_from(SENT_HISTORY.as_millis()).unwrap_or_default();
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
