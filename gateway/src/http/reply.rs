//! From types to HTTP: the responses that create a session.

use std::fmt::Display;
use std::time::SystemTime;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sightline_spec::event::EventKind;
use sightline_spec::link::{Link, SERVER_SENT_EVENTS};
use sightline_spec::media_type::{self, SDP};
use sightline_spec::prefer::Prefer;
use sightline_spec::room::{RoomId, SessionId};

use super::{ACCEPT_PATCH, Context, error};
use crate::room::{Answered, CounterOffer};
use crate::session::{EntityTag, Side};

/// 201 to a camera: the viewer's answer.
pub(super) fn created(
    context: &Context,
    room: &RoomId,
    applied: Prefer,
    answered: Answered,
) -> Response {
    let Answered { session, etag, sdp } = answered;
    let mut headers = session_headers(context, Side::Camera, room, session, &etag, applied);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(SDP));
    (StatusCode::CREATED, headers, sdp.to_string()).into_response()
}

/// 406 to a viewer: the camera's offer, and until when to answer it.
pub(super) fn counter_offer(
    context: &Context,
    room: &RoomId,
    applied: Prefer,
    counter_offer: CounterOffer,
) -> Response {
    let CounterOffer {
        session,
        etag,
        sdp,
        answer_within,
    } = counter_offer;
    let mut headers = session_headers(context, Side::Viewer, room, session, &etag, applied);
    let content_type = media_type::counter_offer(SystemTime::now() + answer_within);
    headers.insert(header::CONTENT_TYPE, value(content_type));
    (StatusCode::NOT_ACCEPTABLE, headers, sdp.to_string()).into_response()
}

fn session_headers(
    context: &Context,
    side: Side,
    room: &RoomId,
    session: SessionId,
    etag: &EntityTag,
    applied: Prefer,
) -> HeaderMap {
    let (endpoint, kinds): (_, &[EventKind]) = match side {
        Side::Camera => ("whip", &EventKind::FOR_CAMERAS),
        Side::Viewer => ("whep", &EventKind::FOR_VIEWERS),
    };
    // A path, so that no proxy can break it, and without a query, which OBS drops.
    let location = format!("/{endpoint}/{room}/{session}");
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    let events =
        Link::new(format!("{location}/events"), SERVER_SENT_EVENTS).with("events", kinds.join(","));

    let mut headers = HeaderMap::new();
    headers.insert(header::LOCATION, value(location));
    headers.insert(header::ETAG, value(format_args!("\"{}\"", etag.as_str())));
    headers.insert(ACCEPT_PATCH, HeaderValue::from_static(error::PATCHABLE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for link in &context.ice_servers {
        headers.append(header::LINK, link.clone());
    }
    headers.append(header::LINK, value(events));
    if !applied.is_empty() {
        headers.insert("preference-applied", value(applied));
        headers.insert(header::VARY, HeaderValue::from_static("Prefer"));
    }
    headers
}

/// 201 with nothing but a place: an event stream.
pub(super) fn created_at(location: impl Display) -> Response {
    let headers = [(header::LOCATION, value(location))];
    (StatusCode::CREATED, headers).into_response()
}

/// A header value made of ids, dates and names, all of them visible ASCII.
fn value(text: impl Display) -> HeaderValue {
    HeaderValue::try_from(text.to_string()).unwrap_or(HeaderValue::from_static(""))
}
