//! Several event streams in one.

use sightline_spec::shared_events::{MOST, SharedData};

use super::*;

impl Gateway {
    /// A camera and a viewer that have met, each with an event stream.
    async fn meet_in(&self, room: &str) -> [String; 2] {
        let camera = self.hold(offer(&format!("/whip/{room}"))).await;
        let viewer = location(&self.send(offer(&format!("/whep/{room}"))).await);
        let answer = request("PATCH", &viewer, SDP, sdp("recvonly"));
        assert_eq!(self.send(answer).await.status(), StatusCode::NO_CONTENT);
        let camera = location(&camera.await.unwrap());
        let mut streams = [camera, viewer];
        for session in &mut streams {
            let events = request("POST", &format!("{session}/events"), "", "");
            *session = location(&self.send(events).await);
        }
        streams
    }

    async fn share(&self, query: &str, last_id: Option<&str>) -> Response<Body> {
        let mut request = request("GET", &format!("/events?{query}"), "", "");
        if let Some(id) = last_id {
            let id = HeaderValue::from_str(id).unwrap();
            request.headers_mut().insert("last-event-id", id);
        }
        self.send(request).await
    }

    async fn end(&self, stream: &str) {
        let (session, _) = stream.rsplit_once("/events/").unwrap();
        let ended = self.send(request("DELETE", session, "", "")).await;
        assert_eq!(ended.status(), StatusCode::OK);
    }
}

/// The next events: id, name, which stream.
async fn events(stream: &mut Body, count: usize) -> Vec<(String, String, usize)> {
    let mut events = Vec::new();
    while events.len() < count {
        let frame = stream.frame().await.expect("there are more").unwrap();
        let text = String::from_utf8(frame.into_data().unwrap().into()).unwrap();
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let Some(data) = field("data: ") else {
            continue;
        };
        let data: SharedData = serde_json::from_str(data).unwrap();
        let [id, name] = ["id: ", "event: "].map(|name| field(name).unwrap().to_owned());
        assert_eq!(data.data.is_none(), name == "end");
        events.push((id, name, data.stream));
    }
    events
}

fn event(id: &str, name: &str, stream: usize) -> (String, String, usize) {
    (id.to_owned(), name.to_owned(), stream)
}

#[tokio::test(start_paused = true)]
async fn one_stream_carries_those_of_several_sessions_and_goes_on_where_it_broke() {
    let gateway = gateway();
    let [camera, viewer] = gateway.meet_in("a").await;
    let [_other_camera, other] = gateway.meet_in("b").await;
    let query = format!("streams={camera},{viewer},{other}");
    let mut shared = gateway.share(&query, None).await.into_body();
    let seen = events(&mut shared, 5).await;
    let expected = [
        event("1.0.0", "join", 0),
        event("1.1.0", "viewercount", 1),
        event("1.2.0", "active", 1),
        event("1.2.1", "viewercount", 2),
        event("1.2.2", "active", 2),
    ];
    assert_eq!(seen, expected);

    // What each of them is told after that comes, and its end.
    gateway.end(&viewer).await;
    let rest = events(&mut shared, 3).await;
    let named: Vec<_> = rest
        .iter()
        .map(|(_, name, stream)| (name.as_str(), *stream))
        .collect();
    assert_eq!(named, [("leave", 0), ("end", 0), ("end", 1)], "{rest:?}");

    // A browser that opens it again says how far it was; so may its URL.
    drop(shared);
    let (id, ..) = seen.last().unwrap();
    for (query, last_id) in [
        (query.clone(), Some(id.as_str())),
        (format!("{query}&after={id}"), None),
    ] {
        let mut again = gateway.share(&query, last_id).await.into_body();
        let told = events(&mut again, 3).await;
        let told: Vec<_> = told
            .iter()
            .map(|(_, name, stream)| (name.as_str(), *stream))
            .collect();
        assert_eq!(told, named);
    }
}

#[tokio::test(start_paused = true)]
async fn who_shares_a_stream_is_there_and_who_closes_it_is_gone() {
    let gateway = gateway();
    let [camera, viewer] = gateway.meet_in("a").await;
    let shared = gateway.share(&format!("streams={viewer}"), None).await;
    let mut told = gateway
        .share(&format!("streams={camera}"), None)
        .await
        .into_body();
    assert_eq!(events(&mut told, 1).await, [event("1", "join", 0)]);
    advance(60 * SECOND).await;
    drop(shared);
    let told = events(&mut told, 1).await;
    assert_eq!(told, [event("2", "leave", 0)]);
}

#[tokio::test(start_paused = true)]
async fn streams_that_are_over_or_unknown_end_alone_and_together_with_204() {
    let gateway = gateway();
    let [camera, viewer] = gateway.meet_in("a").await;
    let unknown = viewer.replace("/whep/a/", "/whep/b/");
    let other_side = camera.replace("/whip/", "/whep/");
    let query = format!("streams={unknown},{camera},{other_side}");
    let mut shared = gateway.share(&query, None).await.into_body();
    let told = events(&mut shared, 3).await;
    let ends: Vec<_> = told
        .iter()
        .map(|(_, name, stream)| (name.as_str(), *stream))
        .collect();
    assert_eq!(ends, [("end", 0), ("join", 1), ("end", 2)]);

    let over = gateway
        .share(&format!("streams={unknown},{other_side}"), None)
        .await;
    assert_eq!(over.status(), StatusCode::NO_CONTENT);
    gateway.end(&viewer).await;
    let told = events(&mut shared, 2).await;
    assert_eq!((told[0].1.as_str(), told[1].1.as_str()), ("leave", "end"));
    assert!(shared.frame().await.is_none());
    let over = gateway.share(&query, Some("0.9.0")).await;
    assert_eq!(over.status(), StatusCode::NO_CONTENT);
}

#[tokio::test(start_paused = true)]
async fn a_query_names_streams_as_scripts_write_it_and_no_more_than_a_few() {
    let gateway = gateway();
    let [camera, _] = gateway.meet_in("a").await;
    let escaped = camera.replace('/', "%2F");
    let shared = gateway
        .share(&format!("streams={escaped}%2C{escaped}"), None)
        .await;
    assert_eq!(shared.status(), StatusCode::OK);
    let many = vec![camera.as_str(); MOST + 1].join(",");
    for query in ["", "streams=", "streams=%ff", &format!("streams={many}")] {
        let refused = gateway.share(query, None).await;
        let refused = problem(refused).await;
        assert_eq!(
            refused,
            (StatusCode::BAD_REQUEST, "bad-events".to_owned()),
            "{query}"
        );
    }
}
