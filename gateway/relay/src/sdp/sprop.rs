//! What a publisher's description says of how to decode it: `sprop-parameter-sets` of H.264
//! (RFC 6184 section 8.1), `sprop-vps`, `sprop-sps` and `sprop-pps` of H.265 (RFC 7798
//! section 7.1). Bridges from RTSP have them there and nowhere else.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sightline_spec::sdp::Payload;

use crate::sdp::encoding::Encoding;

/// With padding or without: some leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What one publisher may have us keep, in bytes. An encoder's sets have some dozens.
const MOST: usize = 2048;

/// Parameter sets as NAL units, without start codes; none if there are none. What has come with
/// the packets is `publisher::parameter_sets`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sprop(Vec<Vec<u8>>);

impl Sprop {
    /// Those of a payload type's `a=fmtp`. What is no parameter set is passed over, and so is
    /// all of them if they are too much.
    pub(crate) fn of(payload: &Payload<'_>, encoding: Encoding) -> Self {
        let names: &[&str] = match encoding {
            Encoding::H264 => &["sprop-parameter-sets"],
            Encoding::H265 => &["sprop-vps", "sprop-sps", "sprop-pps"],
            _ => &[],
        };
        let values = names.iter().filter_map(|name| payload.parameter(name));
        let texts = values.flat_map(|value| value.split(','));
        let units = texts.filter_map(|text| BASE64.decode(text.trim()).ok());
        let units = units.filter(|unit| is_parameter_set(encoding, unit));
        let units: Vec<Vec<u8>> = units.collect();
        match units.iter().map(Vec::len).sum::<usize>() {
            0..=MOST => Self(units),
            _ => Self::default(),
        }
    }

    /// The NAL units, in the order in which a decoder wants them.
    pub(crate) fn units(&self) -> &[Vec<u8>] {
        &self.0
    }

    /// As a description of who sends this says it (RFC 6184 section 8.2.2).
    pub(crate) fn parameters(&self, encoding: Encoding) -> Vec<String> {
        let written = |name: &str, of: &[u8]| {
            let wanted = |unit: &&Vec<u8>| of.is_empty() || of.contains(&h265_type(unit));
            let units = self.units().iter().filter(wanted);
            let units: Vec<String> = units.map(|unit| BASE64.encode(unit)).collect();
            (!units.is_empty()).then(|| format!("{name}={}", units.join(",")))
        };
        let all = match encoding {
            Encoding::H264 => vec![written("sprop-parameter-sets", &[])],
            Encoding::H265 => vec![
                written("sprop-vps", &[VPS]),
                written("sprop-sps", &[SPS]),
                written("sprop-pps", &[PPS]),
            ],
            _ => Vec::new(),
        };
        all.into_iter().flatten().collect()
    }
}

/// RFC 7798 section 1.1.4 and H.265 table 7-1.
const VPS: u8 = 32;
const SPS: u8 = 33;
const PPS: u8 = 34;

fn h265_type(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |first| first >> 1 & 0x3f)
}

fn is_parameter_set(encoding: Encoding, unit: &[u8]) -> bool {
    let Some(first) = unit.first().filter(|_| unit.len() > 1) else {
        return false;
    };
    match encoding {
        // H.264 table 7-1: sequence parameter set, picture parameter set, and the
        // extension of the former.
        Encoding::H264 => matches!(first & 0x1f, 7 | 8 | 13),
        Encoding::H265 => matches!(h265_type(unit), VPS | SPS | PPS),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(encoding: &'static str, parameters: &str) -> Sprop {
        let payload = Payload {
            number: 96,
            encoding,
            clock_rate: 90_000,
            channels: None,
            parameters,
            rtx: None,
        };
        Sprop::of(&payload, Encoding::of(&payload).unwrap())
    }

    /// The example of RFC 6184 section 8.3.
    #[test]
    fn those_of_h264_are_read_and_written() {
        let parameters = "profile-level-id=42A01E;packetization-mode=1; \
                          sprop-parameter-sets=Z0IACpZTBYmI,aMljiA==";
        let sets = payload("H264", parameters);
        assert_eq!(sets.units().len(), 2);
        assert_eq!(sets.units()[0][0] & 0x1f, 7);
        assert_eq!(
            sets.parameters(Encoding::H264),
            ["sprop-parameter-sets=Z0IACpZTBYmI,aMljiA=="]
        );
    }

    #[test]
    fn those_of_h265_are_read_and_written() {
        let parameters = "sprop-pps=RAHA;sprop-vps=QAEMAf//;sprop-sps=QgEBAWAA";
        let sets = payload("H265", parameters);
        let types: Vec<u8> = sets.units().iter().map(|unit| h265_type(unit)).collect();
        assert_eq!(types, [VPS, SPS, PPS]);
        assert_eq!(
            sets.parameters(Encoding::H265),
            ["sprop-vps=QAEMAf//", "sprop-sps=QgEBAWAA", "sprop-pps=RAHA"]
        );
    }

    #[test]
    fn what_is_no_parameter_set_is_passed_over() {
        let sets = payload("H264", "sprop-parameter-sets=!, Z0IACpZTBYmI,,aMljiA,QUJD");
        assert_eq!(sets.units().len(), 2);
    }

    #[test]
    fn what_is_none_or_too_much_is_not_kept() {
        let long = BASE64.encode([7; MOST + 1]);
        for value in ["!,Z", "", "QUJD", "Zw==", long.as_str()] {
            let sets = payload("H264", &format!("sprop-parameter-sets={value}"));
            assert_eq!(sets, Sprop::default(), "{value}");
        }
        assert_eq!(
            payload("VP8", "sprop-parameter-sets=Z0IACpZTBYmI"),
            Sprop::default()
        );
    }
}
