//! The gateway behind nginx and Caddy, configured as the documentation says.

mod servers;

use std::net::IpAddr;

use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use reqwest::{Certificate, Client, RequestBuilder, Response, Version};
use sightline_spec::room::RoomId;
use tokio::time::timeout;

use crate::room_key::RoomKey;
use crate::support::{self, Gateway, LONG, eventually};
use servers::{Kind, Proxy};

const OFFER: &str = include_str!("../../../../spec/http/sdp/camera-offer.sdp");
const OTHER_OFFER: &str = include_str!("../../../../spec/http/sdp/other-camera-offer.sdp");
const VIEWER_OFFER: &str = include_str!("../../../../spec/http/sdp/viewer-offer.sdp");
const ANSWER: &str = include_str!("../../../../spec/http/sdp/viewer-answer.sdp");
const CANDIDATES: &str = include_str!("../../../../spec/http/sdp/viewer-candidates.sdpfrag");

/// Where the client comes from, which is not where the proxy comes from.
const CLIENT: [u8; 4] = [127, 0, 0, 2];

struct Stage {
    /// Declared before the gateway, so that it ends first.
    proxy: Proxy,
    _gateway: Gateway,
    client: Client,
    room: RoomId,
    token: String,
}

impl Stage {
    async fn new(kind: Kind) -> Self {
        let reserved = Proxy::reserve();
        let address = reserved.0.local_addr().unwrap();
        let public = format!("https://cam.example.org:{}", address.port());
        let gateway = Gateway::start([
            "--trusted-proxy",
            "127.0.0.1",
            "--public-url",
            &public,
            "--open-rooms",
        ]);
        let proxy = Proxy::start(kind, &gateway.host(), reserved);
        let client = support::client()
            .resolve("cam.example.org", address)
            .local_address(IpAddr::from(CLIENT))
            .tls_certs_only([Certificate::from_pem(proxy.root.as_bytes()).unwrap()])
            .build()
            .unwrap();
        // By the name that clients know it.
        let key = RoomKey::new();
        let token = key.token(&proxy.host);
        let stage = Self {
            proxy,
            _gateway: gateway,
            client,
            room: key.room,
            token,
        };
        stage.is_there().await;
        stage
    }

    /// Whether a page comes through.
    async fn is_there(&self) {
        let page = self.client.get(self.url("/")).send().await.unwrap();
        assert_eq!(
            (page.status().as_u16(), page.version()),
            (200, Version::HTTP_2)
        );
    }

    fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.proxy.host)
    }

    fn camera(&self, wait: u32) -> RequestBuilder {
        let camera = self.client.post(self.url(&format!("/whip/{}", self.room)));
        with_sdp(camera, OFFER, wait).bearer_auth(&self.token)
    }

    async fn viewer(&self, wait: u32) -> Response {
        let viewer = self.client.post(self.url(&format!("/whep/{}", self.room)));
        with_sdp(viewer, VIEWER_OFFER, wait).send().await.unwrap()
    }
}

fn with_sdp(request: RequestBuilder, sdp: &'static str, wait: u32) -> RequestBuilder {
    request
        .header("content-type", "application/sdp")
        .header("prefer", format!("direct, wait={wait}"))
        .body(sdp)
}

fn location(response: &Response) -> &str {
    response.headers()["location"].to_str().unwrap()
}

/// Held requests, the client's own address, and event streams.
async fn a_camera_and_a_viewer_meet(kind: Kind) {
    let stage = Stage::new(kind).await;
    let viewing = async {
        let offered = stage.viewer(15).await;
        assert_eq!(offered.status().as_u16(), 406, "{:?}", offered.text().await);
        let session = stage.url(location(&offered));
        let local = ANSWER.replace("192.0.2.20", "0b7c2c4e-6f7f-4f0e-9d0c-1f1d6a1b2c3d.local");
        let answer = stage.client.patch(&session).body(local);
        let answer = answer
            .header("content-type", "application/sdp")
            // Nobody is to be believed this.
            .header("forwarded", "for=198.51.100.1;host=evil.example")
            .header("x-forwarded-for", "198.51.100.1")
            .header("x-forwarded-host", "evil.example");
        assert_eq!(answer.send().await.unwrap().status().as_u16(), 204);
        session
    };
    let (camera, viewer) = tokio::join!(stage.camera(15).send(), viewing);
    let camera = camera.unwrap();
    assert_eq!(camera.status().as_u16(), 201);
    let session = stage.url(location(&camera));
    let answer = camera.text().await.unwrap();
    let rewritten = format!(" {} 50000 typ host", IpAddr::from(CLIENT));
    assert!(answer.contains(&rewritten), "{answer}");

    let stream = stage.client.post(format!("{session}/events")).send();
    let stream = stage.url(location(&stream.await.unwrap()));
    let stream = stage.client.get(stream).send().await.unwrap();
    let mut events = stream.bytes_stream().eventsource();
    let candidates = stage.client.patch(&viewer).body(CANDIDATES);
    let candidates = candidates.header("content-type", "application/trickle-ice-sdpfrag");
    assert_eq!(candidates.send().await.unwrap().status().as_u16(), 204);
    let next = async {
        loop {
            let event = events.next().await.unwrap().unwrap();
            if event.event == "candidates" {
                return event.data;
            }
        }
    };
    // While the stream stays open: nobody has kept it back.
    let data = timeout(LONG, next).await.unwrap();
    assert!(data.contains("203.0.113.20"), "{data}");
}

/// An offer whose camera is gone is not handed out: its room is free again.
async fn a_camera_that_goes_has_left(kind: Kind) {
    let stage = Stage::new(kind).await;
    let post = |offer, wait| {
        let request = stage.client.post(stage.url("/whip/garage"));
        with_sdp(request, offer, wait).send()
    };
    let until_taken = async |taken: bool| {
        // Another camera is told.
        let told = async || post(OTHER_OFFER, 0).await.unwrap().status().as_u16();
        let what = format!("the room is taken: {taken}");
        eventually(&what, told, |status| (*status == 409) == taken).await;
    };
    let camera = tokio::spawn(post(OFFER, 300));
    until_taken(true).await;
    camera.abort();
    until_taken(false).await;
}

macro_rules! behind {
    ($($proxy:ident: $kind:expr),*) => { $(
        mod $proxy {
            use super::*;

            #[tokio::test]
            async fn a_camera_and_a_viewer_meet() {
                super::a_camera_and_a_viewer_meet($kind).await;
            }

            #[tokio::test]
            async fn a_camera_that_goes_has_left() {
                super::a_camera_that_goes_has_left($kind).await;
            }
        }
    )* };
}

behind!(nginx: Kind::Nginx, caddy: Kind::Caddy, caddy_http2: Kind::CaddyHttp2);
