//! Times of day as RTP and RTCP write them (RFC 3550 section 4).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds from 1900, where NTP begins, to 1970.
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// Seconds since 1900, and a fraction of 32 bits.
pub(crate) fn ntp(time: SystemTime) -> u64 {
    let unix: Duration = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let fraction = (u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000;
    (unix.as_secs().wrapping_add(NTP_TO_UNIX) << 32) | fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_counted_from_1900() {
        let time = UNIX_EPOCH + Duration::from_millis(1_500);
        assert_eq!(ntp(time), ((NTP_TO_UNIX + 1) << 32) | 1 << 31);
    }
}
