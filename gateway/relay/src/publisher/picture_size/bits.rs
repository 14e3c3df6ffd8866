//! The bits of a header, the most significant first.

/// No header has more up to where its size stands. Only so many are looked at.
const MOST: usize = 1024;

/// What is left of a header.
#[derive(Debug)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// The next one, in bits.
    at: usize,
}

impl Bits {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let bytes = bytes.iter().copied().take(MOST).collect();
        Self { bytes, at: 0 }
    }

    /// Of a NAL unit's payload, without the bytes that keep start codes out of it (H.264 section
    /// 7.4.1.1).
    pub(super) fn of_unit(bytes: &[u8]) -> Self {
        let mut zeros = 0;
        let mut is_of_header = |byte: &u8| {
            let is_inserted = zeros >= 2 && *byte == 3;
            zeros = if *byte == 0 { zeros + 1 } else { 0 };
            !is_inserted
        };
        let first = bytes.iter().take(MOST);
        let bytes = first.copied().filter(|byte| is_of_header(byte)).collect();
        Self { bytes, at: 0 }
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// A number of so many bits, 32 at most.
    pub(super) fn number(&mut self, bits: u32) -> Option<u32> {
        (0..bits).try_fold(0, |number, _| Some(number << 1 | u32::from(self.flag()?)))
    }

    pub(super) fn skip(&mut self, bits: u32) -> Option<()> {
        self.at += usize::try_from(bits).ok()?;
        (self.at <= 8 * self.bytes.len()).then_some(())
    }

    /// How many zeros stand before the next one, which is read too. More than a number has bits
    /// is no number.
    pub(super) fn zeros(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
        }
        (zeros < 32).then_some(zeros)
    }

    /// A number in Exp-Golomb code (H.264 section 9.1).
    pub(super) fn golomb(&mut self) -> Option<u32> {
        let zeros = self.zeros()?;
        Some((1 << zeros) - 1 + self.number(zeros)?)
    }

    /// One with a sign (H.264 section 9.1.1).
    pub(super) fn signed_golomb(&mut self) -> Option<i32> {
        let code = self.golomb()?;
        let size = i32::try_from(code.div_ceil(2)).ok()?;
        Some(if code % 2 == 1 { size } else { -size })
    }
}
