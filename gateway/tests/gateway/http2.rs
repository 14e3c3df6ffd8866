//! Streams of one HTTP/2 connection do not disturb each other.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Method, Request, StatusCode};
use h2::client::{ResponseFuture, SendRequest, handshake};
use h2::{Reason, SendStream};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::connections::OFFER;
use crate::support::{Gateway, LONG};

const VIEWER_OFFER: &str = include_str!("../../../spec/http/sdp/viewer-offer.sdp");

/// The frames that a client sends when it likes, not when a library would.
struct Client {
    host: String,
    requests: SendRequest<Bytes>,
    connection: JoinHandle<Result<(), h2::Error>>,
}

impl Client {
    async fn of(gateway: &Gateway) -> Self {
        let host = gateway.host();
        let stream = TcpStream::connect(&host).await.unwrap();
        let (requests, connection) = handshake(stream).await.unwrap();
        Self {
            host,
            requests,
            connection: tokio::spawn(connection),
        }
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: &'static str,
    ) -> (ResponseFuture, SendStream<Bytes>) {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.host))
            .header("content-type", "application/sdp")
            .header("prefer", "wait=60")
            .body(())
            .unwrap();
        let mut requests = self.requests.clone().ready().await.unwrap();
        let (response, mut sent) = requests.send_request(request, body.is_empty()).unwrap();
        if !body.is_empty() {
            sent.send_data(Bytes::from_static(body.as_bytes()), true)
                .unwrap();
        }
        (response, sent)
    }
}

async fn status(response: ResponseFuture) -> StatusCode {
    let response = timeout(LONG, response).await.expect("there is an answer");
    response.expect("the stream goes on").status()
}

/// RFC 9113 section 5.4.2: a stream error is that stream's. A player asks with HEAD whether the
/// gateway is there, and gives up after a moment, while its event stream goes on.
#[tokio::test]
async fn a_head_that_is_reset_leaves_the_other_streams_alone() {
    let gateway = Gateway::start([]);
    let mut client = Client::of(&gateway).await;
    let (camera, _sent) = client.send(Method::POST, "/whip/garage", OFFER).await;
    // Before it has been looked at, while it is, and when it has been answered.
    for microseconds in [0, 0, 0, 100, 300, 1_000, 3_000, 10_000, 30_000] {
        let (head, mut sent) = client.send(Method::HEAD, "/whep/garage", "").await;
        sleep(Duration::from_micros(microseconds)).await;
        sent.send_reset(Reason::CANCEL);
        drop((head, sent));
    }
    let (head, _sent) = client.send(Method::HEAD, "/whep/garage", "").await;
    assert_eq!(status(head).await, StatusCode::OK);
    let (viewer, _sent) = client
        .send(Method::POST, "/whep/garage", VIEWER_OFFER)
        .await;
    assert_eq!(status(viewer).await, StatusCode::NOT_ACCEPTABLE);
    // What was held all the time is still there: it has not been told that anything broke.
    let gone = timeout(Duration::from_millis(500), camera).await;
    assert!(gone.is_err(), "{gone:?}");
    assert!(!client.connection.is_finished());
}
