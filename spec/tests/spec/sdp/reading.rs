//! What is read of a description's sections, line by line.

use sightline_spec::sdp::{Sdp, Source};

use super::{valid_ending_with, vectors};

/// Problems name the line that the client sent.
#[test]
fn lines_have_the_numbers_that_an_editor_shows() {
    for valid in vectors().valid {
        let (sdp, text) = (valid.sdp(), valid.text());
        let all: Vec<&str> = text.lines().collect();
        let session = sdp.numbered_session_lines();
        let media = sdp
            .media()
            .flat_map(|media| media.lines().collect::<Vec<_>>());
        let mut count = 0;
        for (number, line) in session.chain(media) {
            assert_eq!(all[number - 1], line, "{}", valid.name);
            count += 1;
        }
        assert_eq!(count, all.len(), "{}", valid.name);
    }
}

#[test]
fn profiles_of_rtp_are_those_of_rfc_8829() {
    let section = |protocol: &str| {
        let line = format!("m=video 9 {protocol} 96");
        let text = valid_ending_with("a=x\r\n");
        Sdp::parse(&text.replace("m=video 9 UDP/TLS/RTP/SAVPF 96", &line)).unwrap()
    };
    let is_rtp = |protocol: &str| section(protocol).media().all(|media| media.is_rtp());
    for profile in ["SAVPF", "SAVP", "AVPF", "AVP"] {
        for transport in ["", "UDP/TLS/", "TCP/DTLS/", "TCP/TLS/"] {
            assert!(
                is_rtp(&format!("{transport}RTP/{profile}")),
                "{transport}{profile}"
            );
        }
    }
    for other in ["UDP/DTLS/SCTP", "UDP", "RTP/X", "X/RTP/SAVPF", "udptl"] {
        assert!(!is_rtp(other), "{other}");
    }
}

#[test]
fn feedback_is_that_of_the_payload_type_or_of_all() {
    let text = valid_ending_with(
        "a=rtcp-fb:* nack pli\r\na=rtcp-fb:97 ccm fir\r\na=rtcp-fb:96 nack \r\n\
         a=rtcp-fb:96 nack pli\r\n",
    );
    let sdp = Sdp::parse(&text).unwrap();
    let video = sdp.media().next().unwrap();
    assert_eq!(video.feedback(96), ["nack pli", "nack"]);
}

#[test]
fn a_payload_type_has_one_meaning() {
    let ambiguous = |rtpmap: &str| {
        let sdp = Sdp::parse(&valid_ending_with(&format!("{rtpmap}\r\n"))).unwrap();
        sdp.media().next().unwrap().ambiguous_payload_type()
    };
    assert_eq!(ambiguous("a=rtpmap:97 H265/90000"), None);
    assert_eq!(ambiguous("a=rtpmap:96 h264/90000"), None);
    assert_eq!(ambiguous("a=rtpmap:96 H265/90000"), Some((96, 13)));
}

#[test]
fn sources_are_read_with_those_that_repair_them() {
    let sources = |lines: &str| {
        let sdp = Sdp::parse(&valid_ending_with(&format!("{lines}\r\n"))).unwrap();
        sdp.media().next().unwrap().sources()
    };
    let source = |ssrc, rtx| Source { ssrc, rtx };
    let pair = "a=ssrc-group:FID 1 2\r\na=ssrc:1 cname:c\r\na=ssrc:2 cname:c";
    assert_eq!(sources(pair), [source(1, Some(2))]);
    // FFmpeg's.
    let undescribed = "a=ssrc-group:FID 1 2\r\na=ssrc:1 cname:c\r\na=ssrc:1 msid:a b";
    assert_eq!(sources(undescribed), [source(1, Some(2))]);
    assert_eq!(
        sources("a=ssrc:1 cname:c\r\na=ssrc:x cname:c"),
        [source(1, None)]
    );
}
