//! Who is at the other end, proved by what a room that is a key has: the camera to its viewers,
//! and in private mode the viewers to the camera.

use std::time::SystemTime;

use sightline_spec::{name::CameraName, proof::ProofError, sdp::Sdp};

use crate::key::RoomKey;

/// What the camera proves, and demands.
#[derive(Debug, Clone)]
pub enum Proofs {
    /// Nothing: the room has a name, and no key.
    None,
    /// Every offer proves that it is this camera's.
    Camera(RoomKey),
    /// So it does here, and every answer must prove that its writer has a private link.
    Private(RoomKey),
}

impl Proofs {
    /// The offer as it is to be sent, by a camera that its owner calls so.
    ///
    /// # Errors
    /// [`ProofError::Fingerprint`] where it names no certificate, or several.
    pub fn sign(
        &self,
        offer: &Sdp,
        name: Option<&CameraName>,
        now: SystemTime,
    ) -> Result<Sdp, ProofError> {
        match self {
            Self::None => Ok(match name {
                Some(name) => offer.with_session_name(name),
                None => offer.clone(),
            }),
            Self::Camera(key) | Self::Private(key) => key.prove(offer, name, now),
        }
    }

    /// Whether whoever wrote this answer may watch, and until when, if not for ever.
    pub(crate) fn admit(
        &self,
        answer: &Sdp,
        now: SystemTime,
    ) -> Result<Option<SystemTime>, ProofError> {
        match self {
            Self::None | Self::Camera(_) => Ok(None),
            Self::Private(key) => key.check_viewer(answer, now),
        }
    }
}
