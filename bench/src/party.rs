//! Cameras and viewers as the gateway sees them: rooms, tokens and requests.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use http::{Method, Request, header};
use http_body_util::Full;
use hyper::body::Bytes;
use sightline_spec::media_type::SDP;
use sightline_spec::room::RoomId;
use sightline_spec::token::{Claims, Scope, SigningKey};

/// How many connections come from one address: fewer than an address has ports.
const CONNECTIONS_PER_ADDRESS: usize = 20_000;

/// What `sightline-camera` offers on Debian 12, with sound and a TURN server.
const CAMERA_OFFER: &str = include_str!("sdp/camera-offer.sdp");
/// What Chromium 156 offers in order to watch.
const VIEWER_OFFER: &str = include_str!("sdp/viewer-offer.sdp");
/// What it answers to the camera's offer.
const VIEWER_ANSWER: &str = include_str!("sdp/viewer-answer.sdp");

/// Where a camera and its viewers meet.
pub(crate) struct Room {
    name: String,
    token: Option<String>,
    host: String,
}

impl Room {
    /// A room of its own for the camera with this number.
    pub(crate) fn new(number: usize, named: bool, gateway: SocketAddr) -> anyhow::Result<Self> {
        let host = gateway.to_string();
        if named {
            let name = format!("camera-{number}");
            return Ok(Self {
                name,
                token: None,
                host,
            });
        }
        let pair = Ed25519KeyPair::generate()?;
        let room = RoomId::from_key(pair.public_key().as_ref().try_into()?);
        let signer = SigningKey::from_pkcs8(pair.to_pkcs8()?.as_ref());
        let (now, lifetime) = (SystemTime::now(), Duration::from_secs(3600));
        let claims = Claims::new(room.clone(), Scope::Publish, &host, now, lifetime);
        Ok(Self {
            name: room.as_str().to_owned(),
            token: Some(signer.sign(&claims)?),
            host,
        })
    }

    /// Its path segment.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What permits to publish there, if anything is needed.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// A camera's POST.
    pub(crate) fn offer(&self) -> anyhow::Result<Request<Full<Bytes>>> {
        let target = format!("/whip/{}", self.name);
        let mut request = self
            .request(Method::POST, &target)
            .header(header::CONTENT_TYPE, SDP)
            .header("prefer", "direct=8, wait=300");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        Ok(request.body(on_the_wire(CAMERA_OFFER))?)
    }

    /// A viewer's POST, which is willing to wait for so many seconds.
    pub(crate) fn view(&self, wait: u32) -> anyhow::Result<Request<Full<Bytes>>> {
        let target = format!("/whep/{}", self.name);
        let request = self
            .request(Method::POST, &target)
            .header(header::CONTENT_TYPE, SDP)
            .header("prefer", format!("direct, wait={wait}"));
        Ok(request.body(on_the_wire(VIEWER_OFFER))?)
    }

    /// A viewer's PATCH that accepts the counter-offer.
    pub(crate) fn answer(&self, session: &str) -> anyhow::Result<Request<Full<Bytes>>> {
        let request = self
            .request(Method::PATCH, session)
            .header(header::CONTENT_TYPE, SDP);
        Ok(request.body(on_the_wire(VIEWER_ANSWER))?)
    }

    /// Either side's DELETE.
    pub(crate) fn delete(&self, session: &str) -> anyhow::Result<Request<Full<Bytes>>> {
        Ok(self
            .request(Method::DELETE, session)
            .body(Full::default())?)
    }

    fn request(&self, method: Method, target: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(target)
            .header(header::HOST, &self.host)
            .header(header::ACCEPT, "*/*")
            .header(header::USER_AGENT, "sightline-bench")
    }
}

/// Lines in SDP end with CRLF.
fn on_the_wire(sdp: &str) -> Full<Bytes> {
    Full::from(sdp.replace('\n', "\r\n"))
}

/// The address of this machine that the connection with this number comes from.
pub(crate) fn address(number: usize) -> Ipv4Addr {
    let nth = u8::try_from(number / CONNECTIONS_PER_ADDRESS).unwrap_or(u8::MAX);
    Ipv4Addr::new(127, 0, 1, nth)
}
