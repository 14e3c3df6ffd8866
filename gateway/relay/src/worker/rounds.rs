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
            .peers
            .iter()
            .filter(|(_, peer)| peer.is_overdue(limits, now));
        let overdue: Vec<Key> = overdue.map(|(key, _)| key).collect();
        overdue.into_iter().for_each(|key| self.end(key, now));

        let rooms: Vec<RoomId> = self.hubs.keys().cloned().collect();
        for room in rooms {
            let Some(hub) = self.hubs.get_mut(&room) else {
                continue;
            };
            hub.measure(period, &mut self.peers, now);
            if hub.has_other_layers(now) {
                self.tell_layers(&room, now);
            }
            let Some(hub) = self.hubs.get_mut(&room) else {
                continue;
            };
            if hub.has_fallen_silent(now) {
                self.tell_silence(&room);
            }
            self.end_deserted(&room, now);
        }
    }

    /// Ends what nobody is left for.
    fn end_deserted(&mut self, room: &RoomId, now: Instant) {
        let Some(hub) = self.hubs.get_mut(room) else {
            return;
        };
        let over = |since: Option<Instant>, limit| since.is_some_and(|since| since + limit <= now);
        let mut ended = Vec::new();
        if over(hub.without_publisher, self.limits.linger) {
            ended.extend(hub.viewers.iter().copied());
        }
        if hub.ends_unwatched && over(hub.without_viewers, UNWATCHED) {
            ended.extend(hub.publisher);
        }
        if hub.publisher.is_none() && hub.viewers.is_empty() {
            self.hubs.remove(room);
        }
        ended.into_iter().for_each(|key| self.end(key, now));
    }

    fn tell_silence(&mut self, room: &RoomId) {
        let publisher = self.hubs.get(room).and_then(|hub| hub.publisher);
        let publisher = publisher.and_then(|key| self.peers.get_mut(key));
        if let Some(publisher) = publisher {
            self.teller.tell(Event::Sending {
                room: room.clone(),
                publisher: publisher.session,
                is_sending: false,
            });
        }
    }

    fn tell_layers(&mut self, room: &RoomId, now: Instant) {
        let Some(hub) = self.hubs.get(room) else {
            return;
        };
        for key in &hub.viewers {
            if let Some((watching, _)) = self.peers.viewer(*key) {
                let layers = hub.layers_for(watching, now);
                if let Some(peer) = self.peers.get_mut(*key) {
                    self.teller.tell(Event::Layers {
                        viewer: peer.session,
                        layers,
                    });
                }
            }
        }
    }
}
