//! The rate that the delays allow: up slowly while they stay, down at once to what arrives
//! when they grow (draft-ietf-rmcat-gcc-02 section 5.5).

use super::trendline::Usage;

/// The part of what arrives that is left when a queue has grown, so that it empties.
pub(super) const DECREASE: f64 = 0.85;

/// Growth in a second.
const INCREASE: f64 = 1.08;

/// No more than so many times what arrives: more is not known to fit.
const LEAP: f64 = 1.5;

/// Microseconds between two decreases: a round trip, within these bounds.
const PAUSE: std::ops::RangeInclusive<i64> = 10_000..=200_000;

/// How long packets may wait before the rate is reduced though the link does not seem busy, in
/// microseconds: after a machine was stopped the next ones do not wait, and on a link of 50 kbit/s there
/// are gaps between single packets.
const DOUBT: i64 = 300_000;

/// How fast the capacity that decreases have shown is forgotten, as the part that a new one
/// takes; its variance's bounds, relative to it in kbit/s.
const MEMORY: f64 = 0.05;
const VARIANCES: std::ops::RangeInclusive<f64> = 0.4..=2.5;

/// See the module.
#[derive(Debug)]
pub(super) struct RateControl {
    bitrate: f64,
    least: f64,
    state: State,
    changed: Option<i64>,
    /// Since when packets wait, if they do.
    queued: Option<i64>,
    capacity: Option<Capacity>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Hold,
    Increase,
}

/// What the link has carried when it was full, in kbit/s.
#[derive(Debug, Clone, Copy)]
struct Capacity {
    mean: f64,
    variance: f64,
}

/// What is known of the link besides the delays.
#[derive(Debug, Clone, Copy)]
pub(super) struct Observed {
    /// What arrives, in bit/s, over a short while and over a longer one.
    pub(super) short: f64,
    pub(super) long: Option<f64>,
    /// Whether the link was never without something to carry in the short while. Otherwise it may
    /// carry far more than arrived: when this machine was stopped nothing was sent.
    pub(super) is_busy: bool,
    /// The round trip, in microseconds.
    pub(super) round_trip: i64,
    /// Whether the rate may only grow with what arrives; otherwise there are no probes, and
    /// only growth shows what fits.
    pub(super) is_probed: bool,
}

impl RateControl {
    pub(super) fn new(bitrate: f64, least: f64) -> Self {
        Self {
            bitrate,
            least,
            state: State::Increase,
            changed: None,
            queued: None,
            capacity: None,
        }
    }

    /// In bit/s.
    pub(super) fn bitrate(&self) -> f64 {
        self.bitrate
    }

    /// A probe has shown that this much fits.
    pub(super) fn raise(&mut self, bitrate: f64, now: i64) {
        if bitrate > self.bitrate {
            self.bitrate = bitrate;
            self.changed = Some(now);
            self.capacity = self.capacity.filter(|capacity| !capacity.is_below(bitrate));
        }
    }

    /// Nothing is known of the link any more: less and less is sent.
    pub(super) fn reduce(&mut self, part: f64, now: i64) {
        self.set(self.bitrate * part, now);
    }

    /// Follows what the delays say; whether the rate has been reduced.
    pub(super) fn update(&mut self, usage: Usage, observed: &Observed, now: i64) -> bool {
        if usage != Usage::Over {
            self.queued = None;
        }
        match usage {
            Usage::Over => {
                let is_reduced = self.decrease(observed, now);
                self.state = State::Hold;
                return is_reduced;
            }
            Usage::Under => self.state = State::Hold,
            Usage::Normal if self.state == State::Hold => {
                self.state = State::Increase;
                self.changed = Some(now);
            }
            Usage::Normal => self.increase(observed, now),
        }
        false
    }

    fn decrease(&mut self, observed: &Observed, now: i64) -> bool {
        let queued = *self.queued.get_or_insert(now);
        if !observed.is_busy && now < queued + DOUBT {
            return false;
        }
        let pause = observed.round_trip.clamp(*PAUSE.start(), *PAUSE.end());
        let is_soon = self.changed.is_some_and(|changed| now < changed + pause);
        if is_soon && observed.short > self.bitrate / 2.0 {
            return false;
        }
        self.capacity = Some(Capacity::after(self.capacity, observed.short / 1000.0));
        self.set(self.bitrate.min(observed.short * DECREASE), now);
        true
    }

    fn increase(&mut self, observed: &Observed, now: i64) {
        let changed = self.changed.replace(now).unwrap_or(now);
        let elapsed = ((now - changed) as f64 / 1e6).min(1.0);
        if self
            .capacity
            .is_some_and(|capacity| capacity.is_below(observed.short))
        {
            self.capacity = None;
        }
        let grown = match self.capacity {
            // Near what the link carries: a packet more for each round trip.
            Some(_) => {
                let response = observed.round_trip as f64 / 1e6 + 0.1;
                self.bitrate + (8.0 * 1200.0 / response).max(4000.0) * elapsed
            }
            None => self.bitrate * INCREASE.powf(elapsed),
        };
        let most = match observed.is_probed {
            true => observed.long.unwrap_or(observed.short) * LEAP + 10_000.0,
            false => f64::MAX,
        };
        let grown = grown.min(most).max(self.bitrate);
        // What has arrived for a while and made no queue does fit.
        self.bitrate = grown.max(observed.long.unwrap_or_default());
    }

    fn set(&mut self, bitrate: f64, now: i64) {
        self.bitrate = bitrate.max(self.least);
        self.changed = Some(now);
    }
}

impl Capacity {
    fn after(before: Option<Self>, kilobits: f64) -> Self {
        let fresh = Self {
            mean: kilobits,
            variance: *VARIANCES.start(),
        };
        let Some(before) = before.filter(|before| {
            let deviation = before.deviation();
            (kilobits - before.mean).abs() <= 3.0 * deviation
        }) else {
            return fresh;
        };
        let mean = (1.0 - MEMORY) * before.mean + MEMORY * kilobits;
        let error = (mean - kilobits).powi(2) / mean.max(1.0);
        let variance = (1.0 - MEMORY) * before.variance + MEMORY * error;
        Self {
            mean,
            variance: variance.clamp(*VARIANCES.start(), *VARIANCES.end()),
        }
    }

    fn deviation(&self) -> f64 {
        (self.variance * self.mean).sqrt()
    }

    /// Whether a rate is more than it by far, so that it holds no more.
    fn is_below(&self, bitrate: f64) -> bool {
        bitrate / 1000.0 > self.mean + 3.0 * self.deviation()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBSERVED: Observed = Observed {
        short: 1e6,
        long: None,
        is_busy: true,
        round_trip: 50_000,
        is_probed: true,
    };

    fn after_seconds(control: &mut RateControl, seconds: i64, observed: &Observed) -> f64 {
        for tenth in 0..=10 * seconds {
            control.update(Usage::Normal, observed, tenth * 100_000);
        }
        control.bitrate()
    }

    #[test]
    fn it_grows_by_a_few_percent_up_to_what_arrives_and_a_half() {
        let mut control = RateControl::new(1e6, 1e4);
        let after = after_seconds(&mut control, 1, &OBSERVED);
        assert!((after - 1.08e6).abs() < 1e3, "{after}");
        assert_eq!(after_seconds(&mut control, 60, &OBSERVED), 1.51e6);
    }

    #[test]
    fn a_queue_takes_it_to_what_arrives() {
        let mut control = RateControl::new(2e6, 1e4);
        assert!(control.update(Usage::Over, &OBSERVED, 0));
        assert_eq!(control.bitrate(), 0.85e6);
        let less = Observed {
            short: 0.9e6,
            ..OBSERVED
        };
        assert!(!control.update(Usage::Over, &less, 20_000), "too soon");
        assert!(control.update(Usage::Over, &less, 60_000));
        assert_eq!(control.bitrate(), 0.765e6);
        // It waits until the queue is empty.
        control.update(Usage::Under, &OBSERVED, 100_000);
        control.update(Usage::Normal, &OBSERVED, 200_000);
        assert_eq!(control.bitrate(), 0.765e6);
        let near = after_seconds(&mut control, 1, &OBSERVED) - 0.765e6;
        assert!((0.06e6..0.07e6).contains(&near), "{near}");
    }

    #[test]
    fn what_arrives_between_gaps_counts_only_if_packets_go_on_waiting() {
        let mut control = RateControl::new(2e6, 1e4);
        let doubtful = Observed {
            short: 1e5,
            is_busy: false,
            ..OBSERVED
        };
        assert!(!control.update(Usage::Over, &doubtful, 0));
        assert!(!control.update(Usage::Over, &doubtful, DOUBT - 1));
        assert_eq!(control.bitrate(), 2e6);
        assert!(control.update(Usage::Over, &doubtful, DOUBT));
        assert_eq!(control.bitrate(), 0.85e5);

        let mut control = RateControl::new(2e6, 1e4);
        assert!(!control.update(Usage::Over, &doubtful, 0));
        assert!(!control.update(Usage::Normal, &OBSERVED, DOUBT / 2));
        assert!(!control.update(Usage::Over, &doubtful, DOUBT));
        assert!(control.update(Usage::Over, &OBSERVED, DOUBT + 1));
        assert_eq!(control.bitrate(), 0.85e6);
    }

    #[test]
    fn what_has_arrived_for_a_while_does_fit() {
        let mut control = RateControl::new(0.5e6, 1e4);
        let observed = Observed {
            long: Some(0.9e6),
            ..OBSERVED
        };
        control.update(Usage::Normal, &observed, 0);
        assert_eq!(control.bitrate(), 0.9e6);
    }

    #[test]
    fn a_probe_only_raises_it() {
        let mut control = RateControl::new(1e6, 1e4);
        control.raise(0.5e6, 0);
        assert_eq!(control.bitrate(), 1e6);
        control.raise(3e6, 0);
        assert_eq!(control.bitrate(), 3e6);
    }
}
