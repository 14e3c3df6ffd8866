//! What cannot be answered is refused with its line and the reason.

use super::{camera, offer, picture_and_sound, publish, section, video, view};
use crate::error::Error;

/// The line that a publisher's offer is refused for, and why.
fn refused(text: &str) -> (String, String) {
    match publish(text).map(|_| ()) {
        Err(Error::Unanswerable(refused)) => {
            let line = text.lines().nth(refused.line - 1).unwrap();
            (line.to_owned(), refused.why)
        }
        other => panic!("{other:?} to\n{text}"),
    }
}

#[test]
fn what_has_two_meanings() {
    let (line, why) = refused(&camera().replace("a=mid:1", "a=mid:0"));
    assert_eq!(line, "a=mid:0");
    assert!(why.contains("another section"), "{why}");

    let lines = "a=sendonly|a=rtpmap:96 H265/90000|a=rtpmap:96 H264/90000";
    let text = offer("0", &[section("video 9 UDP/TLS/RTP/SAVPF 96", "0", lines)]);
    let (line, why) = refused(&text);
    assert_eq!(line, "a=rtpmap:96 H264/90000");
    assert!(why.contains("payload type 96"), "{why}");

    let lines = "a=sendonly|a=rtpmap:96 H264/90000|a=extmap:1 urn:a|a=extmap:1 urn:b";
    let text = offer("0", &[section("video 9 UDP/TLS/RTP/SAVPF 96", "0", lines)]);
    let (line, why) = refused(&text);
    assert_eq!(line, "a=extmap:1 urn:b");
    assert!(why.contains("another extension"), "{why}");

    let sound = section(
        "audio 9 UDP/TLS/RTP/SAVPF 96",
        "0",
        "a=sendonly|a=rtpmap:96 opus/48000/2",
    );
    let (line, why) = refused(&offer("0 1", &[sound, video("1", "sendonly")]));
    assert!(line.starts_with("m=video"), "{line}");
    assert!(why.contains("payload type 96"), "{why}");
}

#[test]
fn what_could_not_connect() {
    let (line, why) = refused(&camera().replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n"));
    assert_eq!(line, "a=ice-lite");
    assert!(why.contains("ICE-lite too"), "{why}");

    let (line, why) = refused(&camera().replace("setup:actpass", "setup:holdconn"));
    assert_eq!(line, "a=setup:holdconn");
    assert!(why.contains("actpass"), "{why}");

    let (line, why) = refused(&camera().replace("a=mid:1", "a=mid:1 2"));
    assert_eq!(line, "a=mid:1 2");
    assert!(why.contains("token"), "{why}");
}

/// Said twice is not said in two ways.
#[test]
fn what_is_repeated_does_no_harm() {
    let text = camera().replace(
        "a=rtpmap:96 H264/90000\r\n",
        "a=rtpmap:96 H264/90000\r\na=rtpmap:96 H264/90000\r\n",
    );
    assert_eq!(publish(&text).unwrap().media.len(), 2);
    let lines = "a=sendonly|a=rtpmap:96 H264/90000|a=extmap:1 urn:3gpp:video-orientation|a=extmap:1 urn:3gpp:video-orientation";
    let text = offer(
        "0",
        &[section("video 9 UDP/TLS/RTP/SAVPF 96 96", "0", lines)],
    );
    assert_eq!(publish(&text).unwrap().media.len(), 1);
}

#[test]
fn nothing_that_can_be_forwarded_and_nothing_that_can_be_had() {
    let pcma = |direction| {
        let lines = format!("a={direction}|a=rtpmap:8 PCMA/8000");
        section("audio 9 UDP/TLS/RTP/SAVPF 8", "0", &lines)
    };
    let text = offer("0", &[pcma("sendonly")]);
    assert_eq!(
        publish(&text).map(|_| ()).err(),
        Some(Error::NothingToForward)
    );
    let text = offer("0", &[pcma("recvonly")]);
    let refused = view(&text, &picture_and_sound()).map(|_| ()).err();
    assert_eq!(refused, Some(Error::CodecMismatch { encoding: "opus" }));
}
