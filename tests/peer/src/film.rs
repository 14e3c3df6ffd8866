//! Pictures and sound in the shape of an encoding, with nothing in them but a label.

/// What marks a label, so that nothing else is taken for one.
const MAGIC: [u8; 4] = *b"labl";

/// Types of aggregation and fragmentation, RFC 6184 section 5.2.
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
/// Constrained baseline, level 3.1 (H.264 section 7.3.2.1.1), of each layer: 1280x720, 640x360
/// and 320x180. And one slice group.
const SEQUENCES: [&[u8]; 3] = [
    &[0x67, 0x42, 0xe0, 0x1f, 0xda, 0x01, 0x40, 0x16, 0xe4],
    &[0x67, 0x42, 0xe0, 0x1f, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0x40],
    &[0x67, 0x42, 0xe0, 0x1f, 0xda, 0x05, 0x06, 0x7e, 0x74],
];
const PICTURE: &[u8] = &[0x68, 0xce, 0x38, 0x80];

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// Which publisher, in tests with more than one.
    pub author: u8,
    pub layer: u8,
    pub is_key: bool,
    pub picture: u32,
    /// The packet within its picture, and how many there are.
    pub part: u16,
    pub parts: u16,
}

impl Label {
    pub const LENGTH: usize = 15;

    fn append_to(self, payload: &mut Vec<u8>) {
        payload.extend(MAGIC);
        payload.extend([self.author, self.layer, u8::from(self.is_key)]);
        payload.extend(self.picture.to_be_bytes());
        payload.extend(self.part.to_be_bytes());
        payload.extend(self.parts.to_be_bytes());
    }

    /// The label of a packet that has come through unchanged.
    pub fn of(payload: &[u8]) -> Option<Self> {
        let label = payload.last_chunk::<{ Self::LENGTH }>()?;
        let [m, a, g, i, author, layer, is_key, rest @ ..] = *label;
        let [p0, p1, p2, p3, part0, part1, parts0, parts1] = rest;
        ([m, a, g, i] == MAGIC).then(|| Self {
            author,
            layer,
            is_key: is_key != 0,
            picture: u32::from_be_bytes([p0, p1, p2, p3]),
            part: u16::from_be_bytes([part0, part1]),
            parts: u16::from_be_bytes([parts0, parts1]),
        })
    }
}

impl Shape {
    pub fn is_video(self) -> bool {
        self != Self::Opus
    }

    /// The payloads of one picture, each `size` bytes long. `label` is that of the first.
    pub fn picture(self, label: Label, size: usize) -> Vec<Vec<u8>> {
        let parts = (0..label.parts).map(|part| {
            let label = Label { part, ..label };
            let mut payload = self.head(&label);
            payload.resize(
                size.max(payload.len() + Label::LENGTH) - Label::LENGTH,
                0xb5,
            );
            label.append_to(&mut payload);
            payload
        });
        parts.collect()
    }

    /// What of a packet says where it belongs.
    fn head(self, label: &Label) -> Vec<u8> {
        let (is_first, is_last) = (label.part == 0, label.part + 1 == label.parts);
        let flag = |flag: u8, is_set: bool| if is_set { flag } else { 0 };
        match self {
            Self::H264 if label.parts == 1 => vec![if label.is_key { 0x65 } else { 0x41 }],
            // Before an IDR picture what a decoder needs for it.
            Self::H264 if label.is_key && is_first => {
                let sequence = SEQUENCES[usize::from(label.layer) % SEQUENCES.len()];
                let units = [sequence, PICTURE].into_iter();
                let units = units.flat_map(|unit| [&[0, unit.len() as u8], unit].concat());
                [0x60 | STAP_A].into_iter().chain(units).collect()
            }
            Self::H264 => {
                let kind = if label.is_key { 5 } else { 1 };
                let begins = label.part == u16::from(label.is_key);
                vec![0x60 | FU_A, flag(0x80, begins) | flag(0x40, is_last) | kind]
            }
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
            // RFC 9628 section 4.2: predicted, begins a frame, ends one.
            Self::Vp9 => {
                let ends = flag(8, is_first) | flag(4, is_last);
                vec![flag(0x40, !label.is_key) | ends]
            }
            // AV1's RTP payload format, section 4.4: goes on, will go on, new sequence.
            Self::Av1 => {
                let goes_on = flag(0x80, !is_first) | flag(0x40, !is_last);
                vec![goes_on | 0x10 | flag(8, label.is_key && is_first)]
            }
            Self::Opus => vec![0xfc],
        }
    }
}

#[test]
fn a_label_is_what_it_was() {
    let label = Label {
        author: 1,
        layer: 2,
        is_key: true,
        picture: 70_000,
        part: 0,
        parts: 3,
    };
    for shape in [Shape::H264, Shape::Vp8, Shape::Opus] {
        let payloads = shape.picture(label, 100);
        let labels: Vec<_> = payloads.iter().filter_map(|p| Label::of(p)).collect();
        let expected = (0..3).map(|part| Label { part, ..label });
        assert_eq!(labels, expected.collect::<Vec<_>>());
        assert!(payloads.iter().all(|payload| payload.len() == 100));
    }
}
