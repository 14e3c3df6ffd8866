//! `/whip/{room}` and `/whep/{room}`.

use axum::extract::{FromRequest, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sightline_spec::media_type::SDP;
use sightline_spec::prefer::Prefer;
use sightline_spec::sdp::ViewerOffer;

use super::extract::{self, Offer, Publication, Room};
use super::{Context, Ctx, reply};
use crate::app::Publish;
use crate::error::Error;
use crate::session::Side;

/// A camera's offer is held until a viewer has answered it.
pub(super) async fn whip(State(context): Ctx, publication: Publication) -> Result<Response, Error> {
    let Publication {
        room,
        offer,
        prefer,
        bearer,
        audience,
    } = publication;
    let publish = Publish {
        room: room.clone(),
        offer,
        prefer,
        bearer: bearer.as_deref(),
        audience: &audience,
    };
    let answered = context.app.publish(publish).await?;
    let applied = applied(&context, prefer, Side::Camera);
    Ok(reply::created(&context, &room, applied, answered))
}

/// A viewer's request is held until a camera's offer is there for it.
pub(super) async fn whep(
    State(context): Ctx,
    Room(room): Room,
    request: Request,
) -> Result<Response, Error> {
    let prefer = extract::prefer(request.headers());
    // Its own offer is checked, and then replaced by the camera's.
    let Offer::<ViewerOffer>(_) = Offer::from_request(request, &context).await?;
    let counter_offer = context.app.view(room.clone(), prefer).await?;
    let applied = applied(&context, prefer, Side::Viewer);
    Ok(reply::counter_offer(
        &context,
        &room,
        applied,
        counter_offer,
    ))
}

/// What `Preference-Applied` says: media is always direct here, so all that was
/// asked for is granted, up to the longest wait.
fn applied(context: &Context, prefer: Prefer, side: Side) -> Prefer {
    let granted = context.app.wait(prefer, side).as_secs();
    let wait = prefer
        .wait
        .map(|_| u32::try_from(granted).unwrap_or(u32::MAX));
    Prefer { wait, ..prefer }
}

/// RFC 9725 section 4.1: endpoints have no representation.
pub(super) async fn get(_room: Room) -> StatusCode {
    StatusCode::NO_CONTENT
}

/// WHEP section 4.2: HEAD, and so GET, says what a POST takes, and says it with 200.
pub(super) async fn get_whep(_room: Room) -> impl IntoResponse {
    [(header::CONTENT_TYPE, SDP)]
}
