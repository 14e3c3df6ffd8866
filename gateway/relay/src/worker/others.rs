//! The ways between workers. What one has for another, of all rooms in which something has
//! arrived, goes there together: one batch, and one waking up.
//!
//! Nobody waits for another worker. What there is no room for stays where it is, in a packet
//! cache or as a wish, and is put again later.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use sightline_spec::room::RoomId;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::keys::{RoomKey, WorkerId};
use crate::router::pull::{Update, Wish};

/// What may be collected for another worker.
const MOST_LETTERS: usize = 1024;

/// Batches from one worker that another may not have acted on yet.
const MOST_ON_THE_WAY: usize = 8;

/// What one worker has for another.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "most are packets")]
pub(crate) enum Letter {
    /// From a home to a replica, by the name that its room has there.
    Update { room: RoomKey, update: Update },
    /// To a home: have my room, which is called so here, know all that happens.
    Pull { room: RoomId, replica: RoomKey },
    /// To a home: nobody watches here any more.
    Leave { room: RoomId },
    /// To a home, from its replica.
    Wish(Wish),
}

/// What has come up since the last one.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) from: WorkerId,
    pub(crate) letters: Vec<Letter>,
    /// Counts the batches on the way, wherever they end.
    _on_the_way: Arc<()>,
}

/// How the workers reach each other.
#[derive(Debug)]
pub(crate) struct Directory {
    /// By the workers' places. Guards a table; held for a look-up when a worker begins, and
    /// when another first has something for it.
    places: Mutex<Vec<Option<Listed>>>,
}

/// Bounded by what each sender lets be on the way; so sending is never a matter of locks.
#[derive(Debug, Clone)]
struct Listed {
    of: WorkerId,
    sender: UnboundedSender<Batch>,
}

/// A worker's ways to all others.
#[derive(Debug)]
pub(crate) struct Others {
    id: WorkerId,
    directory: Arc<Directory>,
    /// Nothing if there are no others.
    incoming: Option<UnboundedReceiver<Batch>>,
    ways: Vec<Option<Way>>,
}

#[derive(Debug)]
struct Way {
    to: Listed,
    letters: Vec<Letter>,
    on_the_way: Arc<()>,
}

impl Directory {
    /// For so many workers.
    pub(crate) fn new(workers: usize) -> Self {
        let places = Mutex::new(vec![None; workers]);
        Self { places }
    }

    /// A worker begins at this place, instead of the one that was there before.
    pub(crate) fn open(self: Arc<Self>, index: usize) -> Others {
        let mut places = self.places();
        let workers = places.len();
        let start = places[index]
            .as_ref()
            .map_or(0, |before| before.of.start + 1);
        let id = WorkerId { index, start };
        let (sender, incoming) = unbounded_channel();
        places[index] = Some(Listed { of: id, sender });
        drop(places);
        Others {
            id,
            directory: self,
            incoming: (workers > 1).then_some(incoming),
            ways: (0..workers).map(|_| None).collect(),
        }
    }

    fn places(&self) -> MutexGuard<'_, Vec<Option<Listed>>> {
        // A panic inside is a bug; what it did not touch is still in order.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Others {
    /// This worker's name.
    pub(crate) fn id(&self) -> WorkerId {
        self.id
    }

    /// Whether there is no other worker.
    pub(crate) fn are_none(&self) -> bool {
        self.incoming.is_none()
    }

    /// Makes a way to the worker that is at this place now, which is told its name by that.
    pub(crate) fn open(&mut self, index: usize) -> Option<WorkerId> {
        let way = self.ways.get_mut(index)?;
        let is_open = way.as_ref().is_some_and(Way::is_open);
        if !is_open {
            let listed = self.directory.places().get(index)?.clone();
            *way = listed.map(Way::new).filter(Way::is_open);
        }
        way.as_ref().map(|way| way.to.of)
    }

    /// Whether this worker is there, and there is a way to it.
    pub(crate) fn has(&self, worker: WorkerId) -> bool {
        self.way(worker).is_some_and(Way::is_open)
    }

    /// Whether one more letter can be put.
    pub(crate) fn has_room(&self, to: WorkerId) -> bool {
        let letters = self.way(to).map(|way| way.letters.len());
        letters.is_some_and(|letters| letters < MOST_LETTERS)
    }

    /// Collects a letter, if there is room for it.
    pub(crate) fn put(&mut self, to: WorkerId, letter: Letter) -> bool {
        let has_room = self.has_room(to);
        if has_room && let Some(Some(way)) = self.ways.get_mut(to.index) {
            way.letters.push(letter);
        }
        has_room
    }

    /// Sends what was collected; false if some of it has to wait.
    pub(crate) fn send(&mut self) -> bool {
        let mut is_all = true;
        for way in self.ways.iter_mut().flatten() {
            is_all &= way.send(self.id);
        }
        is_all
    }

    /// Takes what other workers have for this one, of so many batches at most.
    pub(crate) fn poll_many(
        &mut self,
        context: &mut Context<'_>,
        batches: &mut Vec<Batch>,
        most: usize,
    ) -> Poll<usize> {
        match &mut self.incoming {
            Some(incoming) => incoming.poll_recv_many(context, batches, most),
            None => Poll::Pending,
        }
    }

    fn way(&self, to: WorkerId) -> Option<&Way> {
        let way = self.ways.get(to.index)?.as_ref();
        way.filter(|way| way.to.of == to)
    }
}

impl Way {
    fn new(to: Listed) -> Self {
        Self {
            to,
            letters: Vec::new(),
            on_the_way: Arc::new(()),
        }
    }

    fn is_open(&self) -> bool {
        !self.to.sender.is_closed()
    }

    fn send(&mut self, from: WorkerId) -> bool {
        if self.letters.is_empty() {
            return true;
        }
        // One of them is our own.
        if Arc::strong_count(&self.on_the_way) > MOST_ON_THE_WAY {
            return false;
        }
        // Who is gone needs nothing any more.
        let _ = self.to.sender.send(Batch {
            from,
            letters: std::mem::take(&mut self.letters),
            _on_the_way: self.on_the_way.clone(),
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn two() -> [Others; 2] {
        let directory = Arc::new(Directory::new(2));
        [0, 1].map(|index| directory.clone().open(index))
    }

    fn leave() -> Letter {
        let room = "garage".parse().unwrap();
        Letter::Leave { room }
    }

    fn taken(worker: &mut Others) -> Vec<Batch> {
        let mut batches = Vec::new();
        let mut context = Context::from_waker(Waker::noop());
        let _ = worker.poll_many(&mut context, &mut batches, 1);
        batches
    }

    #[test]
    fn what_is_put_in_one_turn_comes_as_one_batch() {
        let [mut one, mut other] = two();
        let to = one.open(1).unwrap();
        assert_eq!(to, other.id());
        assert!(one.put(to, leave()) && one.put(to, leave()));
        assert!(taken(&mut other).is_empty(), "the turn is not over");
        assert!(one.send());
        let batch = taken(&mut other).pop().unwrap();
        assert_eq!((batch.from, batch.letters.len()), (one.id(), 2));
        assert!(taken(&mut other).is_empty());
    }

    #[test]
    fn a_worker_that_takes_nothing_is_sent_no_more_than_it_has_room_for() {
        let [mut one, mut other] = two();
        let to = one.open(1).unwrap();
        for _ in 0..MOST_ON_THE_WAY {
            assert!(one.put(to, leave()) && one.send());
        }
        (0..MOST_LETTERS).for_each(|_| assert!(one.put(to, leave())));
        assert!(!one.put(to, leave()) && !one.send());
        // It has room again for what it has acted on.
        assert_eq!(taken(&mut other).len(), 1);
        assert!(one.send() && one.has_room(to));
    }

    #[test]
    fn a_worker_that_was_replaced_is_another_one() {
        let [mut one, other] = two();
        let to = one.open(1).unwrap();
        let directory = other.directory.clone();
        drop(other);
        assert!(!one.has(to));
        assert_eq!(one.open(1), None);
        let again = directory.open(1);
        assert_eq!(one.open(1), Some(again.id()));
        assert!(!one.has(to) && !one.has_room(to) && one.has(again.id()));
    }

    #[test]
    fn a_worker_that_is_alone_has_nobody_to_listen_to() {
        let mut alone = Arc::new(Directory::new(1)).open(0);
        assert!(alone.are_none() && taken(&mut alone).is_empty() && alone.send());
    }
}
