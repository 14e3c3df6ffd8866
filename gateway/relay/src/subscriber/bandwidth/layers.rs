//! Which of a publisher's layers a viewer's link carries: down at once, up only when it is
//! sure, and not up and down.

use std::time::{Duration, Instant};

/// A layer is taken if so many times its bitrate fits: some is needed for retransmissions
/// and for pictures that are larger than the average.
pub(crate) const SPARE: f64 = 1.1;

/// It is kept while this part of its bitrate fits: an estimate that has fallen is 0.85 of
/// what arrived, so that a queue can empty, and what arrives in a fifth of a second varies.
const KEPT: f64 = 0.8;

/// A better layer has to fit for so long before it is taken.
const SURE: Duration = Duration::from_millis(500);

/// One change down shows in the feedback before the next is made.
const SETTLED: Duration = Duration::from_millis(300);

/// A layer that was left again this soon, by a link that carries most of it, was not carried.
const TRIED: Duration = Duration::from_secs(30);

/// A link that carries less than half of it has become another one since, unless it was left
/// sooner than this.
const FOOLED: Duration = Duration::from_secs(3);

/// It is not tried again before this, and twice that the next time.
const RETRY: Duration = Duration::from_secs(60);
const LONGEST_RETRY: Duration = Duration::from_secs(240);

/// A link that carries so many times what was refused is another one.
const OTHER_LINK: f64 = 2.0;

/// A layer is the same while its bitrate does not fall by more than this.
const SAME: f64 = 0.8;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct LayerChoice {
    changed: Option<Change>,
    /// Since when a better layer fits.
    fits: Option<Instant>,
    refused: Option<Refused>,
}

#[derive(Debug, Clone, Copy)]
struct Change {
    at: Instant,
    is_up: bool,
}

/// A layer that was taken in vain.
#[derive(Debug, Clone, Copy)]
struct Refused {
    /// In bit/s.
    bitrate: f64,
    until: Instant,
    retry: Duration,
}

/// What is known of a link.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    /// What fits, in bit/s.
    pub(crate) estimate: f64,
    /// Whether it is that little because packets wait or are lost now; otherwise more may
    /// fit, and only has not been sent.
    pub(crate) is_congested: bool,
}

impl Refused {
    /// Whether a layer of this bitrate is not to be tried now on a link of this estimate.
    fn holds_for(&self, bitrate: f64, estimate: f64, now: Instant) -> bool {
        let is_same_link = estimate < self.bitrate * OTHER_LINK;
        is_same_link && bitrate >= self.bitrate * SAME && now < self.until
    }
}

impl LayerChoice {
    /// The layer to send, of those with these bitrates (in bit/s, the best first), instead of
    /// the present one. There has to be one at least.
    pub(crate) fn choose(
        &mut self,
        bitrates: &[u64],
        present: Option<usize>,
        link: Link,
        now: Instant,
    ) -> usize {
        let fitting = fitting(bitrates, link.estimate);
        let Some(present) = present.filter(|present| *present < bitrates.len()) else {
            return fitting;
        };
        let bitrate = bitrates[present] as f64;
        let chosen = match fitting < present {
            true => self.up(bitrates, present, fitting, link, now),
            false => {
                self.fits = None;
                match link.is_congested && bitrate * KEPT > link.estimate && !self.is_new(now) {
                    true => fitting,
                    false => present,
                }
            }
        };
        if chosen > present {
            self.went_down(bitrate, link.estimate, now);
        } else if chosen < present {
            (self.changed, self.fits) = (
                Some(Change {
                    at: now,
                    is_up: true,
                }),
                None,
            );
        }
        chosen
    }

    fn up(
        &mut self,
        bitrates: &[u64],
        present: usize,
        fitting: usize,
        link: Link,
        now: Instant,
    ) -> usize {
        let refused = |better: &usize| {
            let bitrate = bitrates[*better] as f64;
            let refused = self.refused;
            refused.is_some_and(|refused| refused.holds_for(bitrate, link.estimate, now))
        };
        let better = (fitting..present).find(|better| !refused(better));
        let Some(better) = better.filter(|_| !link.is_congested) else {
            self.fits = None;
            return present;
        };
        let since = *self.fits.get_or_insert(now);
        match now >= since + SURE {
            true => better,
            false => present,
        }
    }

    fn went_down(&mut self, bitrate: f64, estimate: f64, now: Instant) {
        let tried = match estimate < bitrate / 2.0 {
            true => FOOLED,
            false => TRIED,
        };
        let up = self.changed.filter(|change| change.is_up);
        if up.is_some_and(|up| now < up.at + tried) {
            let again = self.refused.filter(|r| bitrate >= r.bitrate * SAME);
            let retry = again.map_or(RETRY, |refused| (refused.retry * 2).min(LONGEST_RETRY));
            let until = now + retry;
            self.refused = Some(Refused {
                bitrate,
                until,
                retry,
            });
        }
        self.changed = Some(Change {
            at: now,
            is_up: false,
        });
    }

    fn is_new(&self, now: Instant) -> bool {
        self.changed.is_some_and(|change| now < change.at + SETTLED)
    }
}

/// The best layer that fits with something to spare, or the smallest.
fn fitting(bitrates: &[u64], estimate: f64) -> usize {
    let fits = |bitrate: &u64| *bitrate as f64 * SPARE <= estimate;
    let last = bitrates.len().saturating_sub(1);
    bitrates.iter().position(fits).unwrap_or(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    /// Two megabits, one, and a quarter.
    const BITRATES: [u64; 3] = [2_000_000, 1_000_000, 250_000];

    /// What a viewer has after estimates, each of which holds for a tenth of a second.
    struct Viewer {
        choice: LayerChoice,
        layer: usize,
        now: Instant,
    }

    impl Viewer {
        fn new(layer: usize) -> Self {
            Self {
                choice: LayerChoice::default(),
                layer,
                now: clock::now(),
            }
        }

        fn after(&mut self, tenths: u32, estimate: f64, is_congested: bool) -> usize {
            for _ in 0..tenths {
                let link = Link {
                    estimate,
                    is_congested,
                };
                let present = Some(self.layer);
                self.layer = self.choice.choose(&BITRATES, present, link, self.now);
                self.now += Duration::from_millis(100);
            }
            self.layer
        }
    }

    #[test]
    fn a_viewer_begins_with_the_best_that_fits() {
        let begin = |estimate| {
            let link = Link {
                estimate,
                is_congested: false,
            };
            LayerChoice::default().choose(&BITRATES, None, link, clock::now())
        };
        assert_eq!((begin(3e6), begin(2.1e6), begin(1e5)), (0, 1, 2));
    }

    #[test]
    fn down_is_at_once_and_by_as_much_as_it_takes() {
        assert_eq!(Viewer::new(0).after(1, 4e5, true), 2);
        assert_eq!(Viewer::new(0).after(1, 1.2e6, true), 1);
        assert_eq!(Viewer::new(2).after(1, 1e4, true), 2);
    }

    #[test]
    fn what_was_not_sent_is_not_missing() {
        assert_eq!(Viewer::new(0).after(50, 1.2e6, false), 0);
    }

    #[test]
    fn a_layer_is_kept_while_it_just_fits() {
        assert_eq!(Viewer::new(0).after(50, 1.65e6, true), 0);
        assert_eq!(Viewer::new(1).after(50, 2.1e6, false), 1);
    }

    #[test]
    fn up_is_only_when_it_is_sure() {
        let mut viewer = Viewer::new(2);
        for _ in 0..10 {
            assert_eq!(viewer.after(4, 3e6, false), 2);
            assert_eq!(viewer.after(1, 1e6, false), 2);
            assert_eq!(viewer.after(4, 3e6, true), 2);
        }
        assert_eq!(viewer.after(7, 3e6, false), 0);
    }

    #[test]
    fn what_did_not_fit_is_not_tried_again_soon() {
        let mut viewer = Viewer::new(1);
        let mut changes = 0;
        for _ in 0..60 {
            let before = viewer.layer;
            // It seems to fit, and when it is sent it does not.
            viewer.after(8, 2.3e6, false);
            changes += usize::from(viewer.layer != before);
            let before = viewer.layer;
            viewer.after(2, 1.4e6, true);
            changes += usize::from(viewer.layer != before);
        }
        assert_eq!(changes, 2);
    }

    #[test]
    fn a_link_that_was_cut_is_another_one() {
        let mut viewer = Viewer::new(1);
        assert_eq!(viewer.after(50, 2.3e6, false), 0);
        assert_eq!(viewer.after(1, 0.4e6, true), 2);
        assert_eq!(viewer.after(7, 2.3e6, false), 0);
    }

    #[test]
    fn a_small_layer_that_did_not_fit_keeps_no_one_from_the_best() {
        let mut viewer = Viewer::new(2);
        assert_eq!(viewer.after(7, 1.15e6, false), 1);
        assert_eq!(viewer.after(7, 0.7e6, true), 2);
        assert_eq!(viewer.after(50, 1.8e6, false), 2);
        assert_eq!(viewer.after(7, 2.3e6, false), 0);
    }
}
