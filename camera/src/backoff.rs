//! Growing, jittered waits between attempts.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// The longest wait, jitter not counted: what was broken heals within ten seconds.
const LONGEST: Duration = Duration::from_millis(2500);

/// Waits that grow with every failure and fall back with a success.
#[derive(Debug)]
pub(crate) struct Backoff(ExponentialBackoff);

impl Backoff {
    pub(crate) fn new() -> Self {
        let waits = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(LONGEST)
            .without_max_times()
            // Many cameras lose their gateway at the same moment; they must not all come back at
            // one moment too. Jitter at most doubles a wait.
            .with_jitter();
        Self(waits.build())
    }

    /// How long to wait before the next attempt.
    pub(crate) fn next(&mut self) -> Duration {
        self.0.next().unwrap_or(LONGEST)
    }

    /// The last attempt was a success.
    pub(crate) fn reset(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_but_stay_below_five_seconds_for_ever() {
        let mut backoff = Backoff::new();
        let first = backoff.next();
        assert!(first <= Duration::from_millis(400), "{first:?}");
        for _ in 0..1000 {
            assert!(backoff.next() <= LONGEST * 2);
        }
        assert!(backoff.next() >= LONGEST);
        backoff.reset();
        assert!(backoff.next() <= Duration::from_millis(400));
    }
}
