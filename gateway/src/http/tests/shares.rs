//! What one address can have of what all share, and for how long.

use std::net::SocketAddr;

use axum::extract::ConnectInfo;

use super::*;
use crate::testing::stage::{MEMORY, SESSIONS};

/// A camera's offer of so many bytes.
fn offer_from(address: &str, path: &str, length: usize) -> Request {
    let mut offer = sdp("sendonly");
    while offer.len() < length {
        offer.push_str("a=x-filler:0123456789012345678901234567890\r\n");
    }
    let mut request = request("POST", path, SDP, offer);
    let peer: SocketAddr = format!("{address}:1").parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

#[tokio::test(start_paused = true)]
async fn an_address_has_no_more_sessions_than_are_left_for_others() {
    let gateway = gateway();
    let mut held = Vec::new();
    for number in 0..SESSIONS / 2 {
        let request = offer_from("192.0.2.1", &format!("/whip/{number}"), 0);
        held.push(gateway.hold(request).await);
    }
    let full = (StatusCode::TOO_MANY_REQUESTS, "address-full".to_owned());
    let more = || offer_from("192.0.2.1", "/whip/more", 0);
    assert_eq!(gateway.problem(more()).await, full);
    let other = gateway
        .hold(offer_from("192.0.2.2", "/whip/other", 0))
        .await;
    assert!(!other.is_finished());
    held.iter().for_each(JoinHandle::abort);
    for held in held {
        assert!(held.await.unwrap_err().is_cancelled());
    }
    assert!(!gateway.hold(more()).await.is_finished());
}

#[tokio::test(start_paused = true)]
async fn offers_that_wait_are_counted_in_bytes() {
    let gateway = gateway();
    let large = MEMORY / 4;
    let _held = [
        gateway
            .hold(offer_from("192.0.2.1", "/whip/0", large))
            .await,
        gateway.hold(offer_from("192.0.2.1", "/whip/1", 1000)).await,
    ];
    let refused = gateway.send(offer_from("192.0.2.1", "/whip/2", 7000)).await;
    assert!(refused.headers().contains_key("retry-after"));
    let full = (StatusCode::TOO_MANY_REQUESTS, "address-full".to_owned());
    assert_eq!(problem(refused).await, full);
    let other = gateway
        .hold(offer_from("192.0.2.2", "/whip/2", large))
        .await;
    assert!(!other.is_finished());
    // A room has no more than is left either, wherever it comes from.
    let full = (StatusCode::TOO_MANY_REQUESTS, "too-many-waiting".to_owned());
    let same = gateway
        .problem(offer_from("192.0.2.3", "/whip/2", large))
        .await;
    assert_eq!(same, full);
    assert!(gateway.rendezvous.taken().1 <= MEMORY);
}

/// A camera and a viewer that have met, by their sessions.
async fn met(gateway: &Gateway) -> [String; 2] {
    let camera = gateway.hold(offer("/whip/garage")).await;
    let viewer = location(&gateway.send(offer("/whep/garage")).await);
    let answer = request("PATCH", &viewer, SDP, sdp("recvonly"));
    assert_eq!(gateway.send(answer).await.status(), StatusCode::NO_CONTENT);
    [location(&camera.await.unwrap()), viewer]
}

async fn exists(gateway: &Gateway, session: &str) -> bool {
    let response = gateway.send(request("GET", session, "", "")).await;
    response.status() == StatusCode::NO_CONTENT
}

#[tokio::test(start_paused = true)]
async fn a_meeting_that_nobody_shows_an_interest_in_ends_in_seconds() {
    let gateway = gateway();
    met(&gateway).await;
    tokio::time::sleep(31 * SECOND).await;
    assert_eq!(gateway.rendezvous.leftovers(), (0, 0, 0, 0, 0));
    assert_eq!(gateway.rendezvous.taken(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_asked_about_or_listened_to_goes_on() {
    let gateway = gateway();
    let [camera, viewer] = met(&gateway).await;
    for _ in 0..10 {
        tokio::time::sleep(29 * SECOND).await;
        assert!(exists(&gateway, &viewer).await);
    }
    let events = format!("{camera}/events");
    let made = request("POST", &events, "application/json", r#"["leave"]"#);
    let stream = location(&gateway.send(made).await);
    let _open = gateway.send(request("GET", &stream, "", "")).await;
    tokio::time::sleep(3600 * SECOND).await;
    assert!(exists(&gateway, &viewer).await);
}
