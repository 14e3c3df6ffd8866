//! One viewer's picture numbers, whatever source feeds it.
//!
//! VP8 counts pictures in front of its payload (RFC 7741 section 4.2), and each source
//! from a beginning of its own. To a viewer a number that is less than the last one means
//! an old picture, and it shows none until the count has caught up. So the counts go on
//! where the last source ended, as sequence numbers do (see `splice`).

use str0m::rtp::{Vp8Descriptor, Vp8Patch};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    /// Those of the picture that was sent furthest ahead.
    last: Option<Numbers>,
    /// Added to the source's numbers, wrapping.
    added: Numbers,
    /// The next packet is the first of another source.
    is_new_source: bool,
}

/// Every count that a descriptor can hold; zero where it holds none.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Numbers {
    /// `PictureID`, 15 bits.
    picture: u16,
    /// `TL0PICIDX`
    base: u8,
    /// `KEYIDX`, 5 bits.
    key: u8,
}

impl Pictures {
    /// From now on packets come from another source.
    pub(super) fn switch(&mut self) {
        self.is_new_source = true;
    }

    /// What to write over a packet's own numbers, if anything.
    pub(super) fn patch(&mut self, payload: &[u8]) -> Option<Vp8Patch> {
        let descriptor = Vp8Descriptor::parse(payload).ok()?;
        let own = Numbers::of(&descriptor);
        if std::mem::take(&mut self.is_new_source)
            && let Some(last) = self.last
        {
            self.added = last.next().minus(own);
        }
        let numbers = own.plus(self.added);
        if self.last.is_none_or(|last| numbers.is_ahead_of(last)) {
            self.last = Some(numbers);
        }
        match numbers == own {
            true => None,
            false => numbers.patch(&descriptor),
        }
    }
}

impl Numbers {
    const PICTURES: u16 = 0x7fff;
    /// Of the shorter form.
    const FEW_PICTURES: u16 = 0x7f;
    const KEYS: u8 = 0x1f;

    fn of(descriptor: &Vp8Descriptor) -> Self {
        Self {
            picture: descriptor.picture_id().unwrap_or_default(),
            base: descriptor.tl0_pic_idx().unwrap_or_default(),
            key: descriptor.key_idx().unwrap_or_default(),
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

    /// These numbers in place of those of the descriptor, as far as it has any.
    fn patch(self, descriptor: &Vp8Descriptor) -> Option<Vp8Patch> {
        let mut patch = descriptor.patch();
        if descriptor.picture_id().is_some() {
            patch = patch.picture_id(self.picture);
            // A count that has only seven bits wraps earlier.
            if patch.build().is_err() {
                patch = patch.picture_id(self.picture & Self::FEW_PICTURES);
            }
        }
        if descriptor.tl0_pic_idx().is_some() {
            patch = patch.tl0_pic_idx(self.base);
        }
        if descriptor.key_idx().is_some() {
            patch = patch.key_idx(self.key);
        }
        patch.build().ok()
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
    fn sent(pictures: &mut Pictures, (picture, base, key): (u16, u8, u8)) -> (u16, u8, u8) {
        let own = payload(picture, base, key);
        let descriptor = Vp8Descriptor::parse(&own).unwrap();
        match pictures.patch(&own) {
            None => (picture, base, key),
            Some(patch) => {
                let wanted = pictures.added.plus(Numbers::of(&descriptor));
                assert_eq!(Some(patch), wanted.patch(&descriptor));
                (wanted.picture, wanted.base, wanted.key)
            }
        }
    }

    #[test]
    fn the_first_source_keeps_its_numbers() {
        let mut pictures = Pictures::default();
        pictures.switch();
        for numbers in [(32_767, 255, 31), (0, 0, 0), (32_766, 254, 30)] {
            assert_eq!(sent(&mut pictures, numbers), numbers);
        }
    }

    #[test]
    fn another_source_goes_on_where_the_last_one_ended() {
        let mut pictures = Pictures::default();
        sent(&mut pictures, (32_767, 255, 31));
        // A straggler is no end.
        sent(&mut pictures, (32_765, 254, 30));
        pictures.switch();
        assert_eq!(sent(&mut pictures, (100, 7, 3)), (0, 0, 0));
        assert_eq!(sent(&mut pictures, (102, 8, 3)), (2, 1, 0));
        pictures.switch();
        assert_eq!(sent(&mut pictures, (101, 7, 3)), (3, 2, 1));
    }

    #[test]
    fn a_descriptor_without_numbers_stays_as_it_is() {
        let mut pictures = Pictures::default();
        sent(&mut pictures, (9, 9, 9));
        pictures.switch();
        assert_eq!(pictures.patch(&[]), None);
        assert_eq!(pictures.patch(&[0x80, 0x80]), None, "cut off");
        let descriptor = Vp8Descriptor::parse(&[0x10, 0]).unwrap();
        assert_eq!(pictures.patch(&[0x10, 0]), descriptor.patch().build().ok());
    }

    #[test]
    fn a_count_of_seven_bits_wraps_earlier() {
        let mut pictures = Pictures::default();
        sent(&mut pictures, (200, 0, 0));
        pictures.switch();
        let short = [0x80, 0x80, 5, 0];
        let descriptor = Vp8Descriptor::parse(&short).unwrap();
        let wanted = descriptor.patch().picture_id(201 & 0x7f).build();
        assert_eq!(pictures.patch(&short), wanted.ok());
    }
}
