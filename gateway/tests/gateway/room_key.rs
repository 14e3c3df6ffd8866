//! A camera's key, and the tokens it signs.

use std::time::{Duration, SystemTime};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use sightline_spec::room::RoomId;
use sightline_spec::token::{Claims, Scope, SigningKey};

pub(crate) struct RoomKey {
    pub(crate) room: RoomId,
    signer: SigningKey,
}

impl RoomKey {
    pub(crate) fn new() -> Self {
        let pair = Ed25519KeyPair::generate().expect("there is randomness");
        let public = pair.public_key().as_ref().try_into();
        let document = pair.to_pkcs8().expect("it is a key");
        Self {
            room: RoomId::from_key(public.expect("a key has 32 bytes")),
            signer: SigningKey::from_pkcs8(document.as_ref()),
        }
    }

    /// A token to publish at this gateway.
    pub(crate) fn token(&self, audience: &str) -> String {
        let minute = Duration::from_secs(60);
        let now = SystemTime::now();
        let claims = Claims::new(self.room.clone(), Scope::Publish, audience, now, minute);
        self.signer.sign(&claims).expect("it is a key")
    }
}
