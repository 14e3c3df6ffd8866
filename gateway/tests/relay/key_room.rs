//! A room that is a key, and what its holder signs.

use std::time::{Duration, SystemTime};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use sightline_spec::room::RoomId;
use sightline_spec::token::{Admission, Claims, Scope, SigningKey};

use crate::peer::{Http, Setup};

/// See the module.
pub(crate) struct KeyRoom {
    pub(crate) room: String,
    /// To publish there.
    pub(crate) token: String,
    /// To publish there what is watched with a ticket only.
    pub(crate) token_asking_for_tickets: String,
    pub(crate) ticket: String,
}

impl KeyRoom {
    pub(crate) fn new(http: &Http) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        let public: [u8; 32] = pair.public_key().as_ref().try_into().unwrap();
        let key = SigningKey::from_pkcs8(document.as_ref());
        let (room, hour) = (RoomId::from_key(&public), Duration::from_secs(3600));
        let now = SystemTime::now();
        let claims = |scope| Claims::new(room.clone(), scope, http.host(), now, hour);
        let publish = claims(Scope::Publish);
        Self {
            token: key.sign(&publish).unwrap(),
            token_asking_for_tickets: key.sign(&publish.admitting(Admission::Ticket)).unwrap(),
            ticket: key.sign(&claims(Scope::View)).unwrap(),
            room: room.to_string(),
        }
    }
}

/// A publisher with this token.
pub(crate) fn key_holder(token: &str, author: u8) -> Setup {
    let mut setup = Setup::publisher();
    setup.fields.token = Some(token.to_owned());
    setup.author = author;
    setup
}
