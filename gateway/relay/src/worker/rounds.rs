//! The worker's rounds, twice a second: who is gone, who is silent, what there is to
//! choose from.

use std::time::Instant;

use super::Worker;
use crate::event::Event;
use crate::keys::{Key, RoomKey};

impl Worker {
    /// One round.
    pub(super) fn look_over(&mut self, now: Instant) {
        let looked = std::mem::replace(&mut self.looked, now);
        let period = now.saturating_duration_since(looked);
        self.is_behind = self.teller.catch_up();
        let packets = self.traffic.add(&mut self.network.counted);
        let limits = &self.limits;
        let overdue = self
            .registry
            .iter()
            .filter(|(_, peer)| peer.is_overdue(limits, now));
        let overdue: Vec<Key> = overdue.map(|(key, _)| key).collect();
        overdue.into_iter().for_each(|key| self.end(key, now));

        for (_, peer) in self.registry.iter_mut() {
            peer.check_due(now, &mut self.network);
        }
        for room in self.rooms.keys() {
            self.look_for_others(room, now);
            if !self.others.are_none() {
                // Homes and replicas have something to tell each other after each.
                self.rooms.change(room);
            }
            let Some(router) = self.rooms.get_mut(room) else {
                continue;
            };
            router.measure(period, now);
            for event in router.other_layers(now) {
                self.teller.tell(event);
            }
            if let Some(event) = router.reordered(now) {
                if let Event::Reordered {
                    room,
                    is_reordered: true,
                } = &event
                {
                    tracing::warn!(
                        ?room,
                        "the publisher sends B-frames, which browsers cannot show"
                    );
                }
                self.teller.tell(event);
            }
            if let Some(event) = router.fallen_silent(now) {
                self.teller.tell(event);
            }
            self.end_deserted(room, now);
        }
        self.load.measured(packets, period, self.rooms.is_empty());
    }

    /// Ends what nobody is left for.
    fn end_deserted(&mut self, room: RoomKey, now: Instant) {
        let Some(router) = self.rooms.get_mut(room) else {
            return;
        };
        let deserted = router.deserted(self.limits.linger, now);
        if router.is_empty() {
            // If that has to wait, the next round is early enough.
            self.give_up(room);
        }
        deserted.into_iter().for_each(|key| self.end(key, now));
    }
}
