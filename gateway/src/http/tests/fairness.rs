//! Whoever takes offers and answers none delays others by two seconds at most.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::*;
use crate::testing::stage::{bounds, relaying_gateway_within};

const CAMERA: &str = include_str!("../../../../spec/http/sdp/camera-offer.sdp");
const VIEWER: &str = include_str!("../../../../spec/http/sdp/viewer-offer.sdp");
const ANSWER: &str = include_str!("../../../../spec/http/sdp/viewer-answer.sdp");

/// Requests that a stranger has open.
const OPEN: u8 = 8;

async fn post(
    router: &Router,
    path: &str,
    offer: &'static str,
    from: [u8; 4],
    prefer: &'static str,
) -> Response<Body> {
    let mut request = request("POST", path, SDP, offer);
    let peer = SocketAddr::from((from, 1));
    request.extensions_mut().insert(ConnectInfo(peer));
    if !prefer.is_empty() {
        let prefer = HeaderValue::from_static(prefer);
        request.headers_mut().insert("prefer", prefer);
    }
    router.clone().oneshot(request).await.unwrap()
}

/// One of the offers of a camera that serves three viewers itself, and makes one more for the relay.
async fn offers_again_and_again(router: Router) {
    loop {
        let prefer = "direct=3, wait=30";
        post(&router, "/whip/garage", CAMERA, [203, 0, 113, 1], prefer).await;
        // It makes another branch and looks for its addresses.
        sleep(Duration::from_millis(200)).await;
    }
}

/// Has all that it can and answers nothing.
async fn takes_and_does_not_answer(router: Router, from: [u8; 4]) {
    loop {
        let prefer = "direct, handling=strict, wait=300";
        let taken = post(&router, "/whep/garage", VIEWER, from, prefer).await;
        if taken.status() != StatusCode::NOT_ACCEPTABLE {
            sleep(SECOND).await;
        }
    }
}

/// How long a viewer waits for what it can play.
async fn watches(router: &Router, number: u8) -> Duration {
    let came = Instant::now();
    let prefer = if number.is_multiple_of(2) {
        "direct"
    } else {
        ""
    };
    let response = post(router, "/whep/garage", VIEWER, [192, 0, 2, number], prefer).await;
    let session = match response.status() {
        StatusCode::NOT_ACCEPTABLE => {
            let session = location(&response);
            let answer = request("PATCH", &session, SDP, ANSWER);
            let answered = router.clone().oneshot(answer).await.unwrap();
            assert_eq!(answered.status(), StatusCode::NO_CONTENT);
            session
        }
        StatusCode::CREATED => location(&response),
        _ => panic!("viewer {number}: {:?}", problem(response).await),
    };
    let waited = came.elapsed();
    sleep(SECOND).await;
    let left = request("DELETE", &session, "", "");
    router.clone().oneshot(left).await.unwrap();
    waited
}

#[tokio::test(start_paused = true)]
async fn with_one_stranger_and_with_twenty_every_other_viewer_is_served_in_two_seconds() {
    // The camera may have no offer left but the one that a stranger has taken.
    for (strangers, offers) in [(1, 4), (20, 4), (1, 1), (20, 1)] {
        let mut bounds = bounds();
        bounds.room.waiting = 64;
        bounds.room.answer_within = 5 * SECOND;
        (bounds.waiting, bounds.sessions, bounds.memory) = (20_000, 20_000, 128 << 20);
        let gateway = relaying_gateway_within(bounds);
        let mut parties = JoinSet::new();
        for _ in 0..offers {
            parties.spawn(offers_again_and_again(gateway.router.clone()));
        }
        for number in 0..strangers * OPEN {
            let from = [198, 51, 100, number % strangers];
            parties.spawn(takes_and_does_not_answer(gateway.router.clone(), from));
        }
        sleep(SECOND).await;
        let mut longest = Duration::ZERO;
        for viewer in 0..6 {
            longest = longest.max(watches(&gateway.router, viewer).await);
            // Nobody is at the relay then, and the strangers have had the camera's offers again.
            sleep(Duration::from_millis(6730)).await;
        }
        let what = format!("{strangers} strangers, {offers} offers: {longest:?} at most");
        println!("{what}");
        assert!(longest <= 2 * SECOND, "{what}");
    }
}
