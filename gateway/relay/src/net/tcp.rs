//! ICE over TCP, RFC 6544, for networks that let nothing else through: we are passive,
//! and every datagram is framed by its length (RFC 4571).

mod frames;
pub(crate) mod places;

use std::io::{ErrorKind, Result};
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use frames::{Reader, write_frames};
use places::{Place, Places};

/// Frames on their way to one connection: half a second of video. More than that would
/// only arrive late.
const OUTGOING: usize = 256;

/// How long a peer may say nothing. ICE consent is asked for every few seconds.
const SILENCE: Duration = Duration::from_secs(30);

/// How long a connection may take until a check has said whose it is. Agents send one as
/// soon as they are connected (RFC 6544 section 7.1).
const UNPROVED: Duration = Duration::from_secs(5);

/// What connections tell the worker.
pub(crate) enum TcpEvent {
    Opened(SocketAddr, Connection),
    Frame {
        peer: SocketAddr,
        local: SocketAddr,
        frame: Vec<u8>,
    },
    Closed(SocketAddr),
}

/// A connection, as the worker has it. It ends when this is dropped, and all is sent.
pub(crate) struct Connection {
    pub(crate) frames: mpsc::Sender<Vec<u8>>,
    /// To be told when it is known whose it is.
    proved: Option<oneshot::Sender<()>>,
}

impl Connection {
    /// It is a peer's.
    pub(crate) fn proved(&mut self) {
        if let Some(proved) = self.proved.take() {
            // It may have ended.
            let _ = proved.send(());
        }
    }
}

/// Accepts connections, as far as there are places for them, until the worker is gone.
pub(crate) async fn listen(listener: TcpListener, news: mpsc::Sender<TcpEvent>, places: Places) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a media connection");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        if news.is_closed() {
            return;
        }
        let Some(place) = places.admit(peer.ip()) else {
            tracing::debug!("a media connection too many");
            continue;
        };
        let news = news.clone();
        // Ends with its socket, its place, its silence, or the worker that reads its news.
        tokio::spawn(async move {
            if let Err(error) = serve(stream, peer, place, &news).await {
                tracing::debug!(%error, "a media connection ended");
            }
            let _ = news.send(TcpEvent::Closed(peer)).await;
        });
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    mut place: Place,
    news: &mpsc::Sender<TcpEvent>,
) -> Result<()> {
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?;
    let (read, write) = stream.into_split();
    let (frames, outgoing) = mpsc::channel(OUTGOING);
    let (proved, proof) = oneshot::channel();
    let connection = Connection {
        frames,
        proved: Some(proved),
    };
    let _ = news.send(TcpEvent::Opened(peer, connection)).await;
    let mut life = pin!(async {
        tokio::select! {
            ended = read_frames(Reader::new(read), peer, local, news) => ended,
            ended = write_frames(write, outgoing) => ended,
        }
    });
    tokio::select! {
        ended = &mut life => return ended,
        _ = &mut place.lost => return Err(ErrorKind::ConnectionAborted.into()),
        proof = timeout(UNPROVED, proof) => {
            proof?.map_err(|_| ErrorKind::ConnectionAborted)?;
        }
    }
    place.proved();
    life.await
}

async fn read_frames(
    mut reader: Reader<impl tokio::io::AsyncRead + Unpin>,
    peer: SocketAddr,
    local: SocketAddr,
    news: &mpsc::Sender<TcpEvent>,
) -> Result<()> {
    loop {
        let frame = timeout(SILENCE, reader.next()).await??;
        let frame = TcpEvent::Frame { peer, local, frame };
        if news.send(frame).await.is_err() {
            return Ok(());
        }
    }
}
