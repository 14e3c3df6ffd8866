//! Sequence parameter sets of H.264 (section 7.3.2.1.1) and H.265 (section 7.3.2.2), up to
//! where the picture's size stands.

use super::PictureSize;
use super::bits::Bits;

/// Larger than any level has, so that sums stay in range.
const MOST_PIXELS: u32 = 1 << 16;

/// `chroma_format_idc`: how much less there is of colour (H.264 table 6-1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chroma {
    None,
    Quarter,
    Half,
    Full,
}

impl Chroma {
    fn read(bits: &mut Bits) -> Option<Self> {
        Some(match bits.golomb()? {
            0 => Self::None,
            1 => Self::Quarter,
            2 => Self::Half,
            3 => {
                // Planes of their own are cropped like those of equal size.
                bits.skip(1)?; // separate_colour_plane_flag
                Self::Full
            }
            _ => return None,
        })
    }

    /// What is cropped by, across and down: `SubWidthC` and `SubHeightC`.
    fn unit(self) -> (u32, u32) {
        match self {
            Self::None | Self::Full => (1, 1),
            Self::Quarter => (2, 2),
            Self::Half => (2, 1),
        }
    }
}

/// The size in a NAL unit, if that is a sequence parameter set.
pub(super) fn h264(unit: &[u8]) -> Option<PictureSize> {
    let (first, set) = unit.split_first()?;
    if first & 0x1f != 7 {
        return None;
    }
    let mut bits = Bits::of_unit(set);
    let profile = bits.number(8)?;
    bits.skip(16)?; // constraints and level
    bits.golomb()?; // seq_parameter_set_id
    let mut chroma = Chroma::Quarter;
    if HIGH_PROFILES.contains(&profile) {
        chroma = Chroma::read(&mut bits)?;
        bits.golomb()?; // bit_depth_luma_minus8
        bits.golomb()?; // bit_depth_chroma_minus8
        bits.skip(1)?; // qpprime_y_zero_transform_bypass_flag
        if bits.flag()? {
            let lists = if chroma == Chroma::Full { 12 } else { 8 };
            skip_scaling_lists(&mut bits, lists)?;
        }
    }
    bits.golomb()?; // log2_max_frame_num_minus4
    skip_picture_order(&mut bits)?;
    bits.golomb()?; // max_num_ref_frames
    bits.skip(1)?; // gaps_in_frame_num_value_allowed_flag
    let width = bits.golomb()?.checked_add(1)?.checked_mul(16)?;
    let map_units = bits.golomb()?.checked_add(1)?;
    let is_frames_only = bits.flag()?;
    if !is_frames_only {
        bits.skip(1)?; // mb_adaptive_frame_field_flag
    }
    let fields = if is_frames_only { 1 } else { 2 };
    let height = map_units.checked_mul(16 * fields)?;
    bits.skip(1)?; // direct_8x8_inference_flag
    let (across, down) = chroma.unit();
    cropped((width, height), (across, down * fields), &mut bits)
}

/// Those that say more of their samples (`profile_idc`).
const HIGH_PROFILES: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];

/// The size in a NAL unit, if that is a sequence parameter set.
pub(super) fn h265(unit: &[u8]) -> Option<PictureSize> {
    let (head, set) = unit.split_at_checked(2)?;
    if head[0] >> 1 & 0x3f != 33 {
        return None;
    }
    let mut bits = Bits::of_unit(set);
    bits.skip(4)?; // sps_video_parameter_set_id
    let sub_layers = bits.number(3)?; // sps_max_sub_layers_minus1
    bits.skip(1)?; // sps_temporal_id_nesting_flag
    skip_profile(&mut bits, sub_layers)?;
    bits.golomb()?; // sps_seq_parameter_set_id
    let chroma = Chroma::read(&mut bits)?;
    let size = (bits.golomb()?, bits.golomb()?);
    cropped(size, chroma.unit(), &mut bits)
}

/// What is left of a size after the cropping that follows, in these units.
fn cropped(
    (width, height): (u32, u32),
    (across, down): (u32, u32),
    bits: &mut Bits,
) -> Option<PictureSize> {
    if width > MOST_PIXELS || height > MOST_PIXELS {
        return None;
    }
    if !bits.flag()? {
        return PictureSize::new(width, height);
    }
    let [left, right, top, bottom] = [
        bits.golomb()?,
        bits.golomb()?,
        bits.golomb()?,
        bits.golomb()?,
    ];
    let sides = left.checked_add(right)?.checked_mul(across)?;
    let ends = top.checked_add(bottom)?.checked_mul(down)?;
    PictureSize::new(width.checked_sub(sides)?, height.checked_sub(ends)?)
}

/// H.264 section 7.3.2.1.1.1.
fn skip_scaling_lists(bits: &mut Bits, lists: usize) -> Option<()> {
    for list in 0..lists {
        if !bits.flag()? {
            continue;
        }
        let (mut last, mut next) = (8, 8);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = (last + bits.signed_golomb()?.checked_rem(256)? + 256) % 256;
            }
            last = if next == 0 { last } else { next };
        }
    }
    Some(())
}

/// `pic_order_cnt_type` and what it brings.
fn skip_picture_order(bits: &mut Bits) -> Option<()> {
    match bits.golomb()? {
        0 => drop(bits.golomb()?), // log2_max_pic_order_cnt_lsb_minus4
        1 => {
            bits.skip(1)?; // delta_pic_order_always_zero_flag
            bits.golomb()?; // offset_for_non_ref_pic
            bits.golomb()?; // offset_for_top_to_bottom_field
            for _ in 0..bits.golomb()? {
                bits.golomb()?; // offset_for_ref_frame
            }
        }
        _ => {}
    }
    Some(())
}

/// `profile_tier_level` (H.265 section 7.3.3).
fn skip_profile(bits: &mut Bits, sub_layers: u32) -> Option<()> {
    const PROFILE: u32 = 88;
    const LEVEL: u32 = 8;
    bits.skip(PROFILE + LEVEL)?;
    let mut present = 0;
    for _ in 0..sub_layers {
        present += if bits.flag()? { PROFILE } else { 0 };
        present += if bits.flag()? { LEVEL } else { 0 };
    }
    if sub_layers > 0 {
        bits.skip(2 * (8 - sub_layers))?; // reserved_zero_2bits
    }
    bits.skip(present)
}
