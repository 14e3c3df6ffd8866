//! How a worker begins: a thread with a runtime of its own.

use std::io;
use std::thread;

use tokio::sync::mpsc;

use super::mailbox::mailbox;
use super::{Mailbox, Surroundings, Worker};
use crate::net::addresses::of_this_machine;
use crate::net::ports::BoundPorts;
use crate::net::tcp::{self, TcpEvent};
use crate::net::udp::{Network, UdpPort};

/// Frames from all TCP connections that may wait for a worker.
const TCP_FRAMES: usize = 1024;

/// TCP connections of one worker at one time.
const TCP_CONNECTIONS: usize = 4096;

/// A worker's ports, in use.
pub(super) struct Sockets {
    pub(super) network: Network,
    pub(super) tcp: mpsc::Receiver<TcpEvent>,
}

impl Sockets {
    /// Listens on these ports. To be called within the worker's runtime, with which it ends.
    pub(super) fn open(ports: &BoundPorts) -> io::Result<Self> {
        let udp = ports.udp.iter();
        let udp = udp.map(|socket| UdpPort::new(socket.try_clone()?));
        let udp = udp.collect::<io::Result<Vec<_>>>()?;
        let (news, tcp) = mpsc::channel(TCP_FRAMES);
        for listener in &ports.tcp {
            let listener = tokio::net::TcpListener::from_std(listener.try_clone()?)?;
            tokio::spawn(tcp::listen(listener, news.clone(), TCP_CONNECTIONS));
        }
        Ok(Self {
            network: Network::new(udp, of_this_machine()),
            tcp,
        })
    }
}

impl Worker {
    /// Starts the thread that serves these ports until all of its mailbox are dropped.
    pub(crate) fn start(ports: BoundPorts, surroundings: Surroundings) -> io::Result<Mailbox> {
        let (mailbox, inbox) = mailbox();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let sockets = {
            let _within = runtime.enter();
            Sockets::open(&ports)?
        };
        let worker = Self::new(surroundings, ports.addresses, inbox, sockets);
        thread::Builder::new()
            .name("sightline-relay".to_owned())
            .spawn(move || runtime.block_on(worker.run()))?;
        Ok(mailbox)
    }
}
