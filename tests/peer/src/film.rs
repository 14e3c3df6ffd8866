//! Pictures and sound in the shape of an encoding, with nothing in them but a label.

use std::time::Duration;

/// What marks a label, so that nothing else is taken for one.
const MAGIC: [u8; 4] = *b"labl";

/// The stop bit of a NAL unit (H.264 section 7.3.2.11).
const END: u8 = 0x80;
/// Bytes of a label's numbers have it, so that none is 0 to 3: no start code.
const TOP_BIT: u8 = 0x80;

/// Types of aggregation and fragmentation, RFC 6184 section 5.2.
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const NRI: u8 = 0b0110_0000;
const NAL_TYPE: u8 = 0b0001_1111;
/// Constrained baseline, level 3.1 (H.264 section 7.3.2.1.1), of each layer: 1280x720, 640x360
/// and 320x180.
const SEQUENCES: [&[u8]; 3] = [
    &[0x67, 0x42, 0xe0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe4],
    &[0x67, 0x42, 0xe0, 0x1f, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0x40],
    &[0x67, 0x42, 0xe0, 0x1f, 0xda, 0x05, 0x06, 0x7e, 0x74],
];
/// CAVLC, one slice group (section 7.3.2.2).
const PICTURE: &[u8] = &[0x68, 0xce, 0x38, 0x80];
/// Whose the user data is that follows, in supplemental information.
const OWNER: &[u8; 16] = b"sightline-tests.";
/// The head of an IDR picture's only slice: type I.
const INTRA_SLICE: [u8; 3] = [0x65, 0x88, 0x84];
/// The head of another picture's only slice: type P.
const INTER_SLICE: [u8; 3] = [0x41, 0x9a, 0x24];
/// What an encoder's key frame begins with, up to its size (VP9 bitstream specification, 6.2).
const VP9_KEY_FRAME: [u8; 10] = [0x82, 0x49, 0x83, 0x42, 0, 0x28, 0x10, 0x16, 0x96, 0x0c];
/// The same of a frame that needs another.
const VP9_INTER_FRAME: u8 = 0x86;
/// What slices and sound consist of.
const FILLER: u8 = 0xb5;
/// A code of one stereo frame of 20 ms, full band (RFC 6716 section 3.1).
const OPUS: u8 = 0xfc;

/// How a stream looks from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    H264,
    H265,
    Vp8,
    Vp9,
    Av1,
    Opus,
}

/// What a packet says of itself, at the end of its payload.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// Which publisher, in tests with more than one.
    pub author: u8,
    pub layer: u8,
    pub is_key: bool,
    pub picture: u32,
    /// The packet within its picture, and how many there are.
    pub part: u16,
    pub parts: u16,
    /// Counts the publisher's packets, of all its media together.
    pub number: u64,
    /// Since the epoch: the kernel says in the same clock when a packet has arrived.
    pub sent: Duration,
}

/// Bytes of a label's numbers, seven bits in each.
const NUMBERS: [usize; 8] = [2, 2, 1, 5, 3, 3, 10, 10];

impl Label {
    pub const LENGTH: usize = MAGIC.len() + 36 + 1;

    pub fn append_to(self, payload: &mut Vec<u8>) {
        // Enough until the year 2554.
        let sent = u64::try_from(self.sent.as_nanos()).unwrap_or(u64::MAX);
        let values = [
            self.author.into(),
            self.layer.into(),
            self.is_key.into(),
            self.picture.into(),
            self.part.into(),
            self.parts.into(),
            self.number,
            sent,
        ];
        payload.extend(MAGIC);
        for (value, length) in values.into_iter().zip(NUMBERS) {
            payload.extend((0..length).map(|place| TOP_BIT | (value >> (7 * place)) as u8));
        }
        payload.push(END);
    }

    /// The label of a packet that has come through unchanged.
    pub fn of(payload: &[u8]) -> Option<Self> {
        let label = payload.last_chunk::<{ Self::LENGTH }>()?;
        let mut rest = label.strip_prefix(&MAGIC)?.strip_suffix(&[END])?;
        let mut values = [0; NUMBERS.len()];
        for (value, length) in values.iter_mut().zip(NUMBERS) {
            let number;
            (number, rest) = rest.split_at(length);
            for (place, byte) in number.iter().enumerate() {
                *value |= u64::from(byte.checked_sub(TOP_BIT)?) << (7 * place);
            }
        }
        let [author, layer, is_key, picture, part, parts, number, sent] = values;
        Some(Self {
            author: author.try_into().ok()?,
            layer: layer.try_into().ok()?,
            is_key: is_key != 0,
            picture: picture.try_into().ok()?,
            part: part.try_into().ok()?,
            parts: parts.try_into().ok()?,
            number,
            sent: Duration::from_nanos(sent),
        })
    }
}

impl Shape {
    pub fn is_video(self) -> bool {
        self != Self::Opus
    }

    /// The payloads of one picture, each `size` bytes long. `label` is that of the first.
    pub fn picture(self, label: Label, size: usize) -> Vec<Vec<u8>> {
        let parts = (0..).zip(self.without_labels(label, size));
        let labelled = parts.map(|(part, mut payload)| {
            Label { part, ..label }.append_to(&mut payload);
            payload
        });
        labelled.collect()
    }

    /// The same, but each lacks its label at the end: only when it is sent is known when.
    pub fn without_labels(self, label: Label, size: usize) -> Vec<Vec<u8>> {
        let parts = (0..label.parts).map(|part| {
            let mut payload = self.head(&Label { part, ..label }, size);
            let length = size.saturating_sub(Label::LENGTH);
            payload.resize(length.max(payload.len()), FILLER);
            payload
        });
        parts.collect()
    }

    /// What of a packet says where it belongs.
    fn head(self, label: &Label, size: usize) -> Vec<u8> {
        let (is_first, is_last) = (label.part == 0, label.part + 1 == label.parts);
        let flag = |flag: u8, is_set: bool| if is_set { flag } else { 0 };
        match self {
            Self::H264 if label.is_key && is_first && !is_last => parameters(size, label.layer),
            Self::H264 => slice(label),
            // A fragmentation unit of an IDR or a trailing picture, RFC 7798 section 4.4.3.
            Self::H265 => {
                let kind = if label.is_key { 19 } else { 1 };
                vec![
                    49 << 1,
                    1,
                    flag(0x80, is_first) | flag(0x40, is_last) | kind,
                ]
            }
            // RFC 7741 section 4.2; the frame's first bit says that it needs another.
            Self::Vp8 if is_first => vec![0x10, flag(1, !label.is_key), 0, 0, 0x9d, 1, 0x2a],
            Self::Vp8 => vec![0],
            // RFC 9628 section 4.2: predicted, begins a frame, ends one. Then the frame's own header.
            Self::Vp9 => {
                let ends = flag(8, is_first) | flag(4, is_last);
                let descriptor = flag(0x40, !label.is_key) | ends;
                match (is_first, label.is_key) {
                    (true, true) => [&[descriptor], &VP9_KEY_FRAME[..]].concat(),
                    (true, false) => vec![descriptor, VP9_INTER_FRAME],
                    (false, _) => vec![descriptor],
                }
            }
            // AV1's RTP payload format, section 4.4: goes on, will go on, new sequence.
            Self::Av1 => {
                let goes_on = flag(0x80, !is_first) | flag(0x40, !is_last);
                vec![goes_on | 0x10 | flag(8, label.is_key && is_first)]
            }
            Self::Opus => vec![OPUS],
        }
    }
}

/// One packet of everything that a decoder needs before a keyframe, and a unit of user data
/// that ends with the packet's label.
fn parameters(size: usize, layer: u8) -> Vec<u8> {
    let sequence = SEQUENCES[usize::from(layer) % SEQUENCES.len()];
    let mut payload = vec![NRI | STAP_A];
    for unit in [sequence, PICTURE] {
        payload.extend((unit.len() as u16).to_be_bytes());
        payload.extend(unit);
    }
    // The stop bit is not of the data; its type, its size and the type of the unit go before.
    let most = size.saturating_sub(payload.len() + 2 + 3);
    let data = (OWNER.len() + Label::LENGTH - 1).max(most - most / 256 - 1);
    let unit = 2 + data / 255 + 1 + data + 1;
    payload.extend((unit as u16).to_be_bytes());
    payload.extend([0x06, 0x05]);
    payload.extend(vec![0xff; data / 255]);
    payload.push((data % 255) as u8);
    payload.extend(OWNER);
    payload.resize(
        payload.len() + data + 1 - OWNER.len() - Label::LENGTH,
        FILLER,
    );
    payload
}

/// The head of a packet of a picture's only slice.
fn slice(label: &Label) -> Vec<u8> {
    let [unit, head @ ..] = if label.is_key {
        INTRA_SLICE
    } else {
        INTER_SLICE
    };
    let parameters = u16::from(label.is_key && label.parts > 1);
    let (part, parts) = (label.part - parameters, label.parts - parameters);
    let mut payload = match parts {
        1 => vec![unit],
        _ => {
            let first = if part == 0 { 0x80 } else { 0 };
            let last = if part + 1 == parts { 0x40 } else { 0 };
            vec![unit & NRI | FU_A, first | last | unit & NAL_TYPE]
        }
    };
    if part == 0 {
        payload.extend(head);
    }
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABEL: Label = Label {
        author: 200,
        layer: 2,
        is_key: true,
        picture: 70_000,
        part: 0,
        parts: 3,
        number: u64::MAX,
        sent: Duration::from_nanos(u64::MAX),
    };

    #[test]
    fn a_label_is_what_it_was() {
        for shape in [Shape::H264, Shape::Vp8, Shape::Opus] {
            let payloads = shape.picture(LABEL, 100);
            let labels: Vec<_> = payloads.iter().filter_map(|p| Label::of(p)).collect();
            let expected = (0..3).map(|part| Label { part, ..LABEL });
            assert_eq!(labels, expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_no_label_is_not_taken_for_one() {
        assert_eq!(Label::of(&[]), None);
        assert_eq!(Label::of(&[FILLER; 100]), None);
        let mut payload = Vec::new();
        LABEL.append_to(&mut payload);
        for place in 0..payload.len() {
            let mut changed = payload.clone();
            changed[place] = 0x41;
            assert_eq!(Label::of(&changed), None, "byte {place}");
        }
    }

    /// NAL units as RFC 6184 puts them together again.
    fn units(payloads: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut units: Vec<Vec<u8>> = Vec::new();
        for payload in payloads {
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
                    assert_ne!(payload[1] & 0xc0, 0xc0, "RFC 6184 section 5.8");
                    if payload[1] & 0x80 != 0 {
                        units.push(vec![payload[0] & NRI | payload[1] & NAL_TYPE]);
                    }
                    units.last_mut().unwrap().extend(&payload[2..]);
                }
                _ => units.push(payload.clone()),
            }
        }
        units
    }

    #[test]
    fn a_keyframe_of_h264_can_be_decoded_alone_and_each_packet_has_its_size() {
        for (parts, size) in (2..5).flat_map(|parts| (100..1200).map(move |size| (parts, size))) {
            let payloads = Shape::H264.picture(Label { parts, ..LABEL }, size);
            let sizes = payloads.iter().map(Vec::len);
            // There are sizes that a unit's own size makes impossible.
            assert!(sizes.clone().skip(1).all(|found| found == size));
            assert!(
                sizes
                    .take(1)
                    .all(|found| found == size || found + 1 == size)
            );
            let units = units(&payloads);
            let types: Vec<u8> = units.iter().map(|unit| unit[0] & NAL_TYPE).collect();
            assert_eq!(types, [7, 8, 6, 5]);
            let codes = |unit: &[u8]| unit.windows(3).any(|b| matches!(b, [0, 0, 0..=3]));
            assert!(!units.iter().any(|unit| codes(unit)), "a start code");
        }
        let payloads = Shape::H264.picture(
            Label {
                is_key: false,
                ..LABEL
            },
            100,
        );
        assert_eq!(units(&payloads).len(), 1);
    }
}
