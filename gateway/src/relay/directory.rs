//! What the HTTP side and the workers both know of the relay: rooms, sessions, and what
//! their event streams carry. Packets never come by here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sightline_spec::event::Event;
use sightline_spec::layer::{LayerSelection, Rid};
use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::Sdp;

use super::negotiate::Track;
use super::peer::PeerLimits;
use crate::error::Error;
use crate::events::Outbox;
use crate::rendezvous::Rendezvous;
use crate::session::{Party, Side};
use crate::traffic::Traffic;

/// The relay's bounds.
#[derive(Debug, Clone)]
pub(crate) struct RelayLimits {
    /// How long peers may take.
    pub(crate) peers: PeerLimits,
    /// How long viewers' sessions outlast their publisher.
    pub(crate) linger: Duration,
    /// Sessions at one time.
    pub(crate) sessions: usize,
    /// Candidates that one session may send.
    pub(crate) candidates: usize,
    /// How long a session whose connection is gone still answers as itself.
    pub(crate) remember: Duration,
}

/// See the module.
pub(super) struct Directory {
    rendezvous: Rendezvous,
    limits: RelayLimits,
    traffic: Traffic,
    /// Guards rooms and sessions; held for a look-up, never across an await.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    rooms: HashMap<RoomId, Room>,
    sessions: HashMap<SessionId, Session>,
    /// Those that are not over.
    live: usize,
}

#[derive(Default)]
struct Room {
    publisher: Option<SessionId>,
    tracks: Arc<[Track]>,
    viewers: usize,
    /// The count that viewers were told last.
    told: usize,
}

/// One session of the relay.
pub(super) struct Session {
    pub(super) room: RoomId,
    pub(super) side: Side,
    pub(super) party: Party,
    /// What was offered, for ICE restarts.
    pub(super) offer: Sdp,
    /// The offer had waited for a viewer, and the relay took it.
    pub(super) was_taken: bool,
    /// Since when its connection is gone. Until its client has DELETEd it, or some time
    /// has passed, the session still answers: OBS closes first and DELETEs then.
    pub(super) over: Option<Instant>,
}

impl Directory {
    pub(super) fn new(rendezvous: Rendezvous, limits: RelayLimits) -> Self {
        Self {
            rendezvous,
            limits,
            traffic: Traffic::default(),
            state: Mutex::default(),
        }
    }

    /// What all workers have counted.
    pub(super) fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    pub(super) fn limits(&self) -> &PeerLimits {
        &self.limits.peers
    }

    pub(super) fn linger(&self) -> Duration {
        self.limits.linger
    }

    pub(super) fn most_candidates(&self) -> usize {
        self.limits.candidates
    }

    /// Enters a publisher's session, which is the room's from now on.
    pub(super) fn add_publisher(&self, session: Session, tracks: &[Track]) -> Result<(), Error> {
        let mut state = self.room_for_one_more()?;
        let room = state.rooms.entry(session.room.clone()).or_default();
        room.publisher = Some(session.party.id);
        room.tracks = tracks.into();
        session.party.outbox.push(Event::Join);
        state.live += 1;
        state.sessions.insert(session.party.id, session);
        Ok(())
    }

    /// Enters a viewer's session.
    pub(super) fn add_viewer(&self, session: Session) -> Result<(), Error> {
        let mut state = self.room_for_one_more()?;
        let room = state.rooms.get_mut(&session.room).ok_or(Error::NoCamera)?;
        room.viewers += 1;
        state.live += 1;
        state.sessions.insert(session.party.id, session);
        Ok(())
    }

    fn room_for_one_more(&self) -> Result<MutexGuard<'_, State>, Error> {
        let state = self.state();
        match state.live < self.limits.sessions {
            true => Ok(state),
            false => Err(Error::TooManySessions),
        }
    }

    /// What a room's publisher sends.
    pub(super) fn tracks(&self, room: &RoomId) -> Result<Arc<[Track]>, Error> {
        let state = self.state();
        let room = state
            .rooms
            .get(room)
            .filter(|room| room.publisher.is_some());
        Ok(room.ok_or(Error::NoCamera)?.tracks.clone())
    }

    /// Whether the room's publisher has announced what a viewer wants. None of them has
    /// spatial or temporal layers, and how large their pictures are is not known.
    pub(super) fn offers_layer(&self, room: &RoomId, wanted: &LayerSelection) -> bool {
        let first_only = |id: Option<u8>| id.is_none_or(|id| id == 0);
        let is_encoding = first_only(wanted.spatial_layer_id)
            && first_only(wanted.temporal_layer_id)
            && wanted.max_width.or(wanted.max_height).is_none();
        let state = self.state();
        let publisher = state.rooms.get(room).and_then(|room| room.publisher);
        let offer = publisher.and_then(|id| Some(&state.sessions.get(&id)?.offer));
        let announced = |rid: &Rid| {
            let mut media = offer.into_iter().flat_map(|offer| offer.media());
            media.any(|media| media.rids().any(|known| known == rid.as_str()))
        };
        is_encoding && wanted.rid.as_ref().is_none_or(announced)
    }

    /// One step of a session in this room.
    pub(super) fn with<T>(
        &self,
        room: &RoomId,
        session: SessionId,
        step: impl FnOnce(&mut Session) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut state = self.state();
        let session = state.sessions.get_mut(&session);
        let session = session.filter(|session| session.room == *room);
        let session = session.ok_or(Error::UnknownSession)?;
        match session.over {
            None => step(session),
            Some(_) => Err(Error::SessionOver),
        }
    }

    /// Reads a session of this room, also one that is over.
    pub(super) fn read<T>(
        &self,
        room: &RoomId,
        session: SessionId,
        read: impl FnOnce(&Session) -> T,
    ) -> Result<T, Error> {
        let state = self.state();
        let session = state.sessions.get(&session).filter(|s| s.room == *room);
        session.map(read).ok_or(Error::UnknownSession)
    }

    /// A client has DELETEd its session.
    pub(super) fn forget(&self, session: SessionId) {
        self.ended(session);
        self.state().sessions.remove(&session);
    }

    /// Forgets sessions that are over for long enough; says whether others are left.
    pub(super) fn forget_old(&self, now: Instant) -> bool {
        let remember = self.limits.remember;
        let is_old = |session: &Session| session.over.is_some_and(|over| over + remember <= now);
        let mut state = self.state();
        if state.sessions.len() > state.live {
            state.sessions.retain(|_, session| !is_old(session));
        }
        state.sessions.len() > state.live
    }

    /// A session's connection is gone, whoever ended it.
    pub(super) fn ended(&self, id: SessionId) {
        let mut guard = self.state();
        let state = &mut *guard;
        let session = state.sessions.get_mut(&id).filter(|s| s.over.is_none());
        let Some(session) = session else {
            return;
        };
        session.over = Some(Instant::now());
        state.live -= 1;
        let side = session.side;
        if side == Side::Camera {
            session.party.outbox.push(Event::Leave);
        }
        session.party.outbox.end();
        let room_id = session.room.clone();
        if let Some(room) = state.rooms.get_mut(&room_id) {
            match side {
                Side::Viewer => room.viewers = room.viewers.saturating_sub(1),
                Side::Camera if room.publisher == Some(id) => room.publisher = None,
                Side::Camera => {}
            }
            if room.publisher.is_none() && room.viewers == 0 {
                state.rooms.remove(&room_id);
            }
        }
        drop(guard);
        if side == Side::Camera {
            self.rendezvous.relay_left(&room_id, id);
        }
    }

    /// The room's publisher sends, or has stopped sending.
    pub(super) fn publishes(&self, room: &RoomId, is_sending: bool) {
        let publisher = self.state().rooms.get(room).and_then(|room| room.publisher);
        if let Some(session) = publisher {
            self.rendezvous.relay_sends(room, session, is_sending);
        }
    }

    /// Whether the relay took this publisher's offer from among those that waited.
    pub(super) fn was_taken(&self, session: SessionId) -> bool {
        let state = self.state();
        state
            .sessions
            .get(&session)
            .is_some_and(|session| session.was_taken)
    }

    /// Puts an event into a session's log.
    pub(super) fn tell(&self, session: SessionId, event: Event) {
        if let Some(session) = self.state().sessions.get(&session) {
            // Of a session that is over the log takes no more.
            session.party.outbox.push(event);
        }
    }

    /// How many watch in this room, on either path, if that has changed.
    pub(super) fn new_viewer_count(&self, room: &RoomId) -> Option<usize> {
        let direct = self.rendezvous.direct_viewers(room);
        let mut state = self.state();
        let room = state.rooms.get_mut(room)?;
        let count = room.viewers + direct;
        let is_new = count != std::mem::replace(&mut room.told, count);
        is_new.then_some(count)
    }

    /// Every session, for the gateway's end.
    pub(super) fn all(&self) -> Vec<(RoomId, SessionId, Outbox)> {
        let state = self.state();
        let all = state.sessions.iter();
        all.map(|(id, session)| (session.room.clone(), *id, session.party.outbox.clone()))
            .collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic inside is a bug; what it did not touch is still in order.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
