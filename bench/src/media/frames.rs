//! Payloads in the shape of H.264 and Opus, with nothing in them but their stamp.

use super::stamp::Stamp;

/// Pictures per second.
pub(crate) const FPS: u32 = 30;
/// Pictures from one keyframe to the next: two seconds.
const KEYFRAME_EVERY: u32 = 2 * FPS;
/// How many times as large as another picture a keyframe is.
const KEYFRAME_WEIGHT: u32 = 6;

/// Bytes of a payload; with its headers a packet stays well within a usual path's 1,280.
pub(crate) const PAYLOAD: usize = 1150;
/// Bytes of a payload of sound: 20 ms at 64 kbit/s.
const SOUND: usize = 160;

/// Constrained baseline, level 3.1, 1280x720 (H.264 section 7.3.2.1.1).
const SEQUENCE: &[u8] = &[0x67, 0x42, 0xe0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe4];
/// CAVLC, one slice group (section 7.3.2.2).
const PICTURE: &[u8] = &[0x68, 0xce, 0x38, 0x80];
/// Supplemental information: user data of 36 bytes, of which these 16 say whose they are.
const SUPPLEMENT: &[u8] = b"\x06\x05\x24sightline-bench.";
/// The head of an IDR picture's only slice: type I.
const INTRA_SLICE: [u8; 3] = [0x65, 0x88, 0x84];
/// The head of another picture's only slice: type P.
const INTER_SLICE: [u8; 3] = [0x41, 0x9a, 0x24];
/// What the slices consist of.
const FILLER: u8 = 0xb5;
/// Types of aggregation and fragmentation, RFC 6184 section 5.2.
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const NRI: u8 = 0b0110_0000;
const NAL_TYPE: u8 = 0b0001_1111;
const FIRST: u8 = 0b1000_0000;
const LAST: u8 = 0b0100_0000;
/// A code of one stereo frame of 20 ms, full band (RFC 6716 section 3.1).
const OPUS: u8 = 0xfc;

/// How large the pictures of a stream are.
pub(crate) struct Encoder {
    /// What a picture may have that is no keyframe, in packets.
    share: f64,
    /// What the pictures so far have left of their shares.
    saved: f64,
    since_keyframe: Option<u32>,
}

impl Encoder {
    /// Of a stream of so many bits per second.
    pub(crate) fn new(bitrate: u64) -> Self {
        let packets_per_second = bitrate as f64 / 8.0 / PAYLOAD as f64;
        let group = packets_per_second * f64::from(KEYFRAME_EVERY) / f64::from(FPS);
        Self {
            share: group / f64::from(KEYFRAME_EVERY - 1 + KEYFRAME_WEIGHT),
            saved: 0.0,
            since_keyframe: None,
        }
    }

    /// The next picture is a keyframe.
    pub(crate) fn request_keyframe(&mut self) {
        self.since_keyframe = None;
    }

    /// The payloads of the next picture. Each lacks its stamp.
    pub(crate) fn picture(&mut self) -> Vec<Vec<u8>> {
        let next = self.since_keyframe.map_or(0, |pictures| pictures + 1);
        let is_keyframe = next.is_multiple_of(KEYFRAME_EVERY);
        self.since_keyframe = Some(next % KEYFRAME_EVERY);
        let weight = if is_keyframe { KEYFRAME_WEIGHT } else { 1 };
        self.saved += self.share * f64::from(weight);
        // A picture has one packet at least; what it takes too much the next ones lack.
        let packets = self.saved.floor().max(1.0);
        self.saved -= packets;
        let mut payloads = Vec::new();
        if is_keyframe {
            payloads.push(parameters());
        }
        payloads.extend(slice(is_keyframe, packets as usize));
        payloads
    }
}

/// The payload of 20 ms of sound. It lacks its stamp.
pub(crate) fn sound() -> Vec<u8> {
    let mut payload = vec![OPUS];
    payload.resize(SOUND - Stamp::LENGTH, FILLER);
    payload
}

/// One packet of everything that a decoder needs before a keyframe, and a unit for the stamp.
fn parameters() -> Vec<u8> {
    let mut payload = vec![NRI | STAP_A];
    let stamped = SUPPLEMENT.len() + Stamp::LENGTH;
    let units = [SEQUENCE, PICTURE, SUPPLEMENT];
    for (unit, length) in units
        .into_iter()
        .zip([SEQUENCE.len(), PICTURE.len(), stamped])
    {
        // A few dozen bytes each.
        payload.extend((length as u16).to_be_bytes());
        payload.extend(unit);
    }
    payload
}

/// One picture's slice in so many packets of equal size.
fn slice(is_keyframe: bool, packets: usize) -> impl Iterator<Item = Vec<u8>> {
    let [unit, head @ ..] = if is_keyframe {
        INTRA_SLICE
    } else {
        INTER_SLICE
    };
    (0..packets).map(move |number| {
        let mut payload = Vec::with_capacity(PAYLOAD);
        if packets == 1 {
            payload.push(unit);
        } else {
            let first = if number == 0 { FIRST } else { 0 };
            let last = if number + 1 == packets { LAST } else { 0 };
            payload.push(unit & NRI | FU_A);
            payload.push(first | last | unit & NAL_TYPE);
        }
        if number == 0 {
            payload.extend(head);
        }
        payload.resize(PAYLOAD - Stamp::LENGTH, FILLER);
        payload
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NAL units as RFC 6184 puts them together again.
    fn units(payloads: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut units: Vec<Vec<u8>> = Vec::new();
        for payload in payloads {
            let mut payload = payload.clone();
            Stamp::now(1).unwrap().append_to(&mut payload);
            match payload[0] & NAL_TYPE {
                STAP_A => {
                    let mut rest = &payload[1..];
                    while let Some((length, after)) = rest.split_first_chunk::<2>() {
                        let (unit, after) = after.split_at(u16::from_be_bytes(*length).into());
                        units.push(unit.to_vec());
                        rest = after;
                    }
                }
                FU_A => {
                    if payload[1] & FIRST != 0 {
                        units.push(vec![payload[0] & NRI | payload[1] & NAL_TYPE]);
                    }
                    units.last_mut().unwrap().extend(&payload[2..]);
                }
                _ => units.push(payload),
            }
        }
        units
    }

    fn types(payloads: &[Vec<u8>]) -> Vec<u8> {
        let units = units(payloads);
        units.iter().map(|unit| unit[0] & NAL_TYPE).collect()
    }

    #[test]
    fn a_stream_begins_with_a_keyframe_that_can_be_decoded_alone() {
        let mut encoder = Encoder::new(2_500_000);
        let first = encoder.picture();
        assert_eq!(types(&first), [7, 8, 6, 5]);
        assert!(first.len() > 20);
        assert_eq!(types(&encoder.picture()), [1]);
    }

    #[test]
    fn a_keyframe_comes_every_two_seconds_and_when_one_is_asked_for() {
        let mut encoder = Encoder::new(1_000_000);
        let mut keyframes = Vec::new();
        for number in 0..150 {
            if number == 70 {
                encoder.request_keyframe();
            }
            if types(&encoder.picture()).contains(&5) {
                keyframes.push(number);
            }
        }
        assert_eq!(keyframes, [0, 60, 70, 130]);
    }

    #[test]
    fn the_packets_of_a_slice_are_of_equal_size_and_reach_the_bitrate() {
        for bitrate in [1_000_000, 2_500_000, 8_000_000] {
            let mut encoder = Encoder::new(bitrate);
            let seconds = 20;
            let mut bytes = 0;
            for _ in 0..seconds * FPS {
                let picture = encoder.picture();
                let slice = picture
                    .iter()
                    .filter(|payload| payload[0] & NAL_TYPE != STAP_A);
                for payload in slice {
                    assert_eq!(payload.len() + Stamp::LENGTH, PAYLOAD);
                    bytes += PAYLOAD as u64;
                }
            }
            let reached = bytes * 8 / u64::from(seconds);
            let off = reached.abs_diff(bitrate) as f64 / bitrate as f64;
            assert!(off < 0.01, "{reached} instead of {bitrate}");
        }
    }

    #[test]
    fn no_unit_contains_a_start_code() {
        let mut encoder = Encoder::new(500_000);
        let pictures: Vec<_> = (0..60).flat_map(|_| encoder.picture()).collect();
        for unit in units(&pictures) {
            assert!(!unit.windows(3).any(|bytes| matches!(bytes, [0, 0, 0..=3])));
        }
    }
}
