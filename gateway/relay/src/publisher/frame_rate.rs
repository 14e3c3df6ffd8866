//! How many pictures a second a layer has: by the times of its pictures, not by when they come,
//! which is all at once where a stream is pulled from elsewhere.

use super::packet_cache::Position;

/// RTP ticks per second of every kind of video.
const SECOND: u64 = 90_000;

/// Pictures of so long are measured, and at first of less, so that there is an answer soon.
const WHOLE: u64 = SECOND;
const FIRST: u64 = 2 * SECOND / 5;

/// Times that go back by so much are not of pictures that come in another order, and those that
/// go ahead by so much are another beginning.
const BACK: u64 = SECOND;
const AHEAD: u64 = 2 * SECOND;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct FrameRate {
    window: Option<Window>,
    /// In pictures per second.
    rate: Option<f64>,
}

/// The pictures that are being counted.
#[derive(Debug)]
struct Window {
    began: u64,
    /// The latest time.
    end: u64,
    /// The packet that is furthest ahead.
    last: Position,
    /// Those after the first.
    pictures: u32,
}

impl FrameRate {
    /// What another knows of it.
    pub(crate) fn know(&mut self, rate: Option<f64>) {
        self.rate = rate;
    }

    /// Another source comes: its times have nothing to do with the last one's.
    pub(crate) fn begin_source(&mut self) {
        self.window = None;
    }

    /// Takes in a packet.
    pub(crate) fn note(&mut self, position: Position) {
        let Position { sequence, time } = position;
        let window = match &mut self.window {
            Some(window) if window.end <= time.saturating_add(BACK) && window.reaches(time) => {
                window
            }
            _ => {
                self.window = Some(Window::new(position));
                return;
            }
        };
        if sequence <= window.last.sequence {
            return;
        }
        window.pictures += u32::from(time != window.last.time);
        window.end = window.end.max(time);
        window.last = position;
    }

    /// Closes a measuring period, if enough has come in it.
    pub(crate) fn measure(&mut self) {
        let Some(window) = &mut self.window else {
            return;
        };
        let length = window.end.saturating_sub(window.began);
        let enough = if self.rate.is_none() { FIRST } else { WHOLE };
        if length < enough {
            return;
        }
        let rate = f64::from(window.pictures) * SECOND as f64 / length as f64;
        self.rate = Some(rate);
        window.began = window.end;
        window.pictures = 0;
    }

    /// Pictures per second, if they have been measured.
    pub(crate) fn rate(&self) -> Option<f64> {
        self.rate
    }
}

impl Window {
    fn new(position: Position) -> Self {
        Self {
            began: position.time,
            end: position.time,
            last: position,
            pictures: 0,
        }
    }

    fn reaches(&self, time: u64) -> bool {
        time <= self.end.saturating_add(AHEAD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is measured of pictures with these times, in milliseconds, of two packets each.
    fn measured(times: impl IntoIterator<Item = u64>) -> Option<u32> {
        let mut rate = FrameRate::default();
        note(&mut rate, times);
        rate.measure();
        rate.rate().map(|rate| rate.round() as u32)
    }

    fn note(rate: &mut FrameRate, times: impl IntoIterator<Item = u64>) {
        let packets = times.into_iter().flat_map(|time| [90 * time, 90 * time]);
        for (sequence, time) in (1..).zip(packets) {
            rate.note(Position { sequence, time });
        }
    }

    #[test]
    fn pictures_are_counted_by_their_times() {
        assert_eq!(measured((0..20).map(|n| n * 33)), Some(30));
        assert_eq!(measured((0..60).map(|n| n * 1000 / 60)), Some(60));
        assert_eq!(measured((0..6).map(|n| n * 500)), Some(2));
        assert_eq!(measured([0, 33, 66]), None, "it is not enough");
        assert_eq!(measured([]), None);
    }

    #[test]
    fn pictures_that_come_in_another_order_count_once() {
        // I, P and two B-frames between them.
        let group = |n: u64| [3, 1, 2].map(|of| (3 * n + of) * 40);
        assert_eq!(measured((0..40).flat_map(group)), Some(25));
        let mut rate = FrameRate::default();
        for sequence in [1, 2, 4, 3, 6, 5, 7] {
            rate.note(Position {
                sequence,
                time: (sequence / 2) * 13_500,
            });
        }
        rate.measure();
        assert_eq!(rate.rate(), Some(20.0 / 3.0));
    }

    #[test]
    fn times_that_jump_are_another_beginning() {
        let looped = (0..50).chain(0..20).map(|n| n * 100);
        assert_eq!(measured(looped), Some(10));
        let paused = (0..5).chain(100..120).map(|n| n * 100);
        assert_eq!(measured(paused), Some(10));
    }

    #[test]
    fn it_is_measured_anew_and_no_time_is_too_large() {
        let mut rate = FrameRate::default();
        note(&mut rate, (0..20).map(|n| n * 33));
        rate.measure();
        rate.begin_source();
        rate.note(Position {
            sequence: u64::MAX,
            time: u64::MAX,
        });
        rate.measure();
        assert!(rate.rate().is_some_and(|rate| rate > 29.0));
        note(&mut rate, (0..20).map(|n| n * 100));
        rate.measure();
        assert_eq!(rate.rate(), Some(10.0));
    }
}
