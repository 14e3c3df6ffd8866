//! `/whip/{room}/{session}` and `/whep/{room}/{session}`.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::extract::{Patch, Peer, Selection, Session, precondition};
use super::{Ctx, reply};
use crate::app::Trickled;
use crate::error::Error;

/// An answer to a counter-offer, or candidates.
pub(super) async fn patch(
    State(context): Ctx,
    Session { room, session }: Session,
    Peer(from): Peer,
    headers: HeaderMap,
    patch: Patch,
) -> Result<Response, Error> {
    let app = &context.app;
    match patch {
        Patch::Answer(answer) => {
            let condition = precondition(&headers, false);
            app.answer(&room, session, &condition, &answer, from)?;
        }
        Patch::Candidates(fragment) => {
            let condition = precondition(&headers, app.strict);
            let trickled = app.trickle(&room, session, &condition, fragment, from);
            if let Trickled::Restarted { fragment, etag } = trickled.await? {
                return Ok(reply::restarted(&fragment, &etag));
            }
        }
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A viewer's choice of layer: WHEP's layer selection extension.
pub(super) async fn select_layer(
    State(context): Ctx,
    Session { room, session }: Session,
    Selection(selection): Selection,
) -> Result<StatusCode, Error> {
    context.app.select_layer(&room, session, &selection)?;
    Ok(StatusCode::OK)
}

/// The end. OBS wants exactly 200.
pub(super) async fn delete(
    State(context): Ctx,
    Session { room, session }: Session,
) -> Result<StatusCode, Error> {
    context.app.leave(&room, session)?;
    Ok(StatusCode::OK)
}

/// RFC 9725 section 4.1: sessions have no representation.
pub(super) async fn get(_existing: Session) -> StatusCode {
    StatusCode::NO_CONTENT
}
