//! So many at once, and after that one in each period.

use std::time::{Duration, Instant};

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    most: u32,
    period: Duration,
    /// When nothing of it is spent any more.
    full_at: Option<Instant>,
}

impl Budget {
    pub(crate) const fn new(most: u32, period: Duration) -> Self {
        Self {
            most,
            period,
            full_at: None,
        }
    }

    /// Takes one, if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        if self.next().is_some_and(|next| next > now) {
            return false;
        }
        let spent = self.full_at.filter(|at| *at > now);
        self.full_at = Some(spent.unwrap_or(now) + self.period);
        true
    }

    /// When there is one again; nothing if none was taken yet.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.full_at?.checked_sub(self.period * (self.most - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const SECOND: Duration = Duration::from_secs(1);

    fn taken(budget: &mut Budget, now: Instant) -> usize {
        (0..9).filter(|_| budget.take(now)).count()
    }

    #[test]
    fn after_some_at_once_there_is_one_in_each_period() {
        let now = clock::now() + 9 * SECOND;
        let mut budget = Budget::new(3, SECOND);
        assert_eq!(taken(&mut budget, now), 3);
        assert_eq!(budget.next(), Some(now + SECOND));
        assert_eq!(taken(&mut budget, now + SECOND), 1);
        assert_eq!(taken(&mut budget, now + 9 * SECOND), 3);
    }
}
