//! Who may publish and who may watch where: design section 6.

mod access;
mod issuer;
mod keys;
mod rooms;
#[cfg(test)]
mod tests;

use std::time::SystemTime;

use sightline_spec::room::RoomId;
use sightline_spec::sdp::PublisherOffer;
use sightline_spec::token::{Admission, Claims, Scope, TokenError};

use crate::error::Error;
use crate::room::{Publisher, Shown};
pub(crate) use access::{Access, Grant, Role};
pub(crate) use issuer::Issuer;
pub(crate) use keys::{Algorithm, KeyError, Keys};
pub(crate) use rooms::Rooms;

/// Decides who may publish and who may watch.
#[derive(Debug)]
pub(crate) struct Authority {
    /// Whether rooms with a name instead of a key, and no rule, are open to everyone.
    pub(crate) named_rooms_open: bool,
    /// The rules of rooms with a name.
    pub(crate) access: Access,
}

/// What publishing in a room takes, for a page to say before it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Publishing {
    /// Nothing.
    Open,
    /// A token: the room's key signs it, or a rule is about it.
    Token,
    /// Nobody can.
    Closed,
}

impl Authority {
    /// What publishing in `room` takes.
    pub(crate) fn publishing(&self, room: &RoomId) -> Publishing {
        if room.key().is_some() {
            return Publishing::Token;
        }
        match (self.access.covers(room), self.named_rooms_open) {
            (true, _) if self.access.asks(room, Scope::Publish) => Publishing::Token,
            (true, _) | (false, true) => Publishing::Open,
            (false, false) => Publishing::Closed,
        }
    }

    /// Who this publisher is and whom it lets watch, if it may publish in `room`.
    ///
    /// `audience` is the gateway as the client addressed it. A room that is a key
    /// asks for a token that the key signed; the gateway stores nothing for that.
    pub(crate) fn publisher(
        &self,
        room: &RoomId,
        offer: &PublisherOffer,
        bearer: Option<&str>,
        audience: &str,
        now: SystemTime,
    ) -> Result<(Publisher, Admission), Error> {
        if room.key().is_none() {
            self.named_room(room, Scope::Publish, bearer, audience, now)?;
            let publisher = Publisher::Certificates(offer.fingerprints());
            return Ok((publisher, Admission::Link));
        }
        let token = bearer.ok_or(Error::NoToken)?;
        let claims = Claims::verify(token, room, Scope::Publish, audience, now);
        let claims = claims.map_err(|error| refused(Scope::Publish, error))?;
        Ok((Publisher::Key, claims.view))
    }

    /// Whether this viewer may come into `room`, and if so, whether it has brought a good
    /// ticket, or what it is told if the room's camera asks for one. Nobody else can know
    /// whether that camera does: it says so when it publishes.
    pub(crate) fn viewer(
        &self,
        room: &RoomId,
        bearer: Option<&str>,
        audience: &str,
        now: SystemTime,
    ) -> Result<Shown, Error> {
        if room.key().is_none() {
            self.named_room(room, Scope::View, bearer, audience, now)?;
            return Ok(Ok(()));
        }
        let verify = |ticket| Claims::verify(ticket, room, Scope::View, audience, now);
        let ticket = bearer.ok_or(Error::NoTicket);
        Ok(ticket.and_then(|ticket| match verify(ticket) {
            Ok(_) => Ok(()),
            Err(error) => Err(refused(Scope::View, error)),
        }))
    }

    fn named_room(
        &self,
        room: &RoomId,
        scope: Scope,
        bearer: Option<&str>,
        audience: &str,
        now: SystemTime,
    ) -> Result<(), Error> {
        if !self.access.covers(room) {
            return match self.named_rooms_open {
                true => Ok(()),
                false => Err(Error::NamedRoomsClosed),
            };
        }
        if !self.access.asks(room, scope) {
            return Ok(());
        }
        let token = bearer.ok_or(Error::NoRoomToken(scope))?;
        let checked = self.access.check(token, room, scope, audience, now);
        checked.map_err(|error| refused(scope, error))
    }
}

/// RFC 6750 section 3.1 tells a token that is good, but not for this, from one that is good
/// for nothing.
fn refused(to: Scope, error: TokenError) -> Error {
    match error {
        TokenError::Room | TokenError::Scope | TokenError::Audience => {
            Error::NotPermitted { to, error }
        }
        TokenError::Malformed
        | TokenError::Unknown
        | TokenError::Signature
        | TokenError::Issuer
        | TokenError::Expired { .. }
        | TokenError::NotYetValid { .. } => Error::BadToken(error),
    }
}
