//! What this process takes of its machine, and how hot that is.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// Where Linux has its thermometers, in thousandths of a degree Celsius.
const THERMAL: &str = "/sys/class/thermal";

/// What the process has used so far, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    at: Instant,
    pub(super) cpu: Duration,
    pub(super) memory: u64,
}

impl Usage {
    /// Zero where `/proc` is not to be had.
    pub(super) fn now() -> Self {
        let stat = procfs::process::Process::myself().and_then(|process| process.stat());
        let (ticks, pages) = stat.map_or((0, 0), |stat| (stat.utime + stat.stime, stat.rss));
        Self {
            at: Instant::now(),
            cpu: Duration::from_secs_f64(ticks as f64 / procfs::ticks_per_second() as f64),
            memory: pages * procfs::page_size(),
        }
    }

    /// Cores kept busy since an earlier reading.
    pub(super) fn cores_since(&self, earlier: &Self) -> f64 {
        let time = (self.at - earlier.at).as_secs_f64().max(0.001);
        self.cpu.saturating_sub(earlier.cpu).as_secs_f64() / time
    }
}

/// The hottest part of this machine, in degrees Celsius; none where it has no thermometer.
pub(super) fn temperature() -> Option<f64> {
    hottest_in(Path::new(THERMAL))
}

fn hottest_in(directory: &Path) -> Option<f64> {
    let zones = fs::read_dir(directory).ok()?.flatten();
    let zones = zones.filter(|zone| {
        zone.file_name()
            .as_encoded_bytes()
            .starts_with(b"thermal_zone")
    });
    let degrees = zones.filter_map(|zone| {
        let text = fs::read_to_string(zone.path().join("temp")).ok()?;
        Some(text.trim().parse::<f64>().ok()? / 1000.0)
    });
    // A zone that is switched off says something impossible.
    degrees
        .filter(|degrees| (-55.0..=200.0).contains(degrees))
        .max_by(f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hottest_zone_counts_and_impossible_ones_do_not() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(hottest_in(directory.path()), None);
        for (zone, temp) in [
            ("thermal_zone0", "48312\n"),
            ("thermal_zone1", "51200\n"),
            ("thermal_zone2", "-274000\n"),
            ("thermal_zone3", "hot\n"),
            ("cooling_device0", "99000\n"),
        ] {
            let zone = directory.path().join(zone);
            fs::create_dir(&zone).unwrap();
            fs::write(zone.join("temp"), temp).unwrap();
        }
        assert_eq!(hottest_in(directory.path()), Some(51.2));
        assert_eq!(hottest_in(Path::new("/nonexistent")), None);
    }

    #[test]
    fn work_is_seen() {
        let before = Usage::now();
        while Usage::now().cpu == before.cpu {}
        let after = Usage::now();
        assert!(after.cores_since(&before) > 0.0);
        assert!(after.memory > 1 << 20);
    }
}
