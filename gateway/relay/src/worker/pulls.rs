//! Rooms whose publisher and viewers are on different workers: what this one pulls from their
//! homes, and what it hands over as a home.

use std::time::Instant;

use sightline_spec::room::RoomId;

use super::Worker;
use super::others::{Batch, Letter};
use crate::keys::{RoomKey, WorkerId};
use crate::router::pull::{Replica, Update};

/// From where a room pulls its stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Home {
    pub(super) worker: WorkerId,
    /// It has told who publishes. Until then it is asked again: it may have had no room for the
    /// question, or be the home no more.
    pub(super) has_answered: bool,
}

impl Worker {
    /// Acts on what another worker has sent.
    pub(super) fn take_batch(&mut self, batch: Batch, now: Instant) {
        for letter in batch.letters {
            self.take_letter(batch.from, letter, now);
        }
    }

    fn take_letter(&mut self, from: WorkerId, letter: Letter, now: Instant) {
        match letter {
            Letter::Update { room, update } => self.take_update(from, room, update, now),
            Letter::Pull { room, replica } => {
                let worker = from;
                let replica = Replica {
                    worker,
                    room: replica,
                };
                self.add_replica(&room, replica, now);
            }
            Letter::Leave { room } => {
                let key = self.rooms.find(&room);
                if let Some(router) = key.and_then(|key| self.rooms.get_mut(key)) {
                    router.remove_replicas(|replica| replica.worker == from, now);
                }
            }
            Letter::Wish(wish) => {
                if let Some(key) = self.rooms.find(&wish.room)
                    && let Some(router) = self.rooms.get_mut(key)
                {
                    router.take_wish(from, &wish);
                    self.rooms.change(key);
                }
            }
        }
    }

    /// The home of a room of ours has us know this.
    fn take_update(&mut self, from: WorkerId, room: RoomKey, update: Update, now: Instant) {
        let Some((router, home)) = self.rooms.pulled_mut(room) else {
            return;
        };
        if home.worker != from {
            return;
        }
        home.has_answered = true;
        let stranded = router.take_update(update, now);
        self.rooms.change(room);
        for viewer in stranded {
            self.end_as(viewer, true, now);
        }
    }

    /// Another worker pulls a stream of ours. Who is told wrongly that this is the room's home
    /// gets no answer, and asks elsewhere.
    fn add_replica(&mut self, room: &RoomId, replica: Replica, now: Instant) {
        let is_home = self.streams.is_home(room, self.others.id().index);
        if !is_home || self.others.open(replica.worker.index) != Some(replica.worker) {
            return;
        }
        let key = self.rooms.find_or_add(room, now);
        if let Some(router) = self.rooms.get_mut(key) {
            router.add_replica(replica, now);
            self.rooms.change(key);
        }
    }

    /// Has a room of viewers pull its stream from its home, if it has none yet.
    pub(super) fn pull(&mut self, room: RoomKey, now: Instant) {
        if self.others.are_none() || self.rooms.has_source(room) {
            return;
        }
        let Some(router) = self.rooms.get_mut(room) else {
            return;
        };
        let own = self.others.id().index;
        let pulled = self.streams.pull(router.room(), own);
        let home = pulled.as_ref().filter(|pulled| pulled.home != own);
        let home = home.and_then(|pulled| self.others.open(pulled.home));
        let Some(worker) = home else {
            router.lose_home(now);
            self.rooms.set_home(room, None);
            return;
        };
        if let Some((publisher, tracks)) = pulled.and_then(|pulled| pulled.published) {
            let tracks = tracks.to_vec();
            // Nobody is there yet, or is stranded by it.
            let _ = router.take_update(Update::Published { publisher, tracks }, now);
        }
        let letter = Letter::Pull {
            room: router.room().clone(),
            replica: room,
        };
        self.others.put(worker, letter);
        let has_answered = false;
        self.rooms.set_home(
            room,
            Some(Home {
                worker,
                has_answered,
            }),
        );
    }

    /// Finds out who of the others is gone, and has a room that lost its home look for another.
    pub(super) fn look_for_others(&mut self, room: RoomKey, now: Instant) {
        if self.others.are_none() {
            return;
        }
        if let Some((router, home)) = self.rooms.pulled_mut(room)
            && !self.others.has(home.worker)
        {
            router.lose_home(now);
            self.rooms.set_home(room, None);
        }
        if let Some(router) = self.rooms.get_mut(room) {
            router.remove_replicas(|replica| !self.others.has(replica.worker), now);
        }
        self.pull(room, now);
    }

    /// Gives an empty room up; false if that has to wait.
    pub(super) fn give_up(&mut self, room: RoomKey) -> bool {
        let Some(router) = self.rooms.get_mut(room) else {
            return true;
        };
        let id = router.room().clone();
        if let Some((_, home)) = self.rooms.pulled_mut(room) {
            let letter = Letter::Leave { room: id.clone() };
            let worker = home.worker;
            if self.others.has(worker) && !self.others.put(worker, letter) {
                return false;
            }
        }
        if !self.streams.leave(&id, self.others.id().index) {
            return false;
        }
        self.rooms.remove(room);
        true
    }

    /// This worker is a room's home from now on, whoever was before.
    pub(super) fn be_home(&mut self, room: RoomKey, now: Instant) {
        if let Some((router, _)) = self.rooms.pulled_mut(room) {
            router.lose_home(now);
            self.rooms.set_home(room, None);
        }
    }
}
