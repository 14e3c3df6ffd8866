//! What is wrong gets a clear problem, and nothing of it is left.

use std::convert::Infallible;

use axum::body::Bytes;
use futures_util::stream;
use tokio::time::interval;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_is_cut_off_in_time() {
    let gateway = gateway();
    let bytes = stream::unfold(interval(SECOND), |mut clock| async {
        clock.tick().await;
        Some((Ok::<_, Infallible>(Bytes::from_static(b"v")), clock))
    });
    let drip = Body::from_stream(bytes);
    let start = Instant::now();
    let slow = request("POST", "/whip/garage", SDP, drip);
    let answer = gateway.problem(slow).await;
    assert_eq!(
        answer,
        (StatusCode::REQUEST_TIMEOUT, "body-too-slow".into())
    );
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_cut_off_is_told_so() {
    let gateway = gateway();
    let start = Ok(Bytes::from_static(b"v=0\r\n"));
    let lost = Err(std::io::Error::other("the connection is gone"));
    let body = Body::from_stream(stream::iter([start, lost]));
    let answer = gateway
        .problem(request("POST", "/whip/garage", SDP, body))
        .await;
    assert_eq!(answer, (StatusCode::BAD_REQUEST, "body-cut-off".into()));
}

#[tokio::test(start_paused = true)]
async fn bad_input_gets_a_problem_and_leaves_nothing() {
    let gateway = gateway();
    let camera = gateway.hold(offer("/whip/garage")).await;
    let session = location(&gateway.send(offer("/whep/garage")).await);
    let unknown = format!("/whep/garage/{}", "0".repeat(32));
    let long = format!("{}{}", sdp("sendonly"), "a=x\r\n".repeat(2000));
    let cut = &sdp("sendonly")[..100];
    let binary = vec![0xff, 0xfe, 0x00];
    let room = format!("/whip/{}", "x".repeat(65));
    let key = format!("/whip/{}", "ab".repeat(32));
    let cases: Vec<(Request, u16, &str)> = vec![
        (
            request("POST", "/whip/r", "text/plain", sdp("sendonly")),
            415,
            "wrong-media-type",
        ),
        (request("POST", "/whip/r", SDP, ""), 400, "bad-sdp"),
        (
            request("POST", "/whip/r", SDP, cut.to_owned()),
            400,
            "bad-sdp",
        ),
        (request("POST", "/whip/r", SDP, binary), 400, "bad-sdp"),
        (
            request("POST", "/whip/r", SDP, sdp("recvonly")),
            400,
            "bad-sdp",
        ),
        (
            request("POST", "/whip/r", SDP, sdp("inactive")),
            400,
            "bad-sdp",
        ),
        (
            request("POST", "/whep/r", SDP, sdp("sendonly")),
            400,
            "bad-sdp",
        ),
        (
            request("POST", "/whep/r", SDP, sdp("inactive")),
            400,
            "bad-sdp",
        ),
        (request("POST", "/whip/r", SDP, long), 413, "body-too-long"),
        (offer(&room), 400, "bad-room"),
        (offer("/whip/a%20b"), 400, "bad-room"),
        (offer("/whip/%ff"), 404, "not-found"),
        (offer(&key), 401, "unauthorized"),
        (
            request("PATCH", &unknown, SDP, sdp("recvonly")),
            404,
            "unknown-session",
        ),
        (
            request("PATCH", &session, SDP, sdp("sendonly")),
            400,
            "bad-sdp",
        ),
        (
            request("PATCH", &session, "application/json", "{}"),
            415,
            "wrong-media-type",
        ),
        (
            request("PATCH", &session, "application/trickle-ice-sdpfrag", "{}"),
            400,
            "bad-sdpfrag",
        ),
        (request("DELETE", &unknown, "", ""), 404, "unknown-session"),
        (
            request("DELETE", "/whep/garage/short", "", ""),
            404,
            "unknown-session",
        ),
        (request("PUT", "/whip/r", SDP, ""), 405, "wrong-method"),
        (request("POST", &session, SDP, ""), 405, "wrong-method"),
        (request("GET", "/nowhere", "", ""), 404, "not-found"),
        (
            request(
                "POST",
                &format!("{session}/events"),
                "application/json",
                "{}",
            ),
            400,
            "bad-events",
        ),
        (
            request("POST", &format!("{unknown}/events"), "", ""),
            404,
            "unknown-session",
        ),
    ];
    for (request, status, slug) in cases {
        let what = format!("{} {}", request.method(), request.uri());
        let expected = (StatusCode::from_u16(status).unwrap(), slug.to_owned());
        assert_eq!(gateway.problem(request).await, expected, "{what}");
    }
    camera.abort();
    assert!(camera.await.is_err());
    advance(31 * SECOND).await;
    tokio::task::yield_now().await;
    assert_eq!(gateway.rendezvous.leftovers(), (0, 0, 0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_method_is_told_the_right_ones() {
    let gateway = gateway();
    let response = gateway.send(request("PUT", "/whip/r", SDP, "")).await;
    assert_eq!(response.headers()["allow"], "POST,GET,HEAD,OPTIONS");
}
