//! The rate that losses allow (draft-ietf-rmcat-gcc-02 section 6): for links that drop what
//! they cannot carry instead of keeping it in a queue.
//!
//! Radio links lose packets at any rate, so what a few hundred packets cannot tell from a
//! loss that is allowed changes nothing.

/// Losses below this let the rate grow again, and above that reduce it.
const LITTLE: f64 = 0.02;
const MUCH: f64 = 0.10;

/// How many standard deviations above it a loss has to be.
const CERTAINTY: f64 = 3.0;

/// When so much is lost, what arrives is what the link carries.
const FLOOD: f64 = 0.5;

/// What one look at the losses takes, at least: time, in microseconds, and packets.
const LOOK: i64 = 200_000;
const PACKETS: u32 = 20;

/// Looks that are remembered, for losses that show only in the long run.
const LOOKS: usize = 10;

/// Growth of the rate with each look that sees little loss.
const GROWTH: f64 = 1.05;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct LossControl {
    /// The rate that losses allow, while they are a limit.
    limit: Option<f64>,
    looks: [Look; LOOKS],
    next: usize,
    current: Look,
    began: Option<i64>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Look {
    lost: u32,
    packets: u32,
}

impl LossControl {
    /// In bit/s.
    pub(super) fn limit(&self) -> Option<f64> {
        self.limit
    }

    /// A packet has arrived that was taken for lost, or not.
    pub(super) fn arrived(&mut self, was_missing: bool) {
        match was_missing {
            true => self.current.lost = self.current.lost.saturating_sub(1),
            false => self.current.packets += 1,
        }
    }

    pub(super) fn lost(&mut self) {
        self.current.lost += 1;
        self.current.packets += 1;
    }

    /// A probe has shown that this much fits.
    pub(super) fn raise(&mut self, bitrate: f64) {
        self.limit = self.limit.filter(|limit| *limit > bitrate);
    }

    /// Looks at the losses, if there are enough packets to judge by; whether the rate has
    /// been reduced. `bitrate` is what the delays allow, `acknowledged` what arrives.
    pub(super) fn update(&mut self, bitrate: f64, acknowledged: f64, now: i64) -> bool {
        let began = *self.began.get_or_insert(now);
        if now < began + LOOK || self.current.packets < PACKETS {
            return false;
        }
        self.began = Some(now);
        let look = std::mem::take(&mut self.current);
        self.looks[self.next] = look;
        self.next = (self.next + 1) % LOOKS;
        let all = self.looks.iter().fold(Look::default(), Look::plus);
        if let Some(heavy) = [look, all].into_iter().find(Look::is_heavy) {
            let before = self.limit.unwrap_or(bitrate).min(bitrate);
            let reduced = match heavy.share() {
                share if share >= FLOOD => acknowledged,
                share => before * (1.0 - share / 2.0),
            };
            self.limit = Some(reduced.max(acknowledged).min(before));
            self.looks = Default::default();
            return true;
        }
        if look.share() < LITTLE {
            let grown = self.limit.map(|limit| limit * GROWTH);
            self.limit = grown.filter(|limit| *limit < bitrate);
        }
        false
    }
}

impl Look {
    fn plus(self, other: &Self) -> Self {
        Self {
            lost: self.lost + other.lost,
            packets: self.packets + other.packets,
        }
    }

    fn share(&self) -> f64 {
        f64::from(self.lost) / f64::from(self.packets.max(1))
    }

    /// Whether more is lost than chance makes of the most that is allowed.
    fn is_heavy(&self) -> bool {
        let packets = f64::from(self.packets);
        let deviation = (packets * MUCH * (1.0 - MUCH)).sqrt();
        f64::from(self.lost) > packets * MUCH + CERTAINTY * deviation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks of a hundred packets at 2 Mbit/s, of which so many are lost.
    fn reductions(control: &mut LossControl, lost: &[u32]) -> usize {
        control.update(2.4e6, 2e6, 0);
        let looks = lost.iter().enumerate();
        let reductions = looks.filter(|(index, lost)| {
            (0..**lost).for_each(|_| control.lost());
            (**lost..100).for_each(|_| control.arrived(false));
            let acknowledged = 2e6 * f64::from(100 - **lost) / 100.0;
            control.update(2.4e6, acknowledged, (1 + *index as i64) * LOOK)
        });
        reductions.count()
    }

    #[test]
    fn losses_that_any_radio_has_change_nothing() {
        let mut control = LossControl::default();
        assert_eq!(
            reductions(&mut control, &[0, 5, 10, 16, 7, 12, 9, 11, 10, 9]),
            0
        );
        assert_eq!(control.limit(), None);
    }

    #[test]
    fn a_flood_ends_at_what_arrives() {
        let mut control = LossControl::default();
        reductions(&mut control, &[80]);
        assert_eq!(control.limit(), Some(0.4e6));
    }

    #[test]
    fn a_loss_that_stays_reduces_the_rate() {
        let mut control = LossControl::default();
        let reduced = reductions(&mut control, &[15; 20]);
        assert!((1..=5).contains(&reduced), "{reduced}");
        let limit = control.limit().unwrap();
        assert!((1.7e6..2.3e6).contains(&limit), "{limit}");
    }

    #[test]
    fn it_is_no_limit_any_more_once_all_arrives() {
        let mut control = LossControl::default();
        reductions(&mut control, &[30]);
        assert!(control.limit().is_some());
        reductions(&mut control, &[0; 30]);
        assert_eq!(control.limit(), None);
    }

    #[test]
    fn disorder_is_no_loss() {
        let mut control = LossControl::default();
        control.update(1e6, 1e6, 0);
        (0..30).for_each(|_| control.lost());
        (0..30).for_each(|_| control.arrived(true));
        assert!(!control.update(1e6, 1e6, LOOK));
    }
}
