//! What a session's event streams carry: a short log that every stream reads for itself.
//!
//! A stream that is opened late, or again after a break, still sees everything in
//! order (design section 5), so nothing is taken out of the log by reading it. It
//! is bounded by what goes in: candidates are limited by the room, what tells a state
//! replaces what told it before, and the rest happens once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sightline_spec::event::{Event, EventKind};
use sightline_spec::room::SessionId;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::error::Error;

/// The event streams that one session may have open.
const MAX_STREAMS: usize = 4;

/// One session's log, shared by whoever writes it and its open streams.
#[derive(Clone, Default)]
pub(crate) struct Outbox(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// Guards the log; held for a push or a copy, never across an await.
    log: Mutex<Log>,
    changed: Notify,
}

#[derive(Default)]
struct Log {
    entries: Vec<Entry>,
    last_id: u64,
    streams: Vec<(StreamId, Arc<[EventKind]>)>,
    ended: bool,
}

/// An event and its place in the log, which is its `id:` on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: u64,
    pub(crate) event: Event,
}

/// The name of one event stream; as hard to guess as a session's.
pub(crate) type StreamId = SessionId;

/// What a stream finds when it looks.
pub(crate) enum Read {
    /// This comes next.
    Entry(Entry),
    /// Nothing yet.
    Nothing,
    /// There will be no more.
    Ended,
}

impl Outbox {
    /// Appends an event and wakes the streams.
    pub(crate) fn push(&self, event: Event) {
        {
            let mut log = self.log();
            if log.ended {
                return;
            }
            if tells_a_state(event.kind()) {
                log.entries
                    .retain(|entry| entry.event.kind() != event.kind());
            }
            log.last_id += 1;
            let id = log.last_id;
            log.entries.push(Entry { id, event });
        }
        self.0.changed.notify_waiters();
    }

    /// Ends every stream once it has read what is there.
    pub(crate) fn end(&self) {
        self.log().ended = true;
        self.0.changed.notify_waiters();
    }

    /// Makes a stream that carries these kinds.
    pub(crate) fn add_stream(&self, kinds: Vec<EventKind>) -> Result<StreamId, Error> {
        let mut log = self.log();
        if log.streams.len() >= MAX_STREAMS {
            return Err(Error::TooManyStreams);
        }
        let id = StreamId::random();
        log.streams.push((id, kinds.into()));
        Ok(id)
    }

    /// Forgets a stream; an open one ends.
    pub(crate) fn remove_stream(&self, id: StreamId) -> bool {
        let mut log = self.log();
        let before = log.streams.len();
        log.streams.retain(|(stream, _)| *stream != id);
        let removed = log.streams.len() < before;
        drop(log);
        self.0.changed.notify_waiters();
        removed
    }

    /// Whether there is a stream of this name.
    pub(crate) fn has_stream(&self, id: StreamId) -> bool {
        self.log().streams.iter().any(|(stream, _)| *stream == id)
    }

    /// What comes next for the stream `id`, which has seen all up to `seen`.
    pub(crate) fn read(&self, id: StreamId, seen: u64) -> Read {
        let log = self.log();
        let Some((_, kinds)) = log.streams.iter().find(|(stream, _)| *stream == id) else {
            return Read::Ended;
        };
        let mut new = log.entries.iter().filter(|entry| entry.id > seen);
        match new.find(|entry| kinds.contains(&entry.event.kind())) {
            Some(entry) => Read::Entry(entry.clone()),
            None if log.ended => Read::Ended,
            None => Read::Nothing,
        }
    }

    /// Resolves at the next change after it was first polled or enabled.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.0.changed.notified()
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // A panic while it was held leaves a log that is still in order.
        self.0.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Events that tell a state: an older one of the same kind is of no interest, and a
/// publisher that comes and goes for days fills no memory.
fn tells_a_state(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Active
            | EventKind::Inactive
            | EventKind::ViewerCount
            | EventKind::Layers
            | EventKind::Problem
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(outbox: &Outbox, stream: StreamId, mut seen: u64) -> Vec<Event> {
        let mut events = Vec::new();
        while let Read::Entry(entry) = outbox.read(stream, seen) {
            seen = entry.id;
            events.push(entry.event);
        }
        events
    }

    #[test]
    fn a_stream_opened_late_sees_everything_in_order() {
        let outbox = Outbox::default();
        outbox.push(Event::Active);
        outbox.push(Event::Inactive);
        let stream = outbox.add_stream(EventKind::FOR_VIEWERS.into()).unwrap();
        assert_eq!(read(&outbox, stream, 0), [Event::Active, Event::Inactive]);
        assert_eq!(read(&outbox, stream, 1), [Event::Inactive]);
        assert_eq!(read(&outbox, stream, 2), []);
    }

    #[test]
    fn a_stream_carries_only_what_it_asked_for() {
        let outbox = Outbox::default();
        let stream = outbox.add_stream(vec![EventKind::Leave]).unwrap();
        outbox.push(Event::Join);
        outbox.push(Event::Leave);
        assert_eq!(read(&outbox, stream, 0), [Event::Leave]);
    }

    #[test]
    fn viewer_counts_do_not_pile_up() {
        let outbox = Outbox::default();
        let stream = outbox.add_stream(EventKind::FOR_VIEWERS.into()).unwrap();
        (1..1000).for_each(|count| outbox.push(Event::ViewerCount(count)));
        assert_eq!(read(&outbox, stream, 0), [Event::ViewerCount(999)]);
    }

    #[test]
    fn an_ended_log_is_read_to_its_end_and_takes_no_more() {
        let outbox = Outbox::default();
        let stream = outbox.add_stream(EventKind::FOR_CAMERAS.into()).unwrap();
        outbox.push(Event::Leave);
        outbox.end();
        outbox.push(Event::Join);
        assert_eq!(read(&outbox, stream, 0), [Event::Leave]);
        assert!(matches!(outbox.read(stream, 1), Read::Ended));
    }

    #[test]
    fn streams_are_bounded_and_removable() {
        let outbox = Outbox::default();
        let streams: Vec<_> = (0..MAX_STREAMS)
            .map(|_| outbox.add_stream(vec![]).unwrap())
            .collect();
        assert_eq!(outbox.add_stream(vec![]), Err(Error::TooManyStreams));
        assert!(outbox.remove_stream(streams[0]));
        assert!(!outbox.remove_stream(streams[0]));
        assert!(matches!(outbox.read(streams[0], 0), Read::Ended));
        assert!(outbox.add_stream(vec![]).is_ok());
    }
}
