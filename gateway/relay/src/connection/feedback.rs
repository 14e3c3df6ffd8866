//! What a viewer asks for and tells by RTCP: packets that it has missed, keyframes, and what time
//! it is there.

use std::iter;
use std::time::Instant;

use rtcp_types::prelude::*;
use rtcp_types::{Fir, Nack, PayloadFeedback, Pli, ReceiverReferenceTime, TransportFeedback, Xr};

use crate::connection::drive::ConnectionEvent;
use crate::publisher::packet_cache::SENT_HISTORY_PACKETS;
use crate::subscriber::retransmission::Missing;
use crate::subscriber::sender_report::ReferenceTime;

/// How long a block with a reference time is, in bytes (RFC 3611 section 4.4).
const REFERENCE_TIME: usize = 12;

/// What is asked for and told in a compound packet that came `now` and is not encrypted any more. A
/// packet in it that is malformed says nothing.
pub(crate) fn requests(rtcp: &[u8], now: Instant) -> impl Iterator<Item = ConnectionEvent> {
    packets(rtcp).filter_map(move |packet| match packet.get(1) {
        Some(&TransportFeedback::PACKET_TYPE) => missing(packet),
        Some(&PayloadFeedback::PACKET_TYPE) => keyframe(packet),
        Some(&Xr::PACKET_TYPE) => reference_time(packet, now),
        _ => None,
    })
}

/// The packets of a compound packet (RFC 3550 section 6.1), each with its length in words less
/// one.
fn packets(mut rtcp: &[u8]) -> impl Iterator<Item = &[u8]> {
    iter::from_fn(move || {
        let words = u16::from_be_bytes([*rtcp.get(2)?, *rtcp.get(3)?]);
        let (packet, rest) = rtcp.split_at_checked(4 * (usize::from(words) + 1))?;
        rtcp = rest;
        Some(packet)
    })
}

/// RFC 4585 section 6.2.1. Nobody has more of a stream again than is remembered of it.
fn missing(packet: &[u8]) -> Option<ConnectionEvent> {
    let feedback = TransportFeedback::parse(packet).ok()?;
    let nack = feedback.parse_fci::<Nack<'_>>().ok()?;
    Some(ConnectionEvent::Missing(Missing {
        source: feedback.media_ssrc().into(),
        sequences: nack.entries().take(SENT_HISTORY_PACKETS).collect(),
    }))
}

/// RFC 4585 section 6.3.1, and RFC 5104 section 4.3.1.
fn keyframe(packet: &[u8]) -> Option<ConnectionEvent> {
    let feedback = PayloadFeedback::parse(packet).ok()?;
    let is_wanted =
        feedback.parse_fci::<Pli<'_>>().is_ok() || feedback.parse_fci::<Fir<'_>>().is_ok();
    is_wanted.then_some(ConnectionEvent::KeyframeWanted)
}

/// RFC 3611 section 4.4. A report has one of them, beside blocks of other types.
fn reference_time(packet: &[u8], now: Instant) -> Option<ConnectionEvent> {
    let report = Xr::parse(packet).ok()?;
    let mut blocks = report.block_iter().filter(|b| b.length() == REFERENCE_TIME);
    let time = blocks.find_map(|block| {
        let block = block.parse_into::<ReceiverReferenceTime<'_>>().ok()?;
        Some((block.ntp_timestamp() >> 16) as u32)
    });
    Some(ConnectionEvent::ReferenceTime(ReferenceTime {
        receiver: report.sender_ssrc().into(),
        time: time?,
        arrived: now,
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock;

    const REPORT: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 1];
    const NACK: [u8; 20] = [
        0x81, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0, 5, 0, 9, 0, 0,
    ];
    const PLI: [u8; 12] = [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
    const FIR: [u8; 20] = [
        0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 7, 0, 0, 0,
    ];
    /// REMB, as Chromium sends it (draft-alvestrand-rmcat-remb-03).
    const REMB: [u8; 24] = [
        0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B', 1, 0, 0, 1, 0, 0, 0, 2,
    ];

    fn asked(rtcp: &[&[u8]]) -> (Vec<(u32, Vec<u16>)>, usize) {
        let (mut missing, mut keyframes) = (Vec::new(), 0);
        for request in requests(&rtcp.concat(), clock::now()) {
            match request {
                ConnectionEvent::Missing(it) => missing.push((*it.source, it.sequences)),
                ConnectionEvent::KeyframeWanted => keyframes += 1,
                other => panic!("{other:?}"),
            }
        }
        (missing, keyframes)
    }

    #[test]
    fn what_was_missed_is_one_number_and_those_that_follow_it() {
        let expected = vec![(2, vec![65_535, 0, 2, 9])];
        assert_eq!(asked(&[&REPORT, &NACK]), (expected, 0));
    }

    #[test]
    fn a_keyframe_is_asked_for_in_two_ways() {
        assert_eq!(asked(&[&REPORT, &PLI]), (vec![], 1));
        assert_eq!(asked(&[&FIR]), (vec![], 1));
        assert_eq!(asked(&[&REPORT, &REMB]), (vec![], 0));
    }

    #[test]
    fn each_packet_of_a_compound_counts_but_what_is_malformed() {
        let (missing, keyframes) = asked(&[&REPORT, &REMB, &NACK, &PLI]);
        assert_eq!((missing.len(), keyframes), (1, 1));
        // Too short for what it is, and of another version.
        let malformed = [&[0x81, 205, 0, 1, 0, 0, 0, 1][..], &[0x41, 206, 0, 0]];
        assert_eq!(
            asked(&[&REPORT, malformed[0], malformed[1], &PLI]),
            (vec![], 1)
        );
        // Cut off.
        assert_eq!(asked(&[&REPORT, &PLI[..10]]), (vec![], 0));
    }

    /// The middle of what it says, as our reports repeat it.
    fn told(rtcp: &[&[u8]]) -> Vec<(u32, u32)> {
        let now = clock::now();
        let rtcp = rtcp.concat();
        let told = requests(&rtcp, now).map(|request| match request {
            ConnectionEvent::ReferenceTime(it) if it.arrived == now => (*it.receiver, it.time),
            other => panic!("{other:?}"),
        });
        told.collect()
    }

    /// An extended report of the source 7, with these blocks.
    fn extended(blocks: &[&[u8]]) -> Vec<u8> {
        let blocks = blocks.concat();
        let words = (blocks.len() / 4 + 1) as u8;
        [&[0x80, 207, 0, words, 0, 0, 0, 7][..], &blocks].concat()
    }

    const TIME: [u8; 12] = [4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8];
    /// RFC 3611 section 4.5.
    const DELAY: [u8; 16] = [5, 0, 0, 3, 0, 0, 0, 9, 1, 1, 1, 1, 2, 2, 2, 2];
    /// Of a type that nobody has defined, and empty.
    const UNKNOWN: [u8; 4] = [200, 0, 0, 0];

    #[test]
    fn a_viewer_tells_what_time_it_is_among_whatever_else() {
        let expected = vec![(7, 0x0304_0506)];
        assert_eq!(told(&[&REPORT, &extended(&[&TIME])]), expected);
        let blocks = [&UNKNOWN[..], &DELAY, &TIME, &UNKNOWN];
        assert_eq!(told(&[&REPORT, &extended(&blocks)]), expected);
        // One report has one time; another one may have another source's.
        let mut other = extended(&[&TIME]);
        other[7] = 8;
        let reports = [&extended(&[&TIME, &TIME])[..], &REMB, &other];
        assert_eq!(told(&reports), [(7, 0x0304_0506), (8, 0x0304_0506)]);
    }

    #[test]
    fn a_report_that_is_cut_off_or_without_a_time_tells_none() {
        for blocks in [
            &[][..],
            &[&DELAY[..]],
            &[&UNKNOWN],
            // Its block is longer than the report, or shorter and longer than a time.
            &[&TIME[..8]],
            &[&[4, 0, 0, 1, 1, 2, 3, 4], &DELAY],
            &[&[4, 0, 0, 3], &TIME],
            &[&DELAY, &TIME[..4]],
        ] {
            assert_eq!(told(&[&REPORT, &extended(blocks)]), [], "{blocks:?}");
        }
        let whole = extended(&[&DELAY, &TIME]);
        for length in 0..whole.len() {
            assert_eq!(told(&[&REPORT, &whole[..length]]), [], "{length}");
        }
    }

    proptest! {
        #[test]
        fn nobody_asks_for_more_than_there_is(bytes in prop::collection::vec(any::<u8>(), 0..1500)) {
            for request in requests(&bytes, clock::now()) {
                if let ConnectionEvent::Missing(missing) = request {
                    prop_assert!(missing.sequences.len() <= SENT_HISTORY_PACKETS);
                }
            }
        }
    }
}
