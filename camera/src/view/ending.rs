//! How a session ended, and what follows: the same words for the same states as the watch page has.

use std::time::Duration;

use reqwest::StatusCode;

use super::{demands::Distrust, output::OutputEnd, receiver::ReceiverError, whep::Way};
use crate::http::RequestError;

/// How soon a camera that serves directly only, and not us, is asked again.
const DIRECT_ONLY: Duration = Duration::from_secs(10);

/// How soon a way for media is looked for again, where there was none.
const LOOKS_AGAIN: Duration = Duration::from_secs(3);

/// After so many failures in a row there is no way, rather than one that is being found.
const NO_WAY: u32 = 2;

/// Some WHEP servers say 404 until somebody publishes, so it is worth asking again.
const NOT_FOUND: Duration = Duration::from_secs(4);

/// Why there is no session any more.
#[derive(Debug)]
pub(crate) enum Ending {
    /// We were told to stop.
    Stopped,
    /// What takes the picture has ended.
    Output(OutputEnd),
    /// The other end is not who it has to be.
    Distrusted(Distrust),
    /// No session came about.
    Request(RequestError),
    /// The camera's offer is worth nothing any more.
    OfferSpent,
    /// There is nothing that can be received.
    Receiver(ReceiverError),
    /// The camera was the other end, and has gone.
    CameraGone,
    /// There was no connection.
    NoPath(Way),
    /// There was one, and nothing comes any more.
    MediaLost(String),
    /// We were told to come again.
    Reconnect,
}

/// What was the case besides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Situation {
    /// In this session there was something to see.
    pub(crate) live: bool,
    /// In any session so far.
    pub(crate) was_live: bool,
    pub(crate) is_private: bool,
    /// The room is a camera's key, so that it may be private.
    pub(crate) is_key: bool,
    pub(crate) has_ticket: bool,
    /// Sessions in a row, this one included, that found no way for media.
    pub(crate) pathless: u32,
    pub(crate) direct: bool,
}

/// What follows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing: all is well.
    Done(Option<&'static str>),
    /// Nothing that we could do, and why.
    GiveUp(String),
    /// Another session, after this pause at least, by this way first.
    Again {
        words: String,
        pause: Duration,
        direct: bool,
    },
}

impl Ending {
    pub(crate) fn step(&self, now: Situation) -> Step {
        let again = |words: &str| Step::Again {
            words: words.to_owned(),
            pause: Duration::ZERO,
            direct: now.direct,
        };
        match self {
            Self::Stopped => Step::Done(None),
            Self::Output(OutputEnd::Closed(why)) => Step::Done(Some(why)),
            Self::Output(OutputEnd::Failed(why)) => Step::GiveUp(why.clone()),
            Self::Distrusted(distrust) => Step::GiveUp(distrust.to_string()),
            Self::Receiver(ReceiverError::Negotiation(why)) => again(why),
            Self::Receiver(error) => Step::GiveUp(error.to_string()),
            // A camera sends those away who cannot prove that they have its private link: asking
            // again changes nothing, and to whoever has the camera it looks like more people.
            Self::CameraGone if now.is_private && !now.live => Step::GiveUp(
                "the camera does not take this link: it may have expired. Ask whoever has the \
                 camera for a new one"
                    .to_owned(),
            ),
            Self::CameraGone if now.is_key && !now.live && !now.was_live => Step::GiveUp(
                "the camera shows itself to private links only: those are longer, with a part \
                 behind a #. Ask whoever has it for one; if it was just switched off, try again"
                    .to_owned(),
            ),
            Self::CameraGone => again("camera gone: the picture comes back when the camera does"),
            Self::OfferSpent => again(absent(now)),
            Self::MediaLost(why) => again(&format!("picture lost ({why}): connecting again")),
            Self::Reconnect => again("picture lost: connecting again"),
            Self::NoPath(way) => no_path(*way, now),
            Self::Request(error) => refused(error, now),
        }
    }
}

/// The word for a camera that is not there.
fn absent(now: Situation) -> &'static str {
    match now.was_live {
        true => "camera gone: the picture comes back when the camera does",
        false => "waiting for the camera",
    }
}

fn no_path(way: Way, now: Situation) -> Step {
    if now.is_private {
        return Step::Again {
            words: NO_WAY_TO_CAMERA.to_owned(),
            pause: DIRECT_ONLY,
            direct: true,
        };
    }
    // Without `Prefer: direct` the relay answers. What was no way for one session is none for the
    // next.
    let (words, pause) = match now.pathless >= NO_WAY {
        true => (
            "no picture gets through: this network or a firewall lets neither UDP nor TCP through \
             to the port that pictures come from",
            LOOKS_AGAIN,
        ),
        false => ("connecting another way", Duration::ZERO),
    };
    Step::Again {
        words: words.to_owned(),
        pause,
        direct: way == Way::Relay,
    }
}

const NO_WAY_TO_CAMERA: &str = "no way to the camera: it sends straight to its viewers only, and \
    this network does not let that through";

fn refused(error: &RequestError, now: Situation) -> Step {
    let again = |words: &str, pause, direct| Step::Again {
        words: words.to_owned(),
        pause,
        direct,
    };
    let RequestError::Refused {
        status,
        problem,
        what,
        retry_after,
    } = error
    else {
        return match error {
            RequestError::Unreachable(_) | RequestError::Malformed(_) => {
                again(&error.to_string(), Duration::ZERO, now.direct)
            }
            RequestError::Nobody => again(absent(now), Duration::ZERO, now.direct),
            RequestError::Untrusted(_) | RequestError::Trust(_) | RequestError::Refused { .. } => {
                Step::GiveUp(error.to_string())
            }
        };
    };
    let pause = retry_after.unwrap_or_default();
    match (problem.as_str(), *status) {
        ("direct-only", _) => again(NO_WAY_TO_CAMERA, pause.max(DIRECT_ONLY), true),
        ("relay-only", _) if now.is_private => Step::GiveUp(Distrust::Exposed.to_string()),
        ("relay-only", _) => again(what, pause.max(DIRECT_ONLY), false),
        ("codec-mismatch", _) => Step::GiveUp(format!("what the camera sends cannot be taken: {what}")),
        (_, StatusCode::CONFLICT) => again(absent(now), pause, now.direct),
        (_, StatusCode::TOO_MANY_REQUESTS) => {
            let pause = pause.max(Duration::from_secs(1));
            again("too many are waiting: trying again", pause, now.direct)
        }
        (_, StatusCode::UNAUTHORIZED) if !now.has_ticket => Step::GiveUp(
            "this room wants a ticket, and the link carries none: ask whoever has the camera for a \
             link with one"
                .to_owned(),
        ),
        (_, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) if now.has_ticket => Step::GiveUp(
            format!("the link's ticket does not count here, or not any more: {what}"),
        ),
        (_, StatusCode::NOT_FOUND) => again(
            "there is no such room here: check the link",
            pause.max(NOT_FOUND),
            now.direct,
        ),
        (_, StatusCode::REQUEST_TIMEOUT) => again(&error.to_string(), pause, now.direct),
        (_, status) if status.is_server_error() => again(&error.to_string(), pause, now.direct),
        _ => Step::GiveUp(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Situation = Situation {
        live: false,
        was_live: false,
        is_private: false,
        is_key: true,
        has_ticket: false,
        pathless: 1,
        direct: true,
    };

    fn refusal(status: StatusCode, problem: &str) -> Ending {
        Ending::Request(RequestError::Refused {
            status,
            problem: problem.to_owned(),
            what: "words".to_owned(),
            retry_after: Some(Duration::from_secs(2)),
        })
    }

    fn gives_up(ending: &Ending, now: Situation) -> Option<String> {
        match ending.step(now) {
            Step::GiveUp(why) => Some(why),
            _ => None,
        }
    }

    #[test]
    fn who_is_sent_away_before_there_was_a_picture_does_not_ask_again() {
        let sent_away = Ending::CameraGone;
        let named = Situation {
            is_key: false,
            ..NOW
        };
        let watched = Situation {
            was_live: true,
            ..NOW
        };
        let private = Situation {
            is_private: true,
            was_live: true,
            ..NOW
        };
        assert!(
            gives_up(&sent_away, NOW)
                .unwrap()
                .contains("private links only")
        );
        assert!(
            gives_up(&sent_away, private)
                .unwrap()
                .contains("may have expired")
        );
        assert_eq!(gives_up(&sent_away, named), None);
        assert_eq!(gives_up(&sent_away, watched), None);
    }

    #[test]
    fn the_relay_is_the_way_where_there_is_no_direct_one() {
        let way = |ending: &Ending, now| match ending.step(now) {
            Step::Again { direct, pause, .. } => (direct, pause),
            other => panic!("{other:?}"),
        };
        let private = Situation {
            is_private: true,
            ..NOW
        };
        let twice = Situation { pathless: 2, ..NOW };
        let (direct, relay) = (Ending::NoPath(Way::Direct), Ending::NoPath(Way::Relay));
        assert_eq!(way(&direct, NOW), (false, Duration::ZERO));
        assert_eq!(way(&relay, twice), (true, LOOKS_AGAIN));
        assert_eq!(way(&direct, private), (true, DIRECT_ONLY));
    }

    #[test]
    fn what_only_a_person_can_mend_is_given_up() {
        let ticket = Situation {
            has_ticket: true,
            ..NOW
        };
        let private = Situation {
            is_private: true,
            ..NOW
        };
        let unauthorized = refusal(StatusCode::UNAUTHORIZED, "unauthorized");
        assert!(
            gives_up(&unauthorized, NOW)
                .unwrap()
                .contains("wants a ticket")
        );
        assert!(gives_up(&unauthorized, ticket).unwrap().contains("words"));
        let relay_only = refusal(StatusCode::FORBIDDEN, "relay-only");
        assert!(
            gives_up(&relay_only, private)
                .unwrap()
                .contains("not private")
        );
        assert!(gives_up(&refusal(StatusCode::BAD_REQUEST, "bad-room"), NOW).is_some());
        for (status, problem) in [
            (StatusCode::CONFLICT, "no-camera"),
            (StatusCode::TOO_MANY_REQUESTS, "too-often"),
            (StatusCode::SERVICE_UNAVAILABLE, "shutting-down"),
            (StatusCode::NOT_FOUND, "not-found"),
        ] {
            let step = refusal(status, problem).step(NOW);
            let waits =
                matches!(step, Step::Again { pause, .. } if pause >= Duration::from_secs(2));
            assert!(waits, "{problem}: {step:?}");
        }
    }
}
