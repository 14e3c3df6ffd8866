//! Any number of viewers in one thread.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use anyhow::{Context, anyhow};
use mio::{Poll, Waker};
use tokio::sync::watch;

use super::hall::{COMMAND, Hall};
use super::socket::Socket;
use super::tally::Delays;
use super::viewer::{Viewer, Window};

/// Viewers that watch; they end with this value.
pub(crate) struct Audience {
    door: Door,
    window: Arc<Window>,
    watching: watch::Receiver<usize>,
    loopback: SocketAddr,
    thread: Option<JoinHandle<anyhow::Result<Heard>>>,
}

/// Where viewers come in.
#[derive(Clone)]
pub(crate) struct Door {
    commands: mpsc::Sender<Command>,
    waker: Arc<Waker>,
}

pub(super) enum Command {
    Watch(Box<Viewer>),
    End,
}

/// What the audience has to tell in the end.
pub(crate) struct Heard {
    pub(crate) viewers: Vec<Viewer>,
    /// From the publisher's sending until the kernel had it for the viewer.
    pub(crate) delays: Delays,
    /// The same without a server between them.
    pub(crate) loopback: Delays,
}

impl Heard {
    pub(super) fn nothing() -> Self {
        Self {
            viewers: Vec::new(),
            delays: Delays::new(),
            loopback: Delays::new(),
        }
    }
}

impl Door {
    /// One more viewer.
    pub(crate) fn admit(&self, viewer: Viewer) -> anyhow::Result<()> {
        self.tell(Command::Watch(Box::new(viewer)))
    }

    fn tell(&self, command: Command) -> anyhow::Result<()> {
        self.commands
            .send(command)
            .context("the audience is gone")?;
        Ok(self.waker.wake()?)
    }
}

impl Audience {
    /// Without viewers at first. Stamps can be sent to it straight at this address.
    pub(crate) fn start(address: IpAddr) -> anyhow::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), COMMAND)?);
        let (commands, received) = mpsc::channel();
        let (tell, watching) = watch::channel(0);
        let window = Arc::new(Window::default());
        let straight = Socket::bind(address)?;
        let loopback = straight.local;
        let hall = Hall::new(poll, received, tell, straight, window.clone())?;
        let thread = std::thread::Builder::new()
            .name("audience".to_owned())
            .spawn(move || hall.run())?;
        Ok(Self {
            door: Door { commands, waker },
            window,
            watching,
            loopback,
            thread: Some(thread),
        })
    }

    /// Where stamps can be sent straight.
    pub(crate) fn loopback(&self) -> SocketAddr {
        self.loopback
    }

    /// Where viewers come in.
    pub(crate) fn door(&self) -> Door {
        self.door.clone()
    }

    /// How many viewers have had a packet.
    pub(crate) fn watching(&self) -> watch::Receiver<usize> {
        self.watching.clone()
    }

    /// The delay of packets from this number on counts.
    pub(crate) fn count_from(&self, number: u64) {
        self.window.open(number);
    }

    /// The delay of packets from this number on counts no longer.
    pub(crate) fn count_to(&self, number: u64) {
        self.window.close(number);
    }

    /// Nobody watches any longer.
    pub(crate) fn end(&mut self) -> anyhow::Result<Heard> {
        let thread = self.thread.take().context("the audience has ended")?;
        // If the thread has ended already, it says itself why.
        let _ = self.door.tell(Command::End);
        let ended = thread.join();
        ended.map_err(|_| anyhow!("the audience has panicked"))?
    }
}

impl Drop for Audience {
    fn drop(&mut self) {
        // Whoever wants to know has called `end`.
        let _ = self.end();
    }
}
