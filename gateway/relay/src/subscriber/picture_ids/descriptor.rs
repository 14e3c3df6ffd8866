//! Where a payload has its counts.

use crate::sdp::encoding::Encoding;

/// Places in a payload; nothing for a count that it does not have.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// `PictureID`, in one byte or two.
    pub(super) picture: Option<usize>,
    /// `TL0PICIDX`
    pub(super) base: Option<usize>,
    /// `KEYIDX`, the lower five bits of its byte.
    pub(super) key: Option<usize>,
}

impl Counts {
    /// Says in a number's first byte that it has two.
    pub(super) const LONG: u8 = 0x80;

    /// Nothing for a payload without counts, or one that is cut off within them.
    pub(super) fn find(encoding: Encoding, payload: &[u8]) -> Option<Self> {
        match encoding {
            Encoding::Vp8 => Self::vp8(payload),
            Encoding::Vp9 => Self::vp9(payload),
            _ => None,
        }
    }

    /// RFC 7741 section 4.2: X, then I, L, T and K, then what these say is there.
    fn vp8(payload: &[u8]) -> Option<Self> {
        let [first, bits, ..] = *payload else {
            return None;
        };
        if first & 0x80 == 0 {
            return None;
        }
        let mut reader = Reader { payload, at: 2 };
        let picture = reader.picture(bits & 0x80 != 0)?;
        let base = reader.byte(bits & 0x40 != 0)?;
        let key = reader.byte(bits & 0x30 != 0)?;
        Some(Self {
            picture,
            base,
            key: key.filter(|_| bits & 0x10 != 0),
        })
    }

    /// RFC 9628 section 4.2: I, P, L, F and others, then what these say is there.
    fn vp9(payload: &[u8]) -> Option<Self> {
        let bits = *payload.first()?;
        let mut reader = Reader { payload, at: 1 };
        let picture = reader.picture(bits & 0x80 != 0)?;
        let has_layers = bits & 0x20 != 0;
        reader.byte(has_layers)?;
        // In flexible mode (F) pictures say themselves what they need.
        let base = reader.byte(has_layers && bits & 0x10 == 0)?;
        Some(Self {
            picture,
            base,
            key: None,
        })
    }
}

struct Reader<'a> {
    payload: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The place of a byte, if it is there; nothing if the payload is cut off.
    fn byte(&mut self, is_there: bool) -> Option<Option<usize>> {
        if !is_there {
            return Some(None);
        }
        let at = self.at;
        self.payload.get(at)?;
        self.at += 1;
        Some(Some(at))
    }

    fn picture(&mut self, is_there: bool) -> Option<Option<usize>> {
        let at = self.byte(is_there)?;
        if let Some(at) = at {
            let is_long = self.payload.get(at)? & Counts::LONG != 0;
            self.byte(is_long)?;
        }
        Some(at)
    }
}
