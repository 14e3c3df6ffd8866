//! How a newcomer begins, and who goes over to a lower layer: where in the packet cache, and how
//! fast it is sent what is there.

use std::time::{Duration, Instant};

use crate::publisher::packet_cache::{Group, Position};
use crate::publisher::track::Layer;

/// How many times as fast as they were taken old pictures follow each other: they are sent
/// only to be decoded, not to be looked at. At their own pace the player would play them
/// and stay behind for ever.
const SPEED: u64 = 30;

/// A picture group that began this lately is as good as a new one.
const FRESH: Duration = Duration::from_secs(1);

/// One that began before this is not sent to anyone before the publisher was asked for a
/// new one: it is a lot to send, and to decode.
const SHORT: Duration = Duration::from_secs(2);

/// Packets of old pictures in one go, so that a newcomer's link is not flooded.
pub(crate) const PACKETS: usize = 24;

/// More of them after so long.
pub(super) const PAUSE: Duration = Duration::from_millis(2);

/// A lower layer is begun with old pictures if the viewer's link carries them within this time. It
/// is what has the lower layer shown within a second where there is a keyframe in two: with those
/// that take longer the next keyframe is nearer.
const LOWER_WITHIN: Duration = Duration::from_millis(750);

/// A link carries a layer together with what was to be caught up on if it has so many percent of
/// its bitrate.
const SPARE: u64 = 110;

/// Old pictures on a link that carries no more than this: what is sent faster is lost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// In bit/s.
    rate: u64,
    since: Instant,
    bytes: u64,
}

impl Pace {
    pub(super) fn new(rate: u64, now: Instant) -> Self {
        Self {
            rate,
            since: now,
            bytes: 0,
        }
    }

    /// Whether more can be sent now.
    pub(super) fn allows(&self, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.since).as_micros();
        u128::from(self.bytes) * 8 * 1_000_000 <= u128::from(self.rate) * elapsed
    }

    pub(super) fn sent(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }
}

/// Where a packet stands that is older than `latest`: old pictures are pressed together.
/// A publisher's clock that goes back makes none.
pub(super) fn pressed(position: Position, latest: Position) -> Position {
    match position.sequence < latest.sequence && position.time < latest.time {
        true => Position {
            time: latest.time - (latest.time - position.time) / SPEED,
            ..position
        },
        false => position,
    }
}

/// Where a newcomer can begin at once. From a publisher that answers, a new keyframe is
/// better than an old group of pictures; from one that does not, the group is all there is. Of one
/// that sends nothing any more it would be taken for what happens now.
/// Of one that was never asked we find out which it is, and meanwhile a group that is not
/// long will do.
pub(super) fn start(layer: &mut Layer, now: Instant) -> Option<Group> {
    if layer.is_away(now) {
        layer.keyframes.want();
        return None;
    }
    let group = layer.cache.group()?;
    let age = now.saturating_duration_since(group.began);
    if age < FRESH || layer.keyframes.is_unresponsive(now) {
        return Some(group);
    }
    if layer.keyframes.has_answered() {
        return None;
    }
    layer.keyframes.want();
    (age < SHORT).then_some(group)
}

/// Where a viewer can go over to this layer, which is lower than its own, without waiting for its
/// next keyframe: `estimate` is what its link carries, in bit/s. A publisher that answers is waited
/// for, but for a fresh group.
pub(super) fn start_lower(layer: &mut Layer, estimate: u64, now: Instant) -> Option<Group> {
    let group = layer.cache.group()?;
    let is_fresh = now.saturating_duration_since(group.began) < FRESH;
    if !is_fresh && !layer.keyframes.is_unresponsive(now) {
        return None;
    }
    let most = u128::from(estimate) * LOWER_WITHIN.as_millis() / 8000;
    let is_carried = layer.bitrate * SPARE / 100 <= estimate;
    (is_carried && layer.cache.bytes_from(group.cursor) as u128 <= most).then_some(group)
}
