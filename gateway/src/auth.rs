//! Who may publish where: design section 6.

use std::time::SystemTime;

use sightline_spec::room::RoomId;
use sightline_spec::sdp::PublisherOffer;
use sightline_spec::token::{Claims, Scope, TokenError};

use crate::error::Error;
use crate::room::Publisher;

/// Decides who may publish.
#[derive(Debug, Clone)]
pub(crate) struct Authority {
    /// Whether rooms with a name instead of a key are open to everyone.
    pub(crate) named_rooms_open: bool,
}

impl Authority {
    /// Who this publisher is, if it may publish in `room`.
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
    ) -> Result<Publisher, Error> {
        if room.key().is_none() {
            self.view(room)?;
            return Ok(Publisher::Certificates(offer.fingerprints()));
        }
        let token = bearer.ok_or(Error::NoToken)?;
        match Claims::verify(token, room, Scope::Publish, audience, now) {
            Ok(_) => Ok(Publisher::Key),
            // RFC 6750 section 3.1: a token that is good, but not for this.
            Err(e @ (TokenError::Room | TokenError::Scope | TokenError::Audience)) => {
                Err(Error::NotPermitted(e))
            }
            Err(e) => Err(Error::BadToken(e)),
        }
    }

    /// Whether anyone may watch in `room`.
    pub(crate) fn view(&self, room: &RoomId) -> Result<(), Error> {
        match room.key().is_some() || self.named_rooms_open {
            true => Ok(()),
            false => Err(Error::NamedRoomsClosed),
        }
    }
}
