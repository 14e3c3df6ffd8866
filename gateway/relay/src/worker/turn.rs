//! One turn of a worker: a bounded part of all that there is to do, so that who asks for a lot
//! of one kind does not keep those of another waiting.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use sightline_spec::room::SessionId;
use str0m::net::Protocol;
use tokio::time::{Sleep, sleep_until};

use super::{Command, Worker};
use crate::clock;
use crate::net::tcp::TcpEvent;
use crate::net::udp::Incoming;

/// Sessions that are ended in one turn.
const ENDS: usize = 64;

/// Commands of one turn.
const COMMANDS: usize = 16;

/// Frames of TCP connections of one turn.
const FRAMES: usize = 256;

/// Reads from one port before others get their turn.
const READS: usize = 8;

/// Nothing is left to be done, and nobody is left who could ask for anything.
pub(super) struct Alone;

/// What there is to do.
#[derive(Default)]
struct Turn {
    ends: Vec<SessionId>,
    commands: Vec<Command>,
    /// The one that has something to read.
    port: Option<usize>,
    frames: Vec<TcpEvent>,
    is_alone: bool,
}

impl Worker {
    /// Waits until there is something to do, and does a part of it. Says whether there may be
    /// more.
    pub(super) async fn take_turn(&mut self, incoming: &mut Incoming) -> Result<bool, Alone> {
        let mut turn = Turn::default();
        let mut due = pin!(sleep_until(self.wake_at(clock::now()).into()));
        poll_fn(|context| self.poll_turn(context, &mut turn, due.as_mut())).await;
        if turn.is_alone {
            return Err(Alone);
        }
        let is_full = turn.ends.len() == ENDS
            || turn.commands.len() == COMMANDS
            || turn.frames.len() == FRAMES;
        for session in turn.ends {
            self.end_session(session, clock::now());
        }
        for command in turn.commands {
            self.carry_out(command, clock::now());
        }
        let has_more = turn.port.is_some_and(|port| self.read(port, incoming));
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
        let commands = inbox
            .commands
            .poll_recv_many(context, &mut turn.commands, COMMANDS);
        turn.is_alone = [ends, commands] == [Poll::Ready(0), Poll::Ready(0)];
        if let Poll::Ready(port) = self.network.poll_readable(context) {
            turn.port = Some(port);
        }
        // Nothing at once is what a channel says that is closed, for want of TCP listeners.
        let frames = self.tcp.poll_recv_many(context, &mut turn.frames, FRAMES);
        let has_some = |count: Poll<usize>| matches!(count, Poll::Ready(count) if count > 0);
        let is_ready = turn.is_alone
            || turn.port.is_some()
            || [ends, commands, frames].into_iter().any(has_some);
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
