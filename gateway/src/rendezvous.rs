//! Where held requests meet: the rooms, a oneshot for each request, and one janitor.
//!
//! Nothing above this file knows that a room's other side is in the same process.

mod census;
mod direct;
mod held;
mod relayed;

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::Sdp;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::error::Error;
use crate::room::{
    Action, Answered, CounterOffer, GivenUp, Limits, Offered, Publisher, RequestId, Room, Visitor,
};
use crate::session::Holds;
use crate::shares::{Owner, Share, Shares};
use crate::throttle::Neighbourhood;
use census::Watched;
pub(crate) use direct::Direct;
pub(crate) use held::{Claim, Claimed, Held, Listening};

/// The gateway's bounds.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// Those of each room.
    pub(crate) room: Limits,
    /// Requests that may wait in all rooms together.
    pub(crate) waiting: usize,
    /// Sessions in all rooms together, on either path; who waits has the place of one already.
    pub(crate) sessions: usize,
    /// Bytes that are kept of what clients have sent.
    pub(crate) memory: usize,
}

/// All rooms. Cheap to clone; every clone is the same one.
#[derive(Clone)]
pub(crate) struct Rendezvous(Arc<Shared>);

struct Shared {
    bounds: Bounds,
    sessions: Arc<Shares>,
    memory: Arc<Shares>,
    /// Guards everything that requests share. Held for one step of one room and
    /// never across an await, so a contended wait is microseconds.
    state: Mutex<State>,
    /// The earliest deadline has changed.
    deadlines_changed: Notify,
}

#[derive(Default)]
struct State {
    rooms: HashMap<RoomId, Entry>,
    held: HashMap<RequestId, Waiter>,
    deadlines: BTreeSet<(Instant, RoomId)>,
    last_request: u64,
    waiting: usize,
    sessions: usize,
    watched: Watched,
    closed: bool,
}

#[derive(Default)]
struct Entry {
    room: Room,
    deadline: Option<Instant>,
}

/// Whom a camera's offer has met.
#[derive(Debug)]
pub(crate) enum Published {
    /// A viewer, whose answer this is.
    Answered(Answered),
    /// The relay, which is to answer the offer.
    Taken(Sdp, Holds),
}

/// Whom a viewer has met.
#[derive(Debug)]
pub(crate) enum Viewed {
    /// A camera, whose offer this is.
    CounterOffer(CounterOffer),
    /// The relay, which is to answer the viewer's own offer.
    Relayed,
}

/// How to tell a held request its outcome.
enum Waiter {
    Camera(oneshot::Sender<Result<Published, Error>>),
    Viewer(oneshot::Sender<Result<Viewed, Error>>),
    Newcomer(oneshot::Sender<Result<(), Error>>),
}

/// What a held request waits for.
#[derive(Debug, Clone, Copy)]
enum Awaited {
    Viewer,
    Camera,
    /// Whoever has the room is to be gone.
    Room,
}

impl Waiter {
    fn awaited(&self) -> Awaited {
        match self {
            Self::Camera(_) => Awaited::Viewer,
            Self::Viewer(_) => Awaited::Camera,
            Self::Newcomer(_) => Awaited::Room,
        }
    }
}

impl fmt::Debug for Rendezvous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rendezvous")
    }
}

impl Rendezvous {
    /// An empty gateway. [`Rendezvous::run`] must run beside it.
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Shared {
            sessions: Shares::new(bounds.sessions),
            memory: Shares::new(bounds.memory),
            bounds,
            state: Mutex::default(),
            deadlines_changed: Notify::new(),
        }))
    }

    /// Does what becomes due, for ever. One task for all rooms, asleep until the
    /// earliest deadline: waiting costs nothing.
    pub(crate) async fn run(&self) {
        loop {
            let changed = self.0.deadlines_changed.notified();
            let earliest = self.state().deadlines.first().map(|(at, _)| *at);
            match earliest {
                None => changed.await,
                Some(at) => tokio::select! {
                    () = sleep_until(at) => self.expire(at),
                    () = changed => {}
                },
            }
        }
    }

    fn expire(&self, until: Instant) {
        let mut state = self.state();
        while let Some((_, room)) = state.deadlines.first().filter(|(at, _)| *at <= until) {
            let id = room.clone();
            self.enter(&mut state, &id, |room, limits, now| {
                ((), room.expire(limits, now.into_std()))
            });
        }
    }

    /// A place for one more session of whoever is there.
    pub(crate) fn place(&self, from: Neighbourhood) -> Result<Share, Error> {
        let place = self.0.sessions.take([Owner::Address(from)], 1);
        place.map_err(Error::too_many)
    }

    /// Memory for so many bytes that it has sent.
    pub(crate) fn memory(
        &self,
        room: &RoomId,
        from: Neighbourhood,
        bytes: usize,
    ) -> Result<Share, Error> {
        let owners = [Owner::Address(from), Owner::Room(room.clone())];
        let memory = self.0.memory.take(owners, bytes);
        memory.map_err(Error::too_large)
    }

    /// Both, for one of whom nothing is kept yet.
    pub(crate) fn holds(&self, room: &RoomId, from: Neighbourhood) -> Result<Holds, Error> {
        Ok(Holds {
            _place: self.place(from)?,
            memory: self.memory(room, from, 0)?,
        })
    }

    /// Puts a camera's offer into its room, for so long.
    ///
    /// Without any time to wait it never takes a place that others would find taken.
    pub(crate) fn publish(
        &self,
        id: RoomId,
        offered: Offered,
        wait: Duration,
    ) -> Result<Held<Published>, Error> {
        self.admit(id, wait, Waiter::Camera, |room, ticket, limits, now| {
            let now = now.into_std();
            let actions = room.publish(ticket, offered, limits, now)?;
            if wait.is_zero() && room.give_up(ticket) == GivenUp::Withdrawn {
                return Err(Error::NobodyCame);
            }
            Ok(actions)
        })
    }

    /// Puts a viewer into a room, for so long.
    pub(crate) fn view(
        &self,
        id: RoomId,
        visitor: Visitor,
        wait: Duration,
    ) -> Result<Held<Viewed>, Error> {
        let holds = self.holds(&id, visitor.from)?;
        self.admit(id, wait, Waiter::Viewer, |room, ticket, limits, now| {
            room.view(ticket, visitor, holds, limits, now.into_std())
        })
    }

    /// Waits, for so long, while another publisher has the room: it may be gone without anybody
    /// knowing yet.
    pub(crate) async fn until_free(
        &self,
        id: &RoomId,
        publisher: &Publisher,
        wait: Duration,
    ) -> Result<(), Error> {
        let is_taken = {
            let state = self.state();
            let entry = state.rooms.get(id);
            entry.is_some_and(|entry| entry.room.is_taken_from(publisher))
        };
        if !is_taken {
            return Ok(());
        }
        let (id, publisher) = (id.clone(), publisher.clone());
        let held = self.admit(id, wait, Waiter::Newcomer, |room, request, _, _| {
            room.wait_for_room(request, publisher)
        })?;
        held.outcome().await
    }

    fn admit<T>(
        &self,
        id: RoomId,
        wait: Duration,
        waiter: impl FnOnce(oneshot::Sender<Result<T, Error>>) -> Waiter,
        enter: impl FnOnce(&mut Room, RequestId, &Limits, Instant) -> Result<Vec<Action>, Error>,
    ) -> Result<Held<T>, Error> {
        let mut state = self.state();
        if state.closed {
            return Err(Error::ShuttingDown);
        }
        if state.waiting >= self.0.bounds.waiting {
            return Err(Error::GatewayFull);
        }
        state.last_request += 1;
        let request = RequestId(state.last_request);
        let (tell, outcome) = oneshot::channel();
        let waiter = waiter(tell);
        let awaited = waiter.awaited();
        state.held.insert(request, waiter);
        let entered = self.enter(&mut state, &id, |room, limits, now| {
            match enter(room, request, limits, now) {
                Ok(actions) => (Ok(()), actions),
                Err(refused) => (Err(refused), Vec::new()),
            }
        });
        if let Err(refused) = entered {
            state.held.remove(&request);
            return Err(refused);
        }
        drop(state);
        Ok(Held::new(self.clone(), id, request, awaited, outcome, wait))
    }

    /// Takes a request that still waits out of its room.
    fn give_up(&self, id: &RoomId, request: RequestId) -> GivenUp {
        let mut state = self.state();
        match state.rooms.contains_key(id) {
            false => GivenUp::Paired,
            true => self.enter(&mut state, id, |room, _, _| {
                (room.give_up(request), Vec::new())
            }),
        }
    }

    /// Takes a request that is gone out of everything.
    fn withdraw(&self, id: &RoomId, request: RequestId) {
        let mut state = self.state();
        state.held.remove(&request);
        drop(state);
        self.if_there(id, |room, limits, now| room.withdraw(request, limits, now));
    }

    /// Counts an event stream of this session as open until the guard is dropped.
    pub(crate) fn listen(&self, id: &RoomId, session: SessionId) -> Result<Listening, Error> {
        self.existing(id, |room, _, _| (room.stream_opened(session), Vec::new()))?;
        Ok(Listening::new(self.clone(), id.clone(), session))
    }

    /// One of a session's event streams has closed.
    fn stream_closed(&self, id: &RoomId, session: SessionId) {
        self.if_there(id, |room, limits, now| {
            room.stream_closed(session, limits, now)
        });
    }

    /// Whether a camera is in the room.
    pub(crate) fn has_camera(&self, id: &RoomId) -> bool {
        let state = self.state();
        state.rooms.get(id).is_some_and(|e| e.room.has_camera())
    }

    /// Ends every held request and every event stream, and admits no more.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        for held in std::mem::take(&mut state.held).into_values() {
            // A receiver that is gone has nobody to tell.
            let _ = match held {
                Waiter::Camera(tell) => tell.send(Err(Error::ShuttingDown)).is_ok(),
                Waiter::Viewer(tell) => tell.send(Err(Error::ShuttingDown)).is_ok(),
                Waiter::Newcomer(tell) => tell.send(Err(Error::ShuttingDown)).is_ok(),
            };
        }
        state.rooms.values().for_each(|entry| entry.room.close());
    }

    /// What is left in memory, for tests.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn leftovers(&self) -> (usize, usize, usize, usize, usize) {
        let s = self.state();
        (
            s.rooms.len(),
            s.held.len(),
            s.deadlines.len(),
            s.waiting,
            s.sessions,
        )
    }

    /// How many places and how many bytes are taken, for tests.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn taken(&self) -> (usize, usize) {
        (self.0.sessions.taken(), self.0.memory.taken())
    }

    fn if_there(
        &self,
        id: &RoomId,
        step: impl FnOnce(&mut Room, &Limits, std::time::Instant) -> Vec<Action>,
    ) {
        let mut state = self.state();
        if state.rooms.contains_key(id) {
            self.enter(&mut state, id, |room, limits, now| {
                ((), step(room, limits, now.into_std()))
            });
        }
    }

    fn existing<T>(
        &self,
        id: &RoomId,
        step: impl FnOnce(&mut Room, &Limits, Instant) -> (Result<T, Error>, Vec<Action>),
    ) -> Result<T, Error> {
        let mut state = self.state();
        match state.rooms.contains_key(id) {
            true => self.enter(&mut state, id, step),
            false => Err(Error::UnknownSession),
        }
    }

    /// One step of one room, and what follows for the rest of the state: who is
    /// told, the counts, the deadline, and that an empty room is forgotten.
    fn enter<T>(
        &self,
        state: &mut State,
        id: &RoomId,
        step: impl FnOnce(&mut Room, &Limits, Instant) -> (T, Vec<Action>),
    ) -> T {
        let limits = &self.0.bounds.room;
        let entry = state.rooms.entry(id.clone()).or_default();
        let now = Instant::now();
        let count = |room: &Room| (room.waiting(), room.sessions(), room.watching());
        let before = count(&entry.room);
        let (result, actions) = step(&mut entry.room, limits, now);
        let after = count(&entry.room);
        let deadline = entry.room.next_deadline(limits).map(Instant::from_std);
        let old_deadline = std::mem::replace(&mut entry.deadline, deadline);
        let is_empty = entry.room.is_empty();

        state.waiting = state.waiting - before.0 + after.0;
        state.sessions = state.sessions - before.1 + after.1;
        state.watched.change(before.2, after.2, now);
        if deadline != old_deadline {
            if let Some(old) = old_deadline {
                state.deadlines.remove(&(old, id.clone()));
            }
            if let Some(new) = deadline {
                state.deadlines.insert((new, id.clone()));
            }
            self.0.deadlines_changed.notify_one();
        }
        if is_empty {
            state.rooms.remove(id);
        }
        actions.into_iter().for_each(|action| state.tell(action));
        result
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic inside is a bug; the rooms it did not touch are still in order.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Resolves a held request. If it is gone, its place is being given back, which
    /// withdraws what was decided here.
    fn tell(&mut self, action: Action) {
        let (Action::CounterOffer(request, _)
        | Action::Answered(request, _)
        | Action::Spent(request)
        | Action::Taken(request, ..)
        | Action::Free(request)
        | Action::Relayed(request)
        | Action::Refused(request, _)) = &action;
        let told = match (self.held.remove(request), action) {
            (Some(Waiter::Viewer(tell)), Action::CounterOffer(_, it)) => {
                tell.send(Ok(Viewed::CounterOffer(it))).is_ok()
            }
            (Some(Waiter::Viewer(tell)), Action::Relayed(_)) => {
                tell.send(Ok(Viewed::Relayed)).is_ok()
            }
            (Some(Waiter::Viewer(tell)), Action::Refused(_, error)) => {
                tell.send(Err(error)).is_ok()
            }
            (Some(Waiter::Camera(tell)), Action::Answered(_, it)) => {
                tell.send(Ok(Published::Answered(it))).is_ok()
            }
            (Some(Waiter::Camera(tell)), Action::Taken(_, offer, holds)) => {
                tell.send(Ok(Published::Taken(offer, holds))).is_ok()
            }
            (Some(Waiter::Newcomer(tell)), Action::Free(_)) => tell.send(Ok(())).is_ok(),
            (Some(Waiter::Camera(tell)), Action::Spent(_)) => {
                tell.send(Err(Error::OfferSpent)).is_ok()
            }
            _ => false,
        };
        if !told {
            tracing::debug!("the request was gone before it could be told");
        }
    }
}
