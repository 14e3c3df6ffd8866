//! `/events`: several event streams in one.

use std::convert::Infallible;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use futures_util::future::select_all;
use futures_util::stream::{self, Stream};
use percent_encoding::percent_decode_str;
use sightline_spec::shared_events::{
    END, Positions, SharedData, SharedEvents, SharedEventsError, StreamPath,
};

use super::extract::Peer;
use super::{Context, Ctx, events};
use crate::error::Error;
use crate::events::{Outbox, Read, StreamId};
use crate::rendezvous::Listening;
use crate::session::Side;

/// Sends the events of all that are named, as they happen. One that is over, or was never there,
/// ends by an event of its own; when all have ended, so does this.
pub(super) async fn open(
    State(context): Ctx,
    Peer(from): Peer,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    context.app.throttle.request(from)?;
    let query = query.unwrap_or_default();
    let query = percent_decode_str(&query).decode_utf8();
    let SharedEvents { streams, after } = query.map_err(|_| SharedEventsError)?.parse()?;
    // What a browser says when it opens the stream again is newer than its URL.
    let last_id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let Positions(seen) = last_id.and_then(|id| id.parse().ok()).unwrap_or(after);
    let positions = seen.into_iter().chain(std::iter::repeat(0));
    let mut parts = Vec::with_capacity(streams.len());
    for (path, seen) in streams.iter().zip(positions) {
        let found = find(&context, path)?;
        parts.push(Part {
            open: found,
            is_told: false,
            seen,
        });
    }
    if parts.iter().all(Part::is_over) {
        // As for one of them.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(events::stream_of(Shared(parts).into_stream()))
}

/// One of the streams, if it is there.
fn find(context: &Context, path: &StreamPath) -> Result<Option<Open>, Error> {
    let (room, id) = (path.room.clone(), path.session);
    let Ok((session, side)) = context.app.session(room, id) else {
        return Ok(None);
    };
    if (side == Side::Camera) != path.is_camera {
        return Ok(None);
    }
    context.app.throttle.session(id)?;
    let opened = session.open_stream(path.stream).ok();
    Ok(opened.map(|(outbox, listening)| Open {
        outbox,
        stream: path.stream,
        _listening: listening,
    }))
}

struct Shared(Vec<Part>);

/// One of the streams and how far it has been read.
struct Part {
    /// Not there once it has ended.
    open: Option<Open>,
    /// Its end has been told.
    is_told: bool,
    seen: u64,
}

struct Open {
    outbox: Outbox,
    stream: StreamId,
    /// Dropped with it, which is how the room learns that it closed.
    _listening: Option<Listening>,
}

impl Shared {
    fn into_stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut shared| async move {
            let (kind, data) = shared.next().await?;
            let seen = shared.0.iter().map(|part| part.seen).collect();
            let data = serde_json::to_string(&data).unwrap_or_default();
            let event = Event::default()
                .id(Positions(seen).to_string())
                .event(kind)
                .data(data);
            Some((Ok(event), shared))
        })
    }

    async fn next(&mut self) -> Option<(&'static str, SharedData)> {
        loop {
            let open = self.0.iter().filter_map(|part| part.open.as_ref());
            let outboxes: Vec<Outbox> = open.map(|open| open.outbox.clone()).collect();
            let changes = outboxes.iter().map(|outbox| Box::pin(outbox.changed()));
            let mut changes: Vec<_> = changes.collect();
            // Before the look, so that no change falls between look and wait.
            for change in &mut changes {
                change.as_mut().enable();
            }
            let mut parts = self.0.iter_mut().enumerate();
            let told = parts.find_map(|(index, part)| part.next(index));
            if told.is_some() || changes.is_empty() {
                return told;
            }
            select_all(changes).await;
        }
    }
}

impl Part {
    fn is_over(&self) -> bool {
        self.open.as_ref().is_none_or(|open| {
            let read = open.outbox.read(open.stream, self.seen);
            matches!(read, Read::Ended)
        })
    }

    /// What comes next of it, if it is there.
    fn next(&mut self, index: usize) -> Option<(&'static str, SharedData)> {
        let read = match &self.open {
            Some(open) => open.outbox.read(open.stream, self.seen),
            None => Read::Ended,
        };
        let mut told = SharedData {
            stream: index,
            data: None,
        };
        match read {
            Read::Entry(entry) => {
                self.seen = entry.id;
                told.data = serde_json::from_str(&entry.event.data()).ok();
                Some((entry.event.kind().name(), told))
            }
            Read::Nothing => None,
            Read::Ended if self.is_told => None,
            Read::Ended => {
                self.open = None;
                self.is_told = true;
                Some((END, told))
            }
        }
    }
}
