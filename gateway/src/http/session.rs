//! `/whip/{room}/{session}` and `/whep/{room}/{session}`.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

use super::Ctx;
use super::extract::{Patch, Peer, Session, precondition};
use crate::error::Error;

/// An answer to a counter-offer, or candidates.
pub(super) async fn patch(
    State(context): Ctx,
    Session { room, session }: Session,
    Peer(from): Peer,
    headers: HeaderMap,
    patch: Patch,
) -> Result<StatusCode, Error> {
    let app = &context.app;
    match patch {
        Patch::Answer(answer) => {
            let condition = precondition(&headers, false);
            app.answer(&room, session, &condition, &answer, from)?;
        }
        Patch::Candidates(fragment) => {
            let condition = precondition(&headers, app.strict);
            app.trickle(&room, session, &condition, fragment, from)?;
        }
    }
    Ok(StatusCode::NO_CONTENT)
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
