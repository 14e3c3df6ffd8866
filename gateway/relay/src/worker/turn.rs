//! One turn of a worker: a bounded part of all that there is to do, so that who asks for a lot
//! of one kind does not keep those of another waiting.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use str0m::net::Protocol;
use tokio::time::{Sleep, sleep_until};

use super::Worker;
use super::mailbox::End;
use super::others::Batch;
use crate::clock;
use crate::net::tcp::TcpEvent;
use crate::net::udp::Incoming;

/// Sessions that are ended in one turn.
const ENDS: usize = 64;

/// Commands of one turn.
const COMMANDS: usize = 16;

/// Frames of TCP connections of one turn.
const FRAMES: usize = 256;

/// Batches of other workers of one turn.
const BATCHES: usize = 16;

/// Reads from one port before others get their turn.
const READS: usize = 8;

/// Everything is to end, or nobody is left who could ask for anything.
pub(super) struct Closing;

/// What there is to do.
#[derive(Default)]
struct Turn {
    ends: Vec<End>,
    /// The one that has something to read.
    port: Option<usize>,
    batches: Vec<Batch>,
    frames: Vec<TcpEvent>,
    is_closing: bool,
}

impl Worker {
    /// Waits until there is something to do, and does a part of it. Says whether there may be
    /// more.
    pub(super) async fn take_turn(&mut self, incoming: &mut Incoming) -> Result<bool, Closing> {
        let mut turn = Turn::default();
        let wake_at = self.wake_at(clock::now());
        self.load.goes_on_by(wake_at);
        let mut due = pin!(sleep_until(wake_at.into()));
        poll_fn(|context| self.poll_turn(context, &mut turn, due.as_mut())).await;
        self.load.goes_on_by(clock::now());
        let ends_all = |end: &End| matches!(end, End::Everything);
        self.inbox.is_closing |= turn.is_closing || turn.ends.iter().any(ends_all);
        let is_full = turn.ends.len() == ENDS
            || self.inbox.taken.len() == COMMANDS
            || turn.batches.len() == BATCHES
            || turn.frames.len() == FRAMES;
        for end in turn.ends {
            if let End::Session(session) = end {
                self.end_session(session, clock::now());
            }
        }
        while let Some(command) = self.inbox.taken.pop_front() {
            self.carry_out(command, clock::now());
        }
        if self.inbox.is_closing {
            return Err(Closing);
        }
        let has_more = turn.port.is_some_and(|port| self.read(port, incoming));
        for batch in turn.batches {
            self.take_batch(batch, clock::now());
        }
        for event in turn.frames {
            self.on_tcp(event, clock::now());
        }
        Ok(is_full || has_more)
    }

    fn poll_turn(
        &mut self,
        context: &mut Context<'_>,
        turn: &mut Turn,
        due: Pin<&mut Sleep>,
    ) -> Poll<()> {
        let inbox = &mut self.inbox;
        let ends = inbox.ends.poll_recv_many(context, &mut turn.ends, ENDS);
        // No end is what there will ever be when all of the mailbox are gone.
        turn.is_closing = inbox.is_closing || ends == Poll::Ready(0);
        while inbox.taken.len() < COMMANDS
            && let Poll::Ready(Some(command)) = inbox.commands.poll_recv(context)
        {
            inbox.taken.push_back(command);
        }
        if let Poll::Ready(port) = self.network.poll_readable(context) {
            turn.port = Some(port);
        }
        let batches = self.others.poll_many(context, &mut turn.batches, BATCHES);
        // Nothing at once is what a channel says that is closed, for want of TCP listeners.
        let frames = self.tcp.poll_recv_many(context, &mut turn.frames, FRAMES);
        let has_some = |count: Poll<usize>| matches!(count, Poll::Ready(count) if count > 0);
        let is_ready = turn.is_closing
            || turn.port.is_some()
            || !self.inbox.taken.is_empty()
            || [ends, batches, frames].into_iter().any(has_some);
        match is_ready {
            true => Poll::Ready(()),
            false => due.poll(context),
        }
    }

    /// Says whether there may be more.
    fn read(&mut self, port: usize, incoming: &mut Incoming) -> bool {
        for _ in 0..READS {
            let Ok(count) = self.network.port(port).receive(incoming) else {
                return false;
            };
            let now = clock::now();
            let local = self.network.port(port).address;
            for datagrams in incoming.read(count) {
                let to = datagrams.destination;
                let destination = self.addresses.local(to, local);
                for bytes in datagrams.iter() {
                    self.receive(Protocol::Udp, datagrams.source, destination, bytes, now);
                }
            }
            self.flush_changed(now);
        }
        true
    }
}
