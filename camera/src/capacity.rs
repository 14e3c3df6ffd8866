//! Whom the camera serves: so many viewers, and the gateway's relay for all others.

use sightline_spec::prefer::Prefer;

/// How many branches there may be, and what the gateway is told of it.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// Viewers that get their media straight from the camera.
    pub viewers: u32,
    /// Those and nobody else: the gateway must not relay.
    pub direct_only: bool,
}

impl Capacity {
    /// How many may be in use at once. The relay has one of its own, so that viewers beyond
    /// the limit, and those who cannot be served directly, find an offer that it can take.
    pub(crate) fn branches(self) -> usize {
        let relay = usize::from(!self.direct_only);
        self.direct_viewers() as usize + relay
    }

    /// What is said with an offer. `unknown` viewers have an offer that the gateway may know
    /// nothing of, since it was restarted: it cannot count them.
    pub(crate) fn prefer(self, wait: u32, unknown: u32) -> Prefer {
        Prefer {
            direct: Some(self.direct_viewers().saturating_sub(unknown)),
            wait: Some(wait),
            strict: self.direct_only,
        }
    }

    fn direct_viewers(self) -> u32 {
        self.viewers.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relay_has_a_branch_of_its_own_unless_it_is_forbidden() {
        let capacity = |viewers, direct_only| Capacity {
            viewers,
            direct_only,
        };
        assert_eq!(capacity(8, false).branches(), 9);
        assert_eq!(capacity(8, true).branches(), 8);
        assert_eq!(capacity(0, true).branches(), 1, "nobody would be served");
        assert_eq!(
            capacity(8, false).prefer(55, 0).to_string(),
            "direct=8, wait=55"
        );
        assert_eq!(
            capacity(8, true).prefer(55, 0).to_string(),
            "direct=8, wait=55, handling=strict"
        );
        assert_eq!(
            capacity(2, false).prefer(55, 3).to_string(),
            "direct=0, wait=55"
        );
    }
}
