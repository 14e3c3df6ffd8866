//! A peer's socket, UDP or TCP. By UDP it takes and gives runs of datagrams in one call.

use std::cell::RefCell;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::{SinkExt, StreamExt};
use nix::sys::socket::{setsockopt, sockopt};
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use str0m::net::Protocol;
use tokio::io::Interest;
use tokio::net::{TcpStream, UdpSocket};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use crate::outbox::Outbox;

/// What the kernel may hold while all peers share a core: what a reader lets overflow would be
/// taken for another's loss.
const BUFFER: usize = 4 << 20;

/// What the kernel may hand over at once: so many runs, of up to 64 KiB each.
const RUNS: usize = 4;
const RUN_BYTES: usize = 1 << 16;

thread_local! {
    /// Where datagrams are received into, for any number of sockets.
    static BUFFERS: RefCell<Vec<Vec<u8>>> = RefCell::new(vec![vec![0; RUN_BYTES]; RUNS]);
}

/// Where datagrams come and go.
pub enum Socket {
    Udp(UdpSocket, UdpSocketState),
    Tcp(Framed<TcpStream, LengthDelimitedCodec>),
}

/// A datagram that has come.
#[derive(Debug, Clone, Copy)]
pub struct Datagram<'a> {
    pub from: SocketAddr,
    pub bytes: &'a [u8],
    /// When the kernel had it: a busy machine is not to be taken for a slow link.
    pub at: Instant,
    /// The same since the epoch.
    pub arrived: Duration,
}

/// Something has come.
pub enum Arrival {
    /// Datagrams, which [`Socket::read`] gives.
    Datagrams,
    /// This one.
    Frame(SocketAddr, Vec<u8>),
}

impl Socket {
    /// On a free port of this address, in the runtime that this is called in.
    pub fn udp(address: IpAddr) -> io::Result<Self> {
        let socket = std::net::UdpSocket::bind(SocketAddr::new(address, 0))?;
        let state = UdpSocketState::new((&socket).into())?;
        state.set_recv_buffer_size((&socket).into(), BUFFER)?;
        Ok(Self::Udp(UdpSocket::from_std(socket)?, state))
    }

    /// A connection with the framing of RFC 4571.
    pub fn tcp(stream: TcpStream) -> Self {
        let codec = LengthDelimitedCodec::builder()
            .length_field_length(2)
            .new_codec();
        Self::Tcp(Framed::new(stream, codec))
    }

    pub fn local(&self) -> SocketAddr {
        let local = match self {
            Self::Udp(socket, _) => socket.local_addr(),
            Self::Tcp(stream) => stream.get_ref().local_addr(),
        };
        local.unwrap()
    }

    pub fn protocol(&self) -> Protocol {
        match self {
            Self::Udp(..) => Protocol::Udp,
            Self::Tcp(_) => Protocol::Tcp,
        }
    }

    /// From now on runs are cut up before they arrive, and whoever sends them has the work:
    /// as if they went out by a network card that cannot do it.
    pub fn cut_up_runs(&self) -> io::Result<()> {
        match self {
            // No UDP GRO, which `UdpSocketState::new` has switched on.
            Self::Udp(socket, _) => Ok(setsockopt(socket, sockopt::UdpGroSegment, &false)?),
            Self::Tcp(_) => Ok(()),
        }
    }

    /// Waits for something. Can be given up at any time without losing anything.
    pub async fn arrival(&mut self) -> io::Result<Arrival> {
        match self {
            Self::Udp(socket, _) => socket.readable().await.map(|()| Arrival::Datagrams),
            Self::Tcp(stream) => {
                let frame = stream.next().await.ok_or(io::ErrorKind::UnexpectedEof)??;
                let from = stream.get_ref().peer_addr()?;
                Ok(Arrival::Frame(from, frame.to_vec()))
            }
        }
    }

    /// Sends as much as there is room for; says whether that was all.
    pub fn try_send(&self, outbox: &mut Outbox) -> bool {
        let Self::Udp(socket, state) = self else {
            return outbox.is_empty();
        };
        while let Some(run) = outbox.first(state.max_gso_segments()) {
            let transmit = Transmit {
                destination: run.to,
                ecn: None,
                contents: run.bytes,
                segment_size: Some(run.size),
                src_ip: None,
            };
            let send = || state.try_send(socket.into(), &transmit);
            match socket.try_io(Interest::WRITABLE, send) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // The other side is gone; what follows from that, str0m says.
                _ => {
                    let extent = run.extent();
                    outbox.remove(extent);
                }
            }
        }
        true
    }

    /// Sends all.
    pub async fn send(&mut self, outbox: &mut Outbox) {
        while !self.try_send(outbox) {
            match self {
                Self::Udp(socket, _) => drop(socket.writable().await),
                Self::Tcp(stream) => {
                    if let Some(frame) = outbox.first(1) {
                        let _ = stream.send(frame.bytes).await;
                        let extent = frame.extent();
                        outbox.remove(extent);
                    }
                }
            }
        }
    }
}

/// Takes what has arrived at a socket by UDP, one datagram after the other. The socket is what
/// `of` finds, so that whoever takes them can use all else that it has.
pub fn read<T>(
    owner: &mut T,
    of: impl Fn(&T) -> &Socket,
    mut take: impl FnMut(&mut T, Datagram<'_>),
) -> io::Result<()> {
    BUFFERS.with_borrow_mut(|buffers| {
        let Socket::Udp(socket, state) = of(owner) else {
            return Ok(());
        };
        let mut metas = [RecvMeta::default(); RUNS];
        let mut slices: Vec<_> = buffers.iter_mut().map(|run| IoSliceMut::new(run)).collect();
        let receive = || state.recv(socket.into(), &mut slices, &mut metas);
        let runs = match socket.try_io(Interest::READABLE, receive) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            received => received?,
        };
        for (run, meta) in buffers.iter().zip(&metas[..runs]) {
            let now = since_epoch();
            let arrived = meta.timestamp.unwrap_or(now);
            let at = Instant::now() - now.saturating_sub(arrived);
            for bytes in run[..meta.len].chunks(meta.stride.max(1)) {
                let from = meta.addr;
                take(
                    owner,
                    Datagram {
                        from,
                        bytes,
                        at,
                        arrived,
                    },
                );
            }
        }
        Ok(())
    })
}

/// The time of day in the clock of labels and of the kernel.
pub fn since_epoch() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::time::timeout;

    use super::*;
    use crate::LONG;

    /// Sends these from one socket to another, and returns what comes out there.
    async fn pass(datagrams: &[Vec<u8>], cut_up: bool) -> Vec<Vec<u8>> {
        let [mut from, mut to] = [(); 2].map(|()| Socket::udp(Ipv4Addr::LOCALHOST.into()).unwrap());
        if cut_up {
            to.cut_up_runs().unwrap();
        }
        let mut outbox = Outbox::default();
        for datagram in datagrams {
            outbox.push(to.local(), datagram);
        }
        from.send(&mut outbox).await;
        let mut arrived = Vec::new();
        while arrived.len() < datagrams.len() {
            let some = timeout(LONG, to.arrival()).await;
            some.expect("all arrive").unwrap();
            let take = |_: &mut Socket, datagram: Datagram<'_>| {
                assert_eq!(datagram.from, from.local());
                assert!(datagram.arrived <= since_epoch());
                arrived.push(datagram.bytes.to_vec());
            };
            read(&mut to, |socket| socket, take).unwrap();
        }
        arrived
    }

    #[tokio::test]
    async fn datagrams_arrive_as_they_were_sent_whatever_their_sizes() {
        let sizes = [60, 1200, 1200, 1200, 300, 1200, 1300, 1, 1, 1, 2, 1472];
        let datagrams: Vec<_> = (0..).zip(sizes).map(|(n, size)| vec![n; size]).collect();
        assert_eq!(pass(&datagrams, false).await, datagrams);
        assert_eq!(pass(&datagrams, true).await, datagrams);
    }

    #[tokio::test]
    async fn a_run_may_be_longer_than_what_the_kernel_takes_at_once() {
        let datagrams: Vec<_> = (0..200).map(|n| vec![n; 1200]).collect();
        assert_eq!(pass(&datagrams, false).await, datagrams);
        assert_eq!(pass(&datagrams, true).await, datagrams);
    }
}
