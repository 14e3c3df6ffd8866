//! The administrator's interface of a real gateway, with both paths in use.

use crate::support::{Gateway, client};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::Value;

const CAMERA: &str = include_str!("../../../spec/http/sdp/camera-offer.sdp");
const OBS: &str = include_str!("../../../spec/http/sdp/obs-offer.sdp");
const VIEWER: &str = include_str!("../../../spec/http/sdp/viewer-offer.sdp");
const CHROMIUM: &str = include_str!("../../../spec/http/sdp/chromium-viewer-offer.sdp");
const ANSWER: &str = include_str!("../../../spec/http/sdp/viewer-answer.sdp");

const TOKEN: &str = "an administrator's token";

/// A client of the gateway, which is an administrator as well.
struct Visitor {
    client: Client,
    gateway: Gateway,
}

impl Visitor {
    fn new() -> Self {
        let arguments = ["--relay", "on", "--admin-listen", "127.0.0.1:0"];
        let environment = [("SIGHTLINE_ADMIN_TOKEN", TOKEN)];
        Self {
            client: client().build().unwrap(),
            gateway: Gateway::start_with(arguments, environment),
        }
    }

    async fn send(&self, method: Method, path: &str, direct: bool, sdp: &'static str) -> Response {
        let url = format!("http://{}{path}", self.gateway.host());
        let mut request = self.client.request(method, url);
        if direct {
            request = request.header("prefer", "direct, wait=15");
        }
        let request = request.header("content-type", "application/sdp");
        request.body(sdp).send().await.unwrap()
    }

    async fn ask(&self, method: Method, path: &str) -> Response {
        let url = format!("http://{}{path}", self.gateway.admin().unwrap());
        let request = self.client.request(method, url).bearer_auth(TOKEN);
        request.send().await.unwrap()
    }

    async fn rooms(&self) -> Value {
        let answer = self.ask(Method::GET, "/api/v1/rooms").await;
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }
}

fn location(response: &Response) -> String {
    response.headers()["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn both_paths_are_listed_counted_and_ended() {
    let visitor = Visitor::new();
    let camera = visitor.send(Method::POST, "/whip/direct", true, CAMERA);
    let viewer = async {
        let offered = visitor
            .send(Method::POST, "/whep/direct", true, VIEWER)
            .await;
        assert_eq!(offered.status(), StatusCode::NOT_ACCEPTABLE);
        let session = location(&offered);
        let answer = visitor.send(Method::PATCH, &session, false, ANSWER).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    };
    let (camera, ()) = tokio::join!(camera, viewer);
    assert_eq!(camera.status(), StatusCode::CREATED);
    let obs = visitor
        .send(Method::POST, "/whip/relayed", false, OBS)
        .await;
    assert_eq!(obs.status(), StatusCode::CREATED);
    let viewer = visitor.send(Method::POST, "/whep/relayed", false, CHROMIUM);
    assert_eq!(viewer.await.status(), StatusCode::CREATED);

    let listed = visitor.rooms().await;
    let rooms = listed["rooms"].as_array().unwrap();
    let names: Vec<_> = rooms.iter().map(|room| &room["room"]).collect();
    assert_eq!(names, ["direct", "relayed"]);
    for (room, path) in rooms.iter().zip(["direct", "relay"]) {
        let sessions = room["sessions"].as_array().unwrap();
        let mut sides: Vec<_> = sessions
            .iter()
            .map(|s| s["side"].as_str().unwrap())
            .collect();
        sides.sort_unstable();
        assert_eq!(sides, ["camera", "viewer"]);
        assert!(
            sessions.iter().all(|session| session["path"] == path),
            "{listed}"
        );
    }
    let metrics = visitor.ask(Method::GET, "/metrics").await;
    let kind = metrics.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let metrics = metrics.text().await.unwrap();
    for path in ["direct", "relay"] {
        for side in ["camera", "viewer"] {
            let line = format!("sightline_sessions{{path=\"{path}\",side=\"{side}\"}} 1\n");
            assert!(metrics.contains(&line), "{line} in {metrics}");
        }
        let line = format!("sightline_pairing_seconds_count{{path=\"{path}\"}} 1\n");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
    for part in ["negotiation", "connection", "worker"] {
        let line = format!("sightline_relay_panics_total{{part=\"{part}\"}} 0\n");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }

    for session in rooms
        .iter()
        .flat_map(|room| room["sessions"].as_array().unwrap())
    {
        let path = format!("/api/v1/sessions/{}", session["handle"].as_str().unwrap());
        let ended = visitor.ask(Method::DELETE, &path).await.status();
        // Media that flows directly has no end that could go on without the other.
        let with_other = session["path"] == "direct" && ended == StatusCode::NOT_FOUND;
        assert!(ended == StatusCode::OK || with_other, "{ended}");
    }
    let left = visitor.rooms().await;
    let mut left = left["rooms"].as_array().unwrap().iter();
    assert!(left.all(|room| room["sessions"].as_array().unwrap().is_empty()));
    let over = visitor
        .send(Method::PATCH, &location(&obs), false, ANSWER)
        .await;
    assert_eq!(over.status(), StatusCode::NOT_FOUND);
}
