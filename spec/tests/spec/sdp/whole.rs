//! What was cut off is refused, and what is whole without a last line break is not:
//! `docs/decisions/strict-line-end.md`.

use sightline_spec::sdp::{PublisherOffer, Sdp, SdpError};

use super::{parse, valid_ending_with, vectors};

/// What the relay and the protocol go by.
fn meaning(sdp: &Sdp) -> impl PartialEq + std::fmt::Debug {
    let sections = sdp.media().map(|media| {
        let encodings = media.payloads().into_iter();
        let encodings = encodings.map(|p| (p.number, p.encoding.to_owned(), p.clock_rate));
        (
            media.kind().to_owned(),
            media.mid().map(str::to_owned),
            media.direction(),
            media.ice_credentials(),
            media.fingerprints(),
            media.setup().map(str::to_owned),
            media.layers().len(),
            encodings.collect::<Vec<_>>(),
        )
    });
    sections.collect::<Vec<_>>()
}

#[test]
fn what_is_cut_off_in_a_line_is_refused_wherever_anything_is_lost() {
    for valid in vectors().valid {
        let (text, whole) = (valid.text(), valid.sdp());
        let inside_a_line = |&end: &usize| !text[..end].ends_with('\n');
        for end in (1..text.len()).filter(inside_a_line) {
            let at_line_end = text[end..].starts_with("\r\n") || text[..end].ends_with('\r');
            match parse(valid.role, &text[..end]) {
                Ok(cut) if !at_line_end || text[end..].trim().is_empty() => {
                    assert_eq!(meaning(&cut), meaning(&whole), "{} at {end}", valid.name);
                }
                // After a whole line, which no line break would have told either.
                Ok(cut) => assert_eq!(cut.media().count(), whole.media().count()),
                Err(_) => {}
            }
        }
    }
}

#[test]
fn what_is_whole_may_lack_its_last_line_break_or_have_too_many() {
    for last in [
        "a=sendonly",
        "a=setup:actpass",
        "a=rtpmap:96 H264/90000",
        "a=fmtp:96 packetization-mode=1",
        "a=ssrc:2 cname:camera",
        "a=end-of-candidates",
        "a=candidate:1 1 UDP 2130706431 198.51.100.1 39132 typ host",
        "b=AS:500",
    ] {
        let text = valid_ending_with(last);
        let sdp = PublisherOffer::parse(&format!("{text}\r\n")).unwrap();
        for end in ["", "\r\n\r\n", "\r\n \r\n\t\n", " ", "\r"] {
            let same = PublisherOffer::parse(&format!("{text}{end}")).unwrap();
            assert_eq!(same, sdp, "{last:?} {end:?}");
        }
    }
}

#[test]
fn what_may_be_the_beginning_of_a_line_needs_its_end() {
    for last in [
        "a=send",
        "a=rtcp-mu",
        "a=mid:v",
        "a=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa",
        "a=ice-ufrag:abcd",
        "a=rtpmap:97 VP8/9000",
        "a=rtpmap:97 VP",
        "a=fingerprint:sha-256 AA:BB",
        "a=simulcast:send a;b",
        "a=ssrc:2",
        "a=candidate:1 1 UDP 2130706431 198.51.100.1 39132 typ ho",
        "m=audio 9 UDP/TLS/RTP/SAVPF 0",
        "c=IN IP4 0.0.0.0",
    ] {
        let cut = Sdp::parse(&valid_ending_with(last));
        assert_eq!(cut, Err(SdpError::Truncated), "{last:?}");
    }
    let unexplained = valid_ending_with("a=sendonly").replace(" 96\r", " 96 98\r");
    assert_eq!(Sdp::parse(&unexplained), Err(SdpError::Truncated));
    let unbundled = valid_ending_with("a=sendonly").replace("BUNDLE v", "BUNDLE v a");
    assert_eq!(Sdp::parse(&unbundled), Err(SdpError::Truncated));
}

#[test]
fn what_is_cut_off_before_its_media_is_refused() {
    for valid in vectors().valid {
        let text = valid.text();
        let media = text.find("\r\nm=").unwrap() + 2;
        let line_ends = text[..media].match_indices('\n').map(|(at, _)| at + 1);
        for end in line_ends {
            let cut = parse(valid.role, &text[..end]);
            assert!(cut.is_err(), "{} at {end}", valid.name);
        }
    }
}
