//! What the gateway does, in the words of the protocol and without those of HTTP.

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use sightline_spec::event::EventKind;
use sightline_spec::link::Link;
use sightline_spec::prefer::Prefer;
use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::{PublisherOffer, ViewerAnswer};
use sightline_spec::sdpfrag::SdpFrag;

use crate::auth::Authority;
use crate::error::Error;
use crate::events::{Outbox, StreamId};
use crate::ice_servers::ConfiguredIceServer;
use crate::rendezvous::{Listening, Rendezvous};
use crate::room::{Answered, CounterOffer};
use crate::session::{Precondition, Side};

/// How long POSTs are held.
#[derive(Debug, Clone)]
pub(crate) struct Waits {
    /// A camera's that does not say.
    pub(crate) camera: Duration,
    /// A viewer's that does not say.
    pub(crate) viewer: Duration,
    /// Anyone's, whatever it says.
    pub(crate) most: Duration,
}

/// The gateway.
pub(crate) struct App {
    pub(crate) rendezvous: Rendezvous,
    pub(crate) authority: Authority,
    pub(crate) ice_servers: Vec<ConfiguredIceServer>,
    pub(crate) waits: Waits,
    /// By the book: `If-Match` is demanded.
    pub(crate) strict: bool,
}

/// A camera that wants to publish.
pub(crate) struct Publish<'a> {
    pub(crate) room: RoomId,
    pub(crate) offer: PublisherOffer,
    pub(crate) prefer: Prefer,
    pub(crate) bearer: Option<&'a str>,
    /// The gateway's host and port as the camera addressed it.
    pub(crate) audience: &'a str,
}

impl App {
    /// Holds a camera's offer until a viewer has answered it.
    pub(crate) async fn publish(&self, publish: Publish<'_>) -> Result<Answered, Error> {
        let Publish {
            room,
            offer,
            prefer,
            bearer,
            audience,
        } = publish;
        let now = SystemTime::now();
        let publisher = self
            .authority
            .publisher(&room, &offer, bearer, audience, now)?;
        let offer = offer.into_sdp().without_undescribed_ssrc_groups();
        let wait = self.wait(prefer, Side::Camera);
        let held = self
            .rendezvous
            .publish(room.clone(), publisher, offer, wait)?;
        tracing::debug!(?room, ?wait, "a camera's offer waits");
        let answered = held.outcome().await?;
        tracing::info!(?room, "a camera and a viewer have met");
        Ok(answered)
    }

    /// Holds a viewer's request until a camera's offer is there for it.
    pub(crate) async fn view(&self, room: RoomId, prefer: Prefer) -> Result<CounterOffer, Error> {
        self.authority.view(&room)?;
        let wait = self.wait(prefer, Side::Viewer);
        let held = self.rendezvous.view(room.clone(), wait)?;
        tracing::debug!(?room, ?wait, "a viewer waits");
        held.outcome().await
    }

    /// How long a POST with these preferences is held.
    pub(crate) fn wait(&self, prefer: Prefer, side: Side) -> Duration {
        let default = match side {
            Side::Camera => self.waits.camera,
            Side::Viewer => self.waits.viewer,
        };
        let wanted = prefer
            .wait
            .map(|seconds| Duration::from_secs(seconds.into()));
        wanted.unwrap_or(default).min(self.waits.most)
    }

    /// Completes an exchange with the viewer's answer.
    pub(crate) fn answer(
        &self,
        room: &RoomId,
        session: SessionId,
        precondition: &Precondition,
        answer: &ViewerAnswer,
        from: IpAddr,
    ) -> Result<(), Error> {
        self.rendezvous
            .answer(room, session, precondition, answer, from)
    }

    /// Passes candidates on.
    pub(crate) fn trickle(
        &self,
        room: &RoomId,
        session: SessionId,
        precondition: &Precondition,
        fragment: SdpFrag,
        from: IpAddr,
    ) -> Result<(), Error> {
        self.rendezvous
            .trickle(room, session, precondition, fragment, from)
    }

    /// Ends a session; the other side learns of it at once.
    pub(crate) fn leave(&self, room: &RoomId, session: SessionId) -> Result<(), Error> {
        self.rendezvous.delete(room, session)?;
        tracing::info!(?room, "a session was ended by its side");
        Ok(())
    }

    /// Which end of an exchange a session is, if there is such a session.
    pub(crate) fn side(&self, room: &RoomId, session: SessionId) -> Result<Side, Error> {
        self.rendezvous.side(room, session)
    }

    /// Makes an event stream.
    pub(crate) fn add_stream(
        &self,
        room: &RoomId,
        session: SessionId,
        kinds: Vec<EventKind>,
    ) -> Result<StreamId, Error> {
        self.rendezvous.outbox(room, session)?.add_stream(kinds)
    }

    /// Opens an event stream that was made.
    pub(crate) fn open_stream(
        &self,
        room: &RoomId,
        session: SessionId,
        stream: StreamId,
    ) -> Result<(Outbox, Listening), Error> {
        let outbox = self.rendezvous.outbox(room, session)?;
        match outbox.has_stream(stream) {
            true => Ok((outbox, self.rendezvous.listen(room, session)?)),
            false => Err(Error::UnknownSession),
        }
    }

    /// Ends an event stream.
    pub(crate) fn remove_stream(
        &self,
        room: &RoomId,
        session: SessionId,
        stream: StreamId,
    ) -> Result<(), Error> {
        let outbox = self.rendezvous.outbox(room, session)?;
        match outbox.remove_stream(stream) {
            true => Ok(()),
            false => Err(Error::UnknownSession),
        }
    }

    /// The links to the ICE servers.
    pub(crate) fn ice_server_links(&self) -> impl Iterator<Item = Link> {
        self.ice_servers.iter().map(ConfiguredIceServer::to_link)
    }
}
