//! A peer's socket, UDP or TCP.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::time::{Instant, SystemTime};

use futures_util::{SinkExt, StreamExt};
use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSocketState};
use socket2::SockRef;
use str0m::net::Protocol;
use tokio::io::Interest;
use tokio::net::{TcpStream, UdpSocket};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

/// What the kernel may hold while all of the test's peers share a core.
const BUFFER: usize = 4 << 20;

/// The largest run of datagrams.
const RUN: usize = 1 << 16;

/// Where datagrams come and go.
pub enum Socket {
    Udp(UdpSocket, UdpSocketState),
    Tcp(Framed<TcpStream, LengthDelimitedCodec>),
}

/// What has come.
pub struct Datagram {
    /// When the kernel had it: a busy machine is not to be taken for a slow link.
    pub at: Instant,
    pub from: SocketAddr,
    pub bytes: Vec<u8>,
}

impl Socket {
    /// On a free port of this address.
    pub async fn udp(address: IpAddr) -> Self {
        let socket = UdpSocket::bind(SocketAddr::new(address, 0)).await.unwrap();
        let sock_ref = SockRef::from(&socket);
        sock_ref.set_recv_buffer_size(BUFFER).unwrap();
        let state = UdpSocketState::new((&socket).into()).unwrap();
        Self::Udp(socket, state)
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

    /// All that is there. Can be given up at any time without losing anything.
    pub async fn receive(&mut self) -> io::Result<Vec<Datagram>> {
        match self {
            Self::Udp(socket, state) => loop {
                socket.readable().await?;
                match socket.try_io(Interest::READABLE, || read(socket, state)) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    received => return received,
                }
            },
            Self::Tcp(stream) => {
                let frame = stream.next().await.ok_or(io::ErrorKind::UnexpectedEof)??;
                let from = stream.get_ref().peer_addr()?;
                let (at, bytes) = (Instant::now(), frame.to_vec());
                Ok(vec![Datagram { at, from, bytes }])
            }
        }
    }

    pub async fn send(&mut self, to: SocketAddr, datagram: Vec<u8>) -> io::Result<()> {
        match self {
            Self::Udp(socket, _) => socket.send_to(&datagram, to).await.map(drop),
            Self::Tcp(stream) => stream.send(datagram.as_slice()).await,
        }
    }
}

fn read(socket: &UdpSocket, state: &UdpSocketState) -> io::Result<Vec<Datagram>> {
    let mut runs = vec![vec![0; RUN]; BATCH_SIZE.min(4)];
    let mut metas = vec![RecvMeta::default(); runs.len()];
    let mut slices: Vec<_> = runs.iter_mut().map(|run| IoSliceMut::new(run)).collect();
    let count = state.recv(socket.into(), &mut slices, &mut metas)?;
    let mut datagrams = Vec::new();
    for (run, meta) in runs.iter().zip(&metas[..count]) {
        let since_epoch = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let age = since_epoch.saturating_sub(meta.timestamp.unwrap_or(since_epoch));
        let at = Instant::now().checked_sub(age).unwrap();
        let all = run[..meta.len].chunks(meta.stride.max(1));
        datagrams.extend(all.map(|bytes| Datagram {
            at,
            from: meta.addr,
            bytes: bytes.to_vec(),
        }));
    }
    Ok(datagrams)
}
