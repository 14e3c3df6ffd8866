//! A UDP socket that takes and gives runs of datagrams in one system call.

use std::io::{self, ErrorKind, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mio::net::UdpSocket;
use nix::sys::socket::{setsockopt, sockopt};
use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};

/// What the kernel may hand over at once: a run of up to 64 KiB in each.
const RUNS: usize = 4;
const RUN_BYTES: usize = 1 << 16;

/// How much may wait in a socket until we come to read it. The reader shares its cores
/// with the server, and what it lets overflow would be mistaken for the server's loss.
const RECEIVE_BUFFER: usize = 2 << 20;

/// Where datagrams are received into, for any number of sockets.
pub(crate) struct Buffers(Box<[[u8; RUN_BYTES]; RUNS]>);

/// A datagram that has arrived.
pub(crate) struct Datagram<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) from: SocketAddr,
    /// When the kernel had it, or if it does not say, when we had it; since the epoch.
    pub(crate) arrived: Duration,
}

/// A socket on a free port.
pub(crate) struct Socket {
    pub(crate) io: UdpSocket,
    state: UdpSocketState,
    pub(crate) local: SocketAddr,
}

impl Buffers {
    pub(crate) fn new() -> Self {
        Self(Box::new([[0; RUN_BYTES]; RUNS]))
    }
}

impl Socket {
    /// On a free port of this address.
    pub(crate) fn bind(address: IpAddr) -> io::Result<Self> {
        let io = UdpSocket::bind(SocketAddr::new(address, 0))?;
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        state.set_recv_buffer_size(UdpSockRef::from(&io), RECEIVE_BUFFER)?;
        let local = io.local_addr()?;
        Ok(Self { io, state, local })
    }

    /// From now on runs are cut up before they arrive, and whoever sends them has the work:
    /// as if they went out by a network card that cannot do it.
    pub(crate) fn cut_up_runs(&self) -> io::Result<()> {
        // No UDP GRO, which `UdpSocketState::new` has switched on.
        Ok(setsockopt(&self.io, sockopt::UdpGroSegment, &false)?)
    }

    /// Everything that has arrived, one after the other.
    pub(crate) fn receive(
        &self,
        buffers: &mut Buffers,
        mut take: impl FnMut(Datagram) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        loop {
            let mut metas = [RecvMeta::default(); RUNS];
            let mut slices = buffers.0.each_mut().map(|run| IoSliceMut::new(run));
            let socket = UdpSockRef::from(&self.io);
            let runs = match self.state.recv(socket, &mut slices, &mut metas) {
                Ok(runs) => runs,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            for (run, meta) in buffers.0.iter().zip(&metas[..runs]) {
                let arrived = meta.timestamp.unwrap_or_else(since_epoch);
                for bytes in run[..meta.len].chunks(meta.stride.max(1)) {
                    take(Datagram {
                        bytes,
                        from: meta.addr,
                        arrived,
                    })?;
                }
            }
            if runs < RUNS {
                // There was no more; mio will say when there is.
                return Ok(());
            }
        }
    }

    fn send(&self, datagrams: &[u8], size: usize, to: SocketAddr) -> io::Result<()> {
        let transmit = Transmit {
            destination: to,
            ecn: None,
            contents: datagrams,
            segment_size: Some(size),
            src_ip: None,
        };
        self.state.try_send(UdpSockRef::from(&self.io), &transmit)
    }
}

fn since_epoch() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default()
}

/// Datagrams of one size to one address, which leave together.
#[derive(Default)]
pub(crate) struct Outbox {
    datagrams: Vec<u8>,
    /// Of each, but the last may be shorter.
    size: usize,
    to: Option<SocketAddr>,
}

impl Outbox {
    /// Takes one more. What cannot leave together with it leaves now.
    pub(crate) fn push(
        &mut self,
        socket: &Socket,
        datagram: &[u8],
        to: SocketAddr,
    ) -> io::Result<()> {
        if !self.has_room(socket, datagram, to) {
            self.flush(socket)?;
        }
        if self.datagrams.is_empty() {
            self.size = datagram.len();
            self.to = Some(to);
        }
        self.datagrams.extend_from_slice(datagram);
        Ok(())
    }

    /// Nothing waits any longer.
    pub(crate) fn flush(&mut self, socket: &Socket) -> io::Result<()> {
        let Some(to) = self.to.take() else {
            return Ok(());
        };
        let sent = socket.send(&self.datagrams, self.size, to);
        self.datagrams.clear();
        sent
    }

    fn has_room(&self, socket: &Socket, datagram: &[u8], to: SocketAddr) -> bool {
        let waiting = self.datagrams.len();
        let most = self.size * socket.state.max_gso_segments();
        self.to == Some(to)
            && datagram.len() <= self.size
            && waiting.is_multiple_of(self.size)
            && waiting + datagram.len() <= most.min(RUN_BYTES - 100)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use mio::{Events, Interest, Poll, Token};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// Sends these from one socket to another, and returns what comes out there.
    fn pass(datagrams: &[Vec<u8>], cut_up: bool) -> Vec<Vec<u8>> {
        let [from, mut to] = [(); 2].map(|()| Socket::bind(Ipv4Addr::LOCALHOST.into()).unwrap());
        if cut_up {
            to.cut_up_runs().unwrap();
        }
        let mut poll = Poll::new().unwrap();
        let registry = poll.registry();
        registry
            .register(&mut to.io, Token(0), Interest::READABLE)
            .unwrap();
        let mut outbox = Outbox::default();
        for datagram in datagrams {
            outbox.push(&from, datagram, to.local).unwrap();
        }
        outbox.flush(&from).unwrap();

        let mut buffers = Buffers::new();
        let mut arrived = Vec::new();
        while arrived.len() < datagrams.len() {
            let mut events = Events::with_capacity(1);
            poll.poll(&mut events, Some(PATIENCE)).unwrap();
            assert!(!events.is_empty(), "only {} arrive", arrived.len());
            to.receive(&mut buffers, |datagram| {
                assert_eq!(datagram.from, from.local);
                assert!(datagram.arrived <= since_epoch());
                arrived.push(datagram.bytes.to_vec());
                Ok(())
            })
            .unwrap();
        }
        arrived
    }

    #[test]
    fn datagrams_arrive_as_they_were_sent_whatever_their_sizes() {
        let sizes = [60, 1200, 1200, 1200, 300, 1200, 1300, 1, 1, 1, 2, 1472];
        let datagrams: Vec<_> = (0..).zip(sizes).map(|(n, size)| vec![n; size]).collect();
        assert_eq!(pass(&datagrams, false), datagrams);
        assert_eq!(pass(&datagrams, true), datagrams);
    }

    #[test]
    fn a_run_may_be_longer_than_what_the_kernel_takes_at_once() {
        let datagrams: Vec<_> = (0..200).map(|n| vec![n; 1200]).collect();
        assert_eq!(pass(&datagrams, false), datagrams);
        assert_eq!(pass(&datagrams, true), datagrams);
    }
}
