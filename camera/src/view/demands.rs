//! Who may be at the other end, by the link: nothing is played that it does not allow. The watch
//! page's `trust/trust.js` decides the same way.

use std::{fmt, time::SystemTime};

use sightline_spec::{
    name::CameraName,
    private::LinkSecret,
    proof::{ProofError, check_camera},
    room::RoomId,
    sdp::Sdp,
};

/// What holds for a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It comes from the camera whose key the room is, seen by nobody in between, and that camera
    /// knows as much of us.
    Private,
    /// It comes from the camera whose key the room is, seen by nobody in between.
    Verified,
    /// It comes straight from whoever answered.
    Unverified,
    /// It comes from that camera, if one clock is wrong.
    Stale,
    /// It comes by way of the gateway.
    Relayed,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Private => "verified: your camera, end to end; it shows itself to private links only",
            Self::Verified => "verified: your camera, end to end",
            Self::Unverified => {
                "not verified: straight from whoever publishes in this room, who has not proved to be \
                 a certain camera"
            }
            Self::Stale => {
                "not verified: the camera's signature is good, but not of today. A clock is wrong"
            }
            Self::Relayed => {
                "not verified: passes the server, which could watch, and whose word it is that this \
                 is the camera"
            }
        })
    }
}

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Distrust {
    /// Somebody else answered.
    #[error(
        "this is not your camera: somebody answers in its place who does not have its key. Nothing \
         of that is shown"
    )]
    Impostor,
    /// Where it has to be said: nobody said who they are.
    #[error(
        "the camera does not say who it is. A private link shows nothing without that: somebody may \
         be in between"
    )]
    Unproven,
    /// The same, by a signature of another day.
    #[error(
        "a clock is wrong: the camera's time and this machine's are hours apart. Set the one that \
         is wrong"
    )]
    Clock,
    /// The gateway offered to be in between.
    #[error("not private here: the picture would pass the server. This link forbids that")]
    Exposed,
    /// The link's time is over.
    #[error("this link has expired: ask whoever has the camera for a new one")]
    Expired,
}

/// What a link demands.
#[derive(Debug, Clone)]
pub(crate) struct Demands {
    room: RoomId,
    secret: Option<LinkSecret>,
}

impl Demands {
    pub(crate) fn new(room: RoomId, secret: Option<LinkSecret>) -> Self {
        Self { room, secret }
    }

    /// Only the camera may know that we watch, and what.
    pub(crate) fn is_private(&self) -> bool {
        self.secret.is_some()
    }

    /// Whether the room is a camera's key.
    pub(crate) fn is_key(&self) -> bool {
        self.room.key().is_some()
    }

    /// Before anything is asked for.
    pub(crate) fn begin(&self, now: SystemTime) -> Result<(), Distrust> {
        match &self.secret {
            Some(secret) if secret.is_expired(now) => Err(Distrust::Expired),
            _ => Ok(()),
        }
    }

    /// A camera's offer, before it is used: what holds for its picture, and its name.
    pub(crate) fn judge(
        &self,
        offer: &Sdp,
        now: SystemTime,
    ) -> Result<(Standing, Option<CameraName>), Distrust> {
        let checked = match self.is_key() {
            true => check_camera(offer, &self.room, now),
            false => Err(ProofError::Missing),
        };
        match (checked, self.is_private()) {
            (Ok(name), true) => Ok((Standing::Private, name)),
            (Ok(name), false) => Ok((Standing::Verified, name)),
            (Err(ProofError::Missing), true) => Err(Distrust::Unproven),
            (Err(ProofError::Missing), false) => {
                // Nobody can sign for a room with a name; for a key, its own word counts alone.
                let name = (!self.is_key()).then(|| offer.session_name()).flatten();
                Ok((Standing::Unverified, name))
            }
            (Err(ProofError::Old | ProofError::Future), true) => Err(Distrust::Clock),
            (Err(ProofError::Old | ProofError::Future), false) => Ok((Standing::Stale, None)),
            (Err(_), _) => Err(Distrust::Impostor),
        }
    }

    /// The gateway wants to be the other end.
    pub(crate) fn relayed(&self) -> Result<Standing, Distrust> {
        match self.is_private() {
            true => Err(Distrust::Exposed),
            false => Ok(Standing::Relayed),
        }
    }

    /// Our answer to a camera, as the link has it.
    pub(crate) fn answer(&self, answer: &Sdp, now: SystemTime) -> Result<Sdp, ProofError> {
        match &self.secret {
            Some(secret) => secret.prove(answer, &self.room, now),
            None => Ok(answer.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{certificate::Certificate, key::RoomKey};

    fn offer() -> Sdp {
        let certificate = Certificate::generate().unwrap();
        let text = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=Shed\r\nt=0 0\r\na=fingerprint:x\r\n\
                    m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=sendonly\r\n";
        Sdp::parse(&certificate.announce_in(text)).unwrap()
    }

    #[test]
    fn a_camera_is_believed_what_its_key_has_signed() {
        let (key, other) = (RoomKey::random(), RoomKey::random());
        let now = SystemTime::now();
        let name: CameraName = "Front door".parse().unwrap();
        let (offer, replayed) = (offer(), offer());
        let signed = key.prove(&offer, Some(&name), now).unwrap();
        let proof = signed.session_attribute("sightline-proof").next().unwrap();
        let replayed = replayed.with_session_attribute("sightline-proof", proof);
        let open = Demands::new(key.room().clone(), None);
        let private = Demands::new(key.room().clone(), Some(key.link_secret(None)));
        let day = Duration::from_secs(25 * 3600);

        assert_eq!(
            open.judge(&signed, now),
            Ok((Standing::Verified, Some(name.clone())))
        );
        assert_eq!(
            private.judge(&signed, now),
            Ok((Standing::Private, Some(name)))
        );
        assert_eq!(open.judge(&offer, now), Ok((Standing::Unverified, None)));
        assert_eq!(private.judge(&offer, now), Err(Distrust::Unproven));
        assert_eq!(open.judge(&signed, now + day), Ok((Standing::Stale, None)));
        assert_eq!(private.judge(&signed, now + day), Err(Distrust::Clock));
        for demands in [&open, &private] {
            assert_eq!(demands.judge(&replayed, now), Err(Distrust::Impostor));
            let stranger = other.prove(&offer, None, now).unwrap();
            assert_eq!(demands.judge(&stranger, now), Err(Distrust::Impostor));
        }
        assert_eq!(open.relayed(), Ok(Standing::Relayed));
        assert_eq!(private.relayed(), Err(Distrust::Exposed));
    }

    #[test]
    fn a_private_link_is_proved_and_no_other() {
        let (key, now) = (RoomKey::random(), SystemTime::now());
        let until = now + Duration::from_secs(60);
        let private = Demands::new(key.room().clone(), Some(key.link_secret(Some(until))));
        let answer = offer();
        assert!(
            key.check_viewer(&private.answer(&answer, now).unwrap(), now)
                .is_ok()
        );
        let open = Demands::new(key.room().clone(), None);
        assert!(
            key.check_viewer(&open.answer(&answer, now).unwrap(), now)
                .is_err()
        );
        assert_eq!(private.begin(now), Ok(()));
        assert_eq!(private.begin(until), Err(Distrust::Expired));
    }

    #[test]
    fn in_a_room_with_a_name_the_offer_has_the_cameras_name() {
        let room = "garage".parse().unwrap();
        let judged = Demands::new(room, None).judge(&offer(), SystemTime::now());
        let (standing, name) = judged.unwrap();
        assert_eq!(standing, Standing::Unverified);
        assert_eq!(name.unwrap().as_str(), "Shed");
    }
}
