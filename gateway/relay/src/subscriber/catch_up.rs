//! How a newcomer begins: where in the packet cache, and how fast it is sent what is there.

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
