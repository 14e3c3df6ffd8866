//! Any number of viewers in one thread.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context;
use sightline_test_peer::film::Label;
use sightline_test_peer::socket::{self, Socket};
use sightline_test_peer::{Offering, Setup, Step};
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::tally::Delays;
use super::viewer::{Hall, Viewer, Watching, Window};

/// Viewers that watch; they end with this value.
pub(crate) struct Audience {
    runtime: Option<Runtime>,
    door: Door,
    loopback: SocketAddr,
}

/// Where viewers come in.
#[derive(Clone)]
pub(crate) struct Door {
    thread: Handle,
    hall: Arc<Hall>,
    /// Held for an arrival, or for the end.
    seats: Arc<Mutex<Vec<Seat>>>,
}

/// A viewer that watches, until it can be told nothing any more.
struct Seat {
    steps: mpsc::UnboundedSender<Step>,
    watching: JoinHandle<Watching>,
}

/// What the audience has to tell in the end.
pub(crate) struct Heard {
    pub(crate) viewers: Vec<Viewer>,
    /// From the publisher's sending until the kernel had it for the viewer.
    pub(crate) delays: Delays,
    /// The same without a server between them.
    pub(crate) loopback: Delays,
}

impl Door {
    /// What a viewer offers that will come in here.
    pub(crate) fn offer(&self, setup: Setup) -> Offering {
        let _within = self.thread.enter();
        setup.prepare()
    }

    /// One more viewer, whose offer was sent at that time and has been answered with this.
    pub(crate) async fn admit(
        &self,
        offering: Offering,
        answer: &str,
        asked: Instant,
    ) -> anyhow::Result<()> {
        let port = offering.port().context("a viewer without a socket")?;
        let connection = offering.connect(answer).await;
        let watching = Watching {
            viewer: Viewer::new(port, asked),
            hall: self.hall.clone(),
        };
        let (steps, taken) = mpsc::unbounded_channel();
        // Ends when its seat is given up.
        let watching = self.thread.spawn(connection.run(taken, watching));
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        seats.push(Seat { steps, watching });
        Ok(())
    }
}

impl Audience {
    /// Without viewers at first. Labels can be sent to it straight at this address.
    pub(crate) fn start(address: IpAddr) -> anyhow::Result<Self> {
        let runtime = super::thread("audience")?;
        let straight = {
            let _within = runtime.enter();
            Socket::udp(address)?
        };
        let loopback = straight.local();
        let hall = Arc::new(Hall {
            window: Window::default(),
            delays: Mutex::new(Delays::new()),
            loopback: Mutex::new(Delays::new()),
            watching: watch::channel(0).0,
        });
        // Ends with the runtime.
        runtime.spawn(hear_straight(straight, hall.clone()));
        let door = Door {
            thread: runtime.handle().clone(),
            hall,
            seats: Arc::default(),
        };
        Ok(Self {
            runtime: Some(runtime),
            door,
            loopback,
        })
    }

    /// Where labels can be sent straight.
    pub(crate) fn loopback(&self) -> SocketAddr {
        self.loopback
    }

    /// Where viewers come in.
    pub(crate) fn door(&self) -> Door {
        self.door.clone()
    }

    /// How many viewers have had a packet.
    pub(crate) fn watching(&self) -> watch::Receiver<usize> {
        self.door.hall.watching.subscribe()
    }

    /// The delay of packets from this number on counts.
    pub(crate) fn count_from(&self, number: u64) {
        self.door.hall.window.open(number);
    }

    /// The delay of packets from this number on counts no longer.
    pub(crate) fn count_to(&self, number: u64) {
        self.door.hall.window.close(number);
    }

    /// Nobody watches any longer.
    pub(crate) async fn end(&mut self) -> anyhow::Result<Heard> {
        let seats = {
            let seats = &self.door.seats;
            std::mem::take(&mut *seats.lock().unwrap_or_else(PoisonError::into_inner))
        };
        let mut viewers = Vec::new();
        for Seat { steps, watching } in seats {
            drop(steps);
            let watched = watching.await.context("a viewer has panicked")?;
            viewers.push(watched.viewer);
        }
        let counted = |delays: &Mutex<Delays>| {
            let mut delays = delays.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *delays, Delays::new())
        };
        Ok(Heard {
            viewers,
            delays: counted(&self.door.hall.delays),
            loopback: counted(&self.door.hall.loopback),
        })
    }
}

/// Notes how late labels are that come straight, until the socket fails.
async fn hear_straight(mut straight: Socket, hall: Arc<Hall>) {
    while straight.arrival().await.is_ok() {
        let heard = socket::read(
            &mut straight,
            |socket| socket,
            |_, datagram| {
                if let Some(label) = Label::of(datagram.bytes) {
                    hall.note(&hall.loopback, &label, datagram.arrived);
                }
            },
        );
        if heard.is_err() {
            return;
        }
    }
}

impl Drop for Audience {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Whoever wants to know has called `end`.
            runtime.shutdown_background();
        }
    }
}
