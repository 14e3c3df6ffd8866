//! A gateway under attack, by everything that clients do and by what none of ours would.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Response, StatusCode};
use sightline_spec::media_type::{JSON, SDP, SDPFRAG};
use sightline_spec::room::SessionId;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{advance, timeout};
use tower::ServiceExt;

use super::Script;
use super::seen::{Asked, Seen, location, sections};
use super::stage::{Gateway, MEMORY, SECOND, SESSIONS, WAITING, request, sdp, sdp_by};

/// The last is a key that nobody here holds.
pub(super) const ROOMS: [&str; 3] = [
    "a",
    "b",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
];
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS", "PUT"];
const MEDIA_TYPES: [&str; 5] = [SDP, SDPFRAG, JSON, "text/plain", ""];
pub(super) const PREFERENCES: [&str; 5] = [
    "",
    "direct",
    "direct=2, wait=9",
    "wait=0",
    "direct, handling=strict",
];
pub(super) const PRECONDITIONS: [&str; 4] = ["", "*", "\"0000000000000000\"", "W/\"x\", "];
const TAILS: [&str; 5] = ["", "/events", "/events/0", "/layer", "/x"];

/// How often everyone has a turn until what a request leads to has happened.
const TURNS: usize = 24;

/// A gateway, and all that was asked of it.
pub(super) struct Attack {
    pub(super) gateway: Gateway,
    held: Vec<Held>,
    streams: Vec<Response<Body>>,
    pub(super) seen: Seen,
    /// Relayed publishers whose media arrives: they have proved their certificates.
    pub(super) sending: HashSet<SessionId>,
    pub(super) step: usize,
}

struct Held {
    asked: Asked,
    response: JoinHandle<Response<Body>>,
}

impl Attack {
    pub(super) fn on(gateway: Gateway) -> Self {
        Self {
            gateway,
            held: Vec::new(),
            streams: Vec::new(),
            seen: Seen::default(),
            sending: HashSet::new(),
            step: 0,
        }
    }

    pub(super) async fn act(&mut self, script: &mut Script<'_>) {
        // The last ones only make sense with a relay.
        let actions = if self.gateway.relay.is_some() { 20 } else { 12 };
        match script.number() % actions {
            0 | 1 => self.offer(script, true),
            2 | 3 => self.offer(script, false),
            4 => self.cut(script).await,
            5 | 6 => self.answer(script).await,
            7 => self.trickle(script).await,
            8 => self.delete(script).await,
            9 => self.listen(script).await,
            10 => {
                let seconds = u32::try_from(script.number()).unwrap_or(0);
                advance(SECOND * (seconds % 40)).await;
            }
            11 => self.anything(script).await,
            12 | 13 => self.publish_to_relay(script).await,
            14 => self.send_media(script),
            15 | 16 => self.offer_to_relay(script, false),
            17 => self.prove(script),
            18 => self.restart(script).await,
            _ => self.select(script).await,
        }
        self.collect().await;
    }

    /// A POST of a camera or of a viewer, which may be held.
    fn offer(&mut self, script: &mut Script<'_>, is_camera: bool) {
        let user = format!("user{}", self.step);
        let (kind, direction) = match is_camera {
            true => ("whip", "sendonly"),
            false => ("whep", "recvonly"),
        };
        let path = format!("/{kind}/{}", script.text(&ROOMS));
        let preference = script.text(&PREFERENCES);
        let camera = is_camera.then_some(user.clone());
        // Which camera it is, in a room with a name.
        let certificate = match is_camera {
            true => script.text(&["AB", "CD"]),
            false => "AB",
        };
        let offer = sdp_by(certificate, direction, &user);
        self.post(&path, offer, preference, camera);
    }

    /// POSTs an offer, which may be held.
    pub(super) fn post(
        &mut self,
        path: &str,
        offer: String,
        preference: &'static str,
        camera: Option<String>,
    ) {
        let sections = sections(&offer);
        let mut request = request("POST", path, SDP, offer);
        set(&mut request, "prefer", preference);
        let router = self.gateway.router.clone();
        let response = tokio::spawn(async move { respond(router, request).await });
        self.held.push(Held {
            asked: Asked {
                camera,
                sections: Some(sections),
                since: self.step,
            },
            response,
        });
    }

    /// A connection is gone, with what was held on it or streamed over it.
    async fn cut(&mut self, script: &mut Script<'_>) {
        let index = script.number();
        if !self.held.is_empty() {
            let held = self.held.remove(index % self.held.len());
            if let Some(user) = held.asked.camera {
                self.seen.cut.insert(user, self.step);
            }
            held.response.abort();
        } else if !self.streams.is_empty() {
            self.streams.remove(index % self.streams.len());
        }
    }

    async fn answer(&mut self, script: &mut Script<'_>) {
        let Some(session) = script.pick(&self.seen.sessions).cloned() else {
            return;
        };
        let answer = sdp("recvonly", "abcd");
        self.send(request("PATCH", &session, SDP, answer)).await;
    }

    async fn trickle(&mut self, script: &mut Script<'_>) {
        let Some(session) = script.pick(&self.seen.sessions).cloned() else {
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
        if let Some(session) = script.pick(&self.seen.sessions).cloned() {
            self.send(request("DELETE", &session, "", "")).await;
        }
    }

    /// Makes an event stream and opens it.
    async fn listen(&mut self, script: &mut Script<'_>) {
        let Some(session) = script.pick(&self.seen.sessions).cloned() else {
            return;
        };
        let made = self
            .send(request("POST", &format!("{session}/events"), "", ""))
            .await;
        if let Some(stream) = location(&made) {
            // Every second one as one of several.
            let path = match self.streams.len() % 2 {
                0 => stream,
                _ => format!("/events?streams={stream}"),
            };
            let opened = respond(self.gateway.router.clone(), request("GET", &path, "", "")).await;
            self.streams.push(opened);
        }
    }

    /// What no client of ours would send.
    async fn anything(&mut self, script: &mut Script<'_>) {
        let method = script.text(&METHODS);
        let tail = script.text(&TAILS);
        let path = match script.pick(&self.seen.sessions).cloned() {
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
        let answer = timeout(SECOND, respond(self.gateway.router.clone(), request)).await;
        if let Ok(answer) = answer {
            let asked = Asked {
                since: self.step,
                ..Asked::default()
            };
            self.seen.note(answer, asked).await;
        }
    }

    /// Sends what is never held.
    pub(super) async fn send(&mut self, request: Request) -> Response<Body> {
        let response = respond(self.gateway.router.clone(), request).await;
        assert_ne!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        response
    }

    /// Takes in what has been answered, once everything that is possible has happened.
    pub(super) async fn collect(&mut self) {
        for _ in 0..TURNS {
            yield_now().await;
        }
        let (done, held) = self
            .held
            .drain(..)
            .partition(|held| held.response.is_finished());
        self.held = held;
        for held in done {
            let response = held.response.await.expect("no request panics");
            self.seen.note(response, held.asked).await;
        }
    }

    pub(super) fn check(&mut self) {
        let (rooms, held, deadlines, waiting, sessions) = self.gateway.rendezvous.leftovers();
        assert!(rooms <= WAITING + SESSIONS && deadlines <= rooms);
        assert!(waiting <= WAITING && held <= WAITING + SESSIONS);
        let (places, bytes) = self.gateway.rendezvous.taken();
        // Who waits for a room that another one has may have none yet.
        assert!(sessions <= places && places <= SESSIONS && bytes <= MEMORY);
        let tasks = &self.gateway.tasks;
        assert!(
            !tasks.iter().any(JoinHandle::is_finished),
            "a task panicked"
        );
        if let Some(relay) = &self.gateway.relay {
            self.check_relay(&relay.census());
        }
    }

    /// Everybody is gone, and so is everything.
    pub(super) async fn leave(mut self) {
        self.streams.clear();
        for held in self.held.drain(..) {
            held.response.abort();
        }
        for _ in 0..4 {
            advance(3601 * SECOND).await;
            self.collect().await;
        }
        assert_eq!(self.gateway.rendezvous.leftovers(), (0, 0, 0, 0, 0));
        assert_eq!(self.gateway.rendezvous.taken(), (0, 0));
        if let Some(relay) = &self.gateway.relay {
            assert_eq!(relay.leftovers().await, Default::default());
        }
        let context = Arc::downgrade(&self.gateway.context);
        drop(self);
        assert_eq!(
            context.strong_count(),
            0,
            "somebody still holds the gateway"
        );
    }
}

async fn respond(router: Router, request: Request) -> Response<Body> {
    let Ok(response) = router.oneshot(request).await;
    response
}

pub(super) fn set(request: &mut Request, name: &'static str, value: &'static str) {
    if !value.is_empty() {
        let value = HeaderValue::from_static(value);
        request.headers_mut().insert(name, value);
    }
}
