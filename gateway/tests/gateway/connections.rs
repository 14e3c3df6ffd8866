//! Connections, plain and by TLS: what they carry while a request is held, and how they
//! end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use crate::support::{Gateway, LONG, eventually};
use crate::tls::client;
use rustls::ClientConfig;
use tempfile::TempDir;

pub(crate) const OFFER: &str = include_str!("../../../spec/http/sdp/camera-offer.sdp");
const OTHER_OFFER: &str = include_str!("../../../spec/http/sdp/other-camera-offer.sdp");
const VIEWER_OFFER: &str = include_str!("../../../spec/http/sdp/viewer-offer.sdp");
const ANSWER: &str = include_str!("../../../spec/http/sdp/viewer-answer.sdp");

/// A gateway, and how to connect to it.
struct Stage {
    gateway: Gateway,
    tls: Option<(Arc<ClientConfig>, TempDir)>,
}

impl Stage {
    fn plain(arguments: &[&str]) -> Self {
        let gateway = Gateway::start(arguments.iter().copied());
        Self { gateway, tls: None }
    }

    fn tls(arguments: &[&str]) -> Self {
        let state = TempDir::new().unwrap();
        let folder = ["--tls", "self-signed", "--state-dir"];
        let folder = folder.into_iter().chain(state.path().to_str());
        let gateway = Gateway::start(folder.chain(arguments.iter().copied()));
        let config = Arc::new(client::trusting(&state.path().join("self-signed.pem")));
        let tls = Some((config, state));
        Self { gateway, tls }
    }

    /// One of each: what holds for one holds for the other.
    fn both(arguments: &[&str]) -> [Self; 2] {
        [Self::plain(arguments), Self::tls(arguments)]
    }
}

pub(crate) trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A connection that a test reads and writes by itself.
pub(crate) struct Connection(pub(crate) Box<dyn Stream>);

impl Connection {
    fn open(stage: &Stage) -> Self {
        let host = stage.gateway.host();
        if let Some((config, _)) = &stage.tls {
            return Self(Box::new(client::connect(&host, "127.0.0.1", config)));
        }
        let stream = TcpStream::connect(host).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(Box::new(stream))
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
        self.0.flush().unwrap();
    }

    /// One response: its head, and its body as long as Content-Length says.
    pub(crate) fn response(&mut self) -> String {
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            text.extend(byte);
        }
        let head = String::from_utf8(text).unwrap();
        let length = field(&head, "content-length").map_or(0, |value| value.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        head + &String::from_utf8(body).unwrap()
    }

    /// What there is next.
    fn some(&mut self) -> String {
        let mut bytes = [0; 4096];
        let length = self.0.read(&mut bytes).unwrap();
        assert_ne!(length, 0, "it was closed");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    /// All until the gateway closes.
    fn rest(&mut self) -> String {
        let mut text = String::new();
        self.0.read_to_string(&mut text).unwrap();
        text
    }
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find_map(|(other, value)| (other == name).then_some(value))
}

pub(crate) fn request(method: &str, path: &str, fields: &str, sdp: &str) -> String {
    let length = sdp.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/sdp\r\n\
         content-length: {length}\r\n{fields}\r\n{sdp}"
    )
}

/// A viewer comes, takes the offer and answers it.
fn view(stage: &Stage) {
    view_by(Connection::open(stage));
}

pub(crate) fn view_by(mut viewer: Connection) {
    viewer.send(request(
        "POST",
        "/whep/garage",
        "prefer: wait=20\r\n",
        VIEWER_OFFER,
    ));
    let counter_offer = viewer.response();
    assert!(counter_offer.starts_with("HTTP/1.1 406"), "{counter_offer}");
    let session = field(&counter_offer, "location").unwrap();
    viewer.send(request("PATCH", session, "", ANSWER));
    let patched = viewer.response();
    assert!(patched.starts_with("HTTP/1.1 204"), "{patched}");
}

#[test]
fn a_connection_goes_on_after_a_held_request() {
    for stage in Stage::both(&[]) {
        let mut camera = Connection::open(&stage);
        for _ in 0..3 {
            camera.send(request(
                "POST",
                "/whip/garage",
                "prefer: wait=20\r\n",
                OFFER,
            ));
            view(&stage);
            let answer = camera.response();
            assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
            assert!(answer.contains("\r\naccess-control-allow-origin: *\r\n"));
            assert!(answer.ends_with(ANSWER), "{answer}");
            camera.send(request(
                "DELETE",
                field(&answer, "location").unwrap(),
                "",
                "",
            ));
            assert!(camera.response().starts_with("HTTP/1.1 200"));
        }
    }
}

#[test]
fn a_request_sent_behind_a_held_one_is_answered_after_it() {
    for stage in Stage::both(&[]) {
        let mut camera = Connection::open(&stage);
        let held = request("POST", "/whip/garage", "prefer: wait=20\r\n", OFFER);
        camera.send(held + "GET /whip/garage HTTP/1.1\r\nhost: x\r\n\r\n");
        view(&stage);
        assert!(camera.response().starts_with("HTTP/1.1 201"));
        assert!(camera.response().starts_with("HTTP/1.1 204"));
    }
}

#[tokio::test]
async fn a_request_sent_while_one_is_held_is_answered_after_it() {
    for stage in Stage::both(&[]) {
        let mut camera = held(&stage).await;
        camera.send("GET /whip/garage HTTP/1.1\r\nhost: x\r\n\r\n");
        view(&stage);
        assert!(camera.response().starts_with("HTTP/1.1 201"));
        assert!(camera.response().starts_with("HTTP/1.1 204"));
    }
}

#[test]
fn a_held_request_may_come_in_chunks() {
    for stage in Stage::both(&[]) {
        let mut camera = Connection::open(&stage);
        camera.send(
            "POST /whip/garage HTTP/1.1\r\nhost: x\r\ncontent-type: application/sdp\r\n\
         prefer: wait=20\r\ntransfer-encoding: chunked\r\n\r\n",
        );
        let (half, other_half) = OFFER.split_at(OFFER.len() / 2);
        for part in [half, other_half, ""] {
            camera.send(format!("{:x}\r\n{part}\r\n", part.len()));
        }
        view(&stage);
        assert!(camera.response().starts_with("HTTP/1.1 201"));
    }
}

/// RFC 9112 section 9.6: "A server that receives a "close" connection option MUST
/// initiate closure of the connection after it sends the final response."
#[test]
fn a_held_request_that_asks_for_it_is_the_last_one() {
    for version_and_fields in ["HTTP/1.1\r\nconnection: Close, x", "HTTP/1.0\r\nx: x"] {
        for stage in Stage::both(&[]) {
            let mut camera = Connection::open(&stage);
            let held = request("POST", "/whip/garage", "prefer: wait=20\r\n", OFFER);
            camera.send(held.replacen("HTTP/1.1", version_and_fields, 1));
            view(&stage);
            let answer = camera.rest();
            assert!(answer.contains(" 201 Created\r\n"), "{answer}");
            assert!(answer.ends_with(ANSWER), "{answer}");
        }
    }
}

/// Waits until another camera is told that the room is taken, or is not.
async fn until_there(stage: &Stage, there: bool) {
    let mut other = Connection::open(stage);
    let told = async || {
        other.send(request(
            "POST",
            "/whip/garage",
            "prefer: wait=0\r\n",
            OTHER_OFFER,
        ));
        other.response()
    };
    let what = format!("a camera is there: {there}");
    let taken = "/problems/room-taken";
    eventually(&what, told, |told| told.contains(taken) == there).await;
}

/// A camera whose request is held.
async fn held(stage: &Stage) -> Connection {
    let mut camera = Connection::open(stage);
    camera.send(request(
        "POST",
        "/whip/garage",
        "prefer: wait=20\r\n",
        OFFER,
    ));
    until_there(stage, true).await;
    camera
}

#[tokio::test]
async fn a_camera_that_closes_its_connection_has_left_its_room() {
    for stage in Stage::both(&[]) {
        let camera = held(&stage).await;
        drop(camera);
        until_there(&stage, false).await;
    }
}

#[tokio::test]
async fn a_camera_that_sends_something_more_and_closes_has_left_its_room() {
    for stage in Stage::both(&[]) {
        for ahead in ["G", "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"] {
            let mut camera = held(&stage).await;
            camera.send(ahead);
            drop(camera);
            until_there(&stage, false).await;
        }
    }
}

#[tokio::test]
async fn who_sends_without_end_while_its_request_is_held_is_cut_off() {
    for stage in Stage::both(&[]) {
        let mut camera = held(&stage).await;
        camera.send("x".repeat(9 * 1024));
        until_there(&stage, false).await;
    }
}

/// RFC 9113 section 3.4, also when the preface comes in pieces.
#[test]
fn http2_is_served_to_those_who_begin_with_its_preface() {
    let stage = Stage::plain(&[]);
    let mut client = Connection::open(&stage);
    let empty_settings = "\0\0\0\x04\0\0\0\0\0";
    for piece in ["P", "RI * HTTP/2.0\r\n\r\nSM\r\n\r\n", empty_settings] {
        client.send(piece);
    }
    let mut frame = [0; 9];
    client.0.read_exact(&mut frame).unwrap();
    assert_eq!(frame[3], 4, "the server preface is a SETTINGS frame");
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    for stage in Stage::both(&["--header-timeout", "300ms"]) {
        let mut silent = Connection::open(&stage);
        // By TLS, this is what shakes hands.
        silent.send("");
        let mut answer = Vec::new();
        // Cut off, by TLS without a word.
        let _ = silent.0.read_to_end(&mut answer);
        assert_eq!(answer, b"");
    }
}

/// RFC 6585 section 5.
#[test]
fn a_head_that_is_too_long_is_refused() {
    let stage = Stage::plain(&[]);
    let head = |target: &str, fields: &str| format!("GET {target} HTTP/1.1\r\n{fields}\r\n");
    let mut client = Connection::open(&stage);
    client.send(head("/", &"x: x\r\n".repeat(101)));
    let answer = client.response();
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");

    let long = "x".repeat(200_000);
    for head in [
        head(&format!("/{long}"), ""),
        head("/", &format!("x: {long}\r\n")),
    ] {
        let mut client = Connection::open(&stage);
        // Cut off while it is still being sent, perhaps, and before the answer is read.
        let _ = client.0.write_all(head.as_bytes());
        let mut answer = Vec::new();
        let _ = client.0.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{answer}"
        );
    }
}

#[test]
fn a_handshake_that_does_not_come_or_drips_is_cut_off() {
    let stage = Stage::tls(&["--handshake-timeout", "300ms"]);
    // The head of a ClientHello, RFC 8446 section 5.1: 512 bytes are to come.
    for begun in [&b""[..], b"\x16\x03\x01\x02\x00\x01"] {
        let mut slow = TcpStream::connect(stage.gateway.host()).unwrap();
        slow.set_read_timeout(Some(LONG)).unwrap();
        slow.write_all(begun).unwrap();
        assert_eq!(slow.read(&mut [0; 64]).unwrap(), 0);
    }
}

#[test]
fn whoever_speaks_plain_http_to_tls_gets_no_answer() {
    let stage = Stage::tls(&[]);
    let mut plain = TcpStream::connect(stage.gateway.host()).unwrap();
    plain.set_read_timeout(Some(LONG)).unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

/// "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message
/// that lacks a Host header field and to any request message that contains more than one Host
/// header field line or a Host header field with an invalid field value" (RFC 9112 section 3.2).
#[test]
fn a_request_names_one_host() {
    let gateway = Gateway::start_with(
        ["--admin-listen", "127.0.0.1:0"],
        [("SIGHTLINE_ADMIN_TOKEN", "administrator-of-tests")],
    );
    let stage = Stage { gateway, tls: None };
    for (head, status) in [
        ("GET /healthz HTTP/1.1\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nhost: a\r\nhost: a\r\n", 400),
        ("GET /healthz HTTP/1.0\r\nhost: a\r\nhost: b\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nhost: a b\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nhost: u@a\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nhost: a/b\r\n", 400),
        ("GET http://a/healthz HTTP/1.1\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nhost: a:80\r\n", 200),
        ("GET /healthz HTTP/1.1\r\nhost: [::1]:80\r\n", 200),
        ("GET /healthz HTTP/1.1\r\nhost:\r\n", 200),
        ("GET /healthz HTTP/1.0\r\n", 200),
    ] {
        let mut connection = Connection::open(&stage);
        connection.send(format!("{head}connection: close\r\n\r\n"));
        let answer = connection.rest();
        assert_eq!(
            answer.get(9..12),
            Some(&*status.to_string()),
            "{head}{answer}"
        );
        let is_problem = answer.contains("/problems/bad-host");
        assert_eq!(is_problem, status == 400, "{head}{answer}");
    }
    let admin = TcpStream::connect(stage.gateway.admin().unwrap()).unwrap();
    admin.set_read_timeout(Some(LONG)).unwrap();
    let mut admin = Connection(Box::new(admin));
    admin.send("GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n");
    assert!(admin.rest().starts_with("HTTP/1.1 400"));
}

/// "Regardless, the server MUST close the connection after responding to such a request"
/// (RFC 9112 section 6.1), whichever of the two stands first.
#[test]
fn a_body_with_two_lengths_is_the_last_of_its_connection() {
    for fields in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
    ] {
        for stage in Stage::both(&[]) {
            let mut connection = Connection::open(&stage);
            connection.send(format!(
                "POST /whip/garage HTTP/1.1\r\nhost: x\r\n{fields}\
                 content-type: application/sdp\r\n\r\n0\r\n\r\n"
            ));
            connection.send("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
            let answers = connection.rest();
            assert!(answers.starts_with("HTTP/1.1 400"), "{answers}");
            assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
        }
    }
}

/// The same where the request was held: its answer is given by another connection of hyper's.
#[test]
fn a_held_request_with_a_body_in_chunks_is_the_last_of_its_connection() {
    for stage in Stage::both(&[]) {
        let mut camera = Connection::open(&stage);
        let (length, fields) = (
            OFFER.len(),
            "transfer-encoding: chunked\r\nprefer: wait=20\r\n",
        );
        camera.send(format!(
            "POST /whip/garage HTTP/1.1\r\nhost: x\r\ncontent-type: application/sdp\r\n\
             {fields}\r\n{length:x}\r\n{OFFER}\r\n0\r\n\r\n"
        ));
        stage.gateway.until_logged("a camera's offer waits", 1);
        view(&stage);
        let answer = camera.rest();
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
}

/// A browser has six connections to a gateway by HTTP/1.1. Eight viewers of eight rooms share one
/// for their events, and leave the others to what comes and goes.
#[test]
fn six_players_of_one_browser_have_connections_left() {
    let stage = Stage::plain(&[]);
    let mut browser: Vec<_> = (0..6).map(|_| Connection::open(&stage)).collect();
    let mut cameras = Vec::new();
    let mut streams = Vec::new();
    for room in 0..8 {
        let mut camera = Connection::open(&stage);
        let path = format!("/whip/room{room}");
        camera.send(request("POST", &path, "prefer: wait=20\r\n", OFFER));
        let free = &mut browser[room % 5];
        let path = format!("/whep/room{room}");
        free.send(request("POST", &path, "prefer: wait=20\r\n", VIEWER_OFFER));
        let offered = free.response();
        let session = field(&offered, "location").unwrap();
        free.send(request("PATCH", session, "", ANSWER));
        assert!(free.response().starts_with("HTTP/1.1 204"));
        free.send(request("POST", &format!("{session}/events"), "", ""));
        let made = free.response();
        streams.push(field(&made, "location").unwrap().to_owned());
        let answered = camera.response();
        assert!(answered.starts_with("HTTP/1.1 201"), "{answered}");
        cameras.push(camera);
    }
    let shared = &mut browser[5];
    let query = streams.join(",");
    shared.send(format!(
        "GET /events?streams={query} HTTP/1.1\r\nhost: x\r\n\r\n"
    ));
    let mut seen = shared.response();
    assert!(seen.contains("content-type: text/event-stream"), "{seen}");
    for room in 0..8 {
        let active = format!("event: active\ndata: {{\"stream\":{room},\"data\":{{}}}}");
        while !seen.contains(&active) {
            seen += &shared.some();
        }
    }
}
