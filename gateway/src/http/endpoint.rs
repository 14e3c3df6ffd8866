//! `/whip/{room}` and `/whep/{room}`.

use std::net::IpAddr;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use sightline_spec::media_type::SDP;
use sightline_spec::prefer::Prefer;
use sightline_spec::room::RoomId;
use sightline_spec::sdp::{PublisherOffer, ViewerOffer};

use super::error::Told;
use super::extract::Room;
use super::reply::{self, Place};
use super::{Context, Ctx, on_options};
use crate::app::{Posted, Viewed};
use crate::auth::Publishing;
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

/// Who POSTs, and where to.
struct Caller {
    side: Side,
    room: Option<RoomId>,
    address: Option<IpAddr>,
}

/// Says in the log why a POST was refused: OBS and others show their users no reason.
///
/// Not an `async fn`, which would keep the request's place for as long as it is held.
pub(super) fn log_refusal(
    State(context): Ctx,
    Extension(side): Extension<Side>,
    room: Result<Room, Error>,
    request: Request,
    next: Next,
) -> impl Future<Output = Response> {
    let (parts, body) = request.into_parts();
    let caller = (parts.method == Method::POST).then(|| Caller {
        side,
        room: room.ok().map(|Room(room)| room),
        address: context.proxies.origin(&parts).ok().map(|o| o.address),
    });
    let request = Request::from_parts(parts, body);
    next.run(request).map(move |response| {
        let told = response.extensions().get::<Told>();
        if let (Some(caller), Some(told)) = (caller, told.filter(|told| told.is_refusal)) {
            let status = response.status().as_u16();
            let Told { reason, .. } = told;
            tracing::info!(
                room = caller.room.as_ref().map(tracing::field::debug),
                address = caller.address.map(tracing::field::display),
                "a POST to /{} was refused with {status}: {reason}",
                match caller.side {
                    Side::Camera => "whip",
                    Side::Viewer => "whep",
                },
            );
        }
        response
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

/// OPTIONS says what can be POSTed (RFC 9725 section 4.2) and names the ICE servers, before
/// anyone has to ask. mediamtx's reader takes every `Link` here for an ICE server, so there are
/// no others. To a camera it says what publishing in this room takes.
pub(super) fn announce(
    State(context): Ctx,
    Extension(side): Extension<Side>,
    room: Result<Room, Error>,
    request: Request,
    next: Next,
) -> impl Future<Output = Response> {
    let publishing = match (side, room) {
        (Side::Camera, Ok(Room(room))) => Some(context.app.authority.publishing(&room)),
        _ => None,
    };
    on_options(request, next, move |headers| {
        if let Some(publishing) = publishing {
            let value = HeaderValue::from_static(match publishing {
                Publishing::Open => "open",
                Publishing::Token => "token",
                Publishing::Closed => "closed",
            });
            headers.insert("sightline-publishing", value);
        }
        headers.insert("accept-post", HeaderValue::from_static(SDP));
        reply::append_ice_servers(headers, &context);
    })
}
