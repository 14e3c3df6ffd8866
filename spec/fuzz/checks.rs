//! What must hold for any text that a peer can send, one function for each parser. The fuzz
//! targets call them with what libFuzzer makes up, `tests/corpus.rs` with what it has kept.

use std::time::{Duration, SystemTime};

use sightline_spec::candidate::Candidate;
use sightline_spec::event::{Event, EventKind};
use sightline_spec::forwarded;
use sightline_spec::ice_server::IceServer;
use sightline_spec::layer::LayerSelection;
use sightline_spec::link::Link;
use sightline_spec::media_type::{counter_offer, valid_until};
use sightline_spec::prefer::Prefer;
use sightline_spec::private::{LinkSecret, Seed, check_viewer};
use sightline_spec::proof::check_camera;
use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::{Fingerprint, PublisherOffer, Sdp, ViewerAnswer, ViewerOffer};
use sightline_spec::sdpfrag::SdpFrag;
use sightline_spec::shared_events::SharedEvents;
use sightline_spec::token::{Claims, Scope};

/// A candidate that parses is printed to one that is equal.
pub fn candidate(text: &str) {
    if let Ok(candidate) = text.parse::<Candidate>() {
        let printed = candidate.to_string();
        assert!(!printed.contains(['\r', '\n']));
        assert_eq!(printed.parse(), Ok(candidate));
    }
}

/// The first line names an event, the rest is its data; what parses is printed to an event
/// that is equal, its data on one line.
pub fn event(text: &str) {
    let (name, data) = text.split_once('\n').unwrap_or((text, "{}"));
    if let Ok(kind) = name.parse::<EventKind>() {
        assert_eq!(kind.name(), name);
    }
    if let Ok(event) = Event::parse(name, data) {
        let data = event.data();
        assert!(!data.contains(['\r', '\n']));
        assert_eq!(Event::parse(event.kind().name(), &data), Ok(event));
    }
}

/// Whatever a client puts before it, what the proxy appends is what comes last, or all of it
/// is refused.
pub fn forwarded(before: &str) {
    let address = "203.0.113.9".parse().ok();
    if let Ok(hops) = forwarded::forwarded([format!("{before}, for=203.0.113.9").as_str()]) {
        assert_eq!(hops.last().and_then(|hop| hop.from), address);
    }
    if let Ok(hops) = forwarded::x_forwarded_for([format!("{before}, 203.0.113.9").as_str()]) {
        assert_eq!(hops.last().and_then(|hop| hop.from), address);
    }
}

/// A layer selection that parses is printed to one that is equal.
pub fn layer_selection(text: &str) {
    let Ok(selection) = LayerSelection::parse(text) else {
        return;
    };
    assert!(text.len() <= LayerSelection::MAX_BYTES);
    assert_eq!(LayerSelection::parse(&selection.to_string()), Ok(selection));
}

/// Links that parse are printed to links that are equal, one to a line or all in one.
pub fn link(text: &str) {
    let links = Link::parse_all([text]);
    let printed: Vec<String> = links.iter().map(Link::to_string).collect();
    assert_eq!(Link::parse_all(printed.iter().map(String::as_str)), links);
    assert_eq!(Link::parse_all([printed.join(", ").as_str()]), links);
    for server in links.iter().filter_map(IceServer::from_link) {
        assert_eq!(IceServer::from_link(&server.to_link()), Some(server));
    }
}

/// A query that names streams is printed to one that is equal.
pub fn shared_events(text: &str) {
    if let Ok(shared) = text.parse::<SharedEvents>() {
        assert_eq!(shared.to_string().parse(), Ok(shared));
    }
}

/// Until when a counter-offer is good is a date, and is printed to one that is equal.
pub fn media_type(text: &str) {
    let Some(until) = valid_until(text) else {
        return;
    };
    // What HTTP dates can say ends with the year 9999.
    let last = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    if until <= last {
        assert_eq!(valid_until(&counter_offer(until)), Some(until));
    }
}

/// Preferences are printed to preferences that are equal.
pub fn prefer(text: &str) {
    let prefer = Prefer::parse(text.lines());
    assert_eq!(Prefer::parse([prefer.to_string().as_str()]), prefer);
}

/// No description proves that it is from a camera or a viewer whose key or link nobody holds.
pub fn proof(text: &str) {
    if let Ok(secret) = text.parse::<LinkSecret>() {
        assert_eq!(secret.expose(), text, "one spelling each");
    }
    let Ok(sdp) = Sdp::parse(text) else { return };
    // The key of RFC 8032 section 7.1, test 2; the seeds are for that of test 1.
    const ROOM: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    let room: RoomId = ROOM.parse().expect("64 hex digits are a room id");
    let now = SystemTime::UNIX_EPOCH;
    assert!(check_camera(&sdp, &room, now).is_err(), "forged: {text}");
    let seed = Seed::new([0; 32]);
    assert!(
        check_viewer(&sdp, &room, &seed, now).is_err(),
        "forged: {text}"
    );
}

/// An id is its text, can stand in a path, and is a key in one way only.
pub fn room(text: &str) {
    if let Ok(room) = text.parse::<RoomId>() {
        assert_eq!(room.as_str(), text);
        let safe = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        assert!((1..=64).contains(&text.len()) && text.bytes().all(safe));
        if let Some(key) = room.key() {
            assert_eq!(RoomId::from_key(&key), room);
        }
    }
    if let Ok(session) = text.parse::<SessionId>() {
        assert_eq!(session.to_string(), text);
        assert!(!format!("{session:?}").contains(text));
    }
}

/// What parses as an offer or an answer stays as it was but for the end of its last line, what
/// is read of its sections is within it, and every rewrite of it parses again.
pub fn sdp(text: &str) {
    if let Some(fingerprint) = Fingerprint::parse(text) {
        assert_eq!(Fingerprint::parse(fingerprint.as_str()), Some(fingerprint));
    }
    let Ok(sdp) = Sdp::parse(text) else { return };
    assert_eq!(sdp.as_str().trim_end(), text.trim_end());
    assert_eq!(Sdp::parse(sdp.as_str()).as_ref(), Ok(&sdp));
    sections(&sdp);
    let rewritten = sdp.without_undescribed_ssrc_groups();
    let rewritten = rewritten.with_mdns_resolved_to([203, 0, 113, 7].into());
    // The media part of a description is nearly a fragment.
    let media = text.find("\nm=").map_or("", |at| &text[at + 1..]);
    let fragments: Vec<_> = media.parse().into_iter().collect();
    let rewritten = rewritten.with_candidates(&fragments);
    assert_eq!(Sdp::parse(rewritten.as_str()).as_ref(), Ok(&rewritten));
    assert_eq!(rewritten.fingerprints(), sdp.fingerprints());
    assert_eq!(rewritten.ice_credentials(), sdp.ice_credentials());

    if let Ok(offer) = PublisherOffer::parse(text) {
        // Who a publisher is, the gateway knows by its certificates.
        assert!(!offer.fingerprints().is_empty());
        if let Ok(answer) = ViewerAnswer::parse(&text.replace("a=sendonly", "a=recvonly")) {
            let _ = answer.check_answers(&offer);
        }
    }
    if let Ok(offer) = ViewerOffer::parse(text) {
        assert!(!offer.ice_credentials().is_empty());
    }
}

/// Every line belongs to one section and has its number.
fn sections(sdp: &Sdp) {
    let all: Vec<&str> = sdp.as_str().lines().collect();
    let media = sdp.media().flat_map(|media| media.lines());
    let mut count = 0;
    for (number, line) in sdp.numbered_session_lines().chain(media) {
        assert_eq!(all[number - 1], line);
        count += 1;
    }
    assert_eq!(count, all.len());
    for media in sdp.media() {
        let numbers: Vec<u8> = media.payloads().iter().map(|p| p.number).collect();
        for number in numbers {
            assert!(media.formats().any(|format| format.parse() == Ok(number)));
            let _ = media.feedback(number);
        }
        let _ = (
            media.sources(),
            media.layers(),
            media.ambiguous_payload_type(),
        );
        assert!(media.header_extensions().all(|e| !e.uri.contains(' ')));
    }
}

/// A trickle ICE fragment that parses is printed to one that is equal.
pub fn sdpfrag(text: &str) {
    let Ok(fragment) = text.parse::<SdpFrag>() else {
        return;
    };
    assert!(fragment.candidates().count() <= SdpFrag::MAX_CANDIDATES);
    let same = fragment.clone().map_candidates(|candidate| candidate);
    assert_eq!(same, fragment);
    if !fragment.is_empty() {
        assert_eq!(fragment.to_string().parse(), Ok(fragment));
    }
}

/// No token is accepted in a room whose key nobody holds, whatever it says.
pub fn token(text: &str) {
    // The key of RFC 8032 section 7.1, test 1; its seeds are signed by another.
    const ROOM: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let room: RoomId = ROOM.parse().expect("64 hex digits are a room id");
    for scope in [Scope::Publish, Scope::View] {
        let verified = Claims::verify(text, &room, scope, "localhost", SystemTime::UNIX_EPOCH);
        assert!(verified.is_err(), "forged: {text}");
    }
}
