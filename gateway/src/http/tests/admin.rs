//! The administrator's interface.

use serde_json::Value;

use super::*;
use crate::secret::Secret;

const TOKEN: &str = "0123456789abcdef";

impl Gateway {
    async fn admin(&self, method: &str, path: &str, bearer: Option<&str>) -> Response<Body> {
        let token: Secret = TOKEN.parse().unwrap();
        let mut request = request(method, path, "", "");
        if let Some(bearer) = bearer {
            let value = format!("Bearer {bearer}").try_into().unwrap();
            request.headers_mut().insert("authorization", value);
        }
        let router = crate::http::admin::router(self.context.clone(), token);
        router.oneshot(request).await.unwrap()
    }

    async fn metrics(&self) -> String {
        let response = self.admin("GET", "/metrics", Some(TOKEN)).await;
        assert_eq!(response.status(), StatusCode::OK);
        text(response).await
    }

    async fn rooms(&self) -> Value {
        let response = self.admin("GET", "/api/v1/rooms", Some(TOKEN)).await;
        serde_json::from_str(&text(response).await).unwrap()
    }

    /// A camera and a viewer that watch each other: their sessions.
    async fn meet(&self) -> (String, String) {
        let camera = self.hold(offer("/whip/garage")).await;
        let viewer = location(&self.send(offer("/whep/garage")).await);
        let answer = request("PATCH", &viewer, SDP, sdp("recvonly"));
        assert_eq!(self.send(answer).await.status(), StatusCode::NO_CONTENT);
        (location(&camera.await.unwrap()), viewer)
    }
}

async fn text(response: Response<Body>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn only_the_token_opens_it_and_health_needs_none() {
    let gateway = gateway();
    let unauthorized = (StatusCode::UNAUTHORIZED, "unauthorized".to_owned());
    for (method, path) in [
        ("GET", "/api/v1/rooms"),
        ("GET", "/metrics"),
        ("DELETE", "/api/v1/sessions/0"),
    ] {
        for bearer in [None, Some("0123456789abcdeF"), Some("")] {
            let response = gateway.admin(method, path, bearer).await;
            assert_eq!(
                response.headers()["www-authenticate"],
                "Bearer realm=\"sightline\""
            );
            assert_eq!(problem(response).await, unauthorized, "{method} {path}");
        }
    }
    for path in ["/healthz", "/readyz"] {
        let asked = gateway.admin("GET", path, None).await;
        assert_eq!(asked.status(), StatusCode::OK);
        let asked = gateway.send(request("GET", path, "", "")).await;
        assert_eq!(asked.status(), StatusCode::OK);
    }
    // None of it is at the public port.
    for path in ["/metrics", "/api/v1/rooms"] {
        let (status, _) = gateway.problem(request("GET", path, "", "")).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_shuts_down_is_alive_but_not_ready() {
    let gateway = gateway();
    gateway.rendezvous.close();
    let ready = gateway.problem(request("GET", "/readyz", "", "")).await;
    assert_eq!(
        ready,
        (StatusCode::SERVICE_UNAVAILABLE, "shutting-down".into())
    );
    let alive = gateway.send(request("GET", "/healthz", "", "")).await;
    assert_eq!(alive.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn rooms_are_listed_and_their_handles_grant_nothing_in_public() {
    let gateway = gateway();
    let waiting = gateway.hold(offer("/whip/yard")).await;
    let (camera, viewer) = gateway.meet().await;

    let listed = gateway.rooms().await;
    let names: Vec<_> = listed["rooms"].as_array().unwrap().iter().collect();
    assert_eq!([&names[0]["room"], &names[1]["room"]], ["garage", "yard"]);
    assert_eq!(names[1]["waiting"]["cameras"], 1);
    assert_eq!(names[1]["published"], true);
    let sessions = names[0]["sessions"].as_array().unwrap();
    let paths: Vec<_> = sessions.iter().map(|session| &session["path"]).collect();
    assert_eq!(paths, ["direct", "direct"]);
    let text = listed.to_string();
    for session in [&camera, &viewer] {
        let id = session.rsplit('/').next().unwrap();
        assert!(!text.contains(id), "{text}");
    }

    let of_viewer = sessions.iter().find(|s| s["side"] == "viewer").unwrap();
    let handle = of_viewer["handle"].as_str().unwrap();
    let guessed = request("DELETE", &format!("/whep/garage/{handle}"), "", "");
    let (status, _) = gateway.problem(guessed).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    waiting.abort();
}

#[tokio::test(start_paused = true)]
async fn an_administrator_ends_a_session_and_the_other_side_hears_of_it() {
    let gateway = gateway();
    let (camera, viewer) = gateway.meet().await;
    let events = request(
        "POST",
        &format!("{camera}/events"),
        "application/json",
        r#"["leave"]"#,
    );
    let stream = location(&gateway.send(events).await);
    let stream = gateway.send(request("GET", &stream, "", "")).await;

    let listed = gateway.rooms().await;
    let sessions = listed["rooms"][0]["sessions"].as_array().unwrap();
    let of_viewer = sessions.iter().find(|s| s["side"] == "viewer").unwrap();
    let path = format!("/api/v1/sessions/{}", of_viewer["handle"].as_str().unwrap());
    let ended = gateway.admin("DELETE", &path, Some(TOKEN)).await;
    assert_eq!(ended.status(), StatusCode::OK);
    let again = gateway.admin("DELETE", &path, Some(TOKEN)).await;
    let unknown = (StatusCode::NOT_FOUND, "unknown-session".to_owned());
    assert_eq!(problem(again).await, unknown);
    // The stream has ended as well, or this would wait for ever.
    assert!(text(stream).await.contains("event: leave\n"));
    let late = request("PATCH", &viewer, SDP, sdp("recvonly"));
    assert_eq!(gateway.send(late).await.status(), StatusCode::GONE);
}

#[tokio::test(start_paused = true)]
async fn metrics_tell_what_happened_and_name_no_room() {
    let gateway = gateway();
    let refused = request("POST", "/whip/garage", "text/plain", "");
    gateway.problem(refused).await;
    let waiting = gateway.hold(offer("/whip/yard")).await;
    gateway.meet().await;
    advance(10 * SECOND).await;

    let text = gateway.metrics().await;
    for line in [
        "sightline_rooms 2",
        "sightline_waiting{side=\"camera\"} 1",
        "sightline_waiting{side=\"viewer\"} 0",
        "sightline_sessions{path=\"direct\",side=\"viewer\"} 1",
        "sightline_sessions{path=\"relay\",side=\"viewer\"} 0",
        "sightline_pairing_seconds_count{path=\"direct\"} 1",
        "sightline_problems_total{type=\"wrong-media-type\"} 1",
        "sightline_direct_viewer_seconds_total 10.0",
        // At the 8000 bit/s that this gateway assumes.
        "sightline_direct_saved_bytes_total 10000.0",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} in {text}");
    }
    assert!(!text.contains("garage") && !text.contains("yard"), "{text}");
    assert!(text.ends_with("# EOF\n"));
    waiting.abort();
}
