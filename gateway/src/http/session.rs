//! `/whip/{room}/{session}` and `/whep/{room}/{session}`.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::PATCHABLE;
use super::extract::{Patch, Peer, Selection, Session, precondition};
use super::{ACCEPT_PATCH, Ctx, on_options, reply};
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
pub(super) fn announce(request: Request, next: Next) -> impl Future<Output = Response> {
    on_options(request, next, |headers| {
        headers.insert(ACCEPT_PATCH, HeaderValue::from_static(PATCHABLE));
    })
}
