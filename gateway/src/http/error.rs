//! The one map from error to status and problem type.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sightline_spec::media_type::{PROBLEM, SDP};
use sightline_spec::problem::Problem;
use sightline_spec::token::Scope;

use crate::error::Error;

/// Status, problem type and title of an error.
fn kind(error: &Error) -> (StatusCode, &'static str, &'static str) {
    use StatusCode as S;
    match error {
        Error::BadHost => (S::BAD_REQUEST, "bad-host", "Not one host"),
        Error::BadRoom(_) => (S::BAD_REQUEST, "bad-room", "Not a room id"),
        Error::BadSdp(_) => (S::BAD_REQUEST, "bad-sdp", "Unacceptable SDP"),
        Error::BadSdpFrag(_) => (S::BAD_REQUEST, "bad-sdpfrag", "Malformed SDP fragment"),
        Error::BadEvents => (S::BAD_REQUEST, "bad-events", "Malformed event list"),
        Error::BadSharedEvents(_) => (S::BAD_REQUEST, "bad-events", "Malformed list of streams"),
        Error::BadSelection(_) => (S::BAD_REQUEST, "bad-selection", "Malformed layer selection"),
        Error::BodyCutOff => (S::BAD_REQUEST, "body-cut-off", "Incomplete body"),
        Error::NoSuchResource => (S::NOT_FOUND, "not-found", "Nothing here"),
        Error::UnknownSession => (S::NOT_FOUND, "unknown-session", "Unknown session"),
        Error::WrongMethod => (S::METHOD_NOT_ALLOWED, "wrong-method", "Method not allowed"),
        Error::WrongMediaType { .. } => (
            S::UNSUPPORTED_MEDIA_TYPE,
            "wrong-media-type",
            "Unsupported media type",
        ),
        Error::BodyTooLong { .. } => (S::PAYLOAD_TOO_LARGE, "body-too-long", "Body too long"),
        Error::BodyTooSlow { .. } => (S::REQUEST_TIMEOUT, "body-too-slow", "Body too slow"),
        Error::NoToken | Error::NoTicket | Error::NoRoomToken(_) | Error::BadToken(_) => {
            (S::UNAUTHORIZED, "unauthorized", "Not authorized")
        }
        Error::NotPermitted { .. } => (S::FORBIDDEN, "not-permitted", "Not permitted"),
        Error::NamedRoomsClosed => (S::FORBIDDEN, "named-rooms-closed", "Named rooms are closed"),
        Error::AlreadyAnswered => (S::CONFLICT, "already-answered", "Already answered"),
        Error::NoCounterOffer => (
            S::UNPROCESSABLE_ENTITY,
            "no-counter-offer",
            "Nothing to answer",
        ),
        Error::SessionOver => (S::GONE, "session-over", "The session is over"),
        Error::OfferExpired => (S::GONE, "offer-expired", "The offer has expired"),
        Error::PreconditionRequired => (
            S::PRECONDITION_REQUIRED,
            "precondition-required",
            "If-Match required",
        ),
        Error::PreconditionFailed => (
            S::PRECONDITION_FAILED,
            "precondition-failed",
            "Another ICE session",
        ),
        Error::RestartUnsupported => (
            S::UNPROCESSABLE_ENTITY,
            "restart-unsupported",
            "No ICE restart here",
        ),
        Error::NoSuchLayer => (S::UNPROCESSABLE_ENTITY, "no-such-layer", "No such layer"),
        Error::CodecMismatch { .. } => {
            (S::UNPROCESSABLE_ENTITY, "codec-mismatch", "No common codec")
        }
        Error::NothingToForward => (
            S::UNPROCESSABLE_ENTITY,
            "nothing-to-forward",
            "No codec that can be forwarded",
        ),
        Error::Unanswerable(_) | Error::UnacceptableOffer => (
            S::UNPROCESSABLE_ENTITY,
            "unacceptable-offer",
            "Unacceptable offer",
        ),
        Error::DirectOnly => (S::FORBIDDEN, "direct-only", "Direct only"),
        Error::RelayOnly => (S::FORBIDDEN, "relay-only", "By the relay only"),
        Error::RoomTaken => (S::CONFLICT, "room-taken", "The room is taken"),
        Error::NoCamera => (S::CONFLICT, "no-camera", "No camera yet"),
        Error::CameraBusy => (S::CONFLICT, "camera-busy", "The camera is busy"),
        Error::NobodyCame => (S::SERVICE_UNAVAILABLE, "nobody-came", "Nobody came"),
        Error::OfferSpent => (S::SERVICE_UNAVAILABLE, "offer-spent", "The offer is spent"),
        Error::RoomFull | Error::GatewayFull => {
            (S::TOO_MANY_REQUESTS, "too-many-waiting", "Too many waiting")
        }
        Error::AddressFull => (
            S::TOO_MANY_REQUESTS,
            "address-full",
            "Too much for one address",
        ),
        Error::TooManyCandidates => (
            S::TOO_MANY_REQUESTS,
            "too-many-candidates",
            "Too many candidates",
        ),
        Error::TooManyStreams => (S::TOO_MANY_REQUESTS, "too-many-streams", "Too many streams"),
        Error::TooManySessions => (
            S::SERVICE_UNAVAILABLE,
            "too-many-sessions",
            "Too many sessions",
        ),
        Error::BadForwarded => (
            S::BAD_REQUEST,
            "bad-forwarded",
            "Unacceptable proxy headers",
        ),
        Error::TooOften { .. } => (S::TOO_MANY_REQUESTS, "too-often", "Too often"),
        Error::ShuttingDown => (S::SERVICE_UNAVAILABLE, "shutting-down", "Shutting down"),
        Error::RelayBroken => (
            S::SERVICE_UNAVAILABLE,
            "relay-broken",
            "The relay is not at work",
        ),
        Error::Panicked => (S::INTERNAL_SERVER_ERROR, "internal-error", "Internal error"),
        Error::NotAdministrator => (S::UNAUTHORIZED, "unauthorized", "Not authorized"),
    }
}

/// What problem a response tells of, for the metrics and the log.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) slug: &'static str,
    pub(super) reason: String,
    /// Whether somebody was turned away. Who has waited in vain was not.
    pub(super) is_refusal: bool,
}

/// Seconds after which trying again makes sense.
fn retry_after(error: &Error) -> Option<u32> {
    match error {
        // The wait was the waiting.
        Error::NobodyCame | Error::OfferSpent => Some(0),
        Error::NoCamera | Error::ShuttingDown | Error::RelayBroken => Some(2),
        Error::RoomTaken | Error::CameraBusy => Some(5),
        Error::RoomFull | Error::GatewayFull | Error::AddressFull | Error::TooManySessions => {
            Some(5)
        }
        Error::TooOften { retry_after } => u32::try_from(retry_after.as_secs()).ok(),
        _ => None,
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, slug, title) = kind(&self);
        let reason = self.to_string();
        let problem = Problem::new(slug, status.as_u16(), title, reason.clone());
        let mut response = (status, Json(problem)).into_response();
        response.extensions_mut().insert(Told {
            slug,
            reason,
            is_refusal: !matches!(self, Self::NobodyCame | Self::OfferSpent),
        });
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry_after(&self) {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        let challenge = match self {
            // RFC 6750 section 3.1: no token, no error code.
            Self::NoToken | Self::NoTicket | Self::NoRoomToken(_) | Self::NotAdministrator => {
                Some(r#"Bearer realm="sightline""#)
            }
            Self::BadToken(_) => Some(r#"Bearer realm="sightline", error="invalid_token""#),
            Self::NotPermitted { to, .. } => Some(match to {
                Scope::Publish => {
                    r#"Bearer realm="sightline", error="insufficient_scope", scope="publish""#
                }
                Scope::View => {
                    r#"Bearer realm="sightline", error="insufficient_scope", scope="view""#
                }
            }),
            _ => None,
        };
        if let Some(challenge) = challenge {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static(challenge),
            );
        }
        match self {
            Self::WrongMediaType { expected: SDP } => {
                headers.insert("accept-post", HeaderValue::from_static(SDP));
            }
            Self::WrongMediaType {
                expected: PATCHABLE,
            } => {
                headers.insert(super::ACCEPT_PATCH, HeaderValue::from_static(PATCHABLE));
            }
            // What is left of the body would be read as the next request.
            Self::BodyTooSlow { .. } => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

/// What can be PATCHed.
pub(super) const PATCHABLE: &str = "application/sdp, application/trickle-ice-sdpfrag";

#[cfg(test)]
mod tests {
    use super::*;
    use sightline_spec::media_type::SDPFRAG;

    #[test]
    fn what_can_be_patched_is_the_two_media_types() {
        assert_eq!(PATCHABLE, format!("{SDP}, {SDPFRAG}"));
    }
}
