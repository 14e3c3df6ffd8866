//! What is answered where something of ours has broken.

use std::net::Ipv4Addr;

use sightline_relay::{Limits, MediaPorts};

use super::*;
use crate::relaying::{Relaying, RelayingLimits};
use crate::session::CandidateLimits;
use crate::testing::stage::gateway_with_relay;

fn relay(rendezvous: crate::rendezvous::Rendezvous) -> Relaying {
    let ports = MediaPorts {
        address: Ipv4Addr::LOCALHOST.into(),
        port: 0,
        workers: 2,
        advertised: Vec::new(),
    };
    let limits = RelayingLimits {
        media: Limits {
            connect: SECOND,
            publisher_connect: SECOND,
            silence: SECOND,
            linger: SECOND,
        },
        candidates: CandidateLimits { count: 1, bytes: 1 },
        remember: SECOND,
    };
    Relaying::start(&ports, &limits, rendezvous).unwrap().0
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_is_answered_with_500_and_counted() {
    let gateway = gateway();
    let breaking = get(|| async {
        if true {
            panic!("a test wants it")
        }
    });
    let routes = Router::new().route("/breaks", breaking);
    let router = on_every_request(routes, gateway.context.clone());
    let response = router.oneshot(request("GET", "/breaks", "", "")).await;
    let response = response.unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    let expected = (StatusCode::INTERNAL_SERVER_ERROR, "internal-error".into());
    assert_eq!(problem(response).await, expected);

    let counted = "sightline_problems_total{type=\"internal-error\"} 1\n";
    let metrics = gateway.context.app.metrics.text().unwrap();
    assert!(metrics.contains(counted), "{metrics}");
    // It goes on.
    let (status, _) = gateway.problem(offer("/whep/garage")).await;
    assert_eq!(status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_gateway_whose_relay_is_not_all_at_work_is_not_ready() {
    let gateway = gateway_with_relay(relay);
    let ready = gateway.send(request("GET", "/readyz", "", "")).await;
    assert_eq!(ready.status(), StatusCode::OK);

    let relay = gateway.context.app.relay.as_ref().unwrap();
    relay.close();
    relay.closed().await;
    let ready = gateway.send(request("GET", "/readyz", "", "")).await;
    assert_eq!(ready.headers()["retry-after"], "2");
    let expected = (StatusCode::SERVICE_UNAVAILABLE, "relay-broken".into());
    assert_eq!(problem(ready).await, expected);
    let alive = gateway.send(request("GET", "/healthz", "", "")).await;
    assert_eq!(alive.status(), StatusCode::OK);
}
