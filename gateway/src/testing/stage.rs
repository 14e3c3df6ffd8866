//! A gateway with bounds that are soon reached, on a clock that is advanced instead of waited
//! for, and what one may ask of it.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use sightline_relay::{Limits as MediaLimits, MediaPorts, Relay};
use tokio::task::JoinHandle;

use crate::app::{App, Waits};
use crate::auth::{Access, Authority};
use crate::http::{self, Context, Proxies};
use crate::ice_servers::IceServers;
use crate::metrics::Metrics;
use crate::relaying::{Relaying, RelayingLimits};
use crate::rendezvous::{Bounds, Rendezvous};
use crate::room::Limits;
use crate::session::CandidateLimits;
use crate::throttle::{Rates, Throttle};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Requests that may wait.
pub(crate) const WAITING: usize = 8;
/// Sessions that may be, those who wait among them.
pub(crate) const SESSIONS: usize = 10;
/// Bytes that may be kept.
pub(crate) const MEMORY: usize = 16_384;
const CANDIDATES: CandidateLimits = CandidateLimits {
    count: 8,
    bytes: 4096,
};

pub(crate) struct Gateway {
    pub(crate) context: Arc<Context>,
    pub(crate) router: Router,
    pub(crate) rendezvous: Rendezvous,
    pub(crate) relay: Option<Relaying>,
    /// Tasks that end with the gateway and never before.
    pub(crate) tasks: Vec<JoinHandle<()>>,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// One without a relay.
pub(crate) fn gateway_with(rates: Rates) -> Gateway {
    gateway(Rendezvous::new(bounds()), None, rates)
}

/// One whose relay lives by the same clock, on a loopback port.
pub(crate) fn relaying_gateway() -> Gateway {
    relaying_gateway_within(bounds())
}

/// The same with these bounds.
pub(crate) fn relaying_gateway_within(bounds: Bounds) -> Gateway {
    let ports = MediaPorts {
        address: Ipv4Addr::LOCALHOST.into(),
        port: 0,
        workers: 1,
        advertised: Vec::new(),
    };
    let limits = RelayingLimits {
        media: MediaLimits {
            connect: 15 * SECOND,
            publisher_connect: 5 * SECOND,
            silence: 10 * SECOND,
            linger: 30 * SECOND,
        },
        candidates: CANDIDATES,
        remember: 30 * SECOND,
    };
    let rendezvous = Rendezvous::new(bounds);
    let started = Relay::start_here(&ports, &limits.media);
    let (relay, events) = started.expect("loopback has a free port");
    let relaying = Relaying::new(relay, &limits, rendezvous.clone());
    let mut gateway = gateway(rendezvous, Some(relaying.clone()), Rates::default());
    let running = tokio::spawn(async move { relaying.run(events).await });
    gateway.tasks.push(running);
    gateway
}

/// One whose relay this is.
#[cfg(test)]
pub(crate) fn gateway_with_relay(start: impl FnOnce(Rendezvous) -> Relaying) -> Gateway {
    let rendezvous = Rendezvous::new(bounds());
    let relay = start(rendezvous.clone());
    gateway(rendezvous, Some(relay), Rates::default())
}

fn gateway(rendezvous: Rendezvous, relay: Option<Relaying>, rates: Rates) -> Gateway {
    let context = Context {
        app: app(&rendezvous, relay.clone(), rates),
        proxies: Proxies::default(),
        max_body: 8192,
        body_timeout: 10 * SECOND,
    };
    let context = Arc::new(context);
    let router = http::router(context.clone(), None);
    let janitor = tokio::spawn({
        let rendezvous = rendezvous.clone();
        async move { rendezvous.run().await }
    });
    Gateway {
        context,
        router,
        rendezvous,
        relay,
        tasks: vec![janitor],
    }
}

pub(crate) fn bounds() -> Bounds {
    Bounds {
        room: Limits {
            waiting: 2,
            candidates: CANDIDATES,
            answer_within: 15 * SECOND,
            event_grace: 3 * SECOND,
            idle: 30 * SECOND,
            linger: 30 * SECOND,
        },
        waiting: WAITING,
        sessions: SESSIONS,
        memory: MEMORY,
    }
}

fn app(rendezvous: &Rendezvous, relay: Option<Relaying>, rates: Rates) -> App {
    App {
        rendezvous: rendezvous.clone(),
        relay: relay.clone(),
        authority: Authority {
            named_rooms_open: true,
            access: Access::default(),
        },
        ice_servers: IceServers {
            servers: vec!["stun:a".parse().expect("it is in order")],
            ..IceServers::default()
        },
        waits: Waits {
            camera: 30 * SECOND,
            viewer: 5 * SECOND,
            publisher_grace: 4 * SECOND,
            most: 300 * SECOND,
        },
        metrics: Metrics::new(rendezvous.clone(), relay, 8000),
        strict: false,
        throttle: Throttle::new(rates),
    }
}

pub(crate) fn request(
    method: &str,
    path: &str,
    media_type: &str,
    body: impl Into<Body>,
) -> Request {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("host", "gateway.example");
    let request = request.header("content-type", media_type);
    request.body(body.into()).expect("it is in order")
}

pub(crate) fn sdp(direction: &str, ufrag: &str) -> String {
    sdp_by("AB", direction, ufrag)
}

/// The same by a peer whose certificate has a hash of this byte alone.
pub(crate) fn sdp_by(certificate: &str, direction: &str, ufrag: &str) -> String {
    let fingerprint = [certificate; 32].join(":");
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
         m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na={direction}\r\n\
         a=ice-ufrag:{ufrag}\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa\r\n\
         a=fingerprint:sha-256 {fingerprint}\r\na=rtpmap:96 H264/90000\r\n"
    )
}
