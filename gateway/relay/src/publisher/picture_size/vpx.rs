//! Key frames of VP8 (RFC 6386 section 9.1, behind RFC 7741 section 4.2) and VP9 (its
//! specification, section 6.2, behind RFC 9628 section 4.2).

use super::PictureSize;
use super::bits::Bits;

pub(super) fn vp8(payload: &[u8]) -> Option<PictureSize> {
    let frame = vp8_frame(payload)?;
    let [tag, _, _, 0x9d, 0x01, 0x2a, width @ .., _, _] = frame.first_chunk::<10>()? else {
        return None;
    };
    let height = frame.get(8..10)?;
    let size = |bytes: &[u8]| Some(u32::from(u16::from_le_bytes(bytes.try_into().ok()?)) & 0x3fff);
    let is_key = tag & 1 == 0;
    is_key.then_some(())?;
    PictureSize::new(size(width)?, size(height)?)
}

/// What stands behind the descriptor of a frame's first packet.
fn vp8_frame(payload: &[u8]) -> Option<&[u8]> {
    const EXTENDED: u8 = 0x80;
    /// S, and no number of a partition but 0.
    const BEGINS: u8 = 0x10;
    let (first, mut rest) = payload.split_first()?;
    if first & (BEGINS | 0x07) != BEGINS {
        return None;
    }
    if first & EXTENDED != 0 {
        let (has, behind) = rest.split_first()?;
        let picture = match behind.first()? {
            _ if has & 0x80 == 0 => 0,
            long if long & 0x80 != 0 => 2,
            _ => 1,
        };
        let base = usize::from(has & 0x40 != 0);
        let layer_or_key = usize::from(has & 0x30 != 0);
        rest = behind.get(picture + base + layer_or_key..)?;
    }
    Some(rest)
}

/// See `picture_size`.
pub(super) fn vp9_begins_key_frame(payload: &[u8]) -> bool {
    vp9_frame(payload).is_some_and(|frame| {
        let header = Vp9Header::read(&mut Bits::new(frame.bytes));
        frame.spatial == 0 && header.is_none_or(|header| header.is_key)
    })
}

pub(super) fn vp9(payload: &[u8]) -> Option<PictureSize> {
    let frame = vp9_frame(payload)?;
    // Higher layers say theirs too, in the same way, and are not the first.
    let of_frame = || (frame.spatial == 0).then(|| vp9_key_frame(frame.bytes));
    frame.largest.or_else(|| of_frame().flatten())
}

/// A frame that needs no earlier one, as far as its descriptor knows.
struct Vp9Frame<'a> {
    /// The size of the highest layer, if that is told.
    largest: Option<PictureSize>,
    spatial: u8,
    bytes: &'a [u8],
}

/// What stands behind the descriptor of such a frame's first packet.
fn vp9_frame(payload: &[u8]) -> Option<Vp9Frame<'_>> {
    let (flags, mut bytes) = payload.split_first()?;
    let has = |flag: u8| flags & flag != 0;
    let (has_number, predicted, layered, flexible) = (has(0x80), has(0x40), has(0x20), has(0x10));
    let (begins, has_structure) = (has(0x08), has(0x02));
    if predicted || !begins {
        return None;
    }
    if has_number {
        let long = bytes.first()? & 0x80 != 0;
        bytes = bytes.get(if long { 2 } else { 1 }..)?;
    }
    let mut spatial = 0;
    if layered {
        spatial = bytes.first()? >> 1 & 7;
        bytes = bytes.get(if flexible { 1 } else { 2 }..)?;
    }
    let mut largest = None;
    if has_structure {
        (largest, bytes) = structure(bytes)?;
    }
    Some(Vp9Frame {
        largest,
        spatial,
        bytes,
    })
}

/// The scalability structure (RFC 9628 section 4.2.1): the size of its highest layer, and what
/// is behind it.
fn structure(bytes: &[u8]) -> Option<(Option<PictureSize>, &[u8])> {
    let (first, mut rest) = bytes.split_first()?;
    let (layers, has_sizes, has_group) = ((first >> 5) + 1, first & 0x10 != 0, first & 8 != 0);
    let mut size = None;
    if has_sizes {
        let (sizes, behind) = rest.split_at_checked(4 * usize::from(layers))?;
        let [.., w0, w1, h0, h1] = *sizes else {
            return None;
        };
        let [width, height] = [[w0, w1], [h0, h1]].map(u16::from_be_bytes);
        size = PictureSize::new(width.into(), height.into());
        rest = behind;
    }
    if has_group {
        let (pictures, behind) = rest.split_first()?;
        rest = behind;
        for _ in 0..*pictures {
            let references = usize::from(rest.first()? >> 2 & 3);
            rest = rest.get(1 + references..)?;
        }
    }
    Some((size, rest))
}

/// What the uncompressed header begins with.
struct Vp9Header {
    profile: u32,
    is_key: bool,
}

impl Vp9Header {
    /// Nothing if it is none.
    fn read(bits: &mut Bits) -> Option<Self> {
        const MARKER: u32 = 0b10;
        if bits.number(2)? != MARKER {
            return None;
        }
        let (low, high) = (bits.number(1)?, bits.number(1)?);
        let profile = high << 1 | low;
        if profile == 3 {
            bits.skip(1)?; // reserved_zero
        }
        let is_repeated = bits.flag()?; // show_existing_frame
        let is_other = bits.flag()?; // frame_type
        let is_key = !is_repeated && !is_other;
        Some(Self { profile, is_key })
    }
}

/// The uncompressed header.
fn vp9_key_frame(bytes: &[u8]) -> Option<PictureSize> {
    const SYNC_CODE: u32 = 0x49_83_42;
    const RGB: u32 = 7;
    let mut bits = Bits::new(bytes);
    let Vp9Header { profile, is_key } = Vp9Header::read(&mut bits)?;
    bits.skip(2)?; // show_frame, error_resilient_mode
    if !is_key || bits.number(24)? != SYNC_CODE {
        return None;
    }
    if profile >= 2 {
        bits.skip(1)?; // ten_or_twelve_bit
    }
    let is_rgb = bits.number(3)? == RGB;
    match (is_rgb, profile % 2) {
        (false, 0) => bits.skip(1)?, // color_range
        (false, _) => bits.skip(4)?, // and the subsampling, and a reserved bit
        (true, 0) => {}
        (true, _) => bits.skip(1)?, // reserved_zero
    }
    PictureSize::new(bits.number(16)? + 1, bits.number(16)? + 1)
}
