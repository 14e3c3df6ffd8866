//! `/whip/{room}/{session}` and `/whep/{room}/{session}`.

use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};

use super::around::Look;
use super::error::PATCHABLE;
use super::extract::{Patch, Peer, Selection, Session, precondition};
use super::{ACCEPT_PATCH, Ctx, reply};
use crate::app::Trickled;
use crate::error::Error;

/// An answer to a counter-offer, or candidates.
pub(super) async fn patch(
    State(context): Ctx,
    Session(session): Session,
    Peer(from): Peer,
    headers: HeaderMap,
    patch: Patch,
) -> Result<Response, Error> {
    match patch {
        Patch::Answer(answer) => {
            let condition = precondition(&headers, false);
            session.answer(&condition, answer, from)?;
        }
        Patch::Candidates(fragment) => {
            let condition = precondition(&headers, context.app.strict);
            let trickled = session.trickle(&condition, fragment, from);
            if let Trickled::Restarted { fragment, etag } = trickled.await? {
                return Ok(reply::restarted(&fragment, &etag));
            }
        }
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A viewer's choice of layer: WHEP's layer selection extension.
pub(super) async fn select_layer(
    Session(session): Session,
    Selection(selection): Selection,
) -> Result<StatusCode, Error> {
    session.select_layer(&selection).await?;
    Ok(StatusCode::OK)
}

/// The end. OBS wants exactly 200.
pub(super) async fn delete(Session(session): Session) -> Result<StatusCode, Error> {
    session.leave()?;
    Ok(StatusCode::OK)
}

/// RFC 9725 section 4.1: sessions have no representation.
pub(super) async fn get(_existing: Session) -> StatusCode {
    StatusCode::NO_CONTENT
}

/// OPTIONS says what can be PATCHed (RFC 5789 section 3.1).
#[derive(Clone)]
pub(super) struct Announce;

impl Look for Announce {
    /// This is OPTIONS.
    type Seen = bool;

    fn request(&self, parts: &mut Parts) -> bool {
        parts.method == Method::OPTIONS
    }

    fn answer(is_options: bool, response: &mut Response) {
        if is_options {
            let patchable = HeaderValue::from_static(PATCHABLE);
            response.headers_mut().insert(ACCEPT_PATCH, patchable);
        }
    }
}
