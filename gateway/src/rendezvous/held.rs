//! What an HTTP request holds on to while it waits or listens, and gives back when it
//! is dropped: a side whose connection is gone is never paired (design section 4).

use std::time::Duration;

use sightline_spec::room::{RoomId, SessionId};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::{Awaited, Rendezvous};
use crate::error::Error;
use crate::room::{GivenUp, RequestId};

/// A POST while it is held; `T` is what it is held for.
#[must_use]
pub(crate) struct Held<T> {
    place: Place,
    outcome: oneshot::Receiver<Result<T, Error>>,
    wait: Duration,
}

impl<T> Held<T> {
    pub(super) fn new(
        rendezvous: Rendezvous,
        room: RoomId,
        request: RequestId,
        awaited: Awaited,
        outcome: oneshot::Receiver<Result<T, Error>>,
        wait: Duration,
    ) -> Self {
        let place = Place {
            rendezvous,
            room,
            request,
            awaited,
            settled: false,
        };
        Self {
            place,
            outcome,
            wait,
        }
    }

    /// Waits for a partner as long as the request is willing to, and once there is one,
    /// for as long as the room allows it.
    pub(crate) async fn outcome(self) -> Result<T, Error> {
        let Self {
            mut place,
            mut outcome,
            wait,
        } = self;
        let told = match timeout_at(Instant::now() + wait, &mut outcome).await {
            Ok(told) => told,
            Err(_) => match place.rendezvous.give_up(&place.room, place.request) {
                GivenUp::Withdrawn => return Err(place.in_vain()),
                GivenUp::Paired => outcome.await,
            },
        };
        place.settled = true;
        // The sender is dropped unused only when the gateway is torn down.
        told.unwrap_or(Err(Error::ShuttingDown))
    }
}

/// A held request's place in its room.
///
/// What has been decided but not yet taken by the request is withdrawn as well,
/// since then nobody will carry it to the peer.
struct Place {
    rendezvous: Rendezvous,
    room: RoomId,
    request: RequestId,
    awaited: Awaited,
    /// The request has taken its outcome, so there is nothing to withdraw.
    settled: bool,
}

impl Place {
    /// Why nobody came.
    fn in_vain(&self) -> Error {
        match self.awaited {
            Awaited::Viewer => Error::NobodyCame,
            Awaited::Camera if self.rendezvous.has_camera(&self.room) => Error::CameraBusy,
            Awaited::Camera => Error::NoCamera,
            Awaited::Room => Error::RoomTaken,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.settled {
            self.rendezvous.withdraw(&self.room, self.request);
        }
    }
}

/// What the relay may do for a publisher once it has made its answer.
pub(crate) enum Claimed {
    /// Give it the room.
    Room(Claim),
    /// Have it wait apart: it may only seem to be who publishes already.
    PlaceApart(Claim),
}

/// The relay's right to be a room's publisher while it makes its answer.
#[must_use]
pub(crate) struct Claim {
    rendezvous: Rendezvous,
    room: RoomId,
    session: SessionId,
    settled: bool,
}

impl Claim {
    pub(super) fn new(rendezvous: Rendezvous, room: RoomId, session: SessionId) -> Self {
        Self {
            rendezvous,
            room,
            session,
            settled: false,
        }
    }

    /// The answer is made, and the publisher waits apart.
    pub(crate) fn settle_apart(mut self) {
        self.settled = true;
    }

    /// The answer is made: viewers can come.
    pub(crate) fn settle(mut self) {
        self.settled = true;
        self.rendezvous.relay_ready(&self.room, self.session);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.settled {
            self.rendezvous.relay_left(&self.room, self.session);
        }
    }
}

/// An event stream that is open; dropping it says that it closed.
pub(crate) struct Listening {
    rendezvous: Rendezvous,
    room: RoomId,
    session: SessionId,
}

impl Listening {
    pub(super) fn new(rendezvous: Rendezvous, room: RoomId, session: SessionId) -> Self {
        Self {
            rendezvous,
            room,
            session,
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.rendezvous.stream_closed(&self.room, self.session);
    }
}
