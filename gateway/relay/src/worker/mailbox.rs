//! The way from the HTTP side to a worker.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sightline_spec::room::SessionId;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::Command;
use crate::error::Error;

/// Commands that may wait for a worker.
pub(super) const COMMANDS: usize = 4096;

/// The HTTP side's end. When all are gone, the worker ends.
#[derive(Clone)]
pub(crate) struct Mailbox {
    commands: mpsc::Sender<Command>,
    /// A way of their own, so that none is lost because there are many commands. It has no
    /// bound but that of sessions: each ends once.
    ends: mpsc::UnboundedSender<End>,
}

/// The worker's end.
pub(super) struct Inbox {
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) ends: mpsc::UnboundedReceiver<End>,
    /// Commands that were taken and not carried out yet: those after one that breaks the worker
    /// are the next worker's.
    pub(super) taken: VecDeque<Command>,
    /// Everything has been told to end.
    pub(super) is_closing: bool,
}

/// What is to end.
pub(super) enum End {
    Session(SessionId),
    Everything,
}

/// Whether a session was ended; known also to a worker that is still to begin it.
#[derive(Debug, Clone, Default)]
pub(crate) struct IsOver(Arc<AtomicBool>);

/// A new mailbox and its inbox.
pub(super) fn mailbox() -> (Mailbox, Inbox) {
    let (sender, commands) = mpsc::channel(COMMANDS);
    let (ends_sender, ends) = mpsc::unbounded_channel();
    let mailbox = Mailbox {
        commands: sender,
        ends: ends_sender,
    };
    let inbox = Inbox {
        commands,
        ends,
        taken: VecDeque::new(),
        is_closing: false,
    };
    (mailbox, inbox)
}

impl Mailbox {
    /// Room for a command.
    pub(crate) fn try_reserve(&self) -> Result<mpsc::Permit<'_, Command>, Error> {
        self.commands.try_reserve().map_err(refused)
    }

    /// Leaves a command.
    pub(crate) fn try_send(&self, command: Command) -> Result<(), Error> {
        self.commands.try_send(command).map_err(refused)
    }

    /// Has a session ended, which cannot be refused.
    pub(crate) fn end(&self, session: SessionId, is_over: &IsOver) {
        // Whoever finds it begun after this has it told by the message.
        if !is_over.0.swap(true, Ordering::SeqCst) {
            // With its worker the session is gone already.
            let _ = self.ends.send(End::Session(session));
        }
    }

    /// Has the worker end everything, and itself.
    pub(crate) fn close(&self) {
        // It may have ended already.
        let _ = self.ends.send(End::Everything);
    }
}

impl Inbox {
    /// Whether everything was told to end, of which a worker that did not start has not heard.
    pub(super) fn is_closing(&mut self) -> bool {
        while let Ok(end) = self.ends.try_recv() {
            self.is_closing |= matches!(end, End::Everything);
        }
        self.is_closing
    }
}

impl IsOver {
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

fn refused<T>(error: TrySendError<T>) -> Error {
    match error {
        TrySendError::Full(_) => Error::Busy,
        TrySendError::Closed(_) => Error::ShuttingDown,
    }
}
