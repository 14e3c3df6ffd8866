//! `…/{session}/events`: WHEP's server-sent-events extension, for both sides.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use axum::extract::OriginalUri;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, Stream as EventStream, StreamExt};

use super::extract::{EventKinds, Session, Stream};
use super::reply;
use crate::error::Error;
use crate::events::{Entry, Outbox, Read, StreamId};
use crate::rendezvous::Listening;

/// Proxies cut connections that are silent for a minute or less.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How soon a browser opens a broken stream again: within `--event-grace`, after which
/// its party counts as gone. Browsers would take about three seconds.
const RETRY: Duration = Duration::from_millis(500);

/// Makes a stream; its place is in `Location`.
pub(super) async fn create(
    Session(session): Session,
    OriginalUri(uri): OriginalUri,
    EventKinds(kinds): EventKinds,
) -> Result<Response, Error> {
    let stream = session.add_stream(kinds)?;
    let events = uri.path().trim_end_matches('/');
    Ok(reply::created_at(format_args!("{events}/{stream}")))
}

/// Sends events as they happen, from the beginning or after `Last-Event-ID`.
pub(super) async fn open(
    Stream { session, stream }: Stream,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let (outbox, listening) = session.open_stream(stream)?;
    let last_id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let seen = last_id.and_then(|id| id.parse().ok()).unwrap_or(0);
    if matches!(outbox.read(stream, seen), Read::Ended) {
        // "Clients will reconnect if the connection is closed; a client can be told to stop
        // reconnecting using the HTTP 204 No Content response code" (HTML, section 9.2.1).
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let reader = Reader {
        outbox,
        stream,
        seen,
        _listening: listening,
    };
    Ok(stream_of(reader.into_stream()))
}

/// Sends these as they come.
pub(super) fn stream_of(
    events: impl EventStream<Item = Result<Event, Infallible>> + Send + 'static,
) -> Response {
    let retry = Event::default().retry(RETRY);
    let events = stream::iter([Ok(retry)]).chain(events);
    let events = Sse::new(events);
    let events = events.keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // nginx would collect events until its buffer is full.
    ([("x-accel-buffering", "no")], events).into_response()
}

/// Ends a stream (WHEP: "MAY destroy the event stream at anytime").
pub(super) async fn remove(Stream { session, stream }: Stream) -> Result<StatusCode, Error> {
    session.remove_stream(stream)?;
    Ok(StatusCode::OK)
}

/// One open stream and how far it has read.
struct Reader {
    outbox: Outbox,
    stream: StreamId,
    seen: u64,
    /// Dropped with the response, which is how the room learns that it closed.
    _listening: Option<Listening>,
}

impl Reader {
    fn into_stream(self) -> impl EventStream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut reader| async move {
            let entry = reader.next().await?;
            let event = Event::default()
                .id(entry.id.to_string())
                .event(entry.event.kind().name())
                .data(entry.event.data());
            Some((Ok(event), reader))
        })
    }

    async fn next(&mut self) -> Option<Entry> {
        loop {
            let mut changed = pin!(self.outbox.changed());
            // Before the look, so that no change falls between look and wait.
            changed.as_mut().enable();
            match self.outbox.read(self.stream, self.seen) {
                Read::Entry(entry) => {
                    self.seen = entry.id;
                    return Some(entry);
                }
                Read::Ended => return None,
                Read::Nothing => changed.await,
            }
        }
    }
}
