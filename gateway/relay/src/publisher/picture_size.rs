//! How large a layer's pictures are, as its bitstream says where a decoder can begin. What else
//! stands there is skipped; what cannot be read says nothing.

mod bits;
mod obu;
mod sequence;
#[cfg(test)]
mod tests;
mod vpx;

use super::parameter_sets::units;
use crate::sdp::encoding::Encoding;

/// Whether this packet of VP9 begins a picture that needs no other: its descriptor says so, and the
/// frame's own header does not deny it. FFmpeg's descriptors say it of every picture.
pub(super) fn vp9_begins_key_frame(payload: &[u8]) -> bool {
    vpx::vp9_begins_key_frame(payload)
}

/// The size of a layer's pictures, by the packet that told it last in the publisher's order.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct LayerSize {
    size: Option<PictureSize>,
    /// Its sequence number.
    told_by: Option<u64>,
}

impl LayerSize {
    /// Takes in a packet.
    pub(crate) fn note(&mut self, encoding: Encoding, sequence: u64, payload: &[u8]) {
        let is_late = self.told_by.is_some_and(|told_by| sequence < told_by);
        if !is_late && let Some(size) = PictureSize::of(encoding, payload) {
            self.size = Some(size);
            self.told_by = Some(sequence);
        }
    }

    /// What was said before any packet came, by its parameter sets.
    pub(crate) fn named(encoding: Encoding, units: &[Vec<u8>]) -> Self {
        let mut sizes = units.iter().rev();
        Self {
            size: sizes.find_map(|unit| PictureSize::of(encoding, unit)),
            told_by: None,
        }
    }

    /// From now on packets come from another source.
    pub(crate) fn begin_source(&mut self) {
        self.told_by = None;
    }

    /// The size, if it has been told.
    pub(crate) fn size(&self) -> Option<PictureSize> {
        self.size
    }
}

/// In pixels, as they are shown: without what is cropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PictureSize {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl PictureSize {
    /// The size that an RTP payload tells. Most tell none.
    pub(crate) fn of(encoding: Encoding, payload: &[u8]) -> Option<Self> {
        let mut last = None;
        match encoding {
            Encoding::H264 => units(encoding, payload, |unit| {
                last = sequence::h264(unit).or(last)
            }),
            Encoding::H265 => units(encoding, payload, |unit| {
                last = sequence::h265(unit).or(last)
            }),
            Encoding::Vp8 => last = vpx::vp8(payload),
            Encoding::Vp9 => last = vpx::vp9(payload),
            Encoding::Av1 => last = obu::av1(payload),
            Encoding::Opus => {}
        }
        last
    }

    /// Nothing if it is none at all.
    fn new(width: u32, height: u32) -> Option<Self> {
        (width > 0 && height > 0).then_some(Self { width, height })
    }
}
