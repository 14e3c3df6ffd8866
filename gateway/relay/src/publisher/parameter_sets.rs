//! Parameter sets of H.264 and H.265: no picture can be decoded without them, and some
//! publishers send them once, or name them in their SDP only. What was seen is remembered, for
//! those who come later.

use std::sync::Arc;

use crate::sdp::encoding::Encoding;

/// Sets of one stream. Encoders have one of each kind, or a few.
const MOST: usize = 16;

/// What fits into a packet.
pub(super) const MAX_BYTES: usize = 1100;

/// The sets that one stream is decoded with at present.
#[derive(Debug, Clone)]
pub(crate) struct ParameterSets {
    encoding: Encoding,
    /// In the order in which they are needed; of one kind, the oldest first.
    sets: Vec<Set>,
}

#[derive(Debug, Clone)]
struct Set {
    kind: Kind,
    /// Pictures say by it which one they mean.
    id: u32,
    unit: Arc<[u8]>,
}

/// In the order in which they are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Video,
    Sequence,
    Picture,
}

/// Which kinds are in a packet, or in all of a picture.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kinds {
    sequence: bool,
    picture: bool,
}

impl Kinds {
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            sequence: self.sequence || other.sequence,
            picture: self.picture || other.picture,
        }
    }

    /// Whether a picture with these can be decoded by itself.
    pub(super) fn are_enough(self) -> bool {
        self.sequence && self.picture
    }

    pub(super) fn are_none(self) -> bool {
        self == Self::default()
    }
}

impl ParameterSets {
    /// Those that a publisher's SDP names.
    pub(crate) fn new(encoding: Encoding, named: &[Vec<u8>]) -> Self {
        let sets = Vec::new();
        let mut all = Self { encoding, sets };
        for unit in named {
            all.note_unit(unit);
        }
        all
    }

    /// Remembers those in a packet; says which kinds there are.
    pub(super) fn note(&mut self, payload: &[u8]) -> Kinds {
        let (encoding, mut kinds) = (self.encoding, Kinds::default());
        units(encoding, payload, |unit| {
            if let Some(kind) = self.note_unit(unit) {
                kinds.sequence |= kind == Kind::Sequence;
                kinds.picture |= kind == Kind::Picture;
            }
        });
        kinds
    }

    /// Every set, as a NAL unit, in the order in which they are needed.
    pub(super) fn units(&self) -> impl Iterator<Item = Arc<[u8]>> {
        self.sets.iter().map(|set| set.unit.clone())
    }

    fn note_unit(&mut self, unit: &[u8]) -> Option<Kind> {
        let (kind, id) = identify(self.encoding, unit)?;
        if unit.len() > MAX_BYTES {
            return None;
        }
        let is_same = |set: &Set| set.kind == kind && set.id == id;
        if let Some(known) = self.sets.iter_mut().find(|set| is_same(set)) {
            if *known.unit != *unit {
                known.unit = unit.into();
            }
            return Some(kind);
        }
        if self.sets.len() >= MOST {
            // Whoever sends so many does not need those that it named first.
            let oldest = self.sets.iter().rposition(|set| set.kind <= kind)?;
            let of_kind = self.sets[oldest].kind;
            let first = self.sets.iter().position(|set| set.kind == of_kind)?;
            self.sets.remove(first);
        }
        let place = self.sets.partition_point(|set| set.kind <= kind);
        let unit = unit.into();
        self.sets.insert(place, Set { kind, id, unit });
        Some(kind)
    }
}

/// Calls `take` with each NAL unit that is whole in this packet (RFC 6184 sections 5.6 and 5.7,
/// RFC 7798 sections 4.4.1 and 4.4.2).
pub(super) fn units(encoding: Encoding, payload: &[u8], mut take: impl FnMut(&[u8])) {
    let Some(kind) = unit_type(encoding, payload) else {
        return;
    };
    let mut rest = match (encoding, kind) {
        (Encoding::H264, 24) => &payload[1..],
        (Encoding::H265, 48) => payload.get(2..).unwrap_or_default(),
        _ => return take(payload),
    };
    while let Some((length, more)) = rest.split_first_chunk::<2>() {
        let Some((unit, more)) = more.split_at_checked(u16::from_be_bytes(*length).into()) else {
            return;
        };
        take(unit);
        rest = more;
    }
}

/// Whether a NAL unit that begins so is a parameter set.
pub(super) fn is_set(encoding: Encoding, header: &[u8]) -> bool {
    match (encoding, unit_type(encoding, header)) {
        (Encoding::H264, Some(kind)) => matches!(kind, 7 | 8),
        (Encoding::H265, Some(kind)) => matches!(kind, 32..=34),
        _ => false,
    }
}

/// Which set it is, if it is one.
fn identify(encoding: Encoding, unit: &[u8]) -> Option<(Kind, u32)> {
    match (encoding, unit_type(encoding, unit)?) {
        // H.264 section 7.3.2.1.1: behind profile, constraints and level.
        (Encoding::H264, 7) => Some((Kind::Sequence, exp_golomb(unit.get(4..)?)?)),
        (Encoding::H264, 8) => Some((Kind::Picture, exp_golomb(&unit[1..])?)),
        (Encoding::H265, 32) => Some((Kind::Video, u32::from(unit.get(2)? >> 4))),
        // H.265 section 7.3.2.2: its id is behind much else, and there is only one.
        (Encoding::H265, 33) => Some((Kind::Sequence, 0)),
        (Encoding::H265, 34) => Some((Kind::Picture, exp_golomb(unit.get(2..)?)?)),
        _ => None,
    }
}

/// What a NAL unit is; nothing if it is none, or of an encoding without.
fn unit_type(encoding: Encoding, unit: &[u8]) -> Option<u8> {
    let first = unit.first()?;
    match encoding {
        Encoding::H264 => Some(first & 0x1f),
        Encoding::H265 => Some(first >> 1 & 0x3f),
        _ => None,
    }
}

/// The number that these bits begin with (H.264 section 9.1). Ids are below 256.
fn exp_golomb(bytes: &[u8]) -> Option<u32> {
    let first = bytes.iter().take(4).enumerate();
    let bits = first.fold(0, |bits, (index, byte)| {
        bits | u32::from(*byte) << (24 - 8 * index)
    });
    let zeros = bits.leading_zeros();
    (zeros <= 8).then(|| (bits >> (31 - 2 * zeros)) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEQUENCE: &[u8] = &[0x67, 0x42, 0xe0, 0x1f, 0x80];
    const OTHER_SIZE: &[u8] = &[0x67, 0x42, 0xe0, 0x1f, 0x81];
    const SECOND: &[u8] = &[0x67, 0x42, 0xe0, 0x1f, 0x40];
    const PICTURE: &[u8] = &[0x68, 0x80];

    fn aggregated(head: &[u8], units: &[&[u8]]) -> Vec<u8> {
        let mut payload = head.to_vec();
        for unit in units {
            payload.extend((unit.len() as u16).to_be_bytes());
            payload.extend_from_slice(unit);
        }
        payload
    }

    fn h264() -> ParameterSets {
        ParameterSets::new(Encoding::H264, &[])
    }

    fn known(sets: &ParameterSets) -> Vec<Vec<u8>> {
        sets.units().map(|unit| unit.to_vec()).collect()
    }

    #[test]
    fn sets_are_known_by_their_ids_and_in_the_order_in_which_they_are_needed() {
        let mut sets = h264();
        assert!(!sets.note(PICTURE).are_enough());
        let kinds = sets.note(&aggregated(&[0x78], &[SEQUENCE, PICTURE, &[0x65, 1]]));
        assert!(kinds.are_enough());
        assert_eq!(known(&sets), [SEQUENCE, PICTURE]);
        sets.note(OTHER_SIZE);
        sets.note(SECOND);
        assert_eq!(known(&sets), [OTHER_SIZE, SECOND, PICTURE]);
        assert!(sets.note(&[0x65, 0x88]).are_none());
    }

    #[test]
    fn h265_has_one_kind_more() {
        let [video, sequence, picture]: [&[u8]; 3] =
            [&[0x40, 1, 0x0c], &[0x42, 1, 1], &[0x44, 1, 0xc0]];
        let mut sets = ParameterSets::new(Encoding::H265, &[]);
        let kinds = sets.note(&aggregated(&[0x60, 1], &[picture, sequence, video]));
        assert!(kinds.are_enough());
        assert_eq!(known(&sets), [video, sequence, picture]);
    }

    #[test]
    fn there_is_a_bound_and_what_is_no_set_is_not_kept() {
        let mut sets = h264();
        sets.note(SEQUENCE);
        for id in 0..64u32 {
            // Exp-Golomb codes of seven to thirteen bits.
            let code = (id + 8) << (32 - 2 * (id + 8).ilog2() - 1);
            sets.note(&[&[0x68][..], &code.to_be_bytes()].concat());
        }
        assert_eq!(known(&sets).len(), MOST);
        assert_eq!(
            known(&sets)[0],
            SEQUENCE,
            "it is not what there are many of"
        );
        for broken in [
            &[][..],
            &[0x67],
            &[0x68],
            &[0x78, 0, 9, 0x67],
            &[0x68, 0, 0],
        ] {
            assert!(sets.note(broken).are_none(), "{broken:?}");
        }
        assert!(sets.note(&[SEQUENCE, &[0; MAX_BYTES]].concat()).are_none());
        let mut others = ParameterSets::new(Encoding::Vp8, &[]);
        assert!(others.note(SEQUENCE).are_none());
    }
}
