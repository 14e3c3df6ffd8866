//! One viewer's picture numbers, whatever source they come from.
//!
//! VP8 and VP9 count pictures in front of their payload (RFC 7741 section 4.2, RFC 9628
//! section 4.2), and each source from a beginning of its own. To a viewer a number that is
//! less than the last one means an old picture, and it shows none until the count has caught
//! up. So the counts go on where the last source ended, as sequence numbers do (see
//! `rewriting`). AV1 counts in a header extension, which is not passed on.

mod descriptor;

use crate::sdp::encoding::Encoding;
use descriptor::Counts;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct PictureIds {
    /// Those of the picture that was sent furthest ahead.
    last: Option<PictureNumbers>,
    /// Added to the source's numbers, wrapping.
    added: PictureNumbers,
    /// The next packet is the first of another source.
    is_new_source: bool,
}

/// Every count that a descriptor can hold; zero where it holds none.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PictureNumbers {
    /// `PictureID`, 15 bits.
    picture: u16,
    /// `TL0PICIDX`
    base: u8,
    /// `KEYIDX`, 5 bits.
    key: u8,
}

impl PictureIds {
    /// From now on packets come from another source.
    pub(crate) fn switch(&mut self) {
        self.is_new_source = true;
    }

    /// What to write over a packet's own numbers, if anything.
    pub(crate) fn renumber(
        &mut self,
        encoding: Encoding,
        payload: &[u8],
    ) -> Option<PictureNumbers> {
        let own = PictureNumbers::of(&Counts::find(encoding, payload)?, payload);
        if std::mem::take(&mut self.is_new_source)
            && let Some(last) = self.last
        {
            self.added = last.next().minus(own);
        }
        let numbers = own.plus(self.added);
        if self.last.is_none_or(|last| numbers.is_ahead_of(last)) {
            self.last = Some(numbers);
        }
        (numbers != own).then_some(numbers)
    }
}

impl PictureNumbers {
    const PICTURES: u16 = 0x7fff;
    /// Of the shorter form.
    const FEW_PICTURES: u16 = 0x7f;
    const KEYS: u8 = 0x1f;

    fn of(counts: &Counts, payload: &[u8]) -> Self {
        let byte = |at: Option<usize>| at.and_then(|at| payload.get(at)).copied();
        let high = byte(counts.picture).unwrap_or_default();
        let low = byte(counts.picture.map(|at| at + 1)).unwrap_or_default();
        Self {
            picture: match high & Counts::LONG {
                0 => high.into(),
                _ => u16::from_be_bytes([high, low]) & Self::PICTURES,
            },
            base: byte(counts.base).unwrap_or_default(),
            key: byte(counts.key).unwrap_or_default() & Self::KEYS,
        }
    }

    fn next(self) -> Self {
        self.plus(Self {
            picture: 1,
            base: 1,
            key: 1,
        })
    }

    fn plus(self, other: Self) -> Self {
        Self {
            picture: self.picture.wrapping_add(other.picture) & Self::PICTURES,
            base: self.base.wrapping_add(other.base),
            key: self.key.wrapping_add(other.key) & Self::KEYS,
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            picture: self.picture.wrapping_sub(other.picture) & Self::PICTURES,
            base: self.base.wrapping_sub(other.base),
            key: self.key.wrapping_sub(other.key) & Self::KEYS,
        }
    }

    fn is_ahead_of(self, other: Self) -> bool {
        (1..=Self::PICTURES / 2).contains(&self.minus(other).picture)
    }

    /// Writes these numbers over those of a payload, as far as it has any.
    pub(crate) fn write(self, encoding: Encoding, payload: &mut [u8]) {
        let Some(counts) = Counts::find(encoding, payload) else {
            return;
        };
        if let Some([high, rest @ ..]) = counts.picture.and_then(|at| payload.get_mut(at..)) {
            match (*high & Counts::LONG, rest) {
                (0, _) => *high = (self.picture & Self::FEW_PICTURES) as u8,
                (_, [low, ..]) => {
                    let [new_high, new_low] = self.picture.to_be_bytes();
                    (*high, *low) = (new_high | Counts::LONG, new_low);
                }
                _ => {}
            }
        }
        if let Some(base) = counts.base.and_then(|at| payload.get_mut(at)) {
            *base = self.base;
        }
        if let Some(key) = counts.key.and_then(|at| payload.get_mut(at)) {
            // It shares its byte with the temporal layer.
            *key = *key & !Self::KEYS | self.key;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second and following packets of a picture, with all counts.
    fn payload(picture: u16, base: u8, key: u8) -> [u8; 7] {
        let [high, low] = (picture | 0x8000).to_be_bytes();
        [0x80, 0xf0, high, low, base, key, 0]
    }

    /// Numbers of the source, and as the viewer gets them.
    fn sent(picture_ids: &mut PictureIds, (picture, base, key): (u16, u8, u8)) -> (u16, u8, u8) {
        let mut payload = payload(picture, base, key);
        if let Some(numbers) = picture_ids.renumber(Encoding::Vp8, &payload) {
            numbers.write(Encoding::Vp8, &mut payload);
        }
        let counts = Counts::find(Encoding::Vp8, &payload).unwrap();
        let numbers = PictureNumbers::of(&counts, &payload);
        (numbers.picture, numbers.base, numbers.key)
    }

    #[test]
    fn the_first_source_keeps_its_numbers() {
        let mut picture_ids = PictureIds::default();
        picture_ids.switch();
        for numbers in [(32_767, 255, 31), (0, 0, 0), (32_766, 254, 30)] {
            assert_eq!(sent(&mut picture_ids, numbers), numbers);
        }
    }

    #[test]
    fn another_source_goes_on_where_the_last_one_ended() {
        let mut picture_ids = PictureIds::default();
        sent(&mut picture_ids, (32_767, 255, 31));
        // A straggler is no end.
        sent(&mut picture_ids, (32_765, 254, 30));
        picture_ids.switch();
        assert_eq!(sent(&mut picture_ids, (100, 7, 3)), (0, 0, 0));
        assert_eq!(sent(&mut picture_ids, (102, 8, 3)), (2, 1, 0));
        picture_ids.switch();
        assert_eq!(sent(&mut picture_ids, (101, 7, 3)), (3, 2, 1));
    }

    #[test]
    fn what_is_not_there_is_not_written() {
        let mut picture_ids = PictureIds::default();
        sent(&mut picture_ids, (9, 9, 9));
        picture_ids.switch();
        assert_eq!(picture_ids.renumber(Encoding::Vp8, &[]), None);
        assert_eq!(
            picture_ids.renumber(Encoding::Vp8, &[0x80, 0x80]),
            None,
            "cut off"
        );
        let numbers = PictureNumbers {
            picture: 0x7fff,
            base: 0xff,
            key: 0x1f,
        };
        let all = [
            &[][..],
            &[0x80],
            &[0x10, 0],
            &[0x80, 0],
            &[0x80, 0xf0],
            &[0x80, 0x20, 0xe0],
        ];
        for unnumbered in all {
            let mut written = unnumbered.to_vec();
            numbers.write(Encoding::Vp8, &mut written);
            assert_eq!(written, unnumbered);
        }
        // The temporal layer beside the key's number.
        let mut written = [0x80, 0x30, 0xe0];
        numbers.write(Encoding::Vp8, &mut written);
        assert_eq!(written, [0x80, 0x30, 0xff]);
    }

    #[test]
    fn a_count_of_seven_bits_wraps_earlier() {
        let mut picture_ids = PictureIds::default();
        sent(&mut picture_ids, (200, 0, 0));
        picture_ids.switch();
        let mut short = [0x80, 0x80, 5, 0];
        let numbers = picture_ids.renumber(Encoding::Vp8, &short).unwrap();
        numbers.write(Encoding::Vp8, &mut short);
        assert_eq!(short, [0x80, 0x80, 201 & 0x7f, 0]);
    }

    #[test]
    fn vp9_counts_go_on_too() {
        let mut picture_ids = PictureIds::default();
        // I and L: a number of fifteen bits, and a base that another byte precedes.
        let of = |high: u8, low, base| [0xa0, 0x80 | high, low, 0x20, base, 7];
        let mut sent = |mut payload: [u8; 6]| {
            if let Some(numbers) = picture_ids.renumber(Encoding::Vp9, &payload) {
                numbers.write(Encoding::Vp9, &mut payload);
            }
            picture_ids.switch();
            payload
        };
        assert_eq!(sent(of(0x7f, 0xff, 255)), of(0x7f, 0xff, 255));
        assert_eq!(sent(of(3, 9, 50)), of(0, 0, 0));
        assert_eq!(sent(of(1, 1, 7)), of(0, 1, 1));
    }

    #[test]
    fn other_encodings_have_no_counts() {
        let mut picture_ids = PictureIds::default();
        assert_eq!(
            picture_ids.renumber(Encoding::H264, &[0x80, 0xf0, 0x80, 1, 2, 3]),
            None
        );
    }
}
