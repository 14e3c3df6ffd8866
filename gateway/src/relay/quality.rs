//! Which simulcast layer a viewer gets: the one it asked for, or the best that its link
//! can carry.

use std::time::{Duration, Instant};

use str0m::bwe::Bitrate;

use super::feed::Feed;
use super::peer::{Peer, Role};
use super::track::Tracked;

/// Going up is tried this long after the last change; going down is done at once.
const PAUSE: Duration = Duration::from_secs(3);

/// A layer is taken if it needs no more than this part of the estimate. The rest is for
/// sound, retransmissions and pictures that are larger than the average.
const SHARE: f64 = 0.85;

/// Chooses the layers of one viewer.
pub(super) fn choose(peer: &mut Peer, tracks: &[Tracked], now: Instant) {
    let Role::Viewer(watching) = &mut peer.role else {
        return;
    };
    let (mut needed, mut desired) = (0, 0);
    for feed in &mut watching.feeds {
        let Some(tracked) = tracks.get(feed.outlet.track) else {
            continue;
        };
        let active = tracked.active(now);
        let Some(best) = active.first() else {
            continue;
        };
        desired += tracked.layers[*best].bitrate;
        needed += next_better(tracked, &active, feed.layer);
        let selected = watching.selected.and_then(|rid| {
            let named = |index: &&usize| tracked.layers[**index].rid == Some(rid);
            active.iter().find(named)
        });
        let estimate = watching.estimate.map(|estimate| estimate.as_f64() * SHARE);
        let target = match (selected, estimate) {
            (Some(selected), _) => *selected,
            (None, None) => *best,
            (None, Some(budget)) => fitting(tracked, &active, budget),
        };
        if turn_to(feed, tracked, target, &active, now, watching.switched_at) {
            watching.switched_at = now;
        }
    }
    if watching.estimate.is_some() {
        // What we would like to send, so that the estimate is tried up to there. A link
        // is not known to carry more than it has carried, so padding fills what is missing
        // for the next better layer.
        let with_rest = |bitrate: u64| Bitrate::from((bitrate as f64 / SHARE) as u64);
        peer.rtc
            .bwe()
            .set_bitrate(with_rest(needed), with_rest(desired));
    }
}

/// What the layer takes that is next better than this one; nothing if none is.
fn next_better(tracked: &Tracked, active: &[usize], layer: usize) -> u64 {
    let place = active.iter().position(|index| *index == layer);
    let better = place.and_then(|place| place.checked_sub(1));
    better.map_or(0, |better| tracked.layers[active[better]].bitrate)
}

/// The best layer within the budget, or the smallest.
fn fitting(tracked: &Tracked, active: &[usize], budget: f64) -> usize {
    let fits = |index: &&usize| tracked.layers[**index].bitrate as f64 <= budget;
    let smallest = active.last().copied().unwrap_or_default();
    active.iter().find(fits).copied().unwrap_or(smallest)
}

/// Has the feed go over to another layer; says whether it does.
fn turn_to(
    feed: &mut Feed,
    tracked: &Tracked,
    target: usize,
    active: &[usize],
    now: Instant,
    switched_at: Instant,
) -> bool {
    if target == feed.layer {
        feed.wanted = None;
        return false;
    }
    if feed.wanted.is_some_and(|(wanted, _)| wanted == target) {
        return false;
    }
    let bitrate = |layer: usize| tracked.layers.get(layer).map_or(0, |layer| layer.bitrate);
    let is_up = bitrate(target) > bitrate(feed.layer);
    if is_up && active.contains(&feed.layer) && now < switched_at + PAUSE {
        return false;
    }
    feed.wanted = Some((target, now));
    true
}
