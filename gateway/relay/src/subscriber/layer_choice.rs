//! Which simulcast layer a viewer gets: the one it asked for, or the best that its link
//! can carry.

use std::time::{Duration, Instant};

use str0m::bwe::Bitrate;
use str0m::media::Rid;

use crate::publisher::track::PublishedTrack;
use crate::sdp::negotiate::FIRST_ESTIMATE;
use crate::subscriber::Adjustment;
use crate::subscriber::down_track::DownTrack;

/// Going up is tried this long after the last change; going down is done at once.
const PAUSE: Duration = Duration::from_secs(3);

/// A layer is taken if it needs no more than this part of the estimate. The rest is for
/// sound, retransmissions and pictures that are larger than the average.
const SHARE: f64 = 0.85;

/// See the module.
#[derive(Debug)]
pub(crate) struct LayerChoice {
    /// What the link can carry; nothing until it has been measured.
    estimate: Option<Bitrate>,
    /// What it was when layers were chosen last.
    estimate_before: Option<Bitrate>,
    /// The layer that the viewer asked for; without one, its link decides.
    selected: Option<Rid>,
    switched_at: Instant,
}

impl LayerChoice {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            estimate: None,
            estimate_before: None,
            selected: None,
            switched_at: now,
        }
    }

    /// The link can carry so much.
    pub(crate) fn estimated(&mut self, estimate: Bitrate) {
        self.estimate = Some(estimate);
    }

    /// The viewer wants this layer; nothing leaves it to its link.
    pub(crate) fn select(&mut self, rid: Option<Rid>) {
        self.selected = rid;
    }

    /// Chooses the layers that a viewer begins with, when its link has not been measured yet.
    pub(crate) fn begin(
        &mut self,
        down_tracks: &mut [DownTrack],
        tracks: &[PublishedTrack],
        now: Instant,
    ) -> Option<Adjustment> {
        self.estimate = Some(FIRST_ESTIMATE);
        let bitrate = self.choose(down_tracks, tracks, now);
        (self.estimate, self.estimate_before) = (None, None);
        bitrate
    }

    /// Chooses the layers of one viewer.
    pub(crate) fn choose(
        &mut self,
        down_tracks: &mut [DownTrack],
        tracks: &[PublishedTrack],
        now: Instant,
    ) -> Option<Adjustment> {
        let (mut needed, mut desired) = (0, 0);
        for down_track in down_tracks {
            let Some(track) = down_track.track().and_then(|index| tracks.get(index)) else {
                continue;
            };
            let active = track.active(now);
            let Some(best) = active.first() else {
                continue;
            };
            desired += track.layers[*best].bitrate;
            needed += next_better(track, &active, down_track.layer());
            let target = self.target(track, &active, *best, down_track.layer());
            if self.may_switch(down_track, track, target, &active, now) {
                down_track.switch_to(target, now);
                self.switched_at = now;
            }
        }
        self.estimate_before = self.estimate;
        // A link is not known to carry more than it has carried, so padding fills what is
        // missing for the next better layer.
        let with_rest = |bitrate: u64| Bitrate::from((bitrate as f64 / SHARE) as u64);
        self.estimate.map(|_| Adjustment::Bitrate {
            needed: with_rest(needed),
            desired: with_rest(desired),
        })
    }

    /// The layer that the viewer should get. `active` is the best first.
    fn target(
        &self,
        track: &PublishedTrack,
        active: &[usize],
        best: usize,
        present: usize,
    ) -> usize {
        let selected = self.selected.and_then(|rid| {
            let named = |index: &&usize| track.layers[**index].rid == Some(rid);
            active.iter().find(named)
        });
        // A moment's congestion is no reason to go down, since the next keyframe costs more.
        let estimates = [self.estimate, self.estimate_before];
        let estimates = estimates.into_iter().flatten();
        let estimate = estimates.map(|e| e.as_f64()).reduce(f64::max);
        match (selected, estimate) {
            (Some(selected), _) => *selected,
            (None, None) => best,
            (None, Some(estimate)) => {
                let bitrate = |layer: usize| track.layers[layer].bitrate;
                fitting(active, bitrate, present, estimate)
            }
        }
    }

    /// Whether a down track is to go over to another layer now.
    fn may_switch(
        &self,
        down_track: &mut DownTrack,
        track: &PublishedTrack,
        target: usize,
        active: &[usize],
        now: Instant,
    ) -> bool {
        if target == down_track.layer() {
            down_track.stay();
            return false;
        }
        if down_track.cursor().is_none() {
            return true;
        }
        if down_track.is_switching_to(target) {
            return false;
        }
        let bitrate = |layer: usize| track.layers.get(layer).map_or(0, |layer| layer.bitrate);
        let is_up = bitrate(target) > bitrate(down_track.layer());
        let is_soon = now < self.switched_at + PAUSE;
        !(is_up && is_soon && active.contains(&down_track.layer()))
    }
}

/// What the layer takes that is next better than this one; nothing if none is.
fn next_better(track: &PublishedTrack, active: &[usize], layer: usize) -> u64 {
    let place = active.iter().position(|index| *index == layer);
    let better = place.and_then(|place| place.checked_sub(1));
    better.map_or(0, |better| track.layers[active[better]].bitrate)
}

/// The best layer that a link of this estimate carries, or the smallest. `active` is the
/// best first.
///
/// To stay takes less than to get there, or viewers would go up and down all the time.
fn fitting(
    active: &[usize],
    bitrate: impl Fn(usize) -> u64,
    present: usize,
    estimate: f64,
) -> usize {
    let fits = |layer: &&usize| {
        let share = if **layer == present { 1.0 } else { SHARE };
        bitrate(**layer) as f64 <= estimate * share
    };
    let smallest = active.last().copied().unwrap_or_default();
    active.iter().find(fits).copied().unwrap_or(smallest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two megabits, one, and a quarter.
    const BITRATES: [u64; 3] = [250_000, 2_000_000, 1_000_000];
    const BEST_FIRST: [usize; 3] = [1, 2, 0];

    fn fitting_at(present: usize, estimate: f64) -> usize {
        fitting(&BEST_FIRST, |layer| BITRATES[layer], present, estimate)
    }

    #[test]
    fn the_best_layer_that_leaves_some_room_is_taken() {
        assert_eq!(fitting_at(0, 3e6), 1);
        assert_eq!(fitting_at(0, 2.1e6), 2);
        assert_eq!(fitting_at(0, 1.1e6), 0);
    }

    #[test]
    fn the_smallest_is_for_those_who_have_room_for_none() {
        assert_eq!(fitting_at(1, 1e5), 0);
    }

    #[test]
    fn a_layer_is_kept_while_it_just_fits() {
        assert_eq!(fitting_at(1, 2.1e6), 1);
        assert_eq!(fitting_at(1, 1.9e6), 2);
    }
}
