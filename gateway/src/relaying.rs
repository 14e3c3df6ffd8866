//! The relay as a part of the gateway: what HTTP asks of it, and what it tells, turned into
//! events of sessions and the state of rooms. Nothing else knows both sides.

mod relayed;
mod sessions;

use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use sightline_relay::{self as relay, Event, Events, Health, Limits, MediaPorts, Relay, Traffic};
use sightline_spec::event::{self, Problem};
use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::Sdp;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::census::Seat;
use crate::error::Error;
use crate::rendezvous::Rendezvous;
use crate::room::Answered;
use crate::session::{CandidateLimits, Holds, Party, Side};
pub(crate) use relayed::{Relayed, Trickled};
pub(crate) use sessions::Standing;
use sessions::{Entry, Sessions};

/// How often viewers are told how many they are, if that has changed.
const LOOK: Duration = Duration::from_millis(500);

/// How long the relay may take to end.
const GOODBYES: Duration = Duration::from_secs(3);

/// The relay's bounds.
#[derive(Debug, Clone)]
pub(crate) struct RelayingLimits {
    /// Of media.
    pub(crate) media: Limits,
    /// Of what one session may send.
    pub(crate) candidates: CandidateLimits,
    /// How long a session whose connection is gone still answers as itself.
    pub(crate) remember: Duration,
}

/// See the module. Cheap to clone; every clone is the same one.
#[derive(Clone)]
pub(crate) struct Relaying(Arc<Shared>);

struct Shared {
    relay: Relay,
    rendezvous: Rendezvous,
    sessions: Sessions,
    candidates: CandidateLimits,
    /// There is a session again.
    has_begun: Notify,
}

impl fmt::Debug for Relaying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Relaying")
    }
}

impl Relaying {
    /// Starts the relay. [`Relaying::run`] must run beside it, with its events.
    pub(crate) fn start(
        ports: &MediaPorts,
        limits: &RelayingLimits,
        rendezvous: Rendezvous,
    ) -> anyhow::Result<(Self, Events)> {
        let started = Relay::start(ports, &limits.media);
        let (relay, events) = started.context("the relay cannot start (see --media-listen)")?;
        Ok((Self::new(relay, limits, rendezvous), events))
    }

    /// With a relay that has been started. [`Relaying::run`] must run beside it.
    pub(crate) fn new(relay: Relay, limits: &RelayingLimits, rendezvous: Rendezvous) -> Self {
        Self(Arc::new(Shared {
            relay,
            rendezvous,
            sessions: Sessions::new(limits.remember),
            candidates: limits.candidates,
            has_begun: Notify::new(),
        }))
    }

    /// Does what the relay's events call for, for ever. While there is no session it sleeps.
    pub(crate) async fn run(&self, mut events: Events) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_empty = self.0.sessions.is_empty();
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.heard(event),
                    // Without workers nothing happens any more.
                    None => return pending().await,
                },
                _ = looks.tick(), if !is_empty => {
                    // If there are any, the log has it.
                    let _ = self.0.relay.hanging();
                    self.look_over(Instant::now().into_std());
                }
                () = self.0.has_begun.notified(), if is_empty => {}
            }
        }
    }

    fn heard(&self, event: Event) {
        let shared = &self.0;
        match event {
            Event::Sending {
                room,
                publisher,
                is_sending,
            } => {
                shared.rendezvous.relay_sends(&room, publisher, is_sending);
                shared.sessions.sends(&room, is_sending);
            }
            Event::Reordered { room, is_reordered } => {
                let problem = is_reordered.then_some(Problem::BFrames);
                shared.sessions.has_problem(&room, problem);
            }
            Event::Layers { viewer, layers } => {
                let layers = event::Event::Layers(layers);
                shared.sessions.tell(viewer, layers);
            }
            Event::Proved { room, publisher } => self.proved(&room, publisher),
            Event::TookOver { room, publisher } => {
                shared.sessions.comes_in(publisher);
                shared.rendezvous.relay_ready(&room, publisher);
                tracing::info!(?room, "its publisher has come again");
            }
            Event::Ended {
                session,
                is_stranded,
            } => {
                if is_stranded {
                    shared.sessions.tell(session, event::Event::Reconnect);
                }
                self.ended(session);
            }
        }
    }

    /// A publisher that waits apart is who it said it is.
    fn proved(&self, room: &RoomId, publisher: SessionId) {
        let shared = &self.0;
        let connection = shared
            .sessions
            .with(room, publisher, |session| Ok(session.connection.clone()));
        // One that is over has nobody to be told of it.
        let Ok(connection) = connection else { return };
        let granted = shared.rendezvous.proved(room, publisher);
        let told = granted.and_then(|()| Ok(connection.take_over()?));
        if let Err(refused) = told {
            tracing::info!(?room, "a publisher cannot come in: {refused}");
            self.ended(publisher);
            connection.end();
        }
    }

    fn look_over(&self, now: std::time::Instant) {
        let rendezvous = &self.0.rendezvous;
        self.0.sessions.forget_old(now);
        for room in self.0.sessions.rooms() {
            let direct = rendezvous.direct_viewers(&room);
            self.0.sessions.tell_viewer_count(&room, direct);
        }
    }

    /// A session's connection is gone, whoever ended it.
    fn ended(&self, session: SessionId) {
        let now = Instant::now().into_std();
        match self.0.sessions.ended(session, now) {
            Some((room, Side::Camera)) => self.0.rendezvous.relay_left(&room, session),
            Some((room, Side::Viewer)) if self.0.sessions.viewers(&room) == 0 => {
                self.note_watched(&room);
            }
            Some((_, Side::Viewer)) | None => {}
        }
    }

    /// Whether anybody watches a room by the relay may have changed.
    fn note_watched(&self, room: &RoomId) {
        let is_watched = || self.0.sessions.viewers(room) > 0;
        self.0.rendezvous.relay_watched(room, is_watched);
    }

    /// Answers a publisher. `was_taken` says that its offer had waited for a viewer.
    pub(crate) fn publish(
        &self,
        room: &RoomId,
        party: Party,
        offer: &Sdp,
        was_taken: bool,
        standing: Standing,
    ) -> Result<Answered, Error> {
        // A camera's own offer costs it its uplink, so it is given back.
        let negotiated = self.0.relay.publish(room, party.id, offer, was_taken)?;
        self.begin(room, Side::Camera, party, negotiated, standing)
    }

    /// Answers a viewer with what the room's publisher sends.
    pub(crate) fn view(
        &self,
        room: &RoomId,
        offer: &Sdp,
        is_ticketless: bool,
        holds: Holds,
    ) -> Result<Answered, Error> {
        let mut party = Party::new(offer.ice_credentials(), holds);
        party.is_ticketless = is_ticketless;
        let negotiated = self.0.relay.view(room, party.id, offer)?;
        self.begin(room, Side::Viewer, party, negotiated, Standing::InRoom)
    }

    fn begin(
        &self,
        room: &RoomId,
        side: Side,
        party: Party,
        negotiated: relay::Negotiated,
        standing: Standing,
    ) -> Result<Answered, Error> {
        let answered = Answered {
            session: party.id,
            etag: party.etag.clone(),
            sdp: negotiated.answer.clone(),
        };
        self.0.sessions.add(Entry {
            room: room.clone(),
            side,
            party,
            connection: negotiated.session.clone(),
            standing,
            over: None,
        })?;
        self.0.has_begun.notify_one();
        if side == Side::Viewer && self.0.sessions.viewers(room) == 1 {
            self.note_watched(room);
        }
        let begun = match standing {
            Standing::InRoom => negotiated.begin(),
            Standing::Apart => negotiated.begin_apart(),
        };
        if let Err(refused) = begun {
            self.ended(answered.session);
            return Err(refused.into());
        }
        Ok(answered)
    }

    /// Ends a session.
    pub(crate) fn leave(&self, room: &RoomId, session: SessionId) -> Result<(), Error> {
        let connection = self
            .0
            .sessions
            .read(room, session, |s| s.connection.clone())?;
        self.ended(session);
        self.0.sessions.forget(session);
        connection.end();
        Ok(())
    }

    /// Ends the viewers who have brought no ticket: the room's publisher asks for one now.
    pub(crate) fn end_ticketless(&self, room: &RoomId) {
        for (session, connection) in self.0.sessions.ticketless(room) {
            self.ended(session);
            connection.end();
        }
    }

    /// Who has a connection with the relay.
    pub(crate) fn census(&self) -> Vec<(RoomId, Seat)> {
        self.0.sessions.census()
    }

    /// How many bytes have come and gone.
    pub(crate) fn traffic(&self) -> &Traffic {
        self.0.relay.traffic()
    }

    /// How many of its workers hang.
    pub(crate) fn hanging(&self) -> usize {
        self.0.relay.hanging()
    }

    /// How the relay is.
    pub(crate) fn health(&self) -> &Health {
        self.0.relay.health()
    }

    /// Whether all of the relay is at work.
    pub(crate) fn is_whole(&self) -> bool {
        self.0.relay.is_whole()
    }

    /// What is left in memory, here and in the relay, for tests.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) async fn leftovers(&self) -> ((usize, usize, usize), relay::Leftovers) {
        (self.0.sessions.leftovers(), self.0.relay.leftovers().await)
    }

    /// Has something happen that only a peer could bring about, for tests.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn happens(&self, event: Event) {
        self.heard(event);
    }

    /// Publishers that wait apart, for tests.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn apart(&self) -> Vec<(RoomId, SessionId)> {
        self.0.sessions.apart()
    }

    /// Says goodbye to everyone.
    pub(crate) fn close(&self) {
        self.0.sessions.close();
        self.0.relay.close();
    }

    /// Waits, a few seconds at most, until every goodbye is on its way: OBS publishes again
    /// only when it has heard one.
    pub(crate) async fn closed(&self) {
        if timeout(GOODBYES, self.0.relay.closed()).await.is_err() {
            tracing::warn!("the relay did not end in time and was cut");
        }
    }
}

impl From<relay::Error> for Error {
    fn from(error: relay::Error) -> Self {
        match error {
            relay::Error::BadSdp(error) => Self::BadSdp(error),
            relay::Error::NothingToForward => Self::NothingToForward,
            relay::Error::CodecMismatch { encoding } => Self::CodecMismatch { encoding },
            relay::Error::Unanswerable(what) => Self::Unanswerable(what),
            relay::Error::UnacceptableOffer => Self::UnacceptableOffer,
            relay::Error::NoSuchLayer => Self::NoSuchLayer,
            relay::Error::NoPublisher => Self::NoCamera,
            relay::Error::Ended => Self::UnknownSession,
            relay::Error::Busy => Self::GatewayFull,
            relay::Error::ShuttingDown => Self::ShuttingDown,
        }
    }
}
