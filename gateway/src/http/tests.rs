//! The router from request to response, with time advanced instead of slept.

mod admin;
mod bad_input;
mod fairness;
mod faults;
mod headers;
mod lenient;
mod shared_events;
mod shares;
mod too_often;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use http_body_util::BodyExt;
use sightline_spec::media_type::SDP;
use sightline_spec::problem::Problem;
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance};
use tower::ServiceExt;

use super::*;
use crate::testing::stage::{self, Gateway, SECOND, gateway_with, request};
use crate::throttle::Rates;

fn gateway() -> Gateway {
    gateway_with(Rates::default())
}

fn sdp(direction: &str) -> String {
    stage::sdp(direction, "abcd")
}

fn offer(path: &str) -> Request {
    let direction = match path.starts_with("/whip") {
        true => "sendonly",
        false => "recvonly",
    };
    request("POST", path, SDP, sdp(direction))
}

impl Gateway {
    async fn send(&self, request: Request) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// Sends a request that will be held, and lets it reach its room.
    async fn hold(&self, request: Request) -> JoinHandle<Response<Body>> {
        let before = self.rendezvous.leftovers().1;
        let router = self.router.clone();
        let held = tokio::spawn(async move { router.oneshot(request).await.unwrap() });
        while self.rendezvous.leftovers().1 == before && !held.is_finished() {
            tokio::task::yield_now().await;
        }
        held
    }

    async fn problem(&self, request: Request) -> (StatusCode, String) {
        problem(self.send(request).await).await
    }
}

async fn problem(response: Response<Body>) -> (StatusCode, String) {
    let status = response.status();
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let problem: Problem = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem.status, status.as_u16());
    (status, problem.slug().to_owned())
}

fn location(response: &Response<Body>) -> String {
    response.headers()["location"].to_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn an_offer_that_nobody_takes_ends_with_503_after_its_wait() {
    let gateway = gateway();
    let start = Instant::now();
    let mut camera = offer("/whip/garage");
    camera
        .headers_mut()
        .insert("prefer", HeaderValue::from_static("direct, wait=7"));
    let response = gateway.send(camera).await;
    assert_eq!(start.elapsed().as_secs(), 7);
    assert_eq!(response.headers()["retry-after"], "0");
    assert_eq!(
        problem(response).await,
        (StatusCode::SERVICE_UNAVAILABLE, "nobody-came".into())
    );
    assert_eq!(gateway.rendezvous.leftovers(), (0, 0, 0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_viewer_without_a_camera_gets_409_after_its_wait() {
    let gateway = gateway();
    let response = gateway.send(offer("/whep/garage")).await;
    assert_eq!(response.headers()["retry-after"], "2");
    assert_eq!(
        problem(response).await,
        (StatusCode::CONFLICT, "no-camera".into())
    );
    assert_eq!(gateway.rendezvous.leftovers(), (0, 0, 0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_capped() {
    let gateway = gateway();
    let mut viewer = offer("/whep/garage");
    viewer
        .headers_mut()
        .insert("prefer", HeaderValue::from_static("wait=99999"));
    let start = Instant::now();
    gateway.send(viewer).await;
    assert_eq!(start.elapsed().as_secs(), 300);
}

#[tokio::test(start_paused = true)]
async fn a_camera_whose_connection_is_gone_is_never_paired() {
    let gateway = gateway();
    let camera = gateway.hold(offer("/whip/garage")).await;
    camera.abort();
    assert!(camera.await.unwrap_err().is_cancelled());
    assert_eq!(gateway.rendezvous.leftovers(), (0, 0, 0, 0, 0));
    let (status, _) = gateway.problem(offer("/whep/garage")).await;
    assert_eq!(status, StatusCode::CONFLICT);
}

#[tokio::test(start_paused = true)]
async fn a_whole_exchange_from_offer_to_delete() {
    let gateway = gateway();
    let camera = gateway.hold(offer("/whip/garage")).await;
    let counter = gateway.send(offer("/whep/garage")).await;
    assert_eq!(counter.status(), StatusCode::NOT_ACCEPTABLE);
    let content_type = counter.headers()["content-type"].to_str().unwrap();
    assert!(
        content_type.starts_with("application/sdp; valid-until="),
        "{content_type}"
    );
    // An ICE server, and two kinds of events.
    assert_eq!(counter.headers().get_all("link").iter().count(), 3);
    let viewer = location(&counter);
    assert!(viewer.starts_with("/whep/garage/"));
    let body = counter.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, sdp("sendonly"));

    let answer = || request("PATCH", &viewer, SDP, sdp("recvonly"));
    assert_eq!(
        gateway.send(answer()).await.status(),
        StatusCode::NO_CONTENT
    );
    let created = camera.await.unwrap();
    assert_eq!(created.status(), StatusCode::CREATED);
    assert!(created.headers().contains_key("etag"));
    let camera = location(&created);
    let again = gateway.problem(answer()).await;
    assert_eq!(again, (StatusCode::CONFLICT, "already-answered".into()));

    for session in [&viewer, &camera] {
        let deleted = gateway.send(request("DELETE", session, "", "")).await;
        assert_eq!(deleted.status(), StatusCode::OK);
    }
    let (status, _) = gateway.problem(request("DELETE", &viewer, "", "")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(gateway.rendezvous.leftovers(), (0, 0, 0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_gone_and_the_camera_is_sent_for_a_fresh_offer() {
    let gateway = gateway();
    let camera = gateway.hold(offer("/whip/garage")).await;
    let counter = gateway.send(offer("/whep/garage")).await;
    advance(16 * SECOND).await;
    let response = camera.await.unwrap();
    assert_eq!(response.headers()["retry-after"], "0");
    assert_eq!(problem(response).await.1, "offer-spent");
    let late = request("PATCH", &location(&counter), SDP, sdp("recvonly"));
    assert_eq!(
        gateway.problem(late).await,
        (StatusCode::GONE, "offer-expired".into())
    );
    advance(60 * SECOND).await;
    tokio::task::yield_now().await;
    assert_eq!(gateway.rendezvous.leftovers(), (0, 0, 0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_event_stream_tells_and_its_end_is_told() {
    let gateway = gateway();
    let camera = gateway.hold(offer("/whip/garage")).await;
    let counter = gateway.send(offer("/whep/garage")).await;
    let viewer = location(&counter);
    let answer = request("PATCH", &viewer, SDP, sdp("recvonly"));
    gateway.send(answer).await;
    let camera = location(&camera.await.unwrap());

    let events = format!("{camera}/events");
    let created = gateway
        .send(request("POST", &events, "application/json", r#"["leave"]"#))
        .await;
    assert_eq!(created.status(), StatusCode::CREATED);
    let camera_stream = location(&created);
    let mut stream = gateway
        .send(request("GET", &camera_stream, "", ""))
        .await
        .into_body();

    let events = format!("{viewer}/events");
    let created = gateway.send(request("POST", &events, "", "")).await;
    let viewer_stream = gateway
        .send(request("GET", &location(&created), "", ""))
        .await;
    drop(viewer_stream);
    let mut text = String::new();
    while !text.contains("leave") {
        let frame = stream.frame().await.unwrap().unwrap().into_data().unwrap();
        text.push_str(std::str::from_utf8(&frame).unwrap());
    }
    assert!(text.starts_with("retry: 500\n"), "{text}");
    assert!(
        text.contains("event: leave\n") && text.contains("data: {}\n"),
        "{text}"
    );
    assert!(stream.frame().await.is_none());

    // "A client can be told to stop reconnecting using the HTTP 204 No Content response code"
    // (HTML, section 9.2.1); one that has missed the end gets it first.
    let mut again = request("GET", &camera_stream, "", "");
    let missed = gateway.send(request("GET", &camera_stream, "", "")).await;
    assert_eq!(missed.status(), StatusCode::OK);
    let missed = missed.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&missed).contains("event: leave\n"));
    let seen = HeaderValue::from_static("1000");
    again.headers_mut().insert("last-event-id", seen);
    let again = gateway.send(again).await;
    assert_eq!(again.status(), StatusCode::NO_CONTENT);
}

#[tokio::test(start_paused = true)]
async fn too_many_in_a_room_or_in_all_are_told_so() {
    let gateway = gateway();
    let mut held = Vec::new();
    for path in ["/whip/a", "/whip/b", "/whip/c", "/whip/d"] {
        held.push(gateway.hold(offer(path)).await);
        held.push(gateway.hold(offer(path)).await);
    }
    let many = (StatusCode::TOO_MANY_REQUESTS, "too-many-waiting".to_owned());
    assert_eq!(gateway.problem(offer("/whip/a")).await, many);
    assert_eq!(gateway.problem(offer("/whip/e")).await, many);
    held.iter().for_each(JoinHandle::abort);
    for camera in held {
        camera.await.unwrap_err();
    }
    assert_eq!(gateway.rendezvous.leftovers(), (0, 0, 0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn shutting_down_ends_what_is_held_and_admits_no_more() {
    let gateway = gateway();
    let camera = gateway.hold(offer("/whip/garage")).await;
    gateway.rendezvous.close();
    let response = camera.await.unwrap();
    assert!(response.headers().contains_key("retry-after"));
    let shutting_down = (StatusCode::SERVICE_UNAVAILABLE, "shutting-down".to_owned());
    assert_eq!(problem(response).await, shutting_down);
    assert_eq!(gateway.problem(offer("/whip/garage")).await, shutting_down);
}

#[tokio::test(start_paused = true)]
async fn a_session_has_one_address() {
    let gateway = gateway();
    let camera = gateway.hold(offer("/whip/garage")).await;
    let counter = gateway.send(offer("/whep/garage")).await;
    let elsewhere = location(&counter).replace("/whep/", "/whip/");
    let (status, _) = gateway.problem(request("DELETE", &elsewhere, "", "")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    camera.abort();
}

#[tokio::test(start_paused = true)]
async fn options_says_what_can_be_posted_and_names_only_ice_servers() {
    let gateway = gateway();
    let plain = request("OPTIONS", "/whep/r", "", "");
    let mut preflight = request("OPTIONS", "/whep/r", "", "");
    let method = HeaderValue::from_static("POST");
    preflight
        .headers_mut()
        .insert("access-control-request-method", method);
    for options in [plain, preflight] {
        let response = gateway.send(options).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["accept-post"], SDP);
        let links: Vec<_> = response.headers().get_all("link").iter().collect();
        assert_eq!(links, ["<stun:a>; rel=\"ice-server\""]);
    }
}

#[tokio::test(start_paused = true)]
async fn any_site_may_use_the_player() {
    let gateway = gateway();
    let element = "/player/1/whep-player.js";
    let response = gateway.send(request("GET", element, "", "")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    assert_eq!(response.headers()["cache-control"], "no-cache");
    let etag = response.headers()["etag"].clone();
    let mut again = request("GET", element, "", "");
    again.headers_mut().insert("if-none-match", etag);
    assert_eq!(gateway.send(again).await.status(), StatusCode::NOT_MODIFIED);
    let moved = gateway
        .send(request("GET", "/player/whep-player.js", "", ""))
        .await;
    assert_eq!(moved.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(moved.headers()["location"], element);
    for hidden in [
        "/player/package.json",
        "/player/test/session/link.test.js",
        "/player/../Cargo.toml",
        "/player/1/../../package.json",
        "/player/1/other.js",
        "/player/assets/other-AAAAAAAA.js",
    ] {
        let (status, _) = gateway.problem(request("GET", hidden, "", "")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{hidden}");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_may_load_and_ask_for_no_more_than_they_need() {
    let gateway = gateway();
    for (path, denied, frames) in [
        ("/", Some("microphone=()"), "'none'"),
        ("/watch", Some("microphone=()"), "'none'"),
        ("/wall", Some("camera=()"), "'none'"),
        ("/watch/garage", Some("camera=()"), "'none'"),
        ("/publish", Some("geolocation=()"), "'none'"),
        ("/embed/garage", Some("camera=()"), "*"),
        ("/player/watch/watch.js", None, "'none'"),
    ] {
        let response = gateway.send(request("GET", path, "", "")).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let headers = response.headers();
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        let framed_by = policy.split_once("frame-ancestors ").map(|(_, by)| by);
        assert_eq!(framed_by, Some(frames), "{path}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(headers["cache-control"], "no-cache", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        let permissions = headers.get("permissions-policy");
        let begins = permissions.map(|p| p.to_str().unwrap().split(',').next().unwrap());
        assert_eq!(begins, denied, "{path}");
    }
    let nothing = gateway.problem(request("GET", "/embed", "", "")).await;
    assert_eq!(nothing.0, StatusCode::NOT_FOUND);
}

/// A worker that came from elsewhere, or was kept, could not serve the pages, or not as they are now.
#[tokio::test(start_paused = true)]
async fn the_service_worker_may_serve_every_page_and_is_asked_for_again() {
    let gateway = gateway();
    let response = gateway
        .send(request("GET", "/service-worker.js", "", ""))
        .await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/javascript");
    assert_eq!(response.headers()["cache-control"], "no-cache");
    let manifest = request("GET", "/player/app/sightline.webmanifest", "", "");
    let manifest = gateway.send(manifest).await;
    let media_type = &manifest.headers()["content-type"];
    assert_eq!(media_type, "application/manifest+json");
}

#[tokio::test(start_paused = true)]
async fn who_asks_whether_there_is_a_camera_takes_nothing_from_it() {
    let gateway = gateway();
    let says = async |bearer: &str| {
        let mut head = request("HEAD", "/whep/garage", "", "");
        let bearer = HeaderValue::from_str(bearer).unwrap();
        head.headers_mut().insert("authorization", bearer);
        let response = gateway.send(head).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["cache-control"], "no-store");
        response.headers()["sightline-camera"].clone()
    };
    assert_eq!(says("").await, "absent");
    let camera = gateway.hold(offer("/whip/garage")).await;
    let before = gateway.rendezvous.leftovers();
    for _ in 0..3 {
        assert_eq!(says("").await, "present");
    }
    assert_eq!(gateway.rendezvous.leftovers(), before);
    assert!(!camera.is_finished());
    camera.abort();
    assert!(camera.await.unwrap_err().is_cancelled());
    assert_eq!(says("Bearer undefined").await, "absent");
}

#[tokio::test(start_paused = true)]
async fn endpoints_have_no_representation() {
    let gateway = gateway();
    for method in ["GET", "HEAD"] {
        let response = gateway.send(request(method, "/whip/r", "", "")).await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        let response = gateway.send(request(method, "/whep/r", "", "")).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], SDP);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(body.is_empty());
    }
}
