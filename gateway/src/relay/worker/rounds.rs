//! The worker's rounds, twice a second: who is gone, who is silent, what there is to
//! choose from. And what viewers are told.

use std::time::{Duration, Instant};

use sightline_spec::event::Event;
use sightline_spec::room::RoomId;

use super::Worker;
use crate::relay::peers::Key;

/// A camera's own offer that the relay has taken is given back when nobody has watched
/// for so long: it costs the camera its uplink.
const UNWATCHED: Duration = Duration::from_secs(10);

impl Worker {
    /// One round.
    pub(super) fn look_over(&mut self, now: Instant) {
        let period = now - std::mem::replace(&mut self.looked, now);
        self.remembers = self.directory.forget_old(now);
        self.directory.traffic().add(&mut self.network.counted);
        let limits = self.directory.limits();
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
                self.directory.publishes(&room, false);
                self.tell_viewers(&room, &Event::Inactive);
            }
            self.tell_viewer_count(&room);
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
        if over(hub.without_publisher, self.directory.linger()) {
            ended.extend(hub.viewers.iter().copied());
        }
        let given_back = hub.publisher.and_then(|key| self.peers.get_mut(key));
        if let Some(publisher) = given_back
            && over(hub.without_viewers, UNWATCHED)
            && self.directory.was_taken(publisher.session)
        {
            ended.extend(hub.publisher);
        }
        if hub.publisher.is_none() && hub.viewers.is_empty() {
            self.hubs.remove(room);
        }
        ended.into_iter().for_each(|key| self.end(key, now));
    }

    pub(super) fn tell(&mut self, key: Key, event: Event) {
        if let Some(peer) = self.peers.get_mut(key) {
            self.directory.tell(peer.session, event);
        }
    }

    pub(super) fn tell_viewers(&mut self, room: &RoomId, event: &Event) {
        let viewers = self.hubs.get(room).map(|hub| hub.viewers.clone());
        for key in viewers.unwrap_or_default() {
            self.tell(key, event.clone());
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
                    self.directory.tell(peer.session, layers);
                }
            }
        }
    }

    fn tell_viewer_count(&mut self, room: &RoomId) {
        if let Some(count) = self.directory.new_viewer_count(room) {
            self.tell_viewers(room, &Event::ViewerCount(count));
        }
    }
}
