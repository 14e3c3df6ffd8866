//! Whether the way takes longer and longer: a line through the delays of the last groups,
//! and a threshold for its slope that adapts to how much delays vary anyway
//! (draft-ietf-rmcat-gcc-02 sections 5.3 and 5.4; the line is what libwebrtc replaced the
//! draft's Kalman filter by).

use std::collections::VecDeque;

use super::groups::Variation;

/// Groups that the line goes through.
const WINDOW: usize = 20;

/// How much of the smoothed delay stays when a group is added.
const SMOOTHING: f64 = 0.9;

/// What the slope is multiplied by, besides the number of groups up to `MOST_GROUPS`.
const GAIN: f64 = 4.0;
const MOST_GROUPS: f64 = 60.0;

/// The threshold: at first, and its bounds.
const THRESHOLD: f64 = 12.5;
const THRESHOLDS: std::ops::RangeInclusive<f64> = 6.0..=600.0;

/// How fast it follows, per millisecond.
const FOLLOW_UP: f64 = 0.0087;
const FOLLOW_DOWN: f64 = 0.039;

/// What is above the threshold by so much does not move it: a link that was cut is not
/// something to get used to.
const FARTHEST: f64 = 15.0;

/// A slope has to be above the threshold for so many milliseconds.
const OVERUSE_TIME: f64 = 10.0;

/// What the delays say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Usage {
    /// A queue grows.
    Over,
    Normal,
    /// A queue shrinks.
    Under,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Trendline {
    /// When groups arrived and what their smoothed delay was, in milliseconds.
    points: VecDeque<(f64, f64)>,
    groups: f64,
    delay: f64,
    smoothed: f64,
    slope_before: f64,
    threshold: f64,
    updated: Option<f64>,
    /// How long the slope has been too high, and for how many groups.
    over: Option<(f64, u32)>,
    usage: Usage,
}

impl Trendline {
    pub(super) fn new() -> Self {
        Self {
            points: VecDeque::with_capacity(WINDOW + 1),
            groups: 0.0,
            delay: 0.0,
            smoothed: 0.0,
            slope_before: 0.0,
            threshold: THRESHOLD,
            updated: None,
            over: None,
            usage: Usage::Normal,
        }
    }

    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    pub(super) fn add(&mut self, variation: &Variation) {
        let milliseconds = |microseconds: i64| microseconds as f64 / 1000.0;
        let at = milliseconds(variation.at);
        self.groups = (self.groups + 1.0).min(MOST_GROUPS);
        self.delay += milliseconds(variation.arrived - variation.sent);
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.delay;
        self.points.push_back((at, self.smoothed));
        if self.points.len() > WINDOW {
            self.points.pop_front();
        }
        if self.points.len() == WINDOW {
            let slope = self.slope().unwrap_or(self.slope_before);
            self.detect(slope, milliseconds(variation.sent));
            self.adapt(slope, at);
            self.slope_before = slope;
        }
    }

    /// The line's, by least squares.
    fn slope(&self) -> Option<f64> {
        let count = self.points.len() as f64;
        let mean_at = self.points.iter().map(|point| point.0).sum::<f64>() / count;
        let mean_delay = self.points.iter().map(|point| point.1).sum::<f64>() / count;
        let (mut rise, mut run) = (0.0, 0.0);
        for (at, delay) in &self.points {
            rise += (at - mean_at) * (delay - mean_delay);
            run += (at - mean_at).powi(2);
        }
        (run > 0.0).then(|| rise / run)
    }

    fn detect(&mut self, slope: f64, sent: f64) {
        let trend = self.trend(slope);
        if trend.abs() <= self.threshold || trend < 0.0 {
            self.over = None;
            self.usage = match trend < -self.threshold {
                true => Usage::Under,
                false => Usage::Normal,
            };
            return;
        }
        let (time, groups) = self
            .over
            .map_or((sent / 2.0, 1), |(time, groups)| (time + sent, groups + 1));
        self.over = Some((time, groups));
        if time > OVERUSE_TIME && groups > 1 && slope >= self.slope_before {
            self.over = None;
            self.usage = Usage::Over;
        }
    }

    fn adapt(&mut self, slope: f64, at: f64) {
        let trend = self.trend(slope).abs();
        let elapsed = at - self.updated.replace(at).unwrap_or(at);
        if trend > self.threshold + FARTHEST {
            return;
        }
        let speed = match trend < self.threshold {
            true => FOLLOW_DOWN,
            false => FOLLOW_UP,
        };
        self.threshold += speed * (trend - self.threshold) * elapsed.clamp(0.0, 100.0);
        self.threshold = self.threshold.clamp(*THRESHOLDS.start(), *THRESHOLDS.end());
    }

    fn trend(&self, slope: f64) -> f64 {
        self.groups * slope * GAIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups 33 ms apart, each of which takes so many milliseconds longer than the last.
    fn after(trendline: &mut Trendline, start: i64, longer: &[i64]) -> Usage {
        let mut at = start * 1000;
        for longer in longer {
            let arrived = (33 + longer) * 1000;
            at += arrived;
            trendline.add(&Variation {
                sent: 33_000,
                arrived,
                at,
            });
        }
        trendline.usage()
    }

    #[test]
    fn a_delay_that_grows_is_overuse() {
        let mut trendline = Trendline::new();
        assert_eq!(after(&mut trendline, 0, &[0; 60]), Usage::Normal);
        assert_eq!(after(&mut trendline, 1980, &[8; 12]), Usage::Over);
        assert_eq!(after(&mut trendline, 2472, &[-10; 30]), Usage::Under);
    }

    #[test]
    fn delays_that_vary_are_not() {
        let mut trendline = Trendline::new();
        for round in 0..100 {
            let usage = after(&mut trendline, round * 132, &[9, -9, 4, -4]);
            assert_eq!(usage, Usage::Normal, "{round}");
        }
    }
}
