//! Which frames an encoder gets that cannot keep up with all of them.

use std::time::{Duration, Instant};

use crate::encoder::Encoded;

/// How much of its time an encoder may be busy. The rest is for the other encoder, for sending, and
/// for pictures that take longer.
const SHARE: f64 = 0.6;

/// The slowest that is still a moving picture.
const SLOWEST: u32 = 5;

/// How often it is looked at anew.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Of less it is not known how long they take.
const FEW: u64 = 3;

/// One frame of so many is encoded.
#[derive(Debug)]
pub(crate) struct Pace {
    fps: u32,
    every: u32,
    /// Frames until the next that is taken.
    left: u32,
    looked: Instant,
    seen: Encoded,
}

impl Pace {
    /// For an encoder that has shown that it makes so many in a second, with nothing else to do.
    pub(crate) fn new(fps: u32, shown: f64, now: Instant) -> Self {
        Self {
            fps,
            every: every(fps, 1.0 / shown.max(0.1)),
            left: 0,
            looked: now,
            seen: Encoded::default(),
        }
    }

    /// Whether this frame is for the encoder, which has made so much by now.
    pub(crate) fn takes(&mut self, encoded: Encoded, now: Instant) -> bool {
        if now >= self.looked + LOOK_EVERY {
            self.look(encoded);
            self.looked = now;
        }
        let is_taken = self.left == 0;
        self.left = match is_taken {
            true => self.every - 1,
            false => self.left - 1,
        };
        is_taken
    }

    fn look(&mut self, encoded: Encoded) {
        let frames = encoded.frames.saturating_sub(self.seen.frames);
        if frames < FEW {
            return;
        }
        let took = encoded.time.saturating_sub(self.seen.time).as_secs_f64() / frames as f64;
        self.seen = encoded;
        let due = every(self.fps, took);
        // Slower at once; faster by one step in each second, since a frame that has had to wait for
        // the one before seems slow, and the other way round.
        let next = if due < self.every {
            self.every - 1
        } else {
            due
        };
        if next != self.every {
            let fps = self.fps / next;
            tracing::debug!(fps, "encoder: the rate that this machine keeps");
        }
        (self.every, self.left) = (next, self.left.min(next - 1));
    }
}

/// One frame of how many, if each takes so many seconds.
fn every(fps: u32, took: f64) -> u32 {
    let wanted = (f64::from(fps) * took / SHARE).ceil() as u32;
    wanted.clamp(1, (fps / SLOWEST).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of a second's frames an encoder is given after a while that takes so long for each.
    fn taken(took: Duration, shown: f64) -> usize {
        let mut now = Instant::now();
        let mut pace = Pace::new(30, shown, now);
        let mut encoded = Encoded::default();
        let mut last = 0;
        for _second in 0..20 {
            last = 0;
            for _frame in 0..30 {
                now += Duration::from_secs(1) / 30;
                if pace.takes(encoded, now) {
                    last += 1;
                    encoded.frames += 1;
                    encoded.time += took;
                }
            }
        }
        last
    }

    #[test]
    fn who_keeps_up_gets_all() {
        assert_eq!(taken(Duration::from_millis(8), 100.0), 30);
        // However slow it was at first, when the machine was busy.
        assert_eq!(taken(Duration::from_millis(8), 3.0), 30);
    }

    #[test]
    fn who_does_not_gets_what_it_can_make() {
        for millis in [30, 50, 90] {
            let took = Duration::from_millis(millis);
            let most = SHARE / took.as_secs_f64();
            for shown in [100.0, 3.0] {
                let taken = taken(took, shown) as f64;
                assert!(taken <= most + 1.0, "{millis} ms: {taken} of {most}");
                assert!(taken >= most / 2.0 - 1.0, "{millis} ms: {taken} of {most}");
            }
        }
    }

    #[test]
    fn it_moves_however_slow_the_machine_is() {
        assert_eq!(taken(Duration::from_secs(1), 0.5), 5);
    }
}
