//! Publishers that find their room taken by another: most often it is the same one that was
//! here a second ago, with another certificate, and its old connection has not been missed yet.

use std::collections::VecDeque;

use super::{Action, Error, Publisher, RequestId, Room};

/// How many may wait for one room.
const MOST: usize = 8;

/// A publisher that waits until whoever has the room is gone.
#[derive(Debug)]
pub(super) struct Newcomer {
    pub(super) request: RequestId,
    publisher: Publisher,
}

#[cfg(test)]
impl Newcomer {
    pub(super) fn publisher(&self) -> &Publisher {
        &self.publisher
    }
}

impl Room {
    /// A publisher POSTed. It is told when it may try to have the room.
    pub(crate) fn wait_for_room(
        &mut self,
        request: RequestId,
        publisher: Publisher,
    ) -> Result<Vec<Action>, Error> {
        if self.newcomers.len() >= MOST {
            return Err(Error::RoomTaken);
        }
        self.newcomers.push_back(Newcomer { request, publisher });
        Ok(self.let_newcomers_in())
    }

    /// Whether this publisher has to wait so.
    pub(crate) fn is_taken_from(&self, publisher: &Publisher) -> bool {
        self.is_taken_by_other_than(publisher)
    }

    /// The room's publisher may be gone.
    pub(super) fn let_newcomers_in(&mut self) -> Vec<Action> {
        let waiting = std::mem::take(&mut self.newcomers);
        let waits = |it: &Newcomer| self.is_taken_by_other_than(&it.publisher);
        let (kept, free): (VecDeque<_>, VecDeque<_>) = waiting.into_iter().partition(waits);
        self.newcomers = kept;
        free.into_iter()
            .map(|it| Action::Free(it.request))
            .collect()
    }
}
