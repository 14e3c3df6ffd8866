//! What can be asked of a session. It is found once for each request, and from then on it is
//! one of two things.

use std::net::IpAddr;

use sightline_spec::event::EventKind;
use sightline_spec::layer::LayerSelection;
use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::{SdpError, ViewerAnswer};
use sightline_spec::sdpfrag::SdpFrag;

use super::App;
use crate::error::Error;
use crate::events::{Outbox, StreamId};
use crate::relaying::Relayed;
pub(crate) use crate::relaying::Trickled;
use crate::rendezvous::{Direct, Listening};
use crate::session::{Precondition, Side};

/// A session that a request is about.
pub(crate) enum Session {
    /// Media goes straight from the camera to the viewer.
    Direct(Direct),
    /// Media goes through the relay.
    Relayed(Relayed),
}

impl App {
    /// Finds a session, and which end of its connection it is.
    pub(crate) fn session(&self, room: RoomId, id: SessionId) -> Result<(Session, Side), Error> {
        let relay = self.relay.as_ref();
        if let Some((relayed, side)) = relay.and_then(|relay| relay.find(&room, id)) {
            return Ok((Session::Relayed(relayed), side));
        }
        let (direct, side) = self.rendezvous.find(room, id)?;
        Ok((Session::Direct(direct), side))
    }
}

impl Session {
    /// Completes an exchange with the viewer's answer.
    pub(crate) fn answer(
        &self,
        precondition: &Precondition,
        answer: Result<ViewerAnswer, SdpError>,
        from: IpAddr,
    ) -> Result<(), Error> {
        match self {
            Self::Direct(session) => session.answer(precondition, &answer?, from),
            // Whatever it is: that it is no answer would send its author the wrong way.
            Self::Relayed(_) => Err(Error::NoCounterOffer),
        }
    }

    /// Passes candidates on, or begins ICE anew where the relay is the other end.
    pub(crate) async fn trickle(
        &self,
        precondition: &Precondition,
        fragment: SdpFrag,
        from: IpAddr,
    ) -> Result<Trickled, Error> {
        match self {
            Self::Direct(session) => {
                session.trickle(precondition, fragment, from)?;
                Ok(Trickled::Noted)
            }
            Self::Relayed(session) => session.trickle(precondition, &fragment).await,
        }
    }

    /// Notes which layer a viewer wants; there is a choice on the relay only.
    pub(crate) async fn select_layer(&self, selection: &LayerSelection) -> Result<(), Error> {
        match self {
            Self::Direct(_) => Err(Error::NoSuchResource),
            Self::Relayed(session) => session.select(selection).await,
        }
    }

    /// Ends it; the other side learns of it at once.
    pub(crate) fn leave(&self) -> Result<(), Error> {
        let room = match self {
            Self::Direct(session) => {
                session.leave()?;
                session.room()
            }
            Self::Relayed(session) => {
                session.leave()?;
                session.room()
            }
        };
        tracing::info!(?room, "a session was ended by its side");
        Ok(())
    }

    /// Makes an event stream.
    pub(crate) fn add_stream(&self, kinds: Vec<EventKind>) -> Result<StreamId, Error> {
        self.outbox()?.add_stream(kinds)
    }

    /// Opens an event stream that was made.
    pub(crate) fn open_stream(
        &self,
        stream: StreamId,
    ) -> Result<(Outbox, Option<Listening>), Error> {
        let outbox = self.outbox()?;
        if !outbox.has_stream(stream) {
            return Err(Error::UnknownSession);
        }
        // Presence is told by the stream where media is out of sight, and it is seen sooner than
        // media is missed.
        let listening = match self {
            Self::Direct(session) => Some(session.listen()?),
            Self::Relayed(session) => session.listen(),
        };
        Ok((outbox, listening))
    }

    /// Ends an event stream.
    pub(crate) fn remove_stream(&self, stream: StreamId) -> Result<(), Error> {
        match self.outbox()?.remove_stream(stream) {
            true => Ok(()),
            false => Err(Error::UnknownSession),
        }
    }

    fn outbox(&self) -> Result<Outbox, Error> {
        match self {
            Self::Direct(session) => session.outbox(),
            Self::Relayed(session) => session.outbox(),
        }
    }
}
