//! The port that Prometheus asks at.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use prometheus_client::registry::Registry;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::timeout,
};

use super::{Snapshot, metrics};

/// Connections at a time: Prometheus has one.
const CONNECTIONS: usize = 8;

/// How long one may last. Whoever asks again after it connects anew.
const LIMIT: Duration = Duration::from_secs(10);

/// The same until a request has come.
const HEADER_LIMIT: Duration = Duration::from_secs(3);

/// Why nobody can ask.
#[derive(Debug, thiserror::Error)]
#[error("nothing can listen at --metrics-listen {address}: {error}")]
pub struct ListenError {
    address: SocketAddr,
    error: io::Error,
}

/// Listens for whoever asks for metrics.
#[derive(Debug)]
pub struct Metrics {
    listener: TcpListener,
    registry: Arc<Registry>,
}

impl Metrics {
    /// Takes the port.
    pub async fn listen(
        address: SocketAddr,
        snapshots: watch::Receiver<Arc<Snapshot>>,
    ) -> Result<Self, ListenError> {
        let listener = TcpListener::bind(address).await;
        Ok(Self {
            listener: listener.map_err(|error| ListenError { address, error })?,
            registry: Arc::new(metrics::registry(snapshots)),
        })
    }

    /// Where that is, if the port was left to the system.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until it is dropped.
    pub async fn run(self) {
        let registry = self.registry;
        let answer = move || std::future::ready(answer(&registry));
        let router = Router::new().route("/metrics", get(answer));
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        // The semaphore is never closed.
        while let Ok(place) = places.clone().acquire_owned().await {
            while connections.try_join_next().is_some() {}
            let Ok((stream, _)) = self.listener.accept().await else {
                // Out of file descriptors, say.
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            };
            let router = router.clone();
            connections.spawn(async move {
                serve(stream, router).await;
                drop(place);
            });
        }
    }
}

async fn serve(stream: TcpStream, router: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT)
        .max_buf_size(16 << 10)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let _ = timeout(LIMIT, connection).await;
}

fn answer(registry: &Registry) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match metrics::text(registry) {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        // Writing to a string does not fail.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
