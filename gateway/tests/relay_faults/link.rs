//! A peer's socket: UDP, or TCP with the framing of RFC 4571.

use std::net::SocketAddr;
use std::sync::Arc;

use str0m::net::Protocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinSet;

/// What came, and from where.
pub(crate) struct Datagram {
    pub(crate) from: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

enum Socket {
    Udp(Arc<UdpSocket>),
    Tcp(Mutex<OwnedWriteHalf>),
}

/// See the module. Reads by itself, unless it is told not to.
pub(crate) struct Link {
    pub(crate) proto: Protocol,
    pub(crate) local: SocketAddr,
    socket: Socket,
    received: Mutex<mpsc::Receiver<Datagram>>,
    is_reading: watch::Sender<bool>,
    _reader: JoinSet<()>,
}

impl Link {
    pub(crate) async fn udp() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let socket = Arc::new(socket);
        let local = socket.local_addr().unwrap();
        let reading = socket.clone();
        Self::new(Protocol::Udp, local, Socket::Udp(socket), |to, gate| {
            read_udp(reading, to, gate)
        })
    }

    pub(crate) async fn tcp(remote: SocketAddr) -> Self {
        let stream = TcpStream::connect(remote).await.unwrap();
        let local = stream.local_addr().unwrap();
        let (read, write) = stream.into_split();
        let socket = Socket::Tcp(Mutex::new(write));
        Self::new(Protocol::Tcp, local, socket, |to, gate| {
            read_tcp(read, remote, to, gate)
        })
    }

    fn new<F: Future<Output = ()> + Send + 'static>(
        proto: Protocol,
        local: SocketAddr,
        socket: Socket,
        reader: impl FnOnce(mpsc::Sender<Datagram>, watch::Receiver<bool>) -> F,
    ) -> Self {
        let (to, received) = mpsc::channel(1);
        let (is_reading, gate) = watch::channel(true);
        let mut running = JoinSet::new();
        running.spawn(reader(to, gate));
        Self {
            proto,
            local,
            socket,
            received: Mutex::new(received),
            is_reading,
            _reader: running,
        }
    }

    /// Leaves what comes where it is, or reads it again.
    pub(crate) fn reads(&self, is_reading: bool) {
        self.is_reading.send_replace(is_reading);
    }

    pub(crate) async fn received(&self) -> Option<Datagram> {
        self.received.lock().await.recv().await
    }

    /// What cannot be sent is lost, as on any network.
    pub(crate) async fn send(&self, to: SocketAddr, bytes: &[u8]) {
        match &self.socket {
            Socket::Udp(socket) => {
                let _ = socket.send_to(bytes, to).await;
            }
            Socket::Tcp(write) => {
                let length = u16::try_from(bytes.len()).unwrap();
                let frame = [&length.to_be_bytes(), bytes].concat();
                let _ = write.lock().await.write_all(&frame).await;
            }
        }
    }
}

async fn read_udp(
    socket: Arc<UdpSocket>,
    to: mpsc::Sender<Datagram>,
    mut gate: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 2048];
    while gate.wait_for(|is_reading| *is_reading).await.is_ok() {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            // A port that nobody listens on any more.
            continue;
        };
        let bytes = buffer[..length].to_vec();
        if to.send(Datagram { from, bytes }).await.is_err() {
            return;
        }
    }
}

async fn read_tcp(
    mut read: OwnedReadHalf,
    from: SocketAddr,
    to: mpsc::Sender<Datagram>,
    mut gate: watch::Receiver<bool>,
) {
    while gate.wait_for(|is_reading| *is_reading).await.is_ok() {
        let Ok(length) = read.read_u16().await else {
            return;
        };
        let mut bytes = vec![0; usize::from(length)];
        if read.read_exact(&mut bytes).await.is_err() {
            return;
        }
        if to.send(Datagram { from, bytes }).await.is_err() {
            return;
        }
    }
}
