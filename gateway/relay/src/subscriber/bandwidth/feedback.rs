//! What a receiver says about when packets arrived
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).

use rtcp_types::{Compound, Packet, RtcpParseError};
use rtcp_types::{Twcc, TwccPacketStatus};

/// No receiver reports on more packets at once: it is four seconds of 10 Mbit/s. The format
/// itself lets a few bytes speak of 65,535.
const MOST_PACKETS: usize = 4096;

/// One unit of the reference time, in microseconds.
const REFERENCE: i64 = 64_000;

/// One unit of a delta, in microseconds.
const DELTA: i64 = 250;

/// Times are between this and as much before zero, so that no difference of two overflows.
const FARTHEST: i64 = i64::MAX / 4;

/// Why feedback is not used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FeedbackError {
    /// It is no RTCP, or a packet in it is cut off.
    #[error("malformed: {0}")]
    Malformed(#[from] RtcpParseError),
    /// It speaks of more packets than anyone sends.
    #[error("more packets than can be under way")]
    TooMany,
}

/// Reads the feedback of one receiver: its clock has 24 bits, which wrap every 12 days.
#[derive(Debug, Default)]
pub(super) struct FeedbackReader {
    /// The last reference time, with its rollovers.
    reference: Option<i64>,
}

impl FeedbackReader {
    /// Tells of every packet that a compound packet reports on, by number: when it arrived
    /// by the receiver's clock, in microseconds, or that it did not. Feedback that is
    /// malformed anywhere tells of nothing. Says whether there was any.
    pub(super) fn read(
        &mut self,
        rtcp: &[u8],
        mut tell: impl FnMut(u16, Option<i64>),
    ) -> Result<bool, FeedbackError> {
        let mut has_feedback = false;
        for packet in Compound::parse(rtcp)? {
            let Packet::TransportFeedback(feedback) = packet? else {
                continue;
            };
            let Ok(twcc) = feedback.parse_fci::<Twcc<'_>>() else {
                // A NACK, for example.
                continue;
            };
            check(&twcc)?;
            has_feedback = true;
            let mut at = in_bounds(self.reference(&twcc).saturating_mul(REFERENCE));
            for (number, status) in twcc.packets().flatten() {
                let arrived = match status {
                    TwccPacketStatus::NotReceived => None,
                    TwccPacketStatus::Received { delta } => {
                        at = in_bounds(at + i64::from(delta) * DELTA);
                        Some(at)
                    }
                };
                tell(number, arrived);
            }
        }
        Ok(has_feedback)
    }

    /// The reference time with its rollovers: the one nearest to the last.
    fn reference(&mut self, twcc: &Twcc<'_>) -> i64 {
        let reference = i64::from(twcc.reference_time());
        let unwrapped = self.reference.map_or(reference, |last| {
            // Twenty-four bits with a sign.
            let ahead = ((reference - last) as i32) << 8 >> 8;
            last + i64::from(ahead)
        });
        self.reference = Some(unwrapped);
        unwrapped
    }
}

/// A clock that is set forward, or back, with every report gets anywhere.
fn in_bounds(at: i64) -> i64 {
    at.clamp(-FARTHEST, FARTHEST)
}

fn check(twcc: &Twcc<'_>) -> Result<(), FeedbackError> {
    for (index, packet) in twcc.packets().enumerate() {
        if index >= MOST_PACKETS {
            return Err(FeedbackError::TooMany);
        }
        packet?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rtcp_types::prelude::*;
    use rtcp_types::{CompoundBuilder, ReceiverReport, TransportFeedback, TwccBuilder};

    use super::*;

    fn read(
        reader: &mut FeedbackReader,
        rtcp: &[u8],
    ) -> Result<Vec<(u16, Option<i64>)>, FeedbackError> {
        let mut told = Vec::new();
        reader.read(rtcp, |number, arrived| told.push((number, arrived)))?;
        Ok(told)
    }

    fn written(base: u16, reference: u32, statuses: &[TwccPacketStatus]) -> Vec<u8> {
        let twcc = TwccBuilder::new(base, reference, 0, statuses, None);
        assert_eq!(twcc.packet_status_count(), statuses.len());
        let feedback = TransportFeedback::builder_owned(twcc).sender_ssrc(1);
        let report = ReceiverReport::builder(1);
        let packet = CompoundBuilder::default()
            .add_packet(report)
            .add_packet(feedback.media_ssrc(2));
        let mut bytes = vec![0; packet.calculate_size().unwrap()];
        packet.write_into(&mut bytes).unwrap();
        bytes
    }

    /// One packet of feedback: its FCI from the draft's figures.
    fn feedback(fci: &[u8]) -> Vec<u8> {
        let words = (12 + fci.len()) / 4 - 1;
        let mut bytes = vec![0x8f, 205, 0, words as u8, 0, 0, 0, 1, 0, 0, 0, 2];
        bytes.extend_from_slice(fci);
        bytes
    }

    #[test]
    fn each_kind_of_chunk_is_read() {
        // Run length: three packets that came 1 ms, 0 and 2 ms after 64 ms.
        let run = [0, 10, 0, 3, 0, 0, 1, 0, 0x20, 3, 4, 0, 8, 0, 0, 0];
        let expected = [(10, Some(65_000)), (11, Some(65_000)), (12, Some(67_000))];
        let mut reader = FeedbackReader::default();
        assert_eq!(read(&mut reader, &feedback(&run)).unwrap(), expected);
        // One bit each: came, did not, came.
        let bits = [255, 255, 0, 3, 0, 0, 2, 1, 0xa8, 0, 4, 8];
        let expected = [(65_535, Some(129_000)), (0, None), (1, Some(131_000))];
        assert_eq!(read(&mut reader, &feedback(&bits)).unwrap(), expected);
        // Two bits each: a delta of one byte, none, and one of two that is negative.
        let pairs = [0, 7, 0, 3, 0, 0, 2, 2, 0xd2, 0, 4, 0xff, 0xfc, 0, 0, 0];
        let expected = [(7, Some(129_000)), (8, None), (9, Some(128_000))];
        assert_eq!(read(&mut reader, &feedback(&pairs)).unwrap(), expected);
    }

    #[test]
    fn other_reports_are_no_feedback() {
        let report = [0x80, 201, 0, 1, 0, 0, 0, 1];
        let mut reader = FeedbackReader::default();
        assert_eq!(reader.read(&report, |_, _| panic!()), Ok(false));
        // A NACK is transport feedback too.
        let nack = [0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0, 0];
        assert_eq!(reader.read(&nack, |_, _| panic!()), Ok(false));
    }

    #[test]
    fn feedback_that_is_cut_off_tells_nothing() {
        let whole = [0, 10, 0, 3, 0, 0, 1, 0, 0x20, 3, 4, 0, 8, 0, 0, 0];
        for length in [0, 4, 8] {
            let mut reader = FeedbackReader::default();
            let cut = feedback(&whole[..length]);
            let told = read(&mut reader, &cut).unwrap_or_default();
            assert_eq!(told, [], "{length}");
        }
        // Two deltas for five packets.
        let short = [0, 10, 0, 5, 0, 0, 1, 0, 0x20, 5, 4, 0];
        let mut reader = FeedbackReader::default();
        let told = reader.read(&feedback(&short), |_, _| panic!());
        assert!(matches!(told, Err(FeedbackError::Malformed(_))));
        assert!(read(&mut reader, &[1, 2, 3]).is_err());
    }

    #[test]
    fn a_reserved_status_is_refused() {
        let fci = [0, 10, 0, 1, 0, 0, 1, 0, 0x60, 1, 0, 0];
        let mut reader = FeedbackReader::default();
        let told = reader.read(&feedback(&fci), |_, _| panic!());
        assert!(matches!(told, Err(FeedbackError::Malformed(_))));
    }

    #[test]
    fn few_bytes_cannot_make_a_lot_of_work() {
        // Nine runs of 8191 packets that did not arrive.
        let mut fci = vec![0, 0, 0xff, 0xff, 0, 0, 1, 0];
        fci.extend([0x1f, 0xff].repeat(10));
        let mut reader = FeedbackReader::default();
        let told = reader.read(&feedback(&fci), |_, _| panic!());
        assert_eq!(told, Err(FeedbackError::TooMany));
    }

    #[test]
    fn the_receivers_clock_wraps() {
        let mut reader = FeedbackReader::default();
        let status = [TwccPacketStatus::Received { delta: 0 }];
        let mut at = |reference| {
            let told = read(&mut reader, &written(0, reference, &status)).unwrap();
            told[0].1.unwrap() / REFERENCE
        };
        assert_eq!(at(0xff_fffe), 0xff_fffe);
        assert_eq!(at(1), 0x100_0001);
        assert_eq!(at(0xff_ffff), 0xff_ffff, "late feedback");
        assert_eq!(at(2), 0x100_0002);
    }

    #[test]
    fn a_clock_that_gets_anywhere_overflows_nothing() {
        for reference in [i64::MAX / REFERENCE, i64::MIN / REFERENCE] {
            let mut reader = FeedbackReader {
                reference: Some(reference),
            };
            let received = [i16::MIN, i16::MAX].map(|delta| TwccPacketStatus::Received { delta });
            let told = read(&mut reader, &written(1, 1 << 22, &received)).unwrap();
            let mut times = told.iter().filter_map(|(_, at)| *at);
            assert!(
                times.all(|at| (-FARTHEST..=FARTHEST).contains(&at)),
                "{told:?}"
            );
        }
    }

    fn statuses() -> impl Strategy<Value = Vec<TwccPacketStatus>> {
        let status = prop_oneof![
            2 => Just(TwccPacketStatus::NotReceived),
            5 => (0..400i16).prop_map(|delta| TwccPacketStatus::Received { delta }),
            1 => any::<i16>().prop_map(|delta| TwccPacketStatus::Received { delta }),
        ];
        prop::collection::vec(status, 1..300)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(base: u16, reference in 0..1u32 << 24, statuses in statuses()) {
            let mut reader = FeedbackReader::default();
            let told = read(&mut reader, &written(base, reference, &statuses)).unwrap();
            let mut at = i64::from(reference) * REFERENCE;
            let expected: Vec<_> = statuses.iter().enumerate().map(|(index, status)| {
                let number = base.wrapping_add(index as u16);
                match status {
                    TwccPacketStatus::NotReceived => (number, None),
                    TwccPacketStatus::Received { delta } => {
                        at += i64::from(*delta) * DELTA;
                        (number, Some(at))
                    }
                }
            }).collect();
            prop_assert_eq!(told, expected);
        }

        #[test]
        fn anything_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&mut FeedbackReader::default(), &bytes);
            let padded = bytes.len().next_multiple_of(4);
            let mut fci = bytes;
            fci.resize(padded, 0);
            let _ = read(&mut FeedbackReader::default(), &feedback(&fci));
        }
    }
}
