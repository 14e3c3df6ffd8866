//! The worker's sockets: datagrams in bunches, in and out.
//!
//! Sending is most of what a relay does. A run of equally long datagrams to one peer is
//! one system call (UDP GSO), and what has arrived is read in one as well (GRO).

mod incoming;

use std::collections::{HashMap, VecDeque};
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket as StdUdpSocket};
use std::task::{Context, Poll};

use quinn_udp::UdpSocketState;
use str0m::net::{Protocol, Transmit};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::net::tcp::Connection;
use crate::net::traffic::Counted;

pub(crate) use incoming::Incoming;

/// Bytes that wait for a socket that is full. Beyond that datagrams are dropped, as any
/// router would.
const MAX_WAITING: usize = 16 << 20;

/// What the kernel may hold for us in each direction, as far as it lets us.
const KERNEL_BUFFER: usize = 8 << 20;

/// The largest payload of an IP datagram.
const MAX_DATAGRAM: usize = 65_507;

/// One UDP socket.
pub(crate) struct UdpPort {
    socket: UdpSocket,
    state: UdpSocketState,
    pub(crate) address: SocketAddr,
    /// Who may send here; none means everyone.
    admitted: Option<Vec<IpAddr>>,
    waiting: VecDeque<Batch>,
    waiting_bytes: usize,
}

/// Where datagrams go, and from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) proto: Protocol,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
}

/// Equally long datagrams to one peer; the last may be shorter.
#[derive(Debug, Default)]
struct Batch {
    route: Option<Route>,
    segment: usize,
    count: usize,
    has_short: bool,
    contents: Vec<u8>,
}

/// All of a worker's ways out.
pub(crate) struct Network {
    ports: Vec<UdpPort>,
    /// The port that was read last.
    turn: usize,
    batch: Batch,
    /// For the metrics.
    pub(crate) counted: Counted,
    /// Addresses of this machine, which can be the source of what we send.
    own: Vec<IpAddr>,
    /// TCP connections, by the peer's address.
    pub(crate) tcp: HashMap<SocketAddr, Connection>,
}

impl UdpPort {
    /// Takes a bound socket over. To be called within the worker's runtime.
    pub(crate) fn new(socket: StdUdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let state = UdpSocketState::new((&socket).into())?;
        for set in [
            UdpSocketState::set_send_buffer_size,
            UdpSocketState::set_recv_buffer_size,
        ] {
            // The system's limit is often lower, and then that is what we get.
            let _ = set(&state, (&socket).into(), KERNEL_BUFFER);
        }
        Ok(Self {
            address: socket.local_addr()?,
            socket: UdpSocket::from_std(socket)?,
            state,
            admitted: None,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
        })
    }

    /// One that is for these only. What others send is not looked at; the kernel drops what comes
    /// from outside in the name of an address of this machine.
    pub(crate) fn only_for(self, admitted: Vec<IpAddr>) -> Self {
        Self {
            admitted: Some(admitted),
            ..self
        }
    }

    /// Reads what has arrived, in one call.
    pub(crate) fn receive(&self, incoming: &mut Incoming) -> io::Result<usize> {
        let mut slices: Vec<IoSliceMut<'_>> = incoming
            .buffers
            .iter_mut()
            .map(|buffer| IoSliceMut::new(buffer))
            .collect();
        let metas = &mut incoming.metas;
        let count = self.socket.try_io(Interest::READABLE, || {
            self.state.recv((&self.socket).into(), &mut slices, metas)
        })?;
        if let Some(admitted) = &self.admitted {
            incoming.drop_others(count, admitted);
        }
        Ok(count)
    }

    fn send(&mut self, batch: Batch, own: &[IpAddr]) {
        if self.waiting.is_empty() && self.try_send(&batch, own) {
            return;
        }
        if self.waiting_bytes + batch.contents.len() <= MAX_WAITING {
            self.waiting_bytes += batch.contents.len();
            self.waiting.push_back(batch);
        }
    }

    /// False if the socket is full.
    fn try_send(&self, batch: &Batch, own: &[IpAddr]) -> bool {
        let Some(Route {
            source,
            destination,
            ..
        }) = batch.route
        else {
            return true;
        };
        let transmit = quinn_udp::Transmit {
            destination,
            ecn: None,
            contents: &batch.contents,
            segment_size: (batch.count > 1).then_some(batch.segment),
            src_ip: Some(source.ip()).filter(|ip| own.contains(ip)),
        };
        let sent = self.socket.try_io(Interest::WRITABLE, || {
            self.state.try_send((&self.socket).into(), &transmit)
        });
        match sent {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(error) => {
                // An unreachable peer is that peer's trouble; ICE will notice.
                tracing::trace!(%error, "datagrams were not sent");
                true
            }
            Ok(()) => true,
        }
    }

    fn send_waiting(&mut self, own: &[IpAddr]) {
        while let Some(batch) = self.waiting.pop_front() {
            if !self.try_send(&batch, own) {
                self.waiting.push_front(batch);
                return;
            }
            self.waiting_bytes -= batch.contents.len();
        }
    }
}

impl Network {
    pub(crate) fn new(ports: Vec<UdpPort>, own: Vec<IpAddr>) -> Self {
        Self {
            ports,
            turn: 0,
            batch: Batch::default(),
            counted: Counted::default(),
            own,
            tcp: HashMap::new(),
        }
    }

    pub(crate) fn port(&self, index: usize) -> &UdpPort {
        &self.ports[index]
    }

    /// Sends what waited for room; ready when nothing waits any more.
    pub(crate) fn poll_flushed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        for port in &mut self.ports {
            while !port.waiting.is_empty() && port.socket.poll_send_ready(context).is_ready() {
                let before = port.waiting.len();
                port.send_waiting(&self.own);
                if port.waiting.len() == before {
                    break;
                }
            }
        }
        match self.ports.iter().all(|port| port.waiting.is_empty()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    /// The port that has something to read. Sends what waited for room meanwhile.
    pub(crate) fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<usize> {
        let _ = self.poll_flushed(context);
        // Each has its turn, though there is always something at another.
        for _ in 0..self.ports.len() {
            self.turn = (self.turn + 1) % self.ports.len();
            let port = &self.ports[self.turn];
            if port.socket.poll_recv_ready(context).is_ready() {
                return Poll::Ready(self.turn);
            }
        }
        Poll::Pending
    }

    /// Sends one datagram, together with those of the same run.
    pub(crate) fn send(&mut self, route: &Route, contents: &[u8]) {
        self.write(route, contents.len(), |buffer| {
            buffer.extend_from_slice(contents);
            Some(())
        });
    }

    /// Sends a datagram of `length` bytes that `fill` appends to the buffer, together with
    /// those of the same run. Nothing is sent if `fill` returns nothing.
    pub(crate) fn write(
        &mut self,
        route: &Route,
        length: usize,
        fill: impl FnOnce(&mut Vec<u8>) -> Option<()>,
    ) {
        if route.proto != Protocol::Udp {
            let mut frame = Vec::with_capacity(length);
            if fill(&mut frame).is_some() {
                self.send_by_tcp(route, frame);
            }
            return;
        }
        let most = self
            .ports
            .first()
            .map_or(1, |port| port.state.max_gso_segments());
        if !self.batch.takes(route, length, most) {
            self.flush();
            self.batch.route = Some(*route);
            self.batch.segment = length;
        }
        let start = self.batch.contents.len();
        match fill(&mut self.batch.contents) {
            Some(()) => {
                self.batch.count += 1;
                self.batch.has_short = length < self.batch.segment;
            }
            None => self.batch.contents.truncate(start),
        }
    }

    /// Sends what is collected.
    pub(crate) fn flush(&mut self) {
        let Some(Route {
            source,
            destination,
            ..
        }) = self.batch.route
        else {
            return;
        };
        if self.batch.count == 0 {
            self.batch.clear();
            return;
        }
        self.counted.sent += self.batch.contents.len() as u64;
        self.counted.packets += self.batch.count as u64;
        let exact = |port: &UdpPort| port.address.ip() == source.ip();
        let of_family = |port: &UdpPort| port.address.is_ipv4() == destination.is_ipv4();
        let batch = &mut self.batch;
        let all = &mut self.ports;
        let from = all.iter().position(exact);
        let from = from.or_else(|| all.iter().position(of_family));
        if let Some(port) = from.and_then(|index| all.get_mut(index)) {
            if port.waiting.is_empty() && port.try_send(batch, &self.own) {
                // Its memory serves the next one.
                batch.clear();
                return;
            }
            port.send(std::mem::take(batch), &self.own);
        }
        self.batch.clear();
    }

    /// A peer that does not read loses frames, like one on a lossy link.
    fn send_by_tcp(&mut self, route: &Route, frame: Vec<u8>) {
        if let Some(connection) = self.tcp.get(&route.destination) {
            self.counted.sent += frame.len() as u64;
            self.counted.packets += 1;
            let _ = connection.frames.try_send(frame);
        }
    }
}

impl Route {
    pub(crate) fn of(transmit: &Transmit) -> Self {
        Self {
            proto: transmit.proto,
            source: transmit.source,
            destination: transmit.destination,
        }
    }

    /// The other end of it.
    pub(crate) fn address(&self) -> (Protocol, SocketAddr) {
        (self.proto, self.destination)
    }
}

impl Batch {
    fn takes(&self, route: &Route, length: usize, most: usize) -> bool {
        self.route.as_ref() == Some(route)
            && !self.has_short
            && length <= self.segment
            && self.count < most
            && self.contents.len() + length <= MAX_DATAGRAM
    }

    fn clear(&mut self) {
        self.contents.clear();
        self.route = None;
        self.count = 0;
        self.has_short = false;
    }
}
