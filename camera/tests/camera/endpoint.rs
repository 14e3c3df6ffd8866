//! The gateway's side of WHIP for one camera, held in the hand of the test.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response, sse},
    routing::{get, post},
    serve::Listener,
};
use futures_util::stream;
use reqwest::Url;
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::rustls::ServerConfig;

use crate::{
    rig::{NEWS, eventually},
    tls::TlsListener,
};

/// An offer that a camera's POST waits with.
pub(crate) struct Waiting {
    pub(crate) offer: String,
    pub(crate) headers: HeaderMap,
    pub(crate) reply: oneshot::Sender<Reply>,
}

/// What the POST ends with.
pub(crate) enum Reply {
    /// 201 with this answer.
    Answer(String),
    /// 503 with this `Retry-After`.
    Unavailable(&'static str),
    /// 401, and what time it is here.
    Unauthorized(SystemTime),
}

#[derive(Default)]
struct Shared {
    sessions: AtomicUsize,
    ended: Mutex<Vec<String>>,
    /// Where the events of each session that listens go.
    events: Mutex<HashMap<String, mpsc::Sender<String>>>,
    /// Whether event streams are answered with 204 from now on, and how many were.
    no_events: AtomicBool,
    refused_streams: AtomicUsize,
}

#[derive(Clone)]
struct App {
    offers: mpsc::Sender<Waiting>,
    shared: Arc<Shared>,
}

/// A listening endpoint; gone when dropped.
pub(crate) struct Endpoint {
    scheme: &'static str,
    address: SocketAddr,
    offers: mpsc::Receiver<Waiting>,
    shared: Arc<Shared>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Endpoint {
    pub(crate) async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap()).await
    }

    pub(crate) async fn start_at(address: SocketAddr) -> Self {
        // The one before takes a moment to go.
        let bound = eventually(
            "the port is free",
            async || tokio::net::TcpListener::bind(address).await,
            Result::is_ok,
        );
        let listener = bound.await.unwrap();
        Self::serve("http", listener)
    }

    /// By TLS, as whoever this is.
    pub(crate) async fn start_as(identity: ServerConfig) -> Self {
        Self::serve("https", TlsListener::bind(identity).await)
    }

    fn serve<L: Listener<Addr = SocketAddr>>(scheme: &'static str, listener: L) -> Self {
        let address = listener.local_addr().unwrap();
        let (sender, offers) = mpsc::channel(8);
        let shared = Arc::<Shared>::default();
        let app = App {
            offers: sender,
            shared: shared.clone(),
        };
        let router = Router::new()
            .route("/whip/{room}", post(whip).options(options))
            .route("/whip/{room}/{session}", axum::routing::delete(end))
            .route("/whip/{room}/{session}/events", post(subscribe))
            .route("/whip/{room}/{session}/events/1", get(listen))
            .with_state(app);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            scheme,
            address,
            offers,
            shared,
            server,
        }
    }

    pub(crate) fn url(&self) -> Url {
        format!("{}://{}", self.scheme, self.address)
            .parse()
            .unwrap()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next offer that the camera POSTs.
    pub(crate) async fn offer(&mut self) -> Waiting {
        let offer = tokio::time::timeout(crate::rig::DEADLINE, self.offers.recv()).await;
        offer.expect("an offer in time").expect("a camera")
    }

    /// Whether the camera has POSTed an offer that nobody has looked at.
    pub(crate) fn has_offer(&self) -> bool {
        !self.offers.is_empty()
    }

    /// Sessions that the camera has DELETEd, by number.
    pub(crate) fn ended(&self) -> Vec<String> {
        self.shared.ended.lock().unwrap().clone()
    }

    /// Waits until the camera has DELETEd these sessions and no other.
    pub(crate) async fn until_ended(&self, sessions: &[&str]) {
        let ended = async || self.ended();
        eventually("the session is ended", ended, |ended| ended == sessions).await;
    }

    /// Closes all event streams; who asks for them again is told to stop. Waits until one was.
    pub(crate) async fn end_events(&self) {
        self.shared.no_events.store(true, Ordering::SeqCst);
        self.shared.events.lock().unwrap().clear();
        let refused = async || self.refused_streams();
        eventually("the stream is asked for again", refused, |refused| {
            *refused > 0
        })
        .await;
    }

    /// How often an event stream was answered with 204.
    pub(crate) fn refused_streams(&self) -> usize {
        self.shared.refused_streams.load(Ordering::SeqCst)
    }

    /// Waits until the camera listens to the events of this session.
    pub(crate) async fn until_listening(&self, session: &str) {
        let listens = async || self.shared.events.lock().unwrap().contains_key(session);
        eventually("the session listens", listens, |listens| *listens).await;
    }

    /// The viewer of this session goes, and the camera hears of it.
    pub(crate) async fn leave(&self, session: &str) {
        let listens = async || self.shared.events.lock().unwrap().clone();
        let listeners = eventually("the session listens", listens, |listeners| {
            listeners.contains_key(session)
        });
        let event = "leave".to_owned();
        listeners.await[session].send(event).await.unwrap();
    }
}

async fn options() -> impl IntoResponse {
    [("accept-post", "application/sdp")]
}

async fn whip(State(app): State<App>, headers: HeaderMap, offer: String) -> Response {
    let (reply, answered) = oneshot::channel();
    let waiting = Waiting {
        offer,
        headers,
        reply,
    };
    if app.offers.send(waiting).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match answered.await {
        Ok(Reply::Answer(answer)) => {
            let number = app.shared.sessions.fetch_add(1, Ordering::SeqCst);
            let location = format!("/whip/test/{number}");
            let link = format!("<{location}/events>; rel=\"urn:sightline:ext:events\"");
            let headers = [
                (header::CONTENT_TYPE, "application/sdp".to_owned()),
                (header::LOCATION, location),
                (header::LINK, link),
            ];
            (StatusCode::CREATED, headers, answer).into_response()
        }
        Ok(Reply::Unavailable(after)) => (
            StatusCode::SERVICE_UNAVAILABLE,
            [(header::RETRY_AFTER, after)],
        )
            .into_response(),
        Ok(Reply::Unauthorized(now)) => {
            let date = [(header::DATE, httpdate::fmt_http_date(now))];
            (StatusCode::UNAUTHORIZED, date).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn end(State(app): State<App>, Path((_, session)): Path<(String, String)>) {
    app.shared.ended.lock().unwrap().push(session);
    NEWS.notify_waiters();
}

async fn subscribe(Path((room, session)): Path<(String, String)>, _: Bytes) -> impl IntoResponse {
    let location = format!("/whip/{room}/{session}/events/1");
    (
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Body::empty(),
    )
}

async fn listen(State(app): State<App>, Path((_, session)): Path<(String, String)>) -> Response {
    if app.shared.no_events.load(Ordering::SeqCst) {
        app.shared.refused_streams.fetch_add(1, Ordering::SeqCst);
        return StatusCode::NO_CONTENT.into_response();
    }
    let (sender, receiver) = mpsc::channel::<String>(8);
    app.shared.events.lock().unwrap().insert(session, sender);
    NEWS.notify_waiters();
    sse::Sse::new(stream::unfold(receiver, |mut receiver| async {
        let event = receiver.recv().await?;
        let event = sse::Event::default().event(event).data("{}");
        Some((Ok::<_, Infallible>(event), receiver))
    }))
    .into_response()
}
