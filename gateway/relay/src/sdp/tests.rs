//! Offers as real clients write them, and what they are answered: no connection is made, and
//! str0m is the real one.

mod arbitrary;
mod bundles;
mod codecs;
mod refusals;
mod viewers;

use std::sync::{Arc, OnceLock};

use sightline_spec::sdp::{Media, PublisherOffer, Sdp, ViewerOffer};
use str0m::Candidate;
use str0m::net::Protocol;

use super::negotiate::{Endpoint, Negotiated, Subscription, Track};
use crate::clock;
use crate::connection::dtls;
use crate::error::Error;

const TRANSPORT: &str =
    "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=setup:actpass\r\n";

/// The gateway's own end of every connection.
fn endpoint() -> &'static Endpoint {
    static ENDPOINT: OnceLock<Endpoint> = OnceLock::new();
    ENDPOINT.get_or_init(|| Endpoint {
        for_publishers: Arc::new(dtls::for_publishers()),
        for_viewers: Arc::new(dtls::for_viewers()),
        certificate: dtls::certificate().unwrap(),
    })
}

fn candidates() -> Vec<Candidate> {
    let address = "192.0.2.1:7".parse().unwrap();
    vec![Candidate::host(address, Protocol::Udp).unwrap()]
}

fn publish(offer: &str) -> Result<Negotiated<Vec<Track>>, Error> {
    let offer = PublisherOffer::parse(offer)?;
    endpoint().publisher(&offer, &candidates(), clock::now())
}

fn view(offer: &str, tracks: &[Track]) -> Result<Negotiated<Subscription>, Error> {
    let offer = ViewerOffer::parse(offer)?;
    endpoint().viewer(&offer, tracks, &candidates(), clock::now())
}

/// A publisher's tracks: H.264 and Opus.
fn picture_and_sound() -> Vec<Track> {
    publish(&camera()).unwrap().media
}

fn camera() -> String {
    let sections = [audio("0", "sendonly"), video("1", "sendonly")];
    offer("0 1", &sections)
}

/// Sections under a session that bundles those of these mids; none if there are no mids.
fn offer(bundle: &str, sections: &[String]) -> String {
    let group = match bundle {
        "" => String::new(),
        mids => format!("a=group:BUNDLE {mids}\r\n"),
    };
    let fingerprint = ["A1"; 32].join(":");
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n{group}\
         a=fingerprint:sha-256 {fingerprint}\r\n{}",
        sections.concat()
    )
}

/// A section of one payload type, with transport.
fn section(m_line: &str, mid: &str, lines: &str) -> String {
    let mid = match mid {
        "" => String::new(),
        mid => format!("a=mid:{mid}\r\n"),
    };
    let lines: String = lines
        .split('|')
        .map(|line| format!("{}\r\n", line.trim()))
        .collect();
    format!("m={m_line}\r\nc=IN IP4 0.0.0.0\r\n{TRANSPORT}{mid}a=rtcp-mux\r\n{lines}")
}

fn audio(mid: &str, direction: &str) -> String {
    let lines = format!("a={direction}|a=rtpmap:111 opus/48000/2");
    section("audio 9 UDP/TLS/RTP/SAVPF 111", mid, &lines)
}

fn video(mid: &str, direction: &str) -> String {
    let lines = format!("a={direction}|a=rtpmap:96 H264/90000|a=fmtp:96 packetization-mode=1");
    section("video 9 UDP/TLS/RTP/SAVPF 96", mid, &lines)
}

/// The sections of an answer, after a look at what holds for all.
fn sections<'a>(offer: &str, answer: &'a Sdp) -> Vec<Media<'a>> {
    let offer = Sdp::parse(offer).unwrap();
    let sections: Vec<Media<'a>> = answer.media().collect();
    // RFC 3264 section 6: as many, in the same order, of the same kinds and transports.
    assert_eq!(offer.media().count(), sections.len());
    for (asked, given) in offer.media().zip(&sections) {
        assert_eq!(asked.kind(), given.kind());
        assert_eq!(asked.protocol(), given.protocol());
        assert_eq!(asked.mid(), given.mid());
        if asked.is_rejected() {
            assert!(given.is_rejected());
        }
        let formats: Vec<&str> = asked.formats().collect();
        assert!(given.formats().all(|format| formats.contains(&format)));
        for payload in given.payloads() {
            // RFC 4585 section 4.2.
            let wanted = asked.feedback(payload.number);
            let told = given.feedback(payload.number);
            assert!(told.iter().all(|told| wanted.contains(told)), "{told:?}");
            let same = |p: &sightline_spec::sdp::Payload<'_>| {
                p.number == payload.number && p.is(payload.encoding)
            };
            assert!(asked.payloads().iter().any(same), "another meaning");
        }
        for extension in given.header_extensions() {
            let mut offered = asked.header_extensions();
            let same = offered.any(|o| o.id == extension.id && o.uri == extension.uri);
            assert!(same, "{}", extension.uri);
        }
    }
    // RFC 9143 section 7.3: a group has who is accepted; the first of them has the transport.
    let accepted: Vec<&Media<'_>> = sections.iter().filter(|m| !m.is_rejected()).collect();
    let bundled: Vec<&str> = answer.bundles().flatten().collect();
    let mids: Vec<&str> = accepted.iter().filter_map(|media| media.mid()).collect();
    match offer
        .bundles()
        .any(|b| mids.iter().all(|mid| b.contains(mid)))
        && !mids.is_empty()
    {
        true => assert_eq!(bundled, mids),
        false => assert!(bundled.is_empty() && accepted.len() == 1),
    }
    for media in &sections {
        let is_tagged = accepted
            .first()
            .is_some_and(|m| m.first_line() == media.first_line());
        let has_candidates = media
            .lines()
            .any(|(_, line)| line.starts_with("a=candidate:"));
        assert_eq!(has_candidates, is_tagged);
        assert_eq!(media.is_rejected(), media.ice_credentials().is_none());
    }
    sections
}
