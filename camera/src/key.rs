//! The camera's key: its room's name, and all proofs that follow from it.

mod file;

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use aws_lc_rs::{
    encoding::{AsBigEndian, Curve25519SeedBin},
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sightline_spec::{
    name::CameraName,
    private::{LinkSecret, Seed, check_viewer},
    proof::{ProofError, prove_camera},
    room::RoomId,
    sdp::Sdp,
    token::{Admission, Claims, Scope, SigningKey},
};

const HEAD: &str = "-----BEGIN PRIVATE KEY-----";
const FOOT: &str = "-----END PRIVATE KEY-----";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Neither `--key-file` nor a home directory.
    #[error("there is no home directory to keep the camera's key in: use --key-file")]
    NoHome,
    /// The file cannot be read or made.
    #[error("cannot use the key file {path}: {error}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Others could pose as this camera.
    #[error("the key file {0} can be read by others: chmod 600 {0}")]
    Exposed(PathBuf),
    /// Not an Ed25519 key in PKCS #8 and PEM.
    #[error("the key file {0} holds no Ed25519 key (move it away to get a new key and room)")]
    Malformed(PathBuf),
    /// The crypto library failed.
    #[error("no key could be made")]
    Generate,
}

/// An Ed25519 key, which is a room.
#[derive(Debug, Clone)]
pub struct RoomKey {
    room: RoomId,
    signer: SigningKey,
    seed: Seed,
}

/// How long a token is good for.
#[derive(Debug, Clone, Copy)]
pub struct Validity {
    /// From when.
    pub from: SystemTime,
    /// For how long.
    pub lifetime: Duration,
}

impl RoomKey {
    /// Reads the key, or makes it where there is none yet.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        let pem = file::read_or_write(path, generate_pem)?;
        Self::from_pem(&pem).ok_or_else(|| KeyError::Malformed(path.to_owned()))
    }

    /// `~/.config/sightline/camera.key`, or where the XDG base directories say.
    pub fn default_path() -> Result<PathBuf, KeyError> {
        file::default_path()
    }

    /// The room that this key is.
    pub fn room(&self) -> &RoomId {
        &self.room
    }

    /// A token that lets its bearer publish in the room, at this gateway only, and says whom the
    /// gateway is to let watch.
    ///
    /// `audience` is the gateway's host and port as the `Host` field has them.
    pub fn publish_token(
        &self,
        audience: &str,
        admission: Admission,
        validity: Validity,
    ) -> Option<String> {
        let claims = self.claims(Scope::Publish, audience, validity);
        self.signer.sign(&claims.admitting(admission)).ok()
    }

    /// A ticket that lets its bearer watch, where the camera asks for one.
    pub fn view_ticket(&self, audience: &str, validity: Validity) -> Option<String> {
        let claims = self.claims(Scope::View, audience, validity);
        self.signer.sign(&claims).ok()
    }

    /// The secret of the room's private links that expire then, or never.
    pub fn link_secret(&self, expires: Option<SystemTime>) -> LinkSecret {
        LinkSecret::derive(&self.seed, expires)
    }

    /// The offer with the proof that it is this camera's, which has this name.
    pub(crate) fn prove(
        &self,
        offer: &Sdp,
        name: Option<&CameraName>,
        now: SystemTime,
    ) -> Result<Sdp, ProofError> {
        prove_camera(offer, &self.room, &self.signer, name, now)
    }

    /// Whether the answer's writer has a private link, and when that expires.
    pub(crate) fn check_viewer(
        &self,
        answer: &Sdp,
        now: SystemTime,
    ) -> Result<Option<SystemTime>, ProofError> {
        check_viewer(answer, &self.room, &self.seed, now)
    }

    fn claims(&self, scope: Scope, audience: &str, validity: Validity) -> Claims {
        let Validity { from, lifetime } = validity;
        Claims::new(self.room.clone(), scope, audience, from, lifetime)
    }

    /// A key that is kept nowhere.
    #[cfg(test)]
    pub(crate) fn random() -> Self {
        Self::from_pem(&generate_pem().unwrap()).unwrap()
    }

    fn from_pem(pem: &str) -> Option<Self> {
        let (_, rest) = pem.split_once(HEAD)?;
        let (body, _) = rest.split_once(FOOT)?;
        let base64: String = body.split_whitespace().collect();
        let document = STANDARD.decode(base64).ok()?;
        let pair = Ed25519KeyPair::from_pkcs8(&document).ok()?;
        let public = pair.public_key().as_ref().try_into().ok()?;
        let seed: Curve25519SeedBin<'_> = pair.seed().ok()?.as_be_bytes().ok()?;
        Some(Self {
            room: RoomId::from_key(public),
            signer: SigningKey::from_pkcs8(&document),
            seed: Seed::new(seed.as_ref().try_into().ok()?),
        })
    }
}

fn generate_pem() -> Result<String, KeyError> {
    let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::Generate)?;
    let document = pair.to_pkcs8().map_err(|_| KeyError::Generate)?;
    let base64 = STANDARD.encode(document.as_ref());
    let mut pem = format!("{HEAD}\n");
    for line in base64.as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    Ok(format!("{pem}{FOOT}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_verifies_the_token() {
        let key = RoomKey::from_pem(&generate_pem().unwrap()).unwrap();
        let now = SystemTime::now();
        let validity = Validity {
            from: now,
            lifetime: Duration::from_secs(60),
        };
        let host = "Example.net:8080";
        let publish = key.publish_token(host, Admission::Ticket, validity);
        let ticket = key.view_ticket(host, validity);
        let verify = |token: &Option<String>, scope, audience| {
            Claims::verify(token.as_ref().unwrap(), key.room(), scope, audience, now)
        };
        let published = verify(&publish, Scope::Publish, "example.net:8080").unwrap();
        assert_eq!(published.view, Admission::Ticket);
        assert!(verify(&ticket, Scope::View, "example.net:8080").is_ok());
        assert!(verify(&publish, Scope::Publish, "example.org").is_err());
        assert!(verify(&publish, Scope::View, "example.net:8080").is_err());
        assert!(verify(&ticket, Scope::Publish, "example.net:8080").is_err());
    }

    #[test]
    fn a_private_link_is_the_same_after_a_restart_and_another_for_every_key() {
        let pem = generate_pem().unwrap();
        let secret = |pem: &str| RoomKey::from_pem(pem).unwrap().link_secret(None);
        assert_eq!(secret(&pem), secret(&pem));
        assert_ne!(secret(&pem), secret(&generate_pem().unwrap()));
    }

    #[test]
    fn the_key_stays_out_of_logs() {
        let pem = generate_pem().unwrap();
        let shown = format!("{:?}", RoomKey::from_pem(&pem).unwrap());
        assert!(!shown.contains(pem.lines().nth(1).unwrap()));
    }
}
