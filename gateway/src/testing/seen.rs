//! What was seen of the gateway, and what may not be seen of it.

use std::collections::{HashMap, HashSet};

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use http_body_util::BodyExt;
use sightline_spec::problem::Problem;

#[derive(Default)]
pub(super) struct Seen {
    pub(super) sessions: Vec<String>,
    /// Whose connection was cut, and when.
    pub(super) cut: HashMap<String, usize>,
    /// Which offers were handed out.
    handed_out: HashSet<String>,
}

/// What a request was.
#[derive(Default)]
pub(super) struct Asked {
    /// A camera's ICE user, which nobody else has; none for others.
    pub(super) camera: Option<String>,
    /// How many media sections an offer has.
    pub(super) sections: Option<usize>,
    /// The step in which it was sent.
    pub(super) since: usize,
}

impl Seen {
    /// Takes in the answer to a request.
    pub(super) async fn note(&mut self, response: Response<Body>, asked: Asked) {
        let status = response.status();
        // A stream's is longer.
        let session = location(&response).filter(|path| path.split('/').count() == 4);
        self.sessions.extend(session);
        let is_problem = response.headers().get(header::CONTENT_TYPE)
            == Some(&HeaderValue::from_static("application/problem+json"));
        let is_stream = response.headers().get(header::CONTENT_TYPE)
            == Some(&HeaderValue::from_static("text/event-stream"));
        if is_stream {
            return;
        }
        let body = response
            .into_body()
            .collect()
            .await
            .expect("it is in memory");
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        let is_counter_offer = status == StatusCode::NOT_ACCEPTABLE;
        if is_counter_offer {
            self.note_counter_offer(&text, asked.since);
        } else if status.is_client_error() || status.is_server_error() {
            assert!(
                is_problem && status != StatusCode::INTERNAL_SERVER_ERROR,
                "{status}"
            );
            // To HEAD there is no body.
            if !text.is_empty() {
                let problem: Problem = serde_json::from_str(&text).expect("it is a problem");
                assert_eq!(problem.status, status.as_u16());
            }
        }
        if status == StatusCode::CREATED && asked.camera.is_some() {
            assert!(text.contains("a=recvonly"), "{text}");
        }
        if status == StatusCode::CREATED
            && let Some(offered) = asked.sections
        {
            // RFC 3264 section 6.
            assert_eq!(sections(&text), offered, "{text}");
        }
    }

    /// An offer goes to at most one viewer, and never one whose camera is gone.
    fn note_counter_offer(&mut self, text: &str, viewer_since: usize) {
        let user = text
            .lines()
            .find_map(|line| line.strip_prefix("a=ice-ufrag:"));
        let user = user.expect("every offer has one").to_owned();
        if let Some(cut) = self.cut.get(&user) {
            assert!(*cut > viewer_since, "{user} was gone");
        }
        assert!(
            self.handed_out.insert(user),
            "an offer was handed out twice: {text}"
        );
    }
}

/// The media sections of a description.
pub(super) fn sections(sdp: &str) -> usize {
    let lines = sdp.split(['\r', '\n']);
    lines.filter(|line| line.starts_with("m=")).count()
}

pub(super) fn location(response: &Response<Body>) -> Option<String> {
    let location = response.headers().get("location")?;
    Some(location.to_str().ok()?.to_owned())
}
