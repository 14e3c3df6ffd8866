//! A worker's rooms: finding them by name, by what has arrived, and by what is due.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use sightline_spec::room::RoomId;
use slotmap::SlotMap;

use super::pulls::Home;
use crate::keys::RoomKey;
use crate::router::Router;

/// See the module.
#[derive(Default)]
pub(crate) struct Rooms {
    rooms: SlotMap<RoomKey, Room>,
    by_id: HashMap<RoomId, RoomKey>,
    /// Those with something to be sent on.
    changed: Vec<RoomKey>,
    /// Those that want to be flushed though nothing arrives.
    due: BTreeSet<(Instant, RoomKey)>,
}

struct Room {
    router: Router,
    /// If its publisher is on another worker.
    home: Option<Home>,
    is_changed: bool,
    due: Option<Instant>,
}

impl Rooms {
    /// The room of this name, if it is here.
    pub(crate) fn find(&self, id: &RoomId) -> Option<RoomKey> {
        self.by_id.get(id).copied()
    }

    /// The room of this name, made if need be.
    pub(crate) fn find_or_add(&mut self, id: &RoomId, now: Instant) -> RoomKey {
        if let Some(key) = self.find(id) {
            return key;
        }
        let key = self.rooms.insert(Room {
            router: Router::new(id.clone(), now),
            home: None,
            is_changed: false,
            due: None,
        });
        self.by_id.insert(id.clone(), key);
        key
    }

    pub(crate) fn get_mut(&mut self, key: RoomKey) -> Option<&mut Router> {
        self.rooms.get_mut(key).map(|room| &mut room.router)
    }

    /// A room and its home, if that is on another worker.
    pub(super) fn pulled_mut(&mut self, key: RoomKey) -> Option<(&mut Router, &mut Home)> {
        let room = self.rooms.get_mut(key)?;
        Some((&mut room.router, room.home.as_mut()?))
    }

    pub(super) fn home(&self, key: RoomKey) -> Option<Home> {
        self.rooms.get(key)?.home
    }

    pub(super) fn set_home(&mut self, key: RoomKey, home: Option<Home>) {
        if let Some(room) = self.rooms.get_mut(key) {
            room.home = home;
        }
    }

    /// Whether it is known where its stream comes from.
    pub(super) fn has_source(&self, key: RoomKey) -> bool {
        self.rooms.get(key).is_some_and(|room| match room.home {
            Some(home) => home.has_answered,
            None => room.router.is_published(),
        })
    }

    pub(crate) fn remove(&mut self, key: RoomKey) {
        self.flush_by(key, None);
        if let Some(room) = self.rooms.remove(key) {
            self.by_id.remove(room.router.room());
        }
    }

    pub(crate) fn keys(&self) -> Vec<RoomKey> {
        self.rooms.keys().collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }

    /// There is something to be sent on.
    pub(crate) fn change(&mut self, key: RoomKey) {
        if let Some(room) = self.rooms.get_mut(key)
            && !std::mem::replace(&mut room.is_changed, true)
        {
            self.changed.push(key);
        }
    }

    /// Those with something to be sent on.
    pub(crate) fn changed(&self) -> &[RoomKey] {
        &self.changed
    }

    /// A room that is to be flushed now.
    pub(crate) fn pop_changed(&mut self, now: Instant) -> Option<RoomKey> {
        while let Some((_, key)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.flush_by(key, None);
            self.change(key);
        }
        let key = self.changed.pop()?;
        if let Some(room) = self.rooms.get_mut(key) {
            room.is_changed = false;
        }
        Some(key)
    }

    /// A room wants to be flushed at this time at the latest.
    pub(crate) fn flush_by(&mut self, key: RoomKey, at: Option<Instant>) {
        let Some(room) = self.rooms.get_mut(key) else {
            return;
        };
        if let Some(before) = std::mem::replace(&mut room.due, at) {
            self.due.remove(&(before, key));
        }
        self.due.extend(at.map(|at| (at, key)));
    }

    /// When the next room wants to be flushed.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock;

    const MOMENT: Duration = Duration::from_millis(2);

    fn rooms(now: Instant, names: [&str; 2]) -> (Rooms, [RoomKey; 2]) {
        let mut rooms = Rooms::default();
        let keys = names.map(|name| rooms.find_or_add(&name.parse().unwrap(), now));
        (rooms, keys)
    }

    #[test]
    fn only_a_room_that_is_due_or_has_changed_is_flushed_and_once() {
        let now = clock::now();
        let (mut rooms, [garage, garden]) = rooms(now, ["garage", "garden"]);
        rooms.flush_by(garage, Some(now + MOMENT));
        assert_eq!(rooms.pop_changed(now), None);
        rooms.change(garden);
        rooms.change(garden);
        assert_eq!(rooms.pop_changed(now), Some(garden));
        assert_eq!(rooms.pop_changed(now), None);
        assert_eq!(rooms.next_due(), Some(now + MOMENT));
        assert_eq!(rooms.pop_changed(now + MOMENT), Some(garage));
        assert_eq!(rooms.pop_changed(now + MOMENT), None);
        assert_eq!(rooms.next_due(), None);
    }

    #[test]
    fn a_room_that_is_gone_is_not_due() {
        let now = clock::now();
        let (mut rooms, [garage, _]) = rooms(now, ["garage", "garden"]);
        rooms.flush_by(garage, Some(now));
        rooms.remove(garage);
        assert_eq!(rooms.next_due(), None);
        assert_eq!(rooms.pop_changed(now), None);
        let again = rooms.find_or_add(&"garage".parse().unwrap(), now);
        assert_ne!(again, garage);
    }
}
