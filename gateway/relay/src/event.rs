//! What the relay tells, in the order in which it happens.

use std::collections::VecDeque;

use sightline_spec::layer::Layers;
use sightline_spec::room::{RoomId, SessionId};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// Events of all workers that may wait to be read.
const MAX_EVENTS: usize = 4096;

/// Something has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A publisher's media arrives, or has stopped.
    Sending {
        /// Where it publishes.
        room: RoomId,
        /// Who.
        publisher: SessionId,
        /// Which of the two.
        is_sending: bool,
    },
    /// A publisher's pictures come in another order than they are shown in, as with B-frames,
    /// or do so no more. Browsers cannot show them.
    Reordered {
        /// Where it publishes.
        room: RoomId,
        /// Which of the two.
        is_reordered: bool,
    },
    /// A viewer can choose from other layers than before.
    Layers {
        /// Who.
        viewer: SessionId,
        /// By the sections of its own offer.
        layers: Layers,
    },
    /// A publisher that waits apart is connected: it has the key of its certificate.
    Proved {
        /// Where it would publish.
        room: RoomId,
        /// Who.
        publisher: SessionId,
    },
    /// A publisher that waited apart has the room now.
    TookOver {
        /// Which.
        room: RoomId,
        /// Who.
        publisher: SessionId,
    },
    /// A connection is gone, whoever ended it.
    Ended {
        /// Whose.
        session: SessionId,
        /// Another publisher has come, and the viewer has no decoder for what it sends.
        is_stranded: bool,
    },
}

/// What there is to read. When it is dropped, nothing is told any more.
pub type Events = mpsc::Receiver<Event>;

/// The two ends of a bounded stream of events.
pub(crate) fn stream() -> (mpsc::Sender<Event>, Events) {
    mpsc::channel(MAX_EVENTS)
}

/// One worker's end. It never waits: what the stream has no room for it keeps.
#[derive(Debug)]
pub(crate) struct Teller {
    stream: mpsc::Sender<Event>,
    /// Oldest first; bounded, since a later state takes an earlier one's place, and each
    /// session ends once.
    kept: VecDeque<Event>,
}

impl Teller {
    pub(crate) fn new(stream: mpsc::Sender<Event>) -> Self {
        let kept = VecDeque::new();
        Self { stream, kept }
    }

    /// Tells of an event.
    pub(crate) fn tell(&mut self, event: Event) {
        if !self.kept.is_empty() {
            self.kept.retain(|earlier| !event.replaces(earlier));
        }
        self.kept.push_back(event);
        self.catch_up();
    }

    /// Tells what there was no room for; says whether there still is not.
    pub(crate) fn catch_up(&mut self) -> bool {
        while let Some(event) = self.kept.pop_front() {
            match self.stream.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(event)) => {
                    self.kept.push_front(event);
                    return true;
                }
                // Nobody listens any more.
                Err(TrySendError::Closed(_)) => self.kept.clear(),
            }
        }
        false
    }
}

impl Event {
    /// Whether nobody needs to know the earlier one who knows this.
    fn replaces(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::Sending { room, .. }, Self::Sending { room: before, .. }) => room == before,
            (Self::Reordered { room, .. }, Self::Reordered { room: before, .. }) => room == before,
            (Self::Layers { viewer, .. }, Self::Layers { viewer: before, .. }) => viewer == before,
            (Self::Ended { session, .. }, Self::Layers { viewer, .. }) => session == viewer,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sending(is_sending: bool) -> Event {
        Event::Sending {
            room: "garage".parse().unwrap(),
            publisher: SessionId::random(),
            is_sending,
        }
    }

    fn ended() -> Event {
        Event::Ended {
            session: SessionId::random(),
            is_stranded: false,
        }
    }

    #[test]
    fn a_reader_that_is_slow_misses_no_end_and_learns_the_last_state() {
        let (sender, mut events) = mpsc::channel(1);
        let mut teller = Teller::new(sender);
        let ends: Vec<Event> = (0..3).map(|_| ended()).collect();
        ends.iter().for_each(|end| teller.tell(end.clone()));
        for number in 0..1000 {
            teller.tell(sending(number % 2 == 0));
        }
        assert_eq!(teller.kept.len(), 3, "two ends and one state");
        let read = std::iter::from_fn(|| {
            let event = events.try_recv().ok();
            teller.catch_up();
            event
        });
        let read: Vec<Event> = read.collect();
        assert_eq!(read[..3], ends);
        assert!(matches!(
            read[3..],
            [Event::Sending {
                is_sending: false,
                ..
            }]
        ));
    }

    #[test]
    fn what_nobody_reads_is_not_kept() {
        let (sender, events) = mpsc::channel(1);
        drop(events);
        let mut teller = Teller::new(sender);
        teller.tell(ended());
        assert!(teller.kept.is_empty());
        assert!(!teller.catch_up());
    }
}
