//! From HTTP to types: path segments, header fields and bodies, each read once.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use futures_util::FutureExt;
use headers::authorization::Bearer;
use headers::{Authorization, HeaderMapExt};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use sightline_spec::event::EventKind;
use sightline_spec::layer::LayerSelection;
use sightline_spec::media_type::{JSON, MediaType, SDP};
use sightline_spec::prefer::Prefer;
use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::{PublisherOffer, SdpError, ViewerAnswer, ViewerOffer};
use sightline_spec::sdpfrag::SdpFrag;

use super::Context;
use super::error::PATCHABLE;
use super::proxies::Origin;
use crate::app::{self, Posted};
use crate::error::Error;
use crate::events::StreamId;
use crate::session::{Precondition, Side};

type State = Arc<Context>;

/// `{room}`
pub(super) struct Room(pub(super) RoomId);

/// `{room}/{session}`, which is there.
pub(super) struct Session(pub(super) app::Session);

/// `{room}/{session}/events/{stream}`
pub(super) struct Stream {
    pub(super) session: app::Session,
    pub(super) stream: StreamId,
}

async fn segments<T: DeserializeOwned + Send>(parts: &mut Parts) -> Result<T, Error> {
    let path = Path::<T>::from_request_parts(parts, &()).await;
    // What does not decode to text is the address of nothing.
    path.map(|Path(segments)| segments)
        .map_err(|_| Error::NoSuchResource)
}

impl Room {
    /// For those who cannot wait: the router has left the segments there.
    pub(super) fn of(parts: &mut Parts) -> Result<RoomId, Error> {
        let room: Option<Result<String, Error>> = segments(parts).now_or_never();
        Ok(room.ok_or(Error::NoSuchResource)??.parse()?)
    }
}

impl FromRequestParts<State> for Room {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Error> {
        Self::of(parts).map(Self)
    }
}

impl FromRequestParts<State> for Session {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, context: &State) -> Result<Self, Error> {
        let (room, session): (String, String) = segments(parts).await?;
        session_of(parts, context, &room, &session).map(Self)
    }
}

impl FromRequestParts<State> for Stream {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, context: &State) -> Result<Self, Error> {
        let (room, session, stream): (String, String, String) = segments(parts).await?;
        Ok(Self {
            session: session_of(parts, context, &room, &session)?,
            stream: stream.parse().map_err(|_| Error::UnknownSession)?,
        })
    }
}

/// The session that this path names: a camera's is below `/whip`, a viewer's below
/// `/whep`, and nowhere else.
fn session_of(parts: &Parts, context: &State, room: &str, id: &str) -> Result<app::Session, Error> {
    let throttle = &context.app.throttle;
    throttle.request(context.proxies.origin(parts)?.address)?;
    let room: RoomId = room.parse()?;
    let id: SessionId = id.parse().map_err(|_| Error::UnknownSession)?;
    let (session, side) = context.app.session(room, id)?;
    if parts.extensions.get() != Some(&side) {
        return Err(Error::UnknownSession);
    }
    // Who has asked too often may still go.
    if parts.method != Method::DELETE {
        throttle.session(id)?;
    }
    Ok(session)
}

/// Where the request came from.
pub(super) struct Peer(pub(super) IpAddr);

impl FromRequestParts<State> for Peer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, context: &State) -> Result<Self, Error> {
        Ok(Self(context.proxies.origin(parts)?.address))
    }
}

/// The `Prefer` header fields.
pub(super) fn prefer(headers: &HeaderMap) -> Prefer {
    let lines = headers.get_all("prefer").into_iter();
    Prefer::parse(lines.filter_map(|line| line.to_str().ok()))
}

/// The token of `Authorization: Bearer`, if there is one.
///
/// `Bearer undefined` is what some players send when they have none.
pub(super) fn bearer(headers: &HeaderMap) -> Option<String> {
    let authorization = headers.typed_get::<Authorization<Bearer>>()?;
    let token = authorization.token();
    (token != "undefined").then(|| token.to_owned())
}

/// The `If-Match` header field, RFC 9110 section 13.1.1.
pub(super) fn precondition(headers: &HeaderMap, strict: bool) -> Precondition {
    let mut lines = headers.get_all(header::IF_MATCH).into_iter().peekable();
    if lines.peek().is_none() {
        // Eyevinn's clients send `ETag:` instead; that is as good as nothing.
        return Precondition::Missing { required: strict };
    }
    let tags = lines.flat_map(|line| line.as_bytes().split(|b| *b == b','));
    let tags = tags.map(|tag| String::from_utf8_lossy(tag).trim().to_owned());
    let tags: Vec<String> = tags.collect();
    match tags.iter().any(|tag| tag == "*" || tag == r#""*""#) {
        true => Precondition::Any,
        // A weak tag never matches here; it keeps its prefix and so cannot.
        false => Precondition::OneOf(tags.iter().map(|t| t.trim_matches('"').into()).collect()),
    }
}

/// An offer of a camera or a viewer.
pub(super) struct Offer<T>(pub(super) T);

/// What an [`Offer`] can be of.
pub(super) trait FromSdp: Sized {
    fn from_sdp(text: &str) -> Result<Self, SdpError>;
}

impl FromSdp for PublisherOffer {
    fn from_sdp(text: &str) -> Result<Self, SdpError> {
        Self::parse(text)
    }
}

impl FromSdp for ViewerOffer {
    fn from_sdp(text: &str) -> Result<Self, SdpError> {
        Self::parse(text)
    }
}

impl<T: FromSdp> FromRequest<State> for Offer<T> {
    type Rejection = Error;

    async fn from_request(request: Request, context: &State) -> Result<Self, Error> {
        match media_type(request.headers()) {
            // There is nothing else that an offer could be.
            MediaType::Sdp | MediaType::Missing => {
                let text = text(request, context).await?.ok_or(SdpError::Binary)?;
                Ok(Self(T::from_sdp(&text)?))
            }
            _ => Err(Error::WrongMediaType { expected: SDP }),
        }
    }
}

impl<T: FromSdp> FromRequest<State> for Posted<T> {
    type Rejection = Error;

    async fn from_request(request: Request, context: &State) -> Result<Self, Error> {
        // Boxed: reading takes more memory than holding what was read, and it is
        // the holding that lasts.
        let read = Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            let Origin { address, audience } = context.proxies.origin(&parts)?;
            context.app.throttle.address(address)?;
            let Room(room) = Room::from_request_parts(&mut parts, context).await?;
            let (prefer, bearer) = (prefer(&parts.headers), bearer(&parts.headers));
            let request = Request::from_parts(parts, body);
            let Offer(offer) = Offer::<T>::from_request(request, context).await?;
            Ok(Self {
                room,
                offer,
                prefer,
                bearer,
                address,
                audience,
            })
        });
        read.await
    }
}

/// The body of a PATCH.
pub(super) enum Patch {
    Answer(Result<ViewerAnswer, SdpError>),
    Candidates(SdpFrag),
}

impl FromRequest<State> for Patch {
    type Rejection = Error;

    async fn from_request(request: Request, context: &State) -> Result<Self, Error> {
        match media_type(request.headers()) {
            MediaType::Sdp => {
                let text = text(request, context).await?.ok_or(SdpError::Binary)?;
                Ok(Self::Answer(ViewerAnswer::parse(&text)))
            }
            MediaType::SdpFrag => {
                let text = text(request, context).await?.unwrap_or_default();
                Ok(Self::Candidates(text.parse()?))
            }
            MediaType::Missing => {
                let text = text(request, context).await?.unwrap_or_default();
                // A description begins with its version (RFC 8866 section 5), a fragment has none.
                match text.starts_with("v=") {
                    true => Ok(Self::Answer(ViewerAnswer::parse(&text))),
                    false => Ok(Self::Candidates(text.parse()?)),
                }
            }
            _ => Err(Error::WrongMediaType {
                expected: PATCHABLE,
            }),
        }
    }
}

/// Which events a stream shall carry; all of them if the body is empty.
///
/// WHEP core extensions section 4: an event that was not announced is refused.
pub(super) struct EventKinds(pub(super) Vec<EventKind>);

impl FromRequest<State> for EventKinds {
    type Rejection = Error;

    async fn from_request(request: Request, context: &State) -> Result<Self, Error> {
        // A relay's viewers can hear of layers, a superset: of a direct session's streams
        // such an event never comes.
        let announced: &[EventKind] = match request.extensions().get() {
            Some(Side::Camera) => &EventKind::FOR_CAMERAS,
            _ => &EventKind::FOR_RELAYED_VIEWERS,
        };
        let media_type = media_type(request.headers());
        let text = text(request, context).await?.ok_or(Error::BadEvents)?;
        if text.is_empty() {
            return Ok(Self(announced.to_vec()));
        }
        if media_type != MediaType::Json {
            return Err(Error::WrongMediaType { expected: JSON });
        }
        let named: Vec<EventKind> = serde_json::from_str(&text).map_err(|_| Error::BadEvents)?;
        if !named.iter().all(|kind| announced.contains(kind)) {
            return Err(Error::BadEvents);
        }
        // Each once, however often it was named: they are kept as long as the session.
        let kinds = announced.iter().filter(|kind| named.contains(kind));
        Ok(Self(kinds.copied().collect()))
    }
}

/// Which layer a viewer wants.
pub(super) struct Selection(pub(super) LayerSelection);

impl FromRequest<State> for Selection {
    type Rejection = Error;

    async fn from_request(request: Request, context: &State) -> Result<Self, Error> {
        if media_type(request.headers()) != MediaType::Json {
            return Err(Error::WrongMediaType { expected: JSON });
        }
        let text = text(request, context).await?.unwrap_or_default();
        Ok(Self(LayerSelection::parse(&text)?))
    }
}

fn media_type(headers: &HeaderMap) -> MediaType {
    let content_type = headers.get(header::CONTENT_TYPE);
    let text = |value: &HeaderValue| value.to_str().map_or(MediaType::Other, MediaType::of);
    content_type.map_or(MediaType::Missing, text)
}

/// The body within its bounds; nothing if it is not UTF-8.
async fn text(request: Request, context: &State) -> Result<Option<String>, Error> {
    let limit = context.max_body;
    let within: Duration = context.body_timeout;
    let body = Limited::new(request.into_body(), limit);
    let collected = tokio::time::timeout(within, body.collect()).await;
    let bytes = match collected {
        Err(_) => return Err(Error::BodyTooSlow { limit: within }),
        Ok(Err(e)) if e.is::<LengthLimitError>() => return Err(Error::BodyTooLong { limit }),
        Ok(Err(_)) => return Err(Error::BodyCutOff),
        Ok(Ok(collected)) => collected.to_bytes(),
    };
    Ok(String::from_utf8(bytes.into()).ok())
}
