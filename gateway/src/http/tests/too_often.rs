//! Requests beyond the rates, RFC 6585 section 4.

use std::net::SocketAddr;
use std::num::NonZero;

use axum::extract::ConnectInfo;

use super::*;

fn rates(address: u32, room: u32) -> Rates {
    Rates {
        address: NonZero::new(address),
        room: NonZero::new(room),
        ..Rates::default()
    }
}

/// An offer that is not held.
fn offer_from(peer: &str, path: &str) -> Request {
    let mut request = offer(path);
    let peer: SocketAddr = peer.parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    let wait = HeaderValue::from_static("wait=0");
    request.headers_mut().insert("prefer", wait);
    request
}

#[tokio::test]
async fn an_address_that_posts_too_often_gets_429_wherever_it_posts() {
    let gateway = gateway_with(rates(2, 0));
    for path in ["/whip/garage", "/whep/yard"] {
        let (_, problem) = gateway.problem(offer_from("192.0.2.1:1", path)).await;
        assert_ne!(problem, "too-often");
    }
    let refused = gateway.send(offer_from("192.0.2.1:2", "/whep/pond")).await;
    let seconds = refused.headers()["retry-after"].to_str().unwrap();
    assert!((1..=31).contains(&seconds.parse().unwrap()), "{seconds}");
    let expected = (StatusCode::TOO_MANY_REQUESTS, "too-often".to_owned());
    assert_eq!(problem(refused).await, expected);
    let (_, problem) = gateway
        .problem(offer_from("192.0.2.2:1", "/whep/pond"))
        .await;
    assert_eq!(problem, "no-camera");
}

#[tokio::test]
async fn a_room_that_is_posted_to_too_often_gets_429_from_anywhere() {
    let gateway = gateway_with(rates(0, 1));
    let view = |peer| gateway.problem(offer_from(peer, "/whep/garage"));
    assert_eq!(view("192.0.2.1:1").await.1, "no-camera");
    assert_eq!(view("192.0.2.2:1").await.1, "too-often");
    // Its camera is not shut out by its viewers.
    let camera = gateway.problem(offer_from("192.0.2.3:1", "/whip/garage"));
    assert_eq!(camera.await.1, "nobody-came");
}

/// Whoever has no token for a room cannot spend what is its camera's.
#[tokio::test]
async fn strangers_do_not_spend_a_camera_s_budget() {
    let gateway = gateway_with(rates(0, 1));
    let path = format!("/whip/{}", "ab".repeat(32));
    for _ in 0..3 {
        let (status, _) = gateway.problem(offer_from("192.0.2.1:1", &path)).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn what_is_no_post_is_not_counted() {
    let gateway = gateway_with(rates(1, 1));
    for _ in 0..3 {
        let mut head = request("HEAD", "/whep/garage", SDP, "");
        let peer: SocketAddr = "192.0.2.1:1".parse().unwrap();
        head.extensions_mut().insert(ConnectInfo(peer));
        assert_eq!(gateway.send(head).await.status(), StatusCode::OK);
    }
}

/// HEAD tells whether there is a camera, and so has the rate of requests about sessions.
#[tokio::test]
async fn who_asks_too_often_whether_there_is_a_camera_gets_429() {
    let gateway = gateway_with(Rates {
        requests: NonZero::new(2),
        ..Rates::default()
    });
    let mut last = StatusCode::OK;
    for number in 0..3 {
        let head = from("192.0.2.1:1", request("HEAD", "/whep/garage", "", ""));
        last = gateway.send(head).await.status();
        assert_eq!(last == StatusCode::OK, number < 2);
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
}

fn from(peer: &str, mut request: Request) -> Request {
    let peer: SocketAddr = peer.parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

fn candidates(session: &str) -> Request {
    let fragment = "a=end-of-candidates\r\n";
    request(
        "PATCH",
        session,
        "application/trickle-ice-sdpfrag",
        fragment,
    )
}

async fn viewer_of(gateway: &Gateway, room: &str) -> String {
    let camera = gateway.hold(offer(&format!("/whip/{room}"))).await;
    let counter = gateway.send(offer(&format!("/whep/{room}"))).await;
    drop(camera);
    location(&counter)
}

#[tokio::test]
async fn a_session_that_is_patched_too_often_gets_429_from_anywhere_and_no_other_does() {
    let gateway = gateway_with(Rates {
        session: NonZero::new(2),
        ..Rates::default()
    });
    let (session, other) = (
        viewer_of(&gateway, "garage").await,
        viewer_of(&gateway, "garden").await,
    );
    for _ in 0..2 {
        let noted = gateway.send(candidates(&session)).await;
        assert_eq!(noted.status(), StatusCode::NO_CONTENT);
    }
    let refused = gateway
        .send(from("127.0.0.1:1", candidates(&session)))
        .await;
    let seconds = refused.headers()["retry-after"].to_str().unwrap();
    assert!((1..=31).contains(&seconds.parse().unwrap()), "{seconds}");
    assert_eq!(problem(refused).await.1, "too-often");
    let noted = gateway.send(candidates(&other)).await;
    assert_eq!(noted.status(), StatusCode::NO_CONTENT);
    let deleted = gateway.send(request("DELETE", &session, "", "")).await;
    assert_eq!(deleted.status(), StatusCode::OK, "it may go");
}

#[tokio::test]
async fn an_address_that_tries_sessions_too_often_gets_429() {
    let gateway = gateway_with(Rates {
        requests: NonZero::new(2),
        ..Rates::default()
    });
    let unknown = format!("/whep/garage/{}", "0".repeat(32));
    let mut problems = Vec::new();
    for _ in 0..3 {
        let deletes = request("DELETE", &unknown, "", "");
        problems.push(gateway.problem(from("192.0.2.1:1", deletes)).await.1);
    }
    assert_eq!(
        problems,
        ["unknown-session", "unknown-session", "too-often"]
    );
    let elsewhere = from("192.0.2.2:1", candidates(&unknown));
    assert_eq!(gateway.problem(elsewhere).await.1, "unknown-session");
}
