//! Indexes of packets that were encrypted: none is used twice under one key, whatever is asked
//! for (RFC 3711 section 9.1). In counter mode two packets of one index show each other's
//! contents; with GCM they give the key of authentication away (RFC 7714 section 9.1).

/// So far behind the highest an index can still be used: packets that came late from a
/// publisher leave late.
const WINDOW: usize = 1024;

/// One bit each.
const WORDS: usize = WINDOW / 64;

/// An index has 48 bits (RFC 3711 section 3.3.1): after the last of them the key is used up.
const INDEXES: u64 = 1 << 48;

/// Those of each source. Sources are ours, so there are few.
#[derive(Debug, Default)]
pub(super) struct Indexes(Vec<(u32, Used)>);

/// Those of one source.
#[derive(Debug)]
struct Used {
    highest: u64,
    /// The highest and those before it, each at its index modulo [`WINDOW`].
    window: [u64; WORDS],
}

impl Indexes {
    /// Takes an index for one packet. False if it must not be used: it was before, or might
    /// have been.
    #[must_use]
    pub(super) fn take(&mut self, source: u32, index: u64) -> bool {
        if index >= INDEXES {
            return false;
        }
        match self.0.iter_mut().find(|(known, _)| *known == source) {
            Some((_, used)) => used.take(index),
            None => {
                self.0.push((source, Used::beginning_with(index)));
                true
            }
        }
    }
}

impl Used {
    fn beginning_with(index: u64) -> Self {
        let mut used = Self {
            highest: index,
            window: [0; WORDS],
        };
        used.mark(index);
        used
    }

    fn take(&mut self, index: u64) -> bool {
        if index > self.highest {
            let ahead = index - self.highest;
            match ahead < WINDOW as u64 {
                true => (self.highest + 1..=index).for_each(|index| self.clear(index)),
                false => self.window = [0; WORDS],
            }
            self.highest = index;
        } else if self.highest - index >= WINDOW as u64 || self.is_marked(index) {
            return false;
        }
        self.mark(index);
        true
    }

    fn is_marked(&self, index: u64) -> bool {
        let (word, bit) = place(index);
        self.window[word] & bit != 0
    }

    fn mark(&mut self, index: u64) {
        let (word, bit) = place(index);
        self.window[word] |= bit;
    }

    fn clear(&mut self, index: u64) {
        let (word, bit) = place(index);
        self.window[word] &= !bit;
    }
}

fn place(index: u64) -> (usize, u64) {
    let slot = index % WINDOW as u64;
    ((slot / 64) as usize, 1 << (slot % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_index_is_taken_once_by_each_source() {
        let mut indexes = Indexes::default();
        for index in [70_000, 70_003, 70_001, 71_020, 70_002] {
            assert!(indexes.take(1, index), "{index}");
            assert!(!indexes.take(1, index), "{index}");
        }
        assert!(indexes.take(2, 70_000));
    }

    #[test]
    fn what_is_too_old_to_tell_is_refused() {
        let mut indexes = Indexes::default();
        assert!(indexes.take(1, 5000));
        assert!(indexes.take(1, 5000 - 1023));
        assert!(!indexes.take(1, 5000 - 1024));
        assert!(indexes.take(1, 1_000_000));
        assert!(!indexes.take(1, 5001));
    }

    #[test]
    fn a_key_that_is_used_up_encrypts_no_more() {
        let mut indexes = Indexes::default();
        assert!(indexes.take(1, INDEXES - 1));
        assert!(!indexes.take(1, INDEXES));
    }

    proptest! {
        #[test]
        fn none_is_ever_taken_twice(steps in prop::collection::vec((0u8..2, 0u64..3000), 1..400)) {
            let mut indexes = Indexes::default();
            let mut taken = HashSet::new();
            for (source, index) in steps {
                if indexes.take(source.into(), index) {
                    prop_assert!(taken.insert((source, index)));
                }
            }
        }
    }
}
