//! Media that str0m sends, to measure a viewer's link by it.

use str0m::Rtc;
use str0m::rtp::RtpWrite;

use crate::publisher::packet_cache::SENT_HISTORY;
use crate::subscriber::Adjustment;
use crate::subscriber::outgoing::Outgoing;

/// Has str0m send a packet.
pub(super) fn write(rtc: &mut Rtc, outgoing: &Outgoing<'_>) {
    let mut api = rtc.direct_api();
    let Some(stream) = api.stream_tx(&outgoing.source) else {
        return;
    };
    let packet = outgoing.packet;
    let payload = match outgoing.numbers {
        None => packet.payload.clone(),
        Some(numbers) => {
            let mut copy = packet.payload.to_vec();
            numbers.write(&mut copy);
            copy.into()
        }
    };
    let write = RtpWrite::new(
        outgoing.payload_type,
        outgoing.sequence.into(),
        outgoing.time,
        packet.arrived,
        payload,
    );
    let write = write
        .marker(packet.marker)
        .ext_vals(packet.extensions.clone())
        .nackable(outgoing.is_video);
    stream.write_rtp(write);
}

/// Fits what str0m does to what the viewer gets.
pub(super) fn adjust(rtc: &mut Rtc, adjustment: Adjustment) {
    match adjustment {
        Adjustment::Bitrate { needed, desired } => rtc.bwe().set_bitrate(needed, desired),
        Adjustment::SentHistory { source, packets } => {
            if let Some(stream) = rtc.direct_api().stream_tx(&source) {
                // Without a cap on the share of retransmissions: a lossy link needs them
                // most.
                stream.set_rtx_cache(packets, SENT_HISTORY, None);
            }
        }
    }
}
