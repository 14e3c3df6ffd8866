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

    /// How long it is until there is one.
    pub(crate) fn wait(&self, now: Instant) -> Duration {
        let next = |full_at: Instant| full_at.checked_sub(self.period * (self.most - 1));
        let next = self.full_at.and_then(next);
        next.map_or(Duration::ZERO, |next| next.saturating_duration_since(now))
    }

    /// Takes one, if there is one.
    pub(crate) fn take(&mut self, now: Instant) -> bool {
        if !self.wait(now).is_zero() {
            return false;
        }
        let spent = self.full_at.filter(|at| *at > now);
        self.full_at = Some(spent.unwrap_or(now) + self.period);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_at_once_and_one_more_after_each_period() {
        let period = Duration::from_millis(100);
        let mut budget = Budget::new(3, period);
        let now = Instant::now();
        let mut taken = |now| (0..9).filter(|_| budget.take(now)).count();
        assert_eq!(taken(now), 3);
        assert_eq!(taken(now + period), 1);
        assert_eq!(taken(now + period * 3), 2);
        assert_eq!(taken(now + period * 99), 3, "no more than that, ever");
        assert_eq!(budget.wait(now + period * 99), period);
        assert_eq!(budget.wait(now + period * 100), Duration::ZERO);
    }
}
