//! ICE over TCP, RFC 6544, for networks that let nothing else through: we are passive,
//! and every datagram is framed by its length (RFC 4571).

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// Frames on their way to one connection: half a second of video. More than that would
/// only arrive late.
const OUTGOING: usize = 256;

/// How long a peer may say nothing. ICE consent is asked for every few seconds.
const SILENCE: Duration = Duration::from_secs(30);

/// No frame of ICE, DTLS or RTP is longer.
const MAX_FRAME: usize = 2048;

/// What connections tell the worker.
pub(crate) enum TcpEvent {
    Opened(SocketAddr, mpsc::Sender<Vec<u8>>),
    Frame {
        peer: SocketAddr,
        local: SocketAddr,
        frame: Vec<u8>,
    },
    Closed(SocketAddr),
}

/// Accepts connections, at most `most` at one time, until the worker is gone.
pub(crate) async fn listen(listener: TcpListener, news: mpsc::Sender<TcpEvent>, most: usize) {
    let slots = std::sync::Arc::new(tokio::sync::Semaphore::new(most));
    while let Ok(slot) = slots.clone().acquire_owned().await {
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
        let news = news.clone();
        // Ends with its socket, its silence, or the worker that reads its news.
        tokio::spawn(async move {
            if let Err(error) = serve(stream, peer, &news).await {
                tracing::debug!(%error, "a media connection ended");
            }
            let _ = news.send(TcpEvent::Closed(peer)).await;
            drop(slot);
        });
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    news: &mpsc::Sender<TcpEvent>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?;
    let (read, write) = stream.into_split();
    let (sender, frames) = mpsc::channel(OUTGOING);
    let _ = news.send(TcpEvent::Opened(peer, sender)).await;
    tokio::select! {
        ended = read_frames(read, peer, local, news) => ended,
        ended = write_frames(write, frames) => ended,
    }
}

async fn read_frames(
    read: OwnedReadHalf,
    peer: SocketAddr,
    local: SocketAddr,
    news: &mpsc::Sender<TcpEvent>,
) -> std::io::Result<()> {
    let mut read = BufReader::new(read);
    loop {
        let length = timeout(SILENCE, read.read_u16()).await??;
        if usize::from(length) > MAX_FRAME {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        let mut frame = vec![0; length.into()];
        timeout(SILENCE, read.read_exact(&mut frame)).await??;
        let frame = TcpEvent::Frame { peer, local, frame };
        if news.send(frame).await.is_err() {
            return Ok(());
        }
    }
}

async fn write_frames(
    write: OwnedWriteHalf,
    mut frames: mpsc::Receiver<Vec<u8>>,
) -> std::io::Result<()> {
    let mut write = BufWriter::with_capacity(64 * 1024, write);
    while let Some(frame) = frames.recv().await {
        put(&mut write, &frame).await?;
        // All that is there goes out together.
        while let Ok(frame) = frames.try_recv() {
            put(&mut write, &frame).await?;
        }
        write.flush().await?;
    }
    Ok(())
}

async fn put(write: &mut BufWriter<OwnedWriteHalf>, frame: &[u8]) -> std::io::Result<()> {
    let Ok(length) = u16::try_from(frame.len()) else {
        return Ok(());
    };
    write.write_u16(length).await?;
    write.write_all(frame).await
}
