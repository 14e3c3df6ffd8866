//! The relay's sessions as HTTP knows them: whose they are, and what their event streams
//! carry.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sightline_relay::Session;
use sightline_spec::event::{Event, Problem};
use sightline_spec::room::{RoomId, SessionId};

use crate::census::Seat;
use crate::error::Error;
use crate::session::{Party, Path, Side};

/// See the module.
pub(super) struct Sessions {
    /// How long one whose connection is gone still answers as itself.
    remember: Duration,
    /// Guards rooms and sessions; held for a look-up, never across an await.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    rooms: HashMap<RoomId, Room>,
    sessions: HashMap<SessionId, Entry>,
    /// Those that are not over.
    live: usize,
}

#[derive(Default)]
struct Room {
    /// Besides the one that has the room, one that it replaces and that ends in a moment, or
    /// one that cannot begin.
    publishers: HashSet<SessionId>,
    viewers: HashSet<SessionId>,
    /// Whether media arrives, or has stopped; nothing while none has ever come.
    is_active: Option<bool>,
    /// What is wrong with that media.
    problem: Option<Problem>,
    /// The count that every viewer here was told last.
    told: Option<usize>,
}

/// Whether a session has to do with its room yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It publishes there, or watches.
    InRoom,
    /// It is to prove who it is before it publishes there.
    Apart,
}

/// One session.
pub(super) struct Entry {
    pub(super) room: RoomId,
    pub(super) side: Side,
    pub(super) party: Party,
    pub(super) connection: Session,
    pub(super) standing: Standing,
    /// Since when its connection is gone. Until its client has DELETEd it, or some time
    /// has passed, the session still answers: OBS closes first and DELETEs then.
    pub(super) over: Option<Instant>,
}

impl Sessions {
    pub(super) fn new(remember: Duration) -> Self {
        Self {
            remember,
            state: Mutex::default(),
        }
    }

    /// Enters a session. A publisher's has the room from now on, and a viewer's needs that
    /// somebody is there.
    pub(super) fn add(&self, entry: Entry) -> Result<(), Error> {
        let mut guard = self.state();
        let state = &mut *guard;
        let (id, outbox) = (entry.party.id, &entry.party.outbox);
        match entry.side {
            Side::Camera => {
                let room = state.rooms.entry(entry.room.clone()).or_default();
                room.publishers.insert(id);
                outbox.push(Event::Join);
            }
            Side::Viewer => {
                let room = state.rooms.get_mut(&entry.room).ok_or(Error::NoCamera)?;
                room.viewers.insert(id);
                // It has to be told, even if another has left at the same time.
                room.told = None;
                if let Some(is_active) = room.is_active {
                    outbox.push(activity(is_active));
                }
                if room.problem.is_some() {
                    outbox.push(Event::Problem(room.problem));
                }
            }
        }
        state.live += 1;
        state.sessions.insert(id, entry);
        Ok(())
    }

    /// One step of a session in this room.
    pub(super) fn with<T>(
        &self,
        room: &RoomId,
        session: SessionId,
        step: impl FnOnce(&mut Entry) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut state = self.state();
        let entry = state.sessions.get_mut(&session);
        let entry = entry.filter(|entry| entry.room == *room);
        let entry = entry.ok_or(Error::UnknownSession)?;
        match entry.over {
            None => step(entry),
            Some(_) => Err(Error::SessionOver),
        }
    }

    /// Reads a session of this room, also one that is over.
    pub(super) fn read<T>(
        &self,
        room: &RoomId,
        session: SessionId,
        read: impl FnOnce(&Entry) -> T,
    ) -> Result<T, Error> {
        let state = self.state();
        let entry = state.sessions.get(&session).filter(|e| e.room == *room);
        entry.map(read).ok_or(Error::UnknownSession)
    }

    /// Where a session was, and on which side, if it is over only now.
    pub(super) fn ended(&self, id: SessionId, now: Instant) -> Option<(RoomId, Side)> {
        let mut guard = self.state();
        let state = &mut *guard;
        let entry = state.sessions.get_mut(&id).filter(|e| e.over.is_none())?;
        entry.over = Some(now);
        state.live -= 1;
        if entry.side == Side::Camera {
            entry.party.outbox.push(Event::Leave);
        }
        entry.party.outbox.end();
        if let Some(room) = state.rooms.get_mut(&entry.room) {
            room.viewers.remove(&id);
            room.publishers.remove(&id);
            if room.publishers.is_empty() && room.viewers.is_empty() {
                state.rooms.remove(&entry.room);
            }
        }
        Some((entry.room.clone(), entry.side))
    }

    /// A publisher that has waited apart has its room.
    pub(super) fn comes_in(&self, session: SessionId) {
        if let Some(entry) = self.state().sessions.get_mut(&session) {
            entry.standing = Standing::InRoom;
        }
    }

    /// A client has DELETEd its session.
    pub(super) fn forget(&self, session: SessionId) {
        self.state().sessions.remove(&session);
    }

    /// Forgets sessions that are over for long enough.
    pub(super) fn forget_old(&self, now: Instant) {
        let is_old = |entry: &Entry| {
            let over = entry.over;
            over.is_some_and(|over| now.saturating_duration_since(over) >= self.remember)
        };
        let mut state = self.state();
        if state.sessions.len() > state.live {
            state.sessions.retain(|_, entry| !is_old(entry));
        }
    }

    /// Whether there is nobody, not even one to be forgotten.
    pub(super) fn is_empty(&self) -> bool {
        self.state().sessions.is_empty()
    }

    /// A room's publisher sends, or has stopped sending; its viewers are told.
    pub(super) fn sends(&self, room: &RoomId, is_sending: bool) {
        let mut guard = self.state();
        let state = &mut *guard;
        let Some(room) = state.rooms.get_mut(room) else {
            return;
        };
        let before = room.is_active.replace(is_sending);
        if before != Some(is_sending) {
            tell_all(&state.sessions, room, &activity(is_sending));
        }
    }

    /// What is wrong with what a room's publisher sends, if anything is; its viewers are told.
    pub(super) fn has_problem(&self, room: &RoomId, problem: Option<Problem>) {
        let mut guard = self.state();
        let state = &mut *guard;
        if let Some(room) = state.rooms.get_mut(room) {
            room.problem = problem;
            tell_all(&state.sessions, room, &Event::Problem(problem));
        }
    }

    /// Puts an event into a session's log. Of one that is over the log takes no more.
    pub(super) fn tell(&self, session: SessionId, event: Event) {
        if let Some(entry) = self.state().sessions.get(&session) {
            entry.party.outbox.push(event);
        }
    }

    /// How many watch a room.
    pub(super) fn viewers(&self, room: &RoomId) -> usize {
        let state = self.state();
        state.rooms.get(room).map_or(0, |room| room.viewers.len())
    }

    /// The rooms that somebody is in.
    pub(super) fn rooms(&self) -> Vec<RoomId> {
        self.state().rooms.keys().cloned().collect()
    }

    /// Tells a room's viewers how many watch, on either path, if that has changed.
    pub(super) fn tell_viewer_count(&self, room: &RoomId, direct: usize) {
        let mut guard = self.state();
        let state = &mut *guard;
        let Some(room) = state.rooms.get_mut(room) else {
            return;
        };
        let count = room.viewers.len() + direct;
        if room.told.replace(count) != Some(count) {
            tell_all(&state.sessions, room, &Event::ViewerCount(count));
        }
    }

    /// A room's viewers that have brought no ticket.
    pub(super) fn ticketless(&self, room: &RoomId) -> Vec<(SessionId, Session)> {
        let state = self.state();
        let viewers = state.rooms.get(room).into_iter().flat_map(|r| &r.viewers);
        let entries = viewers.filter_map(|id| Some((id, state.sessions.get(id)?)));
        let found = entries.filter(|(_, entry)| entry.party.is_ticketless);
        let found = found.map(|(id, entry)| (*id, entry.connection.clone()));
        found.collect()
    }

    /// Who has a connection, and a place in its room.
    pub(super) fn census(&self) -> Vec<(RoomId, Seat)> {
        let state = self.state();
        let is_there = |entry: &&Entry| entry.over.is_none() && entry.standing == Standing::InRoom;
        let live = state.sessions.values().filter(is_there);
        let seats = live.map(|entry| {
            let seat = Seat {
                session: entry.party.id,
                side: entry.side,
                path: Path::Relay,
                since: entry.party.since,
            };
            (entry.room.clone(), seat)
        });
        seats.collect()
    }

    /// Rooms, sessions, and how many of these are not over, for tests.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn leftovers(&self) -> (usize, usize, usize) {
        let state = self.state();
        (state.rooms.len(), state.sessions.len(), state.live)
    }

    /// Publishers that wait apart, for tests.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn apart(&self) -> Vec<(RoomId, SessionId)> {
        let state = self.state();
        let is_apart = |entry: &&Entry| entry.over.is_none() && entry.standing == Standing::Apart;
        let apart = state.sessions.values().filter(is_apart);
        let mut apart: Vec<_> = apart.map(|it| (it.room.clone(), it.party.id)).collect();
        // The same for the same bytes.
        apart.sort_by_key(|(room, _)| room.to_string());
        apart
    }

    /// Ends every event stream.
    pub(super) fn close(&self) {
        let state = self.state();
        let all = state.sessions.values();
        all.for_each(|entry| entry.party.outbox.end());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic inside is a bug; what it did not touch is still in order.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What viewers are told of it.
fn activity(is_active: bool) -> Event {
    match is_active {
        true => Event::Active,
        false => Event::Inactive,
    }
}

fn tell_all(sessions: &HashMap<SessionId, Entry>, room: &Room, event: &Event) {
    for viewer in room.viewers.iter().filter_map(|id| sessions.get(id)) {
        viewer.party.outbox.push(event.clone());
    }
}
