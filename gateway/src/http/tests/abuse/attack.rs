//! A gateway under attack, and what was seen of it.

use std::collections::{HashMap, HashSet};

use axum::http::Request;
use sightline_spec::media_type::{JSON, SDPFRAG};
use tokio::task::yield_now;

use super::*;

/// The bounds of the gateway that tests have.
const WAITING: usize = 5;
const SESSIONS: usize = 10;

/// The last is a key that nobody here holds.
const ROOMS: [&str; 3] = [
    "a",
    "b",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
];
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS", "PUT"];
const MEDIA_TYPES: [&str; 5] = [SDP, SDPFRAG, JSON, "text/plain", ""];
const PREFERENCES: [&str; 5] = [
    "",
    "direct",
    "direct=2, wait=9",
    "wait=0",
    "direct, handling=strict",
];
const PRECONDITIONS: [&str; 4] = ["", "*", "\"0000000000000000\"", "W/\"x\", "];
const TAILS: [&str; 5] = ["", "/events", "/events/0", "/layer", "/x"];

/// A gateway with bounds that are soon reached, and all that was asked of it.
pub(super) struct Attack {
    gateway: Gateway,
    held: Vec<Held>,
    streams: Vec<Response<Body>>,
    sessions: Vec<String>,
    /// Which offers were handed out.
    handed_out: HashSet<String>,
    /// Whose connection was cut, and when.
    cut: HashMap<String, usize>,
    pub(super) step: usize,
}

struct Held {
    /// A camera's ICE user, which nobody else has; none for viewers.
    camera: Option<String>,
    since: usize,
    response: JoinHandle<Response<Body>>,
}

impl Attack {
    pub(super) fn begin() -> Self {
        Self {
            gateway: gateway(),
            held: Vec::new(),
            streams: Vec::new(),
            sessions: Vec::new(),
            handed_out: HashSet::new(),
            cut: HashMap::new(),
            step: 0,
        }
    }

    pub(super) async fn act(&mut self, script: &mut Script<'_>) {
        match script.number() % 12 {
            0 | 1 => self.offer(script, true).await,
            2 | 3 => self.offer(script, false).await,
            4 => self.cut(script).await,
            5 | 6 => self.answer(script).await,
            7 => self.trickle(script).await,
            8 => self.delete(script).await,
            9 => self.listen(script).await,
            10 => {
                let seconds = u32::try_from(script.number()).unwrap_or(0);
                advance(SECOND * (seconds % 40)).await;
            }
            _ => self.anything(script).await,
        }
        self.collect().await;
    }

    /// A POST of a camera or of a viewer, which may be held.
    async fn offer(&mut self, script: &mut Script<'_>, is_camera: bool) {
        let user = format!("user{}", self.step);
        let (kind, direction) = match is_camera {
            true => ("whip", "sendonly"),
            false => ("whep", "recvonly"),
        };
        let path = format!("/{kind}/{}", script.text(&ROOMS));
        let mut request = request(
            "POST",
            &path,
            SDP,
            crate::room::tests::sdp(direction, &user),
        );
        set(&mut request, "prefer", script.text(&PREFERENCES));
        let router = self.gateway.router.clone();
        let response = tokio::spawn(async move { respond(router, request).await });
        self.held.push(Held {
            camera: is_camera.then_some(user),
            since: self.step,
            response,
        });
    }

    /// A connection is gone, with what was held on it or streamed over it.
    async fn cut(&mut self, script: &mut Script<'_>) {
        let index = script.number();
        if !self.held.is_empty() {
            let held = self.held.remove(index % self.held.len());
            if let Some(user) = held.camera {
                self.cut.insert(user, self.step);
            }
            held.response.abort();
        } else if !self.streams.is_empty() {
            self.streams.remove(index % self.streams.len());
        }
    }

    async fn answer(&mut self, script: &mut Script<'_>) {
        let Some(session) = script.pick(&self.sessions).cloned() else {
            return;
        };
        let answer = sdp("recvonly");
        self.send(request("PATCH", &session, SDP, answer)).await;
    }

    async fn trickle(&mut self, script: &mut Script<'_>) {
        let Some(session) = script.pick(&self.sessions).cloned() else {
            return;
        };
        let user = script.text(&["view", "user1", "else"]);
        let fragment = format!(
            "a=ice-ufrag:{user}\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa\r\n\
             m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n\
             a=candidate:1 1 UDP 5 192.0.2.1 4000 typ host\r\n"
        );
        let mut request = request("PATCH", &session, SDPFRAG, fragment);
        set(&mut request, "if-match", script.text(&PRECONDITIONS));
        self.send(request).await;
    }

    async fn delete(&mut self, script: &mut Script<'_>) {
        if let Some(session) = script.pick(&self.sessions).cloned() {
            self.send(request("DELETE", &session, "", "")).await;
        }
    }

    /// Makes an event stream and opens it.
    async fn listen(&mut self, script: &mut Script<'_>) {
        let Some(session) = script.pick(&self.sessions).cloned() else {
            return;
        };
        let made = self
            .send(request("POST", &format!("{session}/events"), "", ""))
            .await;
        if let Some(stream) = location(&made) {
            let opened =
                respond(self.gateway.router.clone(), request("GET", &stream, "", "")).await;
            self.streams.push(opened);
        }
    }

    /// What no client of ours would send.
    async fn anything(&mut self, script: &mut Script<'_>) {
        let method = script.text(&METHODS);
        let tail = script.text(&TAILS);
        let path = match script.pick(&self.sessions).cloned() {
            Some(session) if script.number().is_multiple_of(2) => format!("{session}{tail}"),
            _ => format!(
                "/{}/{}{tail}",
                script.text(&["whip", "whep", "x"]),
                script.text(&ROOMS)
            ),
        };
        let media_type = script.text(&MEDIA_TYPES);
        let mut request = request(method, &path, media_type, script.bytes());
        for name in ["prefer", "authorization", "if-match", "last-event-id"] {
            if let Ok(value) = HeaderValue::from_bytes(&script.bytes())
                && !value.is_empty()
            {
                request.headers_mut().insert(name, value);
            }
        }
        // Its connection stays no longer than this.
        let answer =
            tokio::time::timeout(SECOND, respond(self.gateway.router.clone(), request)).await;
        if let Ok(answer) = answer {
            self.note(answer, None, self.step).await;
        }
    }

    /// Sends what is never held.
    async fn send(&mut self, request: Request<Body>) -> Response<Body> {
        let response = respond(self.gateway.router.clone(), request).await;
        assert_ne!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        response
    }

    /// Takes in what has been answered, once everything that is possible has happened.
    async fn collect(&mut self) {
        for _ in 0..8 {
            yield_now().await;
        }
        let (done, held) = self
            .held
            .drain(..)
            .partition(|held| held.response.is_finished());
        self.held = held;
        for held in done {
            let Held {
                camera,
                since,
                response,
            } = held;
            let response = response.await.expect("no request panics");
            self.note(response, camera, since).await;
        }
    }

    async fn note(&mut self, response: Response<Body>, camera: Option<String>, since: usize) {
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
            self.note_counter_offer(&text, since);
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
        if camera.is_some() && status == StatusCode::CREATED {
            assert!(text.contains("a=recvonly"), "{text}");
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

    pub(super) fn check(&self) {
        let (rooms, held, deadlines, waiting, sessions) = self.gateway.rendezvous.leftovers();
        assert!(rooms <= WAITING + SESSIONS && deadlines <= rooms);
        assert!(waiting <= WAITING && held <= WAITING + SESSIONS);
        assert!(sessions <= SESSIONS);
    }

    /// Everybody is gone, and so is everything.
    pub(super) async fn leave(&mut self) {
        self.streams.clear();
        for held in self.held.drain(..) {
            held.response.abort();
        }
        for _ in 0..4 {
            advance(3601 * SECOND).await;
            self.collect().await;
        }
        assert_eq!(self.gateway.rendezvous.leftovers(), (0, 0, 0, 0, 0));
    }
}

async fn respond(router: Router, request: Request<Body>) -> Response<Body> {
    let Ok(response) = router.oneshot(request).await;
    response
}

fn set(request: &mut Request<Body>, name: &'static str, value: &'static str) {
    if !value.is_empty() {
        let value = HeaderValue::from_static(value);
        request.headers_mut().insert(name, value);
    }
}

fn location(response: &Response<Body>) -> Option<String> {
    let location = response.headers().get("location")?;
    Some(location.to_str().ok()?.to_owned())
}
