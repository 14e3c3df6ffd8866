//! The gateway as a process: how it starts, what it says, how it ends.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::{Gateway, LONG, program};

const OFFER: &str = include_str!("../../../spec/http/sdp/camera-offer.sdp");
const VIEWER_OFFER: &str = include_str!("../../../spec/http/sdp/viewer-offer.sdp");

fn connect(gateway: &Gateway) -> TcpStream {
    let stream = TcpStream::connect(gateway.host()).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// POSTs an offer; the answer is read by whoever wants it.
fn post(gateway: &Gateway, path: &str, offer: &str) -> TcpStream {
    let mut stream = connect(gateway);
    let (host, length) = (gateway.host(), offer.len());
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
         content-type: application/sdp\r\nprefer: wait=60\r\n\
         content-length: {length}\r\n\r\n{offer}"
    )
    .unwrap();
    stream
}

fn everything_from(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn location(answer: &str) -> &str {
    let (_, rest) = answer.split_once("\r\nlocation: ").unwrap();
    rest.lines().next().unwrap()
}

#[test]
fn sigterm_ends_held_posts_with_503_event_streams_and_the_process_with_0() {
    let gateway = Gateway::start([]);
    let camera = post(&gateway, "/whip/garage", OFFER);
    // The offer is in its room once a viewer gets it.
    let counter_offer = everything_from(post(&gateway, "/whep/garage", VIEWER_OFFER));
    assert!(counter_offer.starts_with("HTTP/1.1 406"), "{counter_offer}");

    let session = location(&counter_offer);
    let created = everything_from(post(&gateway, &format!("{session}/events"), ""));
    let mut events = connect(&gateway);
    let stream = location(&created);
    write!(events, "GET {stream} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    events.read_exact(&mut [0; 1]).unwrap();

    let ended = std::thread::spawn(|| gateway.terminate());
    let answer = everything_from(camera);
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("\r\nretry-after: "), "{answer}");
    assert!(answer.contains("/problems/shutting-down"), "{answer}");
    everything_from(events);
    let (status, log) = ended.join().unwrap();
    assert!(status.success());
    assert!(!log.contains("were cut"), "{log}");
}

#[test]
fn a_head_that_drips_is_cut_off() {
    let gateway = Gateway::start(["--header-timeout", "300ms"]);
    let mut slow = connect(&gateway);
    write!(slow, "POST /whip/garage HTTP/1.1\r\nhost: ").unwrap();
    // Answered with 408 or just closed: either way the connection ends.
    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest);
    assert!(!String::from_utf8_lossy(&rest).starts_with("HTTP/1.1 2"));
}

#[test]
fn a_body_that_drips_gets_408() {
    let gateway = Gateway::start(["--body-timeout", "300ms"]);
    let mut slow = connect(&gateway);
    write!(
        slow,
        "POST /whip/garage HTTP/1.1\r\nhost: x\r\ncontent-type: application/sdp\r\n\
         content-length: 1000\r\n\r\nv=0\r\n"
    )
    .unwrap();
    let answer = everything_from(slow);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("/problems/body-too-slow"), "{answer}");
}

#[test]
fn mistakes_in_the_options_are_told_and_end_the_process() {
    let output = program()
        .args(["--listen", "nowhere", "--camera-wait", "soon"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("--listen") && told.contains("--camera-wait"),
        "{told}"
    );
}

#[test]
fn a_port_that_is_taken_is_named() {
    let gateway = Gateway::start([]);
    let output = program()
        .args(["--listen", &gateway.host()])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains(&gateway.host()), "{told}");
}
