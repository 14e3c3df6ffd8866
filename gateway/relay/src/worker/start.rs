//! How a worker begins: a thread with a runtime of its own.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::mailbox::mailbox;
use super::{Mailbox, Surroundings, Worker};
use crate::health::AtWork;
use crate::net::addresses::of_this_machine;
use crate::net::ports::BoundPorts;
use crate::net::tcp::places::{Bounds, Places};
use crate::net::tcp::{self, TcpEvent};
use crate::net::udp::{Network, UdpPort};

/// Frames from all TCP connections that may wait for a worker.
const TCP_FRAMES: usize = 1024;

/// TCP connections of one worker at one time. Those that are nobody's yet have seconds to
/// become somebody's, so a few are enough for all who come together from behind one address.
const TCP_CONNECTIONS: Bounds = Bounds {
    all: 4096,
    of_one: 256,
    unproved: 1024,
    unproved_of_one: 32,
};

/// After the system has refused what a worker needs.
const PAUSE: Duration = Duration::from_millis(200);

/// A worker's ports, in use.
pub(super) struct Sockets {
    pub(super) network: Network,
    pub(super) tcp: mpsc::Receiver<TcpEvent>,
    pub(super) listeners: Vec<AbortHandle>,
}

impl Sockets {
    /// Listens on these ports. To be called within the worker's runtime, with which it ends.
    pub(super) fn open(ports: &BoundPorts) -> io::Result<Self> {
        let udp = ports.udp.iter();
        let udp = udp.map(|socket| UdpPort::new(socket.try_clone()?));
        let mut udp = udp.collect::<io::Result<Vec<_>>>()?;
        if let Some(socket) = &ports.own {
            udp.push(UdpPort::new(socket.try_clone()?)?.only_for(of_this_machine()));
        }
        let (news, tcp) = mpsc::channel(TCP_FRAMES);
        let places = Places::new(TCP_CONNECTIONS);
        let listeners = ports.tcp.iter().map(|listener| {
            let listener = tokio::net::TcpListener::from_std(listener.try_clone()?)?;
            let listening = tcp::listen(listener, news.clone(), places.clone());
            Ok(tokio::spawn(listening).abort_handle())
        });
        Ok(Self {
            network: Network::new(udp, of_this_machine()),
            listeners: listeners.collect::<io::Result<_>>()?,
            tcp,
        })
    }
}

impl Worker {
    /// Serves these ports in the runtime that this is called in. If it breaks, that is all.
    #[cfg(feature = "test-util")]
    pub(crate) fn spawn(ports: &BoundPorts, surroundings: Surroundings) -> io::Result<Mailbox> {
        let (mailbox, inbox) = mailbox();
        let sockets = Sockets::open(ports)?;
        let mut worker = Self::new(surroundings, ports.addresses.clone(), inbox, sockets);
        let at_work = worker.health.goes_to_work();
        tokio::spawn(async move {
            worker.run().await;
            drop(at_work);
        });
        Ok(mailbox)
    }

    /// Starts the thread that serves these ports, until everything is told to end or all of its
    /// mailbox are dropped.
    pub(crate) fn start(
        ports: BoundPorts,
        surroundings: Surroundings,
    ) -> io::Result<(Mailbox, JoinHandle<()>)> {
        let (mailbox, inbox) = mailbox();
        let (runtime, sockets) = open(&ports)?;
        let worker = Self::new(surroundings, ports.addresses.clone(), inbox, sockets);
        let thread = thread::Builder::new().name("sightline-relay".to_owned());
        let at_work = worker.health.goes_to_work();
        let thread = thread.spawn(move || serve(&ports, at_work, runtime, worker))?;
        Ok((mailbox, thread))
    }
}

/// A runtime, and the ports in use within it.
fn open(ports: &BoundPorts) -> io::Result<(Runtime, Sockets)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let within = runtime.enter();
    let sockets = Sockets::open(ports)?;
    drop(within);
    Ok((runtime, sockets))
}

/// Has the worker work. If it breaks, its sessions are ended, and another serves the same
/// ports: what was offered to peers stays true, and they can come again at once.
fn serve(ports: &BoundPorts, mut at_work: AtWork, mut runtime: Runtime, mut worker: Worker) {
    let health = worker.health.clone();
    loop {
        let worked = catch_unwind(AssertUnwindSafe(|| runtime.block_on(worker.run())));
        if worked.is_err() {
            tracing::error!("a relay worker broke; its sessions are ended");
            runtime.block_on(worker.abandon());
        }
        let (surroundings, mut inbox) = worker.dissolve();
        // With its tasks, and the sockets that they have.
        drop(runtime);
        if worked.is_ok() || inbox.is_closing {
            return;
        }
        drop(at_work);
        let (again, sockets) = loop {
            match open(ports) {
                Ok(opened) => break opened,
                Err(error) => tracing::error!(%error, "a relay worker cannot start again yet"),
            }
            if inbox.is_closing() {
                return;
            }
            thread::sleep(PAUSE);
        };
        at_work = health.goes_to_work();
        runtime = again;
        worker = Worker::new(surroundings, ports.addresses.clone(), inbox, sockets);
    }
}
