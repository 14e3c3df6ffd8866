//! An HTTP/1 connection: inside hyper while there is something to read or to write,
//! and outside while its request is held.
//!
//! Inside, a connection costs 16 KiB of buffers and some KiB of state, which is most
//! of what a waiting camera would cost. So once a request has been read to its end
//! and its response is not there, the bare socket is taken out of hyper and waits
//! beside the response that is to come. Then it goes back into a new hyper
//! connection, which reads a request that we write for it and gets that response.

use std::future::{poll_fn, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, Version, header};
use axum::response::Response;
use futures_util::FutureExt;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tower::Service;

use super::Server;
use super::stream::Socket;

/// Serves one until it ends.
pub(super) async fn serve(
    server: &Server,
    mut socket: Socket,
    peer: SocketAddr,
) -> hyper::Result<()> {
    let exchange = Arc::new(Exchange::default());
    loop {
        // Boxed, so that its size is not the connection's while the request is held.
        let inside = Box::pin(inside_hyper(server, socket, peer, &exchange));
        let Some(mut outside) = inside.await? else {
            return Ok(());
        };
        let Some(Running { response, closes }) = exchange.take() else {
            return Ok(());
        };
        // Whoever is gone must not be paired any more, so this is asked first.
        // Dropping the response to come takes its offer out of the room.
        let response = tokio::select! {
            biased;
            () = outside.gone() => return Ok(()),
            response = response => response,
        };
        exchange.put(Running {
            response: Box::pin(ready(response)),
            closes,
        });
        socket = outside.with_a_request(closes);
    }
}

impl Socket {
    /// The request that hyper is to answer with what has come.
    fn with_a_request(mut self, closes: bool) -> Self {
        let connection = if closes { "close" } else { "keep-alive" };
        let head = format!("POST / HTTP/1.1\r\nconnection: {connection}\r\n\r\n");
        self.before.splice(..0, head.into_bytes());
        self
    }
}

/// Serves requests until the connection ends, or until one is held: then what is
/// left is the socket.
async fn inside_hyper(
    server: &Server,
    socket: Socket,
    peer: SocketAddr,
    exchange: &Arc<Exchange>,
) -> hyper::Result<Option<Socket>> {
    let service = service_fn(|request| {
        exchange.begin(&server.router, peer, request);
        let exchange = exchange.clone();
        poll_fn(move |context| exchange.poll(context))
    });
    let mut connection = server.http1.serve_connection(TokioIo::new(socket), service);
    let mut stop = std::pin::pin!(server.stop.cancelled());
    let mut is_stopping = false;
    let ended = poll_fn(|context| {
        loop {
            if let Poll::Ready(ended) = Pin::new(&mut connection).poll(context) {
                return Poll::Ready(Some(ended));
            }
            if exchange.is_held() {
                return Poll::Ready(None);
            }
            // Not before the connection was polled: hyper ends one that has read nothing.
            if is_stopping || stop.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            is_stopping = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
    });
    if let Some(ended) = ended.await {
        return ended.map(|()| None);
    }
    let parts = connection.into_parts();
    let Socket { stream, before } = parts.io.into_inner();
    Ok(Some(Socket {
        stream,
        before: [&parts.read_buf[..], &before].concat(),
    }))
}

type ToCome = Pin<Box<dyn Future<Output = Response> + Send>>;

/// The request that a connection is busy with; one at a time, as HTTP/1 has it.
#[derive(Default)]
struct Exchange {
    /// Guards the response to come, which hyper's connection polls while it is inside
    /// and ours while it is outside, never both.
    running: Mutex<Option<Running>>,
    /// The request has been read to its end. Shared with its body.
    is_read: Arc<AtomicBool>,
}

struct Running {
    response: ToCome,
    /// The connection ends with this response.
    closes: bool,
}

impl Exchange {
    /// Takes a request to the router; or, if it is the one that we wrote, does nothing,
    /// since its response is there.
    fn begin(&self, router: &Router, peer: SocketAddr, request: Request<Incoming>) {
        let mut running = self.running();
        if running.is_some() {
            return;
        }
        self.is_read.store(false, Ordering::Relaxed);
        let closes = request.version() < Version::HTTP_11 || asks_to_close(request.headers());
        let is_read = self.is_read.clone();
        let mut request = request.map(|body| Body::new(Tracked { body, is_read }));
        request.extensions_mut().insert(ConnectInfo(peer));
        // A router is always ready.
        let response = router.clone().call(request);
        let response = Box::pin(response.map(|Ok(response)| response));
        *running = Some(Running { response, closes });
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Result<Response, std::convert::Infallible>> {
        let mut running = self.running();
        let Some(Running { response, .. }) = running.as_mut() else {
            return Poll::Pending;
        };
        let response = std::task::ready!(response.as_mut().poll(context));
        *running = None;
        Poll::Ready(Ok(response))
    }

    /// Whether there is nothing left to do but to wait for the response.
    fn is_held(&self) -> bool {
        self.is_read.load(Ordering::Relaxed) && self.running().is_some()
    }

    fn take(&self) -> Option<Running> {
        self.running().take()
    }

    fn put(&self, running: Running) {
        *self.running() = Some(running);
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `Connection: close`, RFC 9112 section 9.6.
fn asks_to_close(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::CONNECTION).into_iter();
    let mut options = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    options.any(|option| option.trim().eq_ignore_ascii_case("close"))
}

/// A request's body that tells when it has been read to its end.
struct Tracked {
    body: Incoming,
    is_read: Arc<AtomicBool>,
}

impl hyper::body::Body for Tracked {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() {
            self.is_read.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
