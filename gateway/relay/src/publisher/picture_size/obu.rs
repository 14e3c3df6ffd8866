//! AV1's sequence header (its specification, section 5.5), in RTP (its payload format, section
//! 4.3): the first element of a packet that begins a coded video sequence.

use super::PictureSize;
use super::bits::Bits;

pub(super) fn av1(payload: &[u8]) -> Option<PictureSize> {
    const SEQUENCE_HEADER: u8 = 1;
    let (aggregation, mut rest) = payload.split_first()?;
    let (goes_on, begins_sequence) = (aggregation & 0x80 != 0, aggregation & 0x08 != 0);
    if goes_on || !begins_sequence {
        return None;
    }
    // With a count of elements, the last one has no length.
    let count = aggregation >> 4 & 3;
    let mut element = 1;
    while !rest.is_empty() {
        let unit = if element == count {
            std::mem::take(&mut rest)
        } else {
            let (length, behind) = leb128(rest)?;
            let (unit, behind) = behind.split_at_checked(length)?;
            rest = behind;
            unit
        };
        element += 1;
        let (head, mut body) = unit.split_first()?;
        if head >> 3 & 0xf != SEQUENCE_HEADER {
            continue;
        }
        if head & 0x04 != 0 {
            body = body.get(1..)?; // obu_extension_header
        }
        if head & 0x02 != 0 {
            body = leb128(body)?.1; // obu_size
        }
        return sequence_header(&mut Bits::new(body));
    }
    None
}

/// A length, and what is behind it (section 4.10.5).
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    const MOST_BYTES: usize = 8;
    let last = bytes
        .iter()
        .take(MOST_BYTES)
        .position(|byte| *byte < 0x80)?;
    let (number, rest) = bytes.split_at(last + 1);
    let parts = number.iter().rev().map(|byte| u64::from(byte & 0x7f));
    let number = parts.fold(0, |number, part| number << 7 | part);
    Some((usize::try_from(number).ok()?, rest))
}

fn sequence_header(bits: &mut Bits) -> Option<PictureSize> {
    bits.skip(4)?; // seq_profile, still_picture
    let is_reduced = bits.flag()?;
    match is_reduced {
        true => bits.skip(5)?, // seq_level_idx
        false => skip_operating_points(bits)?,
    }
    let (width_bits, height_bits) = (bits.number(4)? + 1, bits.number(4)? + 1);
    PictureSize::new(bits.number(width_bits)? + 1, bits.number(height_bits)? + 1)
}

/// What stands between a sequence's beginning and its size.
fn skip_operating_points(bits: &mut Bits) -> Option<()> {
    let mut delay_bits = None;
    if bits.flag()? {
        bits.skip(64)?; // num_units_in_display_tick, time_scale
        if bits.flag()? {
            let length = bits.zeros()?; // num_ticks_per_picture_minus_1
            bits.skip(length)?;
        }
        if bits.flag()? {
            delay_bits = Some(bits.number(5)? + 1);
            bits.skip(32 + 5 + 5)?; // the rest of decoder_model_info
        }
    }
    let has_initial_delay = bits.flag()?;
    for _ in 0..=bits.number(5)? {
        bits.skip(12)?; // operating_point_idc
        if bits.number(5)? > 7 {
            bits.skip(1)?; // seq_tier
        }
        if let Some(delay_bits) = delay_bits
            && bits.flag()?
        {
            bits.skip(2 * delay_bits + 1)?; // operating_parameters_info
        }
        if has_initial_delay && bits.flag()? {
            bits.skip(4)?; // initial_display_delay_minus_1
        }
    }
    Some(())
}
