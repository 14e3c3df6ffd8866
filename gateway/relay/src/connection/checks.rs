//! The STUN checks that a peer has sent, so that a copy of one is worth nothing.
//!
//! A check proves that its sender knows a password, but not that it is new (RFC 8445
//! section 19.1): whoever has seen one could send it from elsewhere and have a viewer's
//! media go there, until that viewer's next check.

use std::collections::VecDeque;

/// Checks that are remembered: with one every two or three seconds, half an hour.
const MOST: usize = 1024;

/// Where a transaction id begins (RFC 8489 section 5).
const ID: usize = 8;

/// See the module. Half of an id is enough: they are random.
#[derive(Debug, Default)]
pub(crate) struct Checks(VecDeque<u64>);

impl Checks {
    /// Notes a check; says whether it has been here before.
    pub(crate) fn has_seen(&mut self, check: &[u8]) -> bool {
        let id = check.get(ID..).and_then(|rest| rest.first_chunk());
        let Some(id) = id.map(|id| u64::from_be_bytes(*id)) else {
            return false;
        };
        // The same one again is one of the last, if a peer repeats it.
        if self.0.iter().rev().any(|seen| *seen == id) {
            return true;
        }
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(id);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: u64) -> Vec<u8> {
        [&[0; ID], &number.to_be_bytes()[..], &[0; 4]].concat()
    }

    #[test]
    fn a_check_is_new_once_and_few_are_remembered() {
        let mut checks = Checks::default();
        for number in 0..MOST as u64 {
            assert!(!checks.has_seen(&check(number)));
        }
        assert!(checks.has_seen(&check(0)));
        assert!(!checks.has_seen(&check(MOST as u64)));
        assert!(!checks.has_seen(&check(0)), "the oldest has made room");
        assert!(!checks.has_seen(b"short"));
    }
}
