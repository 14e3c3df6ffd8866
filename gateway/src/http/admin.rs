//! The administrator's interface, on a port of its own; and what load balancers ask.

use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Json, Router};
use headers::authorization::Bearer;
use headers::{Authorization, HeaderMapExt};
use serde::Serialize;
use tower_http::catch_panic::CatchPanicLayer;

use super::around::Around;
use super::{Context, Ctx, framing, panicked};
use crate::census::{Handle, RoomCensus, Seat};
use crate::error::Error;
use crate::secret::Secret;

/// Whoever shows the token sees who is here, and may end sessions.
pub(crate) fn router(context: Arc<Context>, token: Secret) -> Router {
    let guarded = Router::new()
        .route("/api/v1/rooms", get(rooms))
        .route("/api/v1/sessions/{handle}", delete(end))
        .route("/metrics", get(metrics))
        .route_layer(from_fn(move |request: Request, next: Next| {
            let is_permitted = shows(request.headers(), &token);
            async move {
                match is_permitted {
                    true => next.run(request).await,
                    false => Error::NotAdministrator.into_response(),
                }
            }
        }));
    guarded
        .merge(health())
        .fallback(|| async { Error::NoSuchResource })
        .method_not_allowed_fallback(|| async { Error::WrongMethod })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(Around(framing::Check))
        .with_state(context)
}

/// `/healthz` and `/readyz`: nothing that a stranger may not know.
pub(super) fn health() -> Router<Arc<Context>> {
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
}

fn shows(headers: &HeaderMap, token: &Secret) -> bool {
    let shown = headers.typed_get::<Authorization<Bearer>>();
    shown.is_some_and(|shown| token.is(shown.token()))
}

/// While it shuts down, a gateway wants no more traffic, nor while a part of it is gone.
async fn ready(State(context): Ctx) -> Result<&'static str, Error> {
    context.app.check_ready()?;
    Ok("ready\n")
}

async fn rooms(State(context): Ctx) -> Json<Rooms> {
    let rooms = context.app.census().into_iter();
    Json(Rooms {
        rooms: rooms.map(Room::from).collect(),
    })
}

async fn end(State(context): Ctx, Path(handle): Path<String>) -> Result<StatusCode, Error> {
    context.app.end(&handle)?;
    tracing::info!("a session was ended by an administrator");
    Ok(StatusCode::OK)
}

async fn metrics(State(context): Ctx) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match context.app.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        // Writing to a string does not fail.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[derive(Serialize)]
struct Rooms {
    rooms: Vec<Room>,
}

#[derive(Serialize)]
struct Room {
    room: String,
    /// A camera is provably here.
    published: bool,
    waiting: Waiting,
    sessions: Vec<Session>,
}

#[derive(Serialize)]
struct Waiting {
    cameras: usize,
    viewers: usize,
}

#[derive(Serialize)]
struct Session {
    /// What DELETE takes here; of no use at the public port.
    handle: String,
    side: &'static str,
    path: &'static str,
    /// RFC 3339.
    since: String,
    seconds: u64,
}

impl From<RoomCensus> for Room {
    fn from(census: RoomCensus) -> Self {
        Self {
            room: census.room.to_string(),
            published: census.is_published,
            waiting: Waiting {
                cameras: census.offers,
                viewers: census.viewers,
            },
            sessions: census.seats.into_iter().map(Session::from).collect(),
        }
    }
}

impl From<Seat> for Session {
    fn from(seat: Seat) -> Self {
        let lasted = SystemTime::now().duration_since(seat.since);
        Self {
            handle: Handle::of(seat.session).to_string(),
            side: seat.side.name(),
            path: seat.path.name(),
            since: humantime::format_rfc3339_seconds(seat.since).to_string(),
            seconds: lasted.unwrap_or_default().as_secs(),
        }
    }
}
