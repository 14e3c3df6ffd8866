//! `/whip/{room}` and `/whep/{room}`.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sightline_spec::media_type::SDP;
use sightline_spec::prefer::Prefer;
use sightline_spec::sdp::{PublisherOffer, ViewerOffer};

use super::extract::Room;
use super::reply::{self, Place};
use super::{Context, Ctx};
use crate::app::{Posted, Viewed};
use crate::error::Error;
use crate::session::{Path, Side};

/// A camera's offer is held until a viewer has answered it.
pub(super) async fn whip(
    State(context): Ctx,
    posted: Posted<PublisherOffer>,
) -> Result<Response, Error> {
    let (room, prefer) = (posted.room.clone(), posted.prefer);
    let (answered, path) = context.app.publish(posted).await?;
    let applied = applied(&context, prefer, Side::Camera, path);
    let place = Place::new(Side::Camera, path, &room, answered.session);
    Ok(reply::created(&context, &place, applied, answered))
}

/// A viewer's request is held until a camera's offer or the relay's media is there.
pub(super) async fn whep(
    State(context): Ctx,
    posted: Posted<ViewerOffer>,
) -> Result<Response, Error> {
    let (room, prefer) = (posted.room.clone(), posted.prefer);
    let viewed = context.app.view(posted).await?;
    let applied = |path| applied(&context, prefer, Side::Viewer, path);
    let place = |path, session| Place::new(Side::Viewer, path, &room, session);
    Ok(match viewed {
        Viewed::CounterOffer(offer) => {
            let place = place(Path::Direct, offer.session);
            reply::counter_offer(&context, &place, applied(Path::Direct), offer)
        }
        Viewed::Answered(answered) => {
            let place = place(Path::Relay, answered.session);
            reply::created(&context, &place, applied(Path::Relay), answered)
        }
    })
}

/// What `Preference-Applied` says: `direct` where media is, the wait up to the longest.
fn applied(context: &Context, prefer: Prefer, side: Side, path: Path) -> Prefer {
    let granted = context.app.wait(prefer, side).as_secs();
    let wait = prefer
        .wait
        .map(|_| u32::try_from(granted).unwrap_or(u32::MAX));
    match path {
        Path::Direct => Prefer { wait, ..prefer },
        Path::Relay => Prefer {
            wait,
            ..Prefer::default()
        },
    }
}

/// RFC 9725 section 4.1: endpoints have no representation.
pub(super) async fn get(_room: Room) -> StatusCode {
    StatusCode::NO_CONTENT
}

/// WHEP section 4.2: HEAD, and so GET, says what a POST takes, and says it with 200.
pub(super) async fn get_whep(_room: Room) -> impl IntoResponse {
    [(header::CONTENT_TYPE, SDP)]
}
