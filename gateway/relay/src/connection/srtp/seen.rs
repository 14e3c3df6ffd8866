//! Indexes of packets that were taken in: none counts twice (RFC 3711 section 3.3.2).

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Seen {
    highest: u32,
    /// The highest and the 63 before it, one bit each.
    window: u64,
}

impl Seen {
    /// Whether this one was taken in, or is too old to tell.
    pub(super) fn has(&self, index: u32) -> bool {
        match self.highest.checked_sub(index) {
            None => false,
            Some(behind) if behind < 64 => self.window >> behind & 1 == 1,
            Some(_) => true,
        }
    }

    pub(super) fn note(&mut self, index: u32) {
        match index.checked_sub(self.highest) {
            Some(ahead) => {
                self.window = self.window.checked_shl(ahead).unwrap_or_default() | 1;
                self.highest = index;
            }
            None => self.window |= 1 << (self.highest - index).min(63),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_new_once_and_not_when_it_is_old() {
        let mut seen = Seen::default();
        for index in [0, 3, 2, 100, 37, 99] {
            assert!(!seen.has(index), "{index}");
            seen.note(index);
            assert!(seen.has(index), "{index}");
        }
        assert!(!seen.has(98));
        assert!(!seen.has(101));
        assert!(seen.has(36), "too old to tell");
        assert!(seen.has(1));
    }

    #[test]
    fn a_leap_forgets_nothing_that_counts() {
        let mut seen = Seen::default();
        seen.note(5);
        seen.note(u32::MAX >> 1);
        assert!(seen.has(5));
        assert!(!seen.has((u32::MAX >> 1) - 63));
    }
}
