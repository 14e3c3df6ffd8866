//! What clients of all kinds read in our header fields, on every answer.

use std::collections::BTreeSet;

use sightline_spec::ice_server::ICE_SERVER;
use sightline_spec::link::{Link, OWN_EVENTS, SERVER_SENT_EVENTS};
use sightline_spec::room::SessionId;

use super::*;

/// "CORS-safelisted response-header name" (Fetch), and what CORS itself is made of.
const READABLE: [&str; 7] = [
    "cache-control",
    "content-length",
    "content-type",
    "access-control-allow-headers",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
];

/// One answer of each kind, errors included, and the address that it came from.
async fn answers(gateway: &Gateway) -> Vec<(String, Response<Body>)> {
    let mut camera_offer = offer("/whip/garage");
    let prefer = HeaderValue::from_static("direct, wait=20");
    camera_offer.headers_mut().insert("prefer", prefer);
    let camera = gateway.hold(camera_offer).await;
    let counter = gateway.send(offer("/whep/garage")).await;
    let viewer = location(&counter);
    let unknown = format!("/whep/garage/{}", "0".repeat(32));
    let key = format!("/whip/{}", "ab".repeat(32));
    let requests = [
        request("PATCH", &viewer, "application/json", "{}"),
        request("PATCH", &viewer, SDP, sdp("recvonly")),
        request("PATCH", &viewer, SDP, sdp("recvonly")),
        request("POST", &format!("{viewer}/events"), "", ""),
        request("GET", &viewer, "", ""),
        request("OPTIONS", &viewer, "", ""),
        request("DELETE", &viewer, "", ""),
        request("DELETE", &unknown, "", ""),
        request("OPTIONS", "/whep/garage", "", ""),
        request("HEAD", "/whep/garage", "", ""),
        request("PUT", "/whep/garage", "", ""),
        request("GET", "/nowhere", "", ""),
        request("GET", "/whip/garage/a/b/c/d/e", "", ""),
        request("GET", "/healthz", "", ""),
        offer("/whep/empty"),
        offer("/whip/a%20b"),
        offer(&key),
    ];
    let mut answers = vec![("406".to_owned(), counter)];
    for request in requests {
        let what = format!("{} {}", request.method(), request.uri());
        answers.push((what, gateway.send(request).await));
    }
    answers.push(("201".to_owned(), camera.await.unwrap()));
    answers
}

/// The values of a field that is a list, in lower case.
fn list(response: &Response<Body>, name: &str) -> BTreeSet<String> {
    let values = response.headers().get_all(name).iter();
    let values = values.flat_map(|value| value.to_str().unwrap().split(','));
    values
        .map(|value| value.trim().to_ascii_lowercase())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn scripts_of_other_origins_may_read_every_field_of_every_answer() {
    let gateway = gateway();
    for (what, response) in answers(&gateway).await {
        assert_eq!(
            response.headers()["access-control-allow-origin"],
            "*",
            "{what}"
        );
        let exposed = list(&response, "access-control-expose-headers");
        for name in response.headers().keys().map(HeaderName::as_str) {
            let is_readable = READABLE.contains(&name) || exposed.contains(name);
            assert!(is_readable, "{what}: {name} is not exposed");
        }
        // hyper adds it; a script learns from it how far its own clock is off.
        assert!(exposed.contains("date"), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_method_that_a_resource_answers_may_be_used_by_other_origins() {
    let gateway = gateway();
    let session = format!("/whep/garage/{}", "0".repeat(32));
    for path in [
        "/whip/garage".to_owned(),
        "/whep/garage/".to_owned(),
        session.clone(),
        format!("{session}/events"),
        format!("{session}/events/{}", "0".repeat(32)),
        format!("{session}/layer"),
    ] {
        let mut preflight = request("OPTIONS", &path, "", "");
        let headers = preflight.headers_mut();
        headers.insert("origin", HeaderValue::from_static("http://app.example"));
        let method = HeaderValue::from_static("OPTIONS");
        headers.insert("access-control-request-method", method);
        let preflight = gateway.send(preflight).await;
        assert_eq!(preflight.status(), StatusCode::OK, "{path}");
        let allowed = list(&preflight, "access-control-allow-methods");
        let wrong = gateway.send(request("PUT", &path, "", "")).await;
        assert_eq!(wrong.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let answered = list(&wrong, "allow");
        assert!(answered.contains("options"), "{path}: {answered:?}");
        assert!(
            answered.is_subset(&allowed),
            "{path}: {answered:?} {allowed:?}"
        );
    }
}

/// A `Link` field as live777's and OvenLiveKit's clients read it: split at every comma, and each
/// part has a `rel`.
fn split_at_commas(value: &str) -> Option<Vec<(String, String)>> {
    let part = |part: &str| {
        let (target, parameters) = part.trim().strip_prefix('<')?.split_once('>')?;
        let mut parameters = parameters.split(';');
        let rel = parameters.find_map(|p| p.trim().strip_prefix("rel="))?;
        Some((target.to_owned(), rel.trim_matches('"').to_owned()))
    };
    value.split(',').map(part).collect()
}

#[tokio::test(start_paused = true)]
async fn links_are_read_alike_by_the_book_and_by_who_splits_at_commas() {
    let gateway = gateway();
    let mut rels = BTreeSet::new();
    for (what, response) in answers(&gateway).await {
        for value in response.headers().get_all("link") {
            let value = value.to_str().unwrap();
            let by_the_book = Link::parse_all([value]);
            let by_the_book = by_the_book.iter().map(|link| {
                let rel = link.parameter("rel").unwrap_or_default().to_owned();
                (link.target.clone(), rel)
            });
            let by_the_book: Vec<_> = by_the_book.collect();
            assert_eq!(by_the_book.len(), 1, "{what}: one to a line");
            assert_eq!(
                split_at_commas(value).as_ref(),
                Some(&by_the_book),
                "{what}: {value}"
            );
            rels.extend(by_the_book.into_iter().map(|(_, rel)| rel));
        }
    }
    let known = [ICE_SERVER, SERVER_SENT_EVENTS, OWN_EVENTS].map(str::to_owned);
    assert_eq!(rels, BTreeSet::from(known));
}

#[tokio::test(start_paused = true)]
async fn options_tell_what_can_be_patched_where_something_can() {
    let gateway = gateway();
    let session = format!("/whep/r/{}", SessionId::random());
    for (below, can) in [
        ("", true),
        ("/", true),
        ("/events", false),
        ("/events/1", false),
        ("/layer", false),
    ] {
        let path = format!("{session}{below}");
        let response = gateway.send(request("OPTIONS", &path, "", "")).await;
        assert_eq!(response.status(), 200, "{path}");
        let announced = response.headers().contains_key("accept-patch");
        assert_eq!(announced, can, "{path}");
    }
}
