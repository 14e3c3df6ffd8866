//! What a viewer's link carries: Google's congestion control (draft-ietf-rmcat-gcc-02, and
//! what libwebrtc does besides) on transport-wide feedback
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01).
//!
//! Sans-IO: it is told of every packet that leaves and of the receiver's RTCP, and takes the
//! time with each.

mod acknowledged;
mod delay;
mod feedback;
mod groups;
mod layers;
mod loss;
mod probe;
mod rate_control;
mod sent;
#[cfg(test)]
mod tests;
mod trendline;

use std::time::{Duration, Instant};

use acknowledged::{Acknowledged, Full};
use delay::Delays;
pub(super) use feedback::FeedbackError;
use feedback::FeedbackReader;
use groups::{Arrival, ArrivalGroups};
pub(super) use layers::{LayerChoice, Link, SPARE};
use loss::LossControl;
use probe::Probing;
use rate_control::{Observed, RateControl};
use sent::SentPackets;
use trendline::{Trendline, Usage};

/// An estimate is not less than this, in bit/s: sound needs it.
const LEAST: f64 = 30_000.0;

/// How long a link counts as congested after it was last seen to be, in microseconds.
const CONGESTED: i64 = 1_000_000;

/// A receiver that reports nothing for so long, in microseconds, may receive nothing; then
/// less and less is taken to fit, by this part each second.
const SILENCE: i64 = 3_000_000;
const SILENCE_STEP: i64 = 1_000_000;
const SILENCE_PART: f64 = 0.8;

/// More time than this between two packets was spent by this machine on something else: its
/// receiver may have reported and was not listened to.
const AWAY: i64 = 250_000;

/// A delay that differs by so much from all others is another clock, in microseconds.
const CLOCK_JUMP: i64 = 10_000_000;

/// A probe sends so many times what has to fit, as it is measured to a few percent only.
const PROBED: f64 = 1.05;

/// A round trip, until one has been measured, and how much a new one counts.
const ROUND_TRIP: i64 = 100_000;
const ROUND_TRIP_PART: i64 = 8;

/// See the module.
#[derive(Debug)]
pub(super) struct Bandwidth {
    /// Times inside are microseconds since this.
    start: Instant,
    sent: SentPackets,
    reader: FeedbackReader,
    /// The packets of one feedback that have arrived; empty in between.
    arrivals: Vec<Arrival>,
    groups: ArrivalGroups,
    trendline: Trendline,
    delays: Delays,
    acknowledged: Acknowledged,
    full: Full,
    rate: RateControl,
    loss: LossControl,
    probing: Probing,
    /// Whether there is padding to probe with.
    is_probed: bool,
    round_trip: Option<i64>,
    congested_until: i64,
    /// How long packets waited at least when it was last looked.
    waited: i64,
    silence: Silence,
}

/// How long a receiver has said nothing of what was sent, as far as we listened.
#[derive(Debug, Default)]
struct Silence {
    has_reported: bool,
    /// Something has been sent since its last report.
    is_owed: bool,
    passed: i64,
    looked: i64,
    next_step: i64,
}

impl Bandwidth {
    /// Begins with an estimate, in bit/s. `is_probed` says whether there are
    /// retransmissions (RFC 4588), which are what it probes with.
    pub(super) fn new(first: u64, is_probed: bool, now: Instant) -> Self {
        Self {
            start: now,
            sent: SentPackets::new(),
            reader: FeedbackReader::default(),
            arrivals: Vec::new(),
            groups: ArrivalGroups::default(),
            trendline: Trendline::new(),
            delays: Delays::default(),
            acknowledged: Acknowledged::default(),
            full: Full::default(),
            rate: RateControl::new(first as f64, LEAST),
            loss: LossControl::default(),
            probing: Probing::new(),
            is_probed,
            round_trip: None,
            congested_until: i64::MIN,
            waited: 0,
            silence: Silence::default(),
        }
    }

    /// What is known of the link.
    pub(super) fn link(&self, now: Instant) -> Link {
        Link {
            estimate: self.estimate(),
            is_congested: self.micros(now) < self.congested_until,
        }
    }

    /// What would be sent if it fitted, in bit/s: what the next better layer takes, and the
    /// best. So far the link is probed.
    pub(super) fn want(&mut self, next: u64, best: u64) {
        let with_rest = |bitrate: u64| bitrate as f64 * SPARE * PROBED;
        self.probing.set_goal(with_rest(next), with_rest(best));
    }

    /// Notes a packet that leaves now, in bytes as the link carries them; returns its
    /// transport-wide sequence number.
    pub(super) fn send(&mut self, bytes: usize, now: Instant) -> u16 {
        let now = self.micros(now);
        self.silence.is_owed = true;
        self.listen(now);
        let probe = self.probing.note(bytes);
        self.sent.note(bytes, probe, now)
    }

    /// How many bytes of padding to send now, so that the link shows whether it carries more,
    /// and when to ask again. Nothing while it is not tried; it is asked with each packet.
    pub(super) fn padding(&mut self, now: Instant) -> Option<(usize, Instant)> {
        let micros = self.micros(now);
        let is_free = micros >= self.congested_until && !self.delays.is_deep();
        if self.is_probed && self.silence.has_reported && is_free {
            self.probing.begin(self.estimate(), micros);
        }
        let (bytes, next) = self.probing.padding(micros)?;
        Some((bytes, now + Duration::from_micros(next)))
    }

    /// Takes in RTCP of the receiver, not encrypted any more. Says whether there was feedback
    /// about every packet in it.
    pub(super) fn take_in(&mut self, rtcp: &[u8], now: Instant) -> Result<bool, FeedbackError> {
        let now = self.micros(now);
        let mut arrivals = std::mem::take(&mut self.arrivals);
        let (sent, loss, probing) = (&mut self.sent, &mut self.loss, &mut self.probing);
        let taken = self.reader.read(rtcp, |number, arrived| {
            let Some(reported) = sent.report(number, arrived.is_some(), now) else {
                return;
            };
            let Some(arrived) = arrived else {
                loss.lost();
                probing.lost(reported.probe);
                return;
            };
            loss.arrived(reported.was_missing);
            arrivals.push(Arrival {
                sent: reported.sent,
                arrived,
                bytes: reported.bytes,
                probe: reported.probe,
            });
        });
        if taken == Ok(true) {
            self.silence.heard(now);
            arrivals.sort_unstable_by_key(|packet| packet.arrived);
            self.update(&arrivals, now);
        }
        arrivals.clear();
        self.arrivals = arrivals;
        taken
    }

    fn update(&mut self, arrivals: &[Arrival], now: i64) {
        for packet in arrivals {
            let delay = packet.arrived - packet.sent;
            let base = self.delays.base().unwrap_or(delay);
            if (delay - base).abs() > CLOCK_JUMP {
                self.forget_clock();
            }
            self.delays.add(packet.arrived, delay);
            self.acknowledged.add(packet.arrived, packet.bytes);
            let waited = delay - self.delays.base().unwrap_or(delay);
            self.full.add(packet.arrived, waited, packet.bytes);
            self.probing.arrived(packet);
            if let Some(variation) = self.groups.add(packet) {
                self.trendline.add(&variation);
            }
        }
        if let Some(last) = arrivals.last() {
            let sample = now - last.sent;
            let known = self.round_trip.unwrap_or(sample);
            self.round_trip = Some(known + (sample - known) / ROUND_TRIP_PART);
        }
        let base = self.delays.base().unwrap_or_default();
        if let Some(shown) = self.probing.result(self.estimate(), base, now) {
            self.rate.raise(shown, now);
            self.loss.raise(shown);
            return;
        }
        if self.delays.is_deep() {
            self.probing.postpone(now);
        }
        let Some(arriving) = self.acknowledged.short() else {
            return;
        };
        let full = self.full.rate();
        let short = full.map_or(arriving, |full| full.max(arriving));
        let observed = Observed {
            short,
            is_busy: full.is_some() || self.acknowledged.is_continuous(),
            long: self
                .acknowledged
                .long()
                .filter(|_| !self.delays.is_standing()),
            round_trip: self.round_trip.unwrap_or(ROUND_TRIP),
            is_probed: self.is_probed,
        };
        let usage = self.usage();
        let is_delayed = self.rate.update(usage, &observed, now);
        let is_lossy = self.loss.update(self.rate.bitrate(), short, now);
        if is_delayed || is_lossy {
            tracing::debug!(
                is_delayed,
                is_lossy,
                estimate = self.estimate() as u64,
                arriving = short as u64,
                waited = self.waited,
                "less fits a viewer's link"
            );
        }
        if is_delayed || is_lossy || usage == Usage::Over {
            self.congested_until = now + CONGESTED;
            self.probing.postpone(now);
        }
    }

    /// What the delays say, unless single packets say it that were only held up. A line
    /// takes its time to follow a link that was cut, and one that has caught up.
    fn usage(&mut self) -> Usage {
        let waited = self.delays.waited();
        let is_shrinking = waited < std::mem::replace(&mut self.waited, waited);
        match self.trendline.usage() {
            _ if is_shrinking && self.delays.is_standing() => Usage::Under,
            Usage::Over if !self.delays.is_standing() => Usage::Normal,
            Usage::Normal if self.delays.is_deep() => Usage::Over,
            usage => usage,
        }
    }

    /// Forgets what was measured by a clock that the receiver does not have any more.
    fn forget_clock(&mut self) {
        self.groups = ArrivalGroups::default();
        self.trendline = Trendline::new();
        self.delays = Delays::default();
        self.acknowledged = Acknowledged::default();
        self.full = Full::default();
    }

    fn listen(&mut self, now: i64) {
        if self.silence.is_too_long(now) {
            tracing::debug!("a viewer reports nothing of what it is sent");
            self.rate.reduce(SILENCE_PART, now);
            self.congested_until = now + CONGESTED;
            self.probing.postpone(now);
        }
    }

    fn estimate(&self) -> f64 {
        let rate = self.rate.bitrate();
        self.loss
            .limit()
            .map_or(rate, |limit| limit.min(rate))
            .max(LEAST)
    }

    fn micros(&self, now: Instant) -> i64 {
        let since = now.saturating_duration_since(self.start);
        i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
    }
}

impl Silence {
    fn heard(&mut self, now: i64) {
        *self = Self {
            has_reported: true,
            is_owed: false,
            passed: 0,
            looked: now,
            next_step: SILENCE,
        };
    }

    /// Lets time pass; whether it is time to do something about it.
    fn is_too_long(&mut self, now: i64) -> bool {
        let passed = now - std::mem::replace(&mut self.looked, now);
        if !self.has_reported || !self.is_owed {
            return false;
        }
        self.passed += passed.clamp(0, AWAY);
        let is_time = self.passed >= self.next_step;
        if is_time {
            self.next_step = self.passed + SILENCE_STEP;
        }
        is_time
    }
}
