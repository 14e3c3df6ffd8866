//! When a publisher has captured what it sends.
//!
//! Its sender reports (RFC 3550 section 6.4.1) say what time of day it was, by its own clock, at
//! a time of each of its streams: a picture that took half a second to encode is half a second
//! older than the sound that arrives with it. Some say it in the packets themselves, by
//! <http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time>, which counts for more: a report
//! may be about when something was encoded. What its clock and ours differ by is found from
//! when reports arrive, once for all its streams, so that it cannot put them apart.

use std::time::{Duration, Instant, SystemTime};

use str0m::rtp::{AbsCaptureTime, Ssrc};

/// Without a report for so long, when a packet arrived must do. Chromium reports on sound once in
/// five seconds.
const REPORTS_WITHIN: Duration = Duration::from_secs(6);

/// A clock that leaps this far was set anew.
const LEAP: Duration = Duration::from_secs(5);

/// Our clock may be faster than the publisher's by this part, so that reports come later and later.
const DRIFT: u32 = 5000;

/// How long before it arrives, or after, anything can have been captured. Reports that say
/// something else are wrong.
const MOST_BEFORE: Duration = Duration::from_secs(10);
const MOST_AFTER: Duration = Duration::from_secs(1);

/// Streams that are known; a publisher invents as many as it likes.
const MAX_STREAMS: usize = 16;

/// What a publisher's report says of one of its streams.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SenderReport {
    pub(crate) source: Ssrc,
    /// The time of day, by the publisher's clock.
    pub(crate) wall: SystemTime,
    /// The same, as the stream counts it: the lower 32 bits.
    pub(crate) time: u32,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct CaptureClock {
    /// The publisher's time of day, and when that was by our clock.
    anchor: Option<(SystemTime, Instant)>,
    /// When anything last told the time of day.
    noted: Option<Instant>,
    streams: Vec<Stream>,
}

#[derive(Debug)]
struct Stream {
    source: Ssrc,
    began: Instant,
    report: Option<SenderReport>,
    /// Whether its packets say themselves when they were captured.
    is_exact: bool,
}

impl CaptureClock {
    /// Takes in a report that has just arrived.
    pub(crate) fn note(&mut self, report: SenderReport, now: Instant) {
        let stream = self.stream(report.source, now);
        if !stream.is_exact {
            stream.report = Some(report);
        }
        self.set(report.wall, now);
    }

    /// Takes in what a packet says itself, which has just arrived: its source, its time in the
    /// stream, and when it was captured.
    pub(crate) fn note_captured(
        &mut self,
        (source, time): (Ssrc, u64),
        captured: AbsCaptureTime,
        now: Instant,
    ) {
        let Some(wall) = by_senders_clock(captured) else {
            return;
        };
        let stream = self.stream(source, now);
        stream.is_exact = true;
        stream.report = Some(SenderReport {
            source,
            wall,
            // RTP has the lower bits of it.
            time: time as u32,
        });
        self.set(wall, now);
    }

    /// The publisher says that it is this time of day, or was.
    fn set(&mut self, wall: SystemTime, now: Instant) {
        let elapsed = self.noted.replace(now).map(|noted| now - noted);
        let drift = elapsed.unwrap_or_default() / DRIFT;
        self.anchor = Some(match self.anchor.zip(self.at(wall)) {
            Some(((wall, at), expected)) if is_late(now, expected) => {
                (wall, at + drift.min(now - expected))
            }
            // The fastest one yet, or the clock was set.
            _ => (wall, now),
        });
    }

    /// When a packet of this source was captured that stands at `time` in its stream; nothing
    /// as long as a report is still to be expected.
    pub(crate) fn captured(
        &mut self,
        source: Ssrc,
        time: u64,
        clock_rate: u32,
        arrived: Instant,
    ) -> Option<Instant> {
        let stream = self.stream(source, arrived);
        let began = stream.began;
        let Some(report) = stream.report else {
            return (began + REPORTS_WITHIN <= arrived).then_some(arrived);
        };
        // The lower bits are all that a report has.
        let ticks = (time as u32).wrapping_sub(report.time).cast_signed();
        let since = ticks_to_time(ticks.unsigned_abs(), clock_rate);
        let reported = self.at(report.wall)?;
        let captured = match ticks < 0 {
            true => reported.checked_sub(since)?,
            false => reported + since,
        };
        let is_possible = captured <= arrived + MOST_AFTER && arrived <= captured + MOST_BEFORE;
        Some(if is_possible { captured } else { arrived })
    }

    /// When it was that time of day at the publisher.
    fn at(&self, wall: SystemTime) -> Option<Instant> {
        let (anchor, at) = self.anchor?;
        match wall.duration_since(anchor) {
            Ok(after) => at.checked_add(after),
            Err(before) => at.checked_sub(before.duration()),
        }
    }

    fn stream(&mut self, source: Ssrc, now: Instant) -> &mut Stream {
        let known = self.streams.iter().position(|s| s.source == source);
        let index = known.unwrap_or_else(|| {
            if self.streams.len() >= MAX_STREAMS {
                self.streams.remove(0);
            }
            self.streams.push(Stream {
                source,
                began: now,
                report: None,
                is_exact: false,
            });
            self.streams.len() - 1
        });
        &mut self.streams[index]
    }
}

/// When it was captured, by the clock that sender reports go by: the difference is that of the
/// clock that captured it, in seconds with 32 bits of a fraction.
fn by_senders_clock(captured: AbsCaptureTime) -> Option<SystemTime> {
    let offset = captured.clock_offset.unwrap_or_default();
    let difference = offset.unsigned_abs();
    let nanoseconds = (u128::from(difference) * 1_000_000_000) >> 32;
    let difference = Duration::from_nanos(u64::try_from(nanoseconds).ok()?);
    match offset < 0 {
        true => captured.capture_time.checked_sub(difference),
        false => captured.capture_time.checked_add(difference),
    }
}

/// Whether what was expected comes no earlier, and not so late that it means something else.
fn is_late(now: Instant, expected: Instant) -> bool {
    expected <= now && now < expected + LEAP
}

fn ticks_to_time(ticks: u32, clock_rate: u32) -> Duration {
    Duration::from_micros(u64::from(ticks) * 1_000_000 / u64::from(clock_rate))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::clock;

    const MS: Duration = Duration::from_millis(1);
    const RATE: u32 = 90_000;
    const TICKS: u64 = 90;

    /// What the publisher's clock shows that many milliseconds after it began.
    fn report(milliseconds: u32) -> SenderReport {
        SenderReport {
            source: Ssrc::from(1),
            wall: UNIX_EPOCH + 77_000 * MS + milliseconds * MS,
            time: 90 * milliseconds,
        }
    }

    /// How long before its arrival a packet was captured that stands at these milliseconds.
    fn age(clock: &mut CaptureClock, milliseconds: u64, arrived: Instant) -> Option<Duration> {
        let time = (1 << 32) + TICKS * milliseconds;
        let captured = clock.captured(Ssrc::from(1), time, RATE, arrived)?;
        Some(arrived - captured)
    }

    #[test]
    fn what_was_captured_before_the_report_and_after_it_is_told_by_the_report() {
        let now = clock::now();
        let mut clock = CaptureClock::default();
        clock.note(report(1000), now);
        assert_eq!(age(&mut clock, 500, now), Some(500 * MS));
        assert_eq!(age(&mut clock, 1000, now + MS), Some(MS));
        assert_eq!(age(&mut clock, 2000, now + 1010 * MS), Some(10 * MS));
    }

    #[test]
    fn what_packets_say_themselves_counts_for_more() {
        let now = clock::now();
        let mut clock = CaptureClock::default();
        clock.note(report(1000), now + 1000 * MS);
        let second = AbsCaptureTime {
            capture_time: report(1000).wall - 3000 * MS,
            // Captured by a clock that is 2.5 s behind.
            clock_offset: Some(5 << 31),
        };
        let time = (1 << 32) + 1000 * TICKS;
        clock.note_captured((Ssrc::from(1), time), second, now + 1000 * MS);
        assert_eq!(age(&mut clock, 1000, now + 1000 * MS), Some(500 * MS));
        clock.note(report(2000), now + 2000 * MS);
        assert_eq!(age(&mut clock, 2000, now + 2000 * MS), Some(500 * MS));
    }

    #[test]
    fn what_is_late_all_the_time_moves_nothing_fast() {
        let now = clock::now();
        let mut clock = CaptureClock::default();
        clock.note(report(0), now);
        for second in 1..=10 {
            let at = now + second * 1000 * MS;
            (0..30).for_each(|_| clock.note(report(second * 1000 - 500), at));
        }
        let age = age(&mut clock, 9_500, now + 10_000 * MS).unwrap();
        assert!(age.abs_diff(500 * MS) <= 2 * MS, "{age:?}");
    }

    #[test]
    fn the_fastest_report_counts_and_a_slow_one_hardly() {
        let now = clock::now();
        let mut clock = CaptureClock::default();
        clock.note(report(1000), now + 100 * MS);
        clock.note(report(2000), now + 1020 * MS);
        assert_eq!(age(&mut clock, 2000, now + 1020 * MS), Some(Duration::ZERO));
        clock.note(report(3000), now + 2084 * MS);
        let late = age(&mut clock, 3000, now + 2021 * MS).unwrap();
        assert!(late.abs_diff(MS) < MS, "{late:?}");
    }

    #[test]
    fn a_clock_that_is_set_is_followed() {
        let now = clock::now();
        let mut clock = CaptureClock::default();
        clock.note(report(1000), now);
        let later = SenderReport {
            wall: UNIX_EPOCH + 5_000_000 * MS,
            ..report(2000)
        };
        clock.note(later, now + 1000 * MS);
        assert_eq!(age(&mut clock, 2000, now + 1010 * MS), Some(10 * MS));
    }

    #[test]
    fn without_a_report_in_time_or_with_a_wrong_one_it_is_when_it_arrived() {
        let now = clock::now();
        let mut clock = CaptureClock::default();
        assert_eq!(age(&mut clock, 0, now), None);
        assert_eq!(
            age(&mut clock, 0, now + REPORTS_WITHIN),
            Some(Duration::ZERO)
        );
        clock.note(report(20_000), now);
        assert_eq!(age(&mut clock, 0, now), Some(Duration::ZERO));
        let wild = SenderReport {
            wall: UNIX_EPOCH + Duration::from_secs(u32::MAX.into()),
            ..report(0)
        };
        clock.note(wild, now);
        assert_eq!(age(&mut clock, 0, now), Some(Duration::ZERO));
    }

    #[test]
    fn few_streams_are_remembered() {
        let now = clock::now();
        let mut clock = CaptureClock::default();
        for source in 0..1000 {
            clock.captured(Ssrc::from(source), 0, RATE, now);
        }
        assert_eq!(clock.streams.len(), MAX_STREAMS);
    }
}
