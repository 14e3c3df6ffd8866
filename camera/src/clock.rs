//! The gateway's clock, as far as its answers tell: a token begins and ends by that one.

use std::{
    fmt,
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime},
};

use sightline_spec::token::{LEEWAY, in_words};

/// How far the gateway's clock is ahead of ours, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Difference(i64);

impl Difference {
    /// From the `Date` of an answer (RFC 9110 section 6.6.1), which has just arrived.
    pub(crate) fn of(date: &str, ours: SystemTime) -> Option<Self> {
        let theirs = httpdate::parse_http_date(date).ok()?;
        let seconds = |duration: Duration| i64::try_from(duration.as_secs()).ok();
        match theirs.duration_since(ours) {
            Ok(ahead) => seconds(ahead).map(Self),
            Err(behind) => seconds(behind.duration()).map(|behind| Self(-behind)),
        }
    }

    /// Whether it is why a token is refused. Half of what the gateway lets pass: the answer was
    /// on its way for a while.
    pub(crate) fn matters(self) -> bool {
        self.0.unsigned_abs() > LEEWAY.as_secs() / 2
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.0 > 0 {
            true => "behind",
            false => "ahead of",
        };
        let much = in_words(Duration::from_secs(self.0.unsigned_abs()));
        write!(
            f,
            "this machine's clock is {much} {direction} the gateway's"
        )
    }
}

/// What the time is at the gateway.
#[derive(Debug, Default)]
pub(crate) struct GatewayClock(AtomicI64);

impl GatewayClock {
    /// Goes by the gateway's clock from now on.
    pub(crate) fn set(&self, Difference(ahead): Difference) {
        self.0.store(ahead, Ordering::Relaxed);
    }

    /// The time there, when it is `ours` here.
    pub(crate) fn at(&self, ours: SystemTime) -> SystemTime {
        let ahead = self.0.load(Ordering::Relaxed);
        let by = Duration::from_secs(ahead.unsigned_abs());
        let theirs = match ahead >= 0 {
            true => ours.checked_add(by),
            false => ours.checked_sub(by),
        };
        theirs.unwrap_or(ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(date: &str) -> Difference {
        // Sun, 06 Nov 1994 08:49:37 GMT
        let ours = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        Difference::of(date, ours).unwrap()
    }

    #[test]
    fn it_says_which_clock_is_behind_and_by_how_much() {
        let behind = measured("Sun, 06 Nov 1994 08:54:40 GMT").to_string();
        assert_eq!(
            behind,
            "this machine's clock is 5 min 3 s behind the gateway's"
        );
        let ahead = measured("Sun, 06 Nov 1994 06:49:37 GMT").to_string();
        assert_eq!(ahead, "this machine's clock is 2 h ahead of the gateway's");
    }

    #[test]
    fn half_a_minute_does_not_matter() {
        assert!(!measured("Sun, 06 Nov 1994 08:50:07 GMT").matters());
        assert!(measured("Sun, 06 Nov 1994 08:50:08 GMT").matters());
        assert!(measured("Sun, 06 Nov 1994 08:49:06 GMT").matters());
        assert_eq!(Difference::of("noon", SystemTime::UNIX_EPOCH), None);
    }

    #[test]
    fn the_gateways_time_is_ours_and_the_difference() {
        let ours = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let clock = GatewayClock::default();
        assert_eq!(clock.at(ours), ours);
        for date in [
            "Sun, 06 Nov 1994 08:54:40 GMT",
            "Sun, 06 Nov 1994 06:49:37 GMT",
        ] {
            clock.set(measured(date));
            assert_eq!(httpdate::fmt_http_date(clock.at(ours)), date);
        }
    }
}
