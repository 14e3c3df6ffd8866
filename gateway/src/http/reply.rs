//! From types to HTTP: the responses that create a session.

use std::fmt::Display;
use std::time::SystemTime;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sightline_spec::event::EventKind;
use sightline_spec::link::{LAYER, Link, OWN_EVENTS, SERVER_SENT_EVENTS};
use sightline_spec::media_type::{self, SDP, SDPFRAG};
use sightline_spec::prefer::Prefer;
use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdpfrag::SdpFrag;
use sightline_spec::shared_events;

use super::{ACCEPT_PATCH, Context, error};
use crate::room::{Answered, CounterOffer};
use crate::session::{EntityTag, Path, Side};

/// Where a session is, and what can be done there.
pub(super) struct Place {
    location: String,
    events: &'static [EventKind],
    has_layers: bool,
}

impl Place {
    pub(super) fn new(side: Side, path: Path, room: &RoomId, session: SessionId) -> Self {
        let (endpoint, events): (_, &[EventKind]) = match (side, path) {
            (Side::Camera, _) => ("whip", &EventKind::FOR_CAMERAS),
            (Side::Viewer, Path::Direct) => ("whep", &EventKind::FOR_VIEWERS),
            (Side::Viewer, Path::Relay) => ("whep", &EventKind::FOR_RELAYED_VIEWERS),
        };
        Self {
            // A path, so that no proxy can break it, and without a query, which OBS drops.
            location: format!("/{endpoint}/{room}/{session}"),
            events,
            has_layers: side == Side::Viewer && path == Path::Relay,
        }
    }

    /// What can be done at a session beyond the protocol's core. The list of events has spaces
    /// where the draft's example has commas: OBS, live777 and OvenLiveKit split a field at every
    /// comma, inside quotes too.
    fn extensions(&self) -> impl Iterator<Item = Link> {
        let events = |rel, own| {
            let kinds = self.events.iter().filter(|kind| kind.is_own() == own);
            let kinds: Vec<&str> = kinds.map(|kind| kind.name()).collect();
            let link = Link::new(format!("{}/events", self.location), rel);
            let link = link.with("events", kinds.join(" "));
            let link = match own {
                true => link.with("shared", shared_events::PATH),
                false => link,
            };
            (!kinds.is_empty()).then_some(link)
        };
        let layer = Link::new(format!("{}/layer", self.location), LAYER);
        [
            events(SERVER_SENT_EVENTS, false),
            events(OWN_EVENTS, true),
            self.has_layers.then_some(layer),
        ]
        .into_iter()
        .flatten()
    }
}

/// 201: the answer of a viewer or of the relay.
pub(super) fn created(
    context: &Context,
    place: &Place,
    applied: Prefer,
    answered: Answered,
) -> Response {
    let Answered { etag, sdp, .. } = answered;
    let mut headers = session_headers(context, place, &etag, applied);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(SDP));
    (StatusCode::CREATED, headers, sdp.to_string()).into_response()
}

/// 406 to a viewer: the camera's offer, and until when to answer it.
pub(super) fn counter_offer(
    context: &Context,
    place: &Place,
    applied: Prefer,
    counter_offer: CounterOffer,
) -> Response {
    let CounterOffer {
        etag,
        sdp,
        answer_within,
        ..
    } = counter_offer;
    let mut headers = session_headers(context, place, &etag, applied);
    let content_type = media_type::counter_offer(SystemTime::now() + answer_within);
    headers.insert(header::CONTENT_TYPE, value(content_type));
    (StatusCode::NOT_ACCEPTABLE, headers, sdp.to_string()).into_response()
}

/// 200 to an ICE restart: our side of it, and the tag of the new ICE session (RFC 9725
/// section 4.3.3).
pub(super) fn restarted(fragment: &SdpFrag, etag: &EntityTag) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(SDPFRAG)),
        (header::ETAG, quoted(etag)),
    ];
    (StatusCode::OK, headers, fragment.to_string()).into_response()
}

fn session_headers(
    context: &Context,
    place: &Place,
    etag: &EntityTag,
    applied: Prefer,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::LOCATION, value(&place.location));
    headers.insert(header::ETAG, quoted(etag));
    headers.insert(ACCEPT_PATCH, HeaderValue::from_static(error::PATCHABLE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    append_ice_servers(&mut headers, context);
    for extension in place.extensions() {
        headers.append(header::LINK, value(extension));
    }
    if !applied.is_empty() {
        headers.insert("preference-applied", value(applied));
        headers.insert(header::VARY, HeaderValue::from_static("Prefer"));
    }
    headers
}

fn quoted(etag: &EntityTag) -> HeaderValue {
    value(format_args!("\"{}\"", etag.as_str()))
}

/// Names the ICE servers, one line each, with credentials made for this response.
pub(super) fn append_ice_servers(headers: &mut HeaderMap, context: &Context) {
    for link in context.app.ice_server_links() {
        headers.append(header::LINK, value(link));
    }
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
