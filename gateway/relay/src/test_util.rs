//! The relay in somebody's test: in the test's runtime, by its clock, and open to a count.

use tokio::sync::oneshot;

use crate::error::StartError;
use crate::event::Events;
use crate::limits::Limits;
use crate::net::ports::MediaPorts;
use crate::relay::Relay;
use crate::worker::{Command, Worker};

/// What a relay has in memory.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Leftovers {
    /// Rooms of which HTTP knows what is published there.
    pub streams: usize,
    /// Connections of all workers.
    pub connections: usize,
    /// Rooms of all workers.
    pub rooms: usize,
}

impl Relay {
    /// [`Relay::start`], but the workers are tasks of the runtime that this is called in.
    ///
    /// # Errors
    ///
    /// What cannot be bound or made.
    pub fn start_here(ports: &MediaPorts, limits: &Limits) -> Result<(Self, Events), StartError> {
        Self::start_with(ports, limits, |ports, surroundings| {
            Ok((Worker::spawn(&ports, surroundings)?, None))
        })
    }

    /// What is in memory now.
    ///
    /// # Panics
    ///
    /// If a worker has.
    pub async fn leftovers(&self) -> Leftovers {
        let mut left = Leftovers {
            streams: self.0.streams.len(),
            ..Leftovers::default()
        };
        for worker in &self.0.workers {
            let (done, counted) = oneshot::channel();
            let asked = worker.mailbox.try_send(Command::Count { done });
            assert!(asked.is_ok(), "a worker has broken");
            let (connections, rooms) = counted.await.expect("a worker answers");
            left.connections += connections;
            left.rooms += rooms;
        }
        left
    }
}
