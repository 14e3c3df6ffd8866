//! What clients write beside the book, and what is harmless.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_slash_at_the_end_of_an_address_is_taken() {
    let gateway = gateway();
    let camera = gateway.hold(offer("/whip/garage/")).await;
    let counter = gateway.send(offer("/whep/garage/")).await;
    assert_eq!(counter.status(), StatusCode::NOT_ACCEPTABLE);
    let viewer = location(&counter);
    assert!(viewer.starts_with("/whep/garage/") && !viewer.contains("//"));

    let events = request("POST", &format!("{viewer}/events/"), "", "");
    let events = location(&gateway.send(events).await);
    assert!(events.starts_with(&format!("{viewer}/events/")) && !events.contains("//"));

    let answer = request("PATCH", &format!("{viewer}/"), SDP, sdp("recvonly"));
    assert_eq!(gateway.send(answer).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(camera.await.unwrap().status(), StatusCode::CREATED);
    let gone = request("DELETE", &format!("{viewer}/"), "", "");
    assert_eq!(gateway.send(gone).await.status(), StatusCode::OK);

    let options = gateway.send(request("OPTIONS", "/whep/r/", "", "")).await;
    assert_eq!(options.headers()["accept-post"], SDP);
    assert!(options.headers().contains_key("link"));
    let (status, _) = gateway.problem(offer("/whip//")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test(start_paused = true)]
async fn a_body_of_no_type_is_taken_for_what_it_can_be() {
    let gateway = gateway();
    let bare = |method, path: &str, body: String| {
        let mut request = request(method, path, SDP, body);
        request.headers_mut().remove("content-type");
        request
    };
    let camera = gateway
        .hold(bare("POST", "/whip/garage", sdp("sendonly")))
        .await;
    let counter = gateway
        .send(bare("POST", "/whep/garage", sdp("recvonly")))
        .await;
    assert_eq!(counter.status(), StatusCode::NOT_ACCEPTABLE);
    let viewer = location(&counter);
    let candidate = "a=candidate:1 1 UDP 5 192.0.2.1 4000 typ host\r\n".to_owned();
    for body in [candidate, sdp("recvonly")] {
        let patched = gateway.send(bare("PATCH", &viewer, body)).await;
        assert_eq!(patched.status(), StatusCode::NO_CONTENT);
    }
    let created = camera.await.unwrap().into_body().collect().await.unwrap();
    let answer = String::from_utf8(created.to_bytes().into()).unwrap();
    assert!(answer.contains("192.0.2.1 4000"), "{answer}");

    let nothing = bare("POST", "/whip/garage", String::new());
    let refused = (StatusCode::BAD_REQUEST, "bad-sdp".to_owned());
    assert_eq!(gateway.problem(nothing).await, refused);
}

#[tokio::test(start_paused = true)]
async fn candidates_that_cannot_be_read_are_left_out_and_the_others_reach_the_camera() {
    let gateway = gateway();
    let camera = gateway.hold(offer("/whip/garage")).await;
    let viewer = location(&gateway.send(offer("/whep/garage")).await);
    let fragment = "a=ice-ufrag:abcd\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa\r\n\
         m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n\
         a=candidate:candidate:2528530955 1 udp 2130706431 192.0.2.7 46154 typ host\r\n\
         a=candidate:1581329085 0 udp 2122265343 [fd00::2] 45457 typ host\r\n\
         a=candidate:1 1 udp 2122265343 not!an!address 45457 typ host\r\n\
         a=candidate:and then nothing\r\n";
    let unreadable = "a=candidate:and then nothing\r\n";
    for body in [fragment, unreadable] {
        let patch = request("PATCH", &viewer, "application/trickle-ice-sdpfrag", body);
        assert_eq!(gateway.send(patch).await.status(), StatusCode::NO_CONTENT);
    }
    let answer = request("PATCH", &viewer, SDP, sdp("recvonly"));
    assert_eq!(gateway.send(answer).await.status(), StatusCode::NO_CONTENT);
    let created = camera.await.unwrap().into_body().collect().await.unwrap();
    let answer = String::from_utf8(created.to_bytes().into()).unwrap();
    let candidates = answer
        .lines()
        .filter(|line| line.starts_with("a=candidate"));
    assert_eq!(
        candidates.collect::<Vec<_>>(),
        [
            "a=candidate:2528530955 1 udp 2130706431 192.0.2.7 46154 typ host",
            "a=candidate:1581329085 1 udp 2122265343 fd00::2 45457 typ host",
        ]
    );
}

/// RFC 9110 section 5.6.6: `parameters = *( OWS ";" OWS [ parameter ] )`.
#[tokio::test(start_paused = true)]
async fn blanks_around_the_semicolons_of_a_type_are_taken() {
    let gateway = gateway();
    let spaced = |method, path: &str, body: String| {
        request(method, path, "application/sdp ; charset=utf-8 ;", body)
    };
    let camera = gateway
        .hold(spaced("POST", "/whip/garage", sdp("sendonly")))
        .await;
    let counter = gateway
        .send(spaced("POST", "/whep/garage", sdp("recvonly")))
        .await;
    assert_eq!(counter.status(), StatusCode::NOT_ACCEPTABLE);
    let answer = spaced("PATCH", &location(&counter), sdp("recvonly"));
    assert_eq!(gateway.send(answer).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(camera.await.unwrap().status(), StatusCode::CREATED);
}
