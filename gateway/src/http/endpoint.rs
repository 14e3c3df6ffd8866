//! `/whip/{room}` and `/whep/{room}`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sightline_spec::media_type::SDP;
use sightline_spec::prefer::Prefer;
use sightline_spec::room::RoomId;
use sightline_spec::sdp::{PublisherOffer, ViewerOffer};

use super::around::Look;
use super::error::Told;
use super::extract::{Room, bearer};
use super::proxies::Origin;
use super::reply::{self, Place};
use super::{Context, Ctx};
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

/// Says in the log why a POST was refused: OBS and others show their users no reason.
#[derive(Clone)]
pub(super) struct LogRefusal(pub(super) Side, pub(super) Arc<Context>);

/// Who POSTs, and where to.
pub(super) struct Caller {
    side: Side,
    room: Option<RoomId>,
    address: Option<IpAddr>,
}

impl Look for LogRefusal {
    type Seen = Option<Caller>;

    fn request(&self, parts: &mut Parts) -> Self::Seen {
        let Self(side, context) = self;
        (parts.method == Method::POST).then(|| Caller {
            side: *side,
            room: Room::of(parts).ok(),
            address: context.proxies.origin(parts).ok().map(|o| o.address),
        })
    }

    fn answer(caller: Self::Seen, response: &mut Response) {
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
    }
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

/// WHEP section 4.2: HEAD, and so GET, says what a POST takes, and says it with 200. Whoever may
/// watch is told besides whether there is a camera.
pub(super) async fn get_whep(
    State(context): Ctx,
    Room(room): Room,
    request: Request,
) -> Result<impl IntoResponse, Error> {
    let (parts, _) = request.into_parts();
    let Origin { address, audience } = context.proxies.origin(&parts)?;
    context.app.throttle.request(address)?;
    let bearer = bearer(&parts.headers);
    let is_here = context
        .app
        .camera_is_here(&room, bearer.as_deref(), &audience);
    let camera = is_here.map(|is_here| [(CAMERA, if is_here { "present" } else { "absent" })]);
    let headers = [
        (header::CONTENT_TYPE, SDP),
        // What holds now.
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, camera, ()))
}

/// Whether there is a camera: docs/decisions/camera-status.md.
const CAMERA: HeaderName = HeaderName::from_static("sightline-camera");

/// OPTIONS says what can be POSTed (RFC 9725 section 4.2) and names the ICE servers, before
/// anyone has to ask. mediamtx's reader takes every `Link` here for an ICE server, so there are
/// no others. To a camera it says what publishing in this room takes.
#[derive(Clone)]
pub(super) struct Announce(pub(super) Side, pub(super) Arc<Context>);

impl Look for Announce {
    type Seen = Option<(Option<Publishing>, Arc<Context>)>;

    fn request(&self, parts: &mut Parts) -> Self::Seen {
        let Self(side, context) = self;
        (parts.method == Method::OPTIONS).then(|| {
            let room = Room::of(parts).ok().filter(|_| *side == Side::Camera);
            let publishing = room.map(|room| context.app.authority.publishing(&room));
            (publishing, context.clone())
        })
    }

    fn answer(seen: Self::Seen, response: &mut Response) {
        let Some((publishing, context)) = seen else {
            return;
        };
        let headers = response.headers_mut();
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
    }
}
