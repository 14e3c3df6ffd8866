//! Connections: accepting them, their limits, and their end.

mod http1;
mod http2;
mod stream;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::throttle::Crowd;
use stream::{Socket, Stream};
pub(crate) use tls::{ACME, Tls};

/// A peer that lost power says nothing, and its held offer must not be handed
/// out. The kernel asks after six quiet seconds and gives up after ten. Our camera asks by itself
/// after four, and who is heard of is not asked.
const KEEPALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(6))
    .with_interval(Duration::from_secs(2))
    .with_retries(2);

/// How long written bytes may stay unacknowledged, and a response unread. Where this is set it also
/// says when the kernel gives up who does not answer (tcp(7), TCP_USER_TIMEOUT).
const USER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long connections get to finish once everything has been told to end.
const SHUTDOWN: Duration = Duration::from_secs(4);

/// What a connection may do.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionLimits {
    pub(crate) handshake_timeout: Duration,
    pub(crate) header_timeout: Duration,
    pub(crate) connections: usize,
    /// Whose connections are too many.
    pub(crate) crowd: Arc<Crowd>,
}

/// Where connections come in, and what they reach.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    /// Not there where HTTP is plain.
    pub(crate) tls: Option<Tls>,
    pub(crate) router: Router,
}

/// What serves each connection.
struct Server {
    router: Router,
    tls: Option<Tls>,
    handshake_timeout: Duration,
    http1: hyper::server::conn::http1::Builder,
    http2: hyper::server::conn::http2::Builder<TokioExecutor>,
    header_timeout: Duration,
    /// Connections are to finish what they are doing, and end.
    stop: CancellationToken,
}

/// Serves until `stop` resolves, then calls `close`, which is to end all that is
/// held, and waits a few seconds for connections to finish.
pub(crate) async fn serve(
    door: Door,
    limits: &ConnectionLimits,
    stop: impl Future<Output = ()>,
    close: impl FnOnce(),
) {
    let Door {
        listener,
        tls,
        router,
    } = door;
    let server = Arc::new(Server::new(router, tls, limits));
    let slots = Arc::new(Semaphore::new(limits.connections));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let (stream, peer, slot) = accepted;
        let Some(counted) = limits.crowd.admit(peer.ip()) else {
            tracing::debug!("a connection too many from one address");
            continue;
        };
        let server = server.clone();
        // Ends with its socket, or with the process after `stop`.
        tokio::spawn(async move {
            if let Err(error) = server.connection(stream, peer).await {
                tracing::debug!(%error, "a connection ended");
            }
            drop((slot, counted));
        });
    }
    drop(listener);
    server.stop.cancel();
    close();
    let all = u32::try_from(limits.connections).unwrap_or(u32::MAX);
    if timeout(SHUTDOWN, slots.acquire_many(all)).await.is_err() {
        tracing::warn!("some connections did not finish in time and were cut");
    }
}

impl Server {
    fn new(router: Router, tls: Option<Tls>, limits: &ConnectionLimits) -> Self {
        let mut http1 = hyper::server::conn::http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_buf_size(64 * 1024);
        let mut http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(15))
            .keep_alive_timeout(Duration::from_secs(10))
            // What may come of bodies before anybody has read it.
            .initial_stream_window_size(64 * 1024)
            .initial_connection_window_size(256 * 1024)
            .max_header_list_size(64 * 1024)
            .max_concurrent_streams(100);
        Self {
            router,
            tls,
            http1,
            http2,
            handshake_timeout: limits.handshake_timeout,
            header_timeout: limits.header_timeout,
            stop: CancellationToken::new(),
        }
    }

    async fn connection(&self, stream: TcpStream, peer: SocketAddr) -> anyhow::Result<()> {
        // Boxed, like all that is over before a request is held.
        let opened = Box::pin(self.open(stream));
        let (socket, http2) = tokio::select! {
            () = self.stop.cancelled() => return Ok(()),
            opened = opened => opened?,
        };
        match http2 {
            true => http2::serve(self, socket, peer).await?,
            false => http1::serve(self, socket, peer).await?,
        }
        Ok(())
    }

    /// Shakes hands, and finds out which HTTP it will be.
    async fn open(&self, mut stream: TcpStream) -> anyhow::Result<(Socket, bool)> {
        let Some(tls) = &self.tls else {
            let begun = timeout(self.header_timeout, begin(&mut stream)).await??;
            let (before, http2) = begun;
            let stream = Stream::Plain(stream);
            return Ok((Socket { stream, before }, http2));
        };
        let (stream, http2) = timeout(self.handshake_timeout, tls.accept(stream)).await??;
        let (stream, before) = (Stream::Tls(Box::new(stream)), Vec::new());
        Ok((Socket { stream, before }, http2))
    }
}

/// HTTP/2 begins with the preface `PRI * HTTP/2.0…` (RFC 9113 section 3.4), HTTP/1
/// with a method, and none is called PRI. Reads as much as tells them apart, and says
/// whether it is HTTP/2. Who has sent less is not asked again before there is more.
async fn begin(stream: &mut TcpStream) -> io::Result<(Vec<u8>, bool)> {
    const PREFACE: &[u8] = b"PRI";
    let mut start = [0; PREFACE.len()];
    let mut length = 0;
    while length < start.len() && PREFACE.starts_with(&start[..length]) {
        match stream.read(&mut start[length..]).await? {
            0 => break,
            more => length += more,
        }
    }
    Ok((start[..length].to_vec(), start == PREFACE))
}

/// The next connection, once there is room for one.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit) {
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else {
            unreachable!("nobody closes the semaphore");
        };
        match listener.accept().await {
            Ok((stream, peer)) => {
                prepare(&stream);
                return (stream, peer, slot);
            }
            Err(error) => {
                // Out of file descriptors, mostly; a pause lets some come back.
                tracing::warn!(%error, "cannot accept a connection");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn prepare(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let prepared = stream
        .set_nodelay(true)
        .and_then(|()| socket.set_tcp_keepalive(&KEEPALIVE))
        .and_then(|()| socket.set_tcp_user_timeout(Some(USER_TIMEOUT)));
    if let Err(error) = prepared {
        tracing::debug!(%error, "a connection's socket options were refused");
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::net::Ipv4Addr;
    use std::pin::pin;

    use tokio::io::AsyncWriteExt;

    use super::*;

    /// A minute passes at once, but for what looks again and again.
    #[tokio::test(start_paused = true)]
    async fn who_has_sent_half_a_method_is_left_alone_until_there_is_more() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let connecting = TcpStream::connect(listener.local_addr().unwrap());
        let mut peer = connecting.await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        peer.write_all(b"PR").await.unwrap();
        let mut begun = pin!(begin(&mut stream));
        let mut polls = 0;
        let counted = poll_fn(|context| {
            polls += 1;
            begun.as_mut().poll(context)
        });
        assert!(timeout(Duration::from_secs(60), counted).await.is_err());
        assert!(polls < 10, "{polls}");
        peer.write_all(b"I * HTTP/2.0").await.unwrap();
        assert_eq!(begun.await.unwrap(), (b"PRI".to_vec(), true));
    }
}
