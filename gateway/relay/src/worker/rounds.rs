//! The worker's rounds, twice a second: who is gone, who is silent, what there is to
//! choose from.

use std::time::{Duration, Instant};

use sightline_spec::room::RoomId;

use super::Worker;
use crate::connection::registry::Key;
use crate::event::Event;

/// A camera's own offer that the relay has taken is given back when nobody has watched
/// for so long: it costs the camera its uplink.
const UNWATCHED: Duration = Duration::from_secs(10);

impl Worker {
    /// One round.
    pub(crate) fn look_over(&mut self, now: Instant) {
        let period = now - std::mem::replace(&mut self.looked, now);
        self.is_behind = self.teller.catch_up();
        self.traffic.add(&mut self.network.counted);
        let limits = &self.limits;
        let overdue = self
            .registry
            .iter()
            .filter(|(_, peer)| peer.is_overdue(limits, now));
        let overdue: Vec<Key> = overdue.map(|(key, _)| key).collect();
        overdue.into_iter().for_each(|key| self.end(key, now));

        let rooms: Vec<RoomId> = self.routers.keys().cloned().collect();
        for room in rooms {
            let Some(router) = self.routers.get_mut(&room) else {
                continue;
            };
            router.measure(period, &mut self.registry, now);
            if router.has_other_layers(now) {
                self.tell_layers(&room, now);
            }
            let Some(router) = self.routers.get_mut(&room) else {
                continue;
            };
            if router.has_fallen_silent(now) {
                self.tell_silence(&room);
            }
            self.end_deserted(&room, now);
        }
    }

    /// Ends what nobody is left for.
    fn end_deserted(&mut self, room: &RoomId, now: Instant) {
        let Some(router) = self.routers.get_mut(room) else {
            return;
        };
        let over = |since: Option<Instant>, limit| since.is_some_and(|since| since + limit <= now);
        let mut ended = Vec::new();
        if over(router.without_publisher, self.limits.linger) {
            ended.extend(router.viewers.iter().copied());
        }
        if router.ends_unwatched && over(router.without_viewers, UNWATCHED) {
            ended.extend(router.publisher);
        }
        if router.publisher.is_none() && router.viewers.is_empty() {
            self.routers.remove(room);
        }
        ended.into_iter().for_each(|key| self.end(key, now));
    }

    fn tell_silence(&mut self, room: &RoomId) {
        let publisher = self.routers.get(room).and_then(|router| router.publisher);
        let publisher = publisher.and_then(|key| self.registry.get_mut(key));
        if let Some(publisher) = publisher {
            self.teller.tell(Event::Sending {
                room: room.clone(),
                publisher: publisher.session,
                is_sending: false,
            });
        }
    }

    fn tell_layers(&mut self, room: &RoomId, now: Instant) {
        let Some(router) = self.routers.get(room) else {
            return;
        };
        for key in &router.viewers {
            if let Some((subscriber, _)) = self.registry.viewer(*key) {
                let layers = router.layers_for(subscriber, now);
                if let Some(peer) = self.registry.get_mut(*key) {
                    self.teller.tell(Event::Layers {
                        viewer: peer.session,
                        layers,
                    });
                }
            }
        }
    }
}
