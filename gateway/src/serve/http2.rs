//! An HTTP/2 connection.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tower::ServiceExt;

use super::Server;
use super::stream::Socket;

/// Serves one until it ends.
pub(super) async fn serve(server: &Server, socket: Socket, peer: SocketAddr) -> hyper::Result<()> {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        server.router.clone().oneshot(request.map(Body::new))
    });
    let connection = server.http2.serve_connection(TokioIo::new(socket), service);
    let mut connection = Box::pin(connection);
    tokio::select! {
        ended = &mut connection => return ended,
        () = server.stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}
