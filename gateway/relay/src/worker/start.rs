//! How a worker begins: a thread with a runtime of its own.

use std::io;
use std::thread;

use tokio::sync::mpsc;

use super::{Command, Surroundings, Worker};
use crate::net::addresses::of_this_machine;
use crate::net::ports::BoundPorts;
use crate::net::tcp;
use crate::net::udp::{Network, UdpPort};

/// Commands that may wait for a worker.
const COMMANDS: usize = 4096;

/// Frames from all TCP connections that may wait for a worker.
const TCP_FRAMES: usize = 1024;

/// TCP connections of one worker at one time.
const TCP_CONNECTIONS: usize = 4096;

impl Worker {
    /// Starts the thread that serves these ports until its commands' sender is dropped.
    pub(crate) fn start(
        ports: BoundPorts,
        surroundings: Surroundings,
    ) -> io::Result<mpsc::Sender<Command>> {
        let (sender, commands) = mpsc::channel(COMMANDS);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let BoundPorts {
            udp,
            tcp,
            addresses,
        } = ports;
        let work = async move {
            let ports = udp.into_iter().map(UdpPort::new);
            let ports = ports.collect::<io::Result<Vec<_>>>()?;
            let network = Network::new(ports, of_this_machine());
            let (news, tcp_events) = mpsc::channel(TCP_FRAMES);
            for listener in tcp {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                tokio::spawn(tcp::listen(listener, news.clone(), TCP_CONNECTIONS));
            }
            drop(news);
            Self::new(surroundings, addresses, commands, tcp_events, network)
                .run()
                .await;
            io::Result::Ok(())
        };
        thread::Builder::new()
            .name("sightline-relay".to_owned())
            .spawn(move || {
                if let Err(error) = runtime.block_on(work) {
                    tracing::error!(%error, "a relay worker could not start");
                }
            })?;
        Ok(sender)
    }
}
