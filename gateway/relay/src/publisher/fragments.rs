//! Parameter sets that are cut over several packets (RFC 6184 section 5.8, RFC 7798 section
//! 4.4.3). Pictures are forwarded as they come; these are put together, to be read.

use std::collections::BTreeMap;

use super::parameter_sets::{MAX_BYTES, is_set};
use crate::sdp::encoding::Encoding;

/// Fragments that may wait for others of theirs.
const MOST: usize = 16;

/// Those of one source, by their numbers: they may come in any order.
#[derive(Debug, Default)]
pub(super) struct Fragments(BTreeMap<u64, Fragment>);

#[derive(Debug, PartialEq, Eq)]
struct Fragment {
    is_first: bool,
    is_last: bool,
    /// What the whole NAL unit begins with.
    header: Vec<u8>,
    body: Vec<u8>,
}

impl Fragments {
    /// Takes in a packet; returns the NAL unit that is whole with it, if that is a parameter set.
    pub(super) fn whole(
        &mut self,
        encoding: Encoding,
        sequence: u64,
        payload: &[u8],
    ) -> Option<Vec<u8>> {
        let fragment = Fragment::of(encoding, payload)?;
        self.0.insert(sequence, fragment);
        let (first, last) = self.ends(sequence).or_else(|| self.forget_oldest())?;
        let header = self.0.get(&first)?.header.clone();
        let unit = (first..=last).fold(header, |mut unit, number| {
            let fragment = self.0.remove(&number);
            unit.extend(fragment.into_iter().flat_map(|fragment| fragment.body));
            unit
        });
        (unit.len() <= MAX_BYTES).then_some(unit)
    }

    /// The numbers of the first and the last fragment of a unit of which this is one, if all are
    /// here.
    fn ends(&self, sequence: u64) -> Option<(u64, u64)> {
        let header = &self.0.get(&sequence)?.header;
        let of_unit = |number: &u64| {
            let fragment = self.0.get(number)?;
            (fragment.header == *header).then_some(fragment)
        };
        let mut first = sequence;
        while !of_unit(&first)?.is_first {
            first = first.checked_sub(1)?;
        }
        let mut last = sequence;
        while !of_unit(&last)?.is_last {
            last = last.checked_add(1)?;
        }
        Some((first, last))
    }

    fn forget_oldest<T>(&mut self) -> Option<T> {
        if self.0.len() > MOST {
            self.0.pop_first();
        }
        None
    }
}

impl Fragment {
    /// A fragment of a parameter set.
    fn of(encoding: Encoding, payload: &[u8]) -> Option<Self> {
        let (header, fu, body) = match (encoding, payload) {
            (Encoding::H264, [indicator, fu, body @ ..]) if indicator & 0x1f == 28 => {
                (vec![indicator & 0xe0 | fu & 0x1f], fu, body)
            }
            (Encoding::H265, [first, second, fu, body @ ..]) if first >> 1 & 0x3f == 49 => {
                (vec![first & 0x81 | (fu & 0x3f) << 1, *second], fu, body)
            }
            _ => return None,
        };
        is_set(encoding, &header).then(|| Self {
            is_first: fu & 0x80 != 0,
            is_last: fu & 0x40 != 0,
            header,
            body: body.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEQUENCE: &[u8] = &[0x67, 0x42, 0xe0, 0x1f, 0x80];
    const H265_SEQUENCE: &[u8] = &[0x42, 0x01, 1, 2, 3, 4];

    /// A NAL unit in fragments of so many bytes.
    fn cut(encoding: Encoding, unit: &[u8], size: usize) -> Vec<Vec<u8>> {
        let (head, kind, body) = match encoding {
            Encoding::H264 => (vec![unit[0] & 0xe0 | 28], unit[0] & 0x1f, &unit[1..]),
            _ => {
                let head = vec![unit[0] & 0x81 | 49 << 1, unit[1]];
                (head, unit[0] >> 1 & 0x3f, &unit[2..])
            }
        };
        let count = body.len().div_ceil(size);
        let fragments = (1..).zip(body.chunks(size)).map(|(number, body)| {
            let start = if number == 1 { 0x80 } else { 0 };
            let end = if number == count { 0x40 } else { 0 };
            [&head[..], &[start | end | kind], body].concat()
        });
        fragments.collect()
    }

    /// What is whole with each of these packets.
    fn wholes(encoding: Encoding, packets: &[(u64, &Vec<u8>)]) -> Vec<Option<Vec<u8>>> {
        let mut fragments = Fragments::default();
        let wholes = packets.iter().map(|(sequence, payload)| {
            let whole = fragments.whole(encoding, *sequence, payload);
            assert!(fragments.0.len() <= MOST);
            whole
        });
        wholes.collect()
    }

    #[test]
    fn a_set_is_whole_with_the_last_of_its_fragments_to_come() {
        for (encoding, unit) in [(Encoding::H264, SEQUENCE), (Encoding::H265, H265_SEQUENCE)] {
            let parts = cut(encoding, unit, 2);
            let [a, b] = &parts[..] else {
                panic!("{parts:?}")
            };
            let whole = Some(unit.to_vec());
            assert_eq!(wholes(encoding, &[(7, a), (8, b)]), [None, whole.clone()]);
            assert_eq!(wholes(encoding, &[(8, b), (7, a)]), [None, whole]);
            assert_eq!(wholes(encoding, &[(7, a), (9, b)]), [None, None], "a gap");
        }
        let parts = cut(Encoding::H264, SEQUENCE, 1);
        let order = [3, 0, 2, 1].map(|index| (index as u64, &parts[index]));
        let last = wholes(Encoding::H264, &order).pop().unwrap();
        assert_eq!(last.as_deref(), Some(SEQUENCE));
    }

    #[test]
    fn neither_pictures_nor_halves_of_two_sets_are_put_together() {
        let slice = cut(Encoding::H264, &[0x65, 1, 2, 3, 4], 2);
        let parts = [(1, &slice[0]), (2, &slice[1])];
        assert_eq!(wholes(Encoding::H264, &parts), [None, None]);
        let sequence = cut(Encoding::H264, SEQUENCE, 2);
        let picture = cut(Encoding::H264, &[0x68, 0x80, 1, 2, 3], 2);
        let parts = [(1, &sequence[0]), (2, &picture[1])];
        assert_eq!(wholes(Encoding::H264, &parts), [None, None]);
    }

    #[test]
    fn there_is_a_bound() {
        let large = cut(Encoding::H264, &[SEQUENCE, &[1; 1200]].concat(), 1000);
        let parts = [(1, &large[0]), (2, &large[1])];
        assert_eq!(wholes(Encoding::H264, &parts), [None, None]);
        let first = &cut(Encoding::H264, SEQUENCE, 1)[0];
        let many: Vec<_> = (0..100).map(|number| (2 * number, first)).collect();
        assert!(wholes(Encoding::H264, &many).iter().all(Option::is_none));
        for broken in [&[][..], &[0x7c], &[0x62, 1]] {
            for encoding in [Encoding::H264, Encoding::H265, Encoding::Vp8] {
                assert_eq!(Fragment::of(encoding, broken), None);
            }
        }
    }
}
