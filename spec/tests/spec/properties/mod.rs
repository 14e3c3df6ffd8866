//! What holds for every input: parsers never panic, and what they accept is
//! printed back to an equal value.
mod values;

use std::time::SystemTime;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use sightline_spec::candidate::{Address, Candidate};
use sightline_spec::event::{Event, EventKind};
use sightline_spec::ice_server::{IceServer, IceServerCredential, IceUri};
use sightline_spec::layer::{LayerSelection, Rid};
use sightline_spec::link::Link;
use sightline_spec::media_type::{self, MediaType};
use sightline_spec::prefer::Prefer;
use sightline_spec::private::{LinkSecret, Seed, check_viewer};
use sightline_spec::problem::Problem;
use sightline_spec::proof::check_camera;
use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::{Fingerprint, PublisherOffer, Sdp, ViewerAnswer, ViewerOffer};
use sightline_spec::sdpfrag::SdpFrag;
use sightline_spec::shared_events::{Positions, SharedEvents};
use sightline_spec::token::{Claims, Scope};

use values::{candidate, event, fragment, seeds, selection};

/// Feeds a text to every parser. Whatever is accepted must print and parse back.
fn every_parser_holds(text: &str) {
    round_trips::<Candidate>(text);
    round_trips::<Address>(text);
    if text.parse::<SdpFrag>().is_ok_and(|frag| !frag.is_empty()) {
        round_trips::<SdpFrag>(text);
    }
    round_trips::<RoomId>(text);
    round_trips::<SessionId>(text);
    round_trips::<IceUri>(text);
    round_trips::<Positions>(text);
    round_trips::<SharedEvents>(text);
    round_trips::<Rid>(text);
    for parsed in [
        Sdp::parse(text),
        PublisherOffer::parse(text).map(PublisherOffer::into_sdp),
        ViewerOffer::parse(text).map(ViewerOffer::into_sdp),
        ViewerAnswer::parse(text).map(ViewerAnswer::into_sdp),
    ] {
        let Ok(sdp) = parsed else { continue };
        // Byte for byte, but for what its last line ends with.
        assert_eq!(sdp.as_str().trim_end(), text.trim_end());
        assert_eq!(Sdp::parse(sdp.as_str()).as_ref(), Ok(&sdp));
        let rewritten = sdp.without_undescribed_ssrc_groups();
        let rewritten = rewritten.with_mdns_resolved_to([203, 0, 113, 7].into());
        let fragments: Vec<_> = text.parse().into_iter().collect();
        let rewritten = rewritten.with_candidates(&fragments);
        assert_eq!(Sdp::parse(rewritten.as_str()).as_ref(), Ok(&rewritten));
        assert_eq!(rewritten.fingerprints(), sdp.fingerprints());
        assert_eq!(rewritten.ice_credentials(), sdp.ice_credentials());
    }
    if let Some(fingerprint) = Fingerprint::parse(text) {
        assert_eq!(Fingerprint::parse(fingerprint.as_str()), Some(fingerprint));
    }
    for link in Link::parse_all([text]) {
        assert_eq!(
            Link::parse_all([link.to_string().as_str()]),
            std::slice::from_ref(&link)
        );
        if let Some(server) = IceServer::from_link(&link) {
            assert_eq!(IceServer::from_link(&server.to_link()), Some(server));
        }
    }
    let prefer = Prefer::parse([text]);
    assert_eq!(Prefer::parse([prefer.to_string().as_str()]), prefer);
    for kind in all_kinds() {
        if let Ok(event) = Event::parse(kind.name(), text) {
            assert_eq!(Event::parse(kind.name(), &event.data()), Ok(event));
        }
    }
    let _ = Event::parse(text, "{}");
    if let Ok(selection) = LayerSelection::parse(text) {
        let printed = selection.to_string();
        assert_eq!(LayerSelection::parse(&printed), Ok(selection));
    }
    let _ = MediaType::of(text);
    let _ = media_type::valid_until(text);
    let _ = serde_json::from_str::<Problem>(text);
    let room = RoomId::from_key(&[7; 32]);
    let claims = Claims::verify(text, &room, Scope::Publish, "host", SystemTime::UNIX_EPOCH);
    assert!(claims.is_err(), "nobody has signed this");
    if let Ok(sdp) = Sdp::parse(text) {
        let _ = check_camera(&sdp, &room, SystemTime::UNIX_EPOCH);
        let proved = check_viewer(&sdp, &room, &Seed::new([7; 32]), SystemTime::UNIX_EPOCH);
        assert!(proved.is_err(), "nobody has this link");
    }
    if let Ok(secret) = text.parse::<LinkSecret>() {
        assert_eq!(secret.expose(), text);
    }
}

fn round_trips<T>(text: &str)
where
    T: std::str::FromStr<Err: std::fmt::Debug + PartialEq> + ToString + PartialEq + std::fmt::Debug,
{
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string().parse::<T>(), Ok(value), "{text:?}");
    }
}

fn all_kinds() -> impl Iterator<Item = EventKind> {
    EventKind::FOR_RELAYED_VIEWERS
        .into_iter()
        .chain(EventKind::FOR_CAMERAS)
}

proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(text in any::<String>()) {
        every_parser_holds(&text);
    }

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in vec(any::<u8>(), 0..512)) {
        every_parser_holds(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn lines_like_ours_hold(lines in vec("[amvost]=[a-z:]{0,12}[ -~]{0,40}", 0..20)) {
        every_parser_holds(&lines.join("\r\n"));
        every_parser_holds(&lines.iter().map(|l| format!("{l}\n")).collect::<String>());
    }

    #[test]
    fn a_truncated_vector_holds(seed in select(seeds()), end in any::<Index>()) {
        let bytes = &seed.as_bytes()[..end.index(seed.len() + 1)];
        every_parser_holds(&String::from_utf8_lossy(bytes));
    }

    #[test]
    fn a_vector_with_flipped_bits_holds(
        seed in select(seeds()),
        flips in vec((any::<Index>(), 0..8u32), 1..8),
    ) {
        let mut bytes = seed.into_bytes();
        bytes.push(b'\n');
        for (at, bit) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        every_parser_holds(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn two_vectors_spliced_hold(
        (first, second) in (select(seeds()), select(seeds())),
        (end, start) in (any::<Index>(), any::<Index>()),
    ) {
        let mut bytes = first.as_bytes()[..end.index(first.len() + 1)].to_vec();
        bytes.extend_from_slice(&second.as_bytes()[start.index(second.len() + 1)..]);
        every_parser_holds(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn candidates_round_trip(candidate in candidate()) {
        prop_assert_eq!(candidate.to_string().parse(), Ok(candidate));
    }

    #[test]
    fn fragments_round_trip(fragment in fragment()) {
        prop_assert_eq!(fragment.to_string().parse(), Ok(fragment));
    }

    #[test]
    fn events_round_trip_on_one_line(event in event()) {
        let data = event.data();
        prop_assert!(!data.contains(['\r', '\n']));
        prop_assert_eq!(Event::parse(event.kind().name(), &data), Ok(event));
    }

    #[test]
    fn layer_selections_round_trip(selection in selection()) {
        prop_assert_eq!(LayerSelection::parse(&selection.to_string()), Ok(selection));
    }

    #[test]
    fn links_round_trip_side_by_side(
        links in vec(("[!-;=?-~]{1,30}", vec(("[a-z][a-z-]{0,8}", "[ -~]{0,20}"), 0..4)), 1..4),
    ) {
        let links: Vec<Link> = links
            .into_iter()
            .map(|(target, parameters)| Link { target, parameters })
            .collect();
        let line = links.iter().map(Link::to_string).collect::<Vec<_>>().join(", ");
        prop_assert_eq!(Link::parse_all([line.as_str()]), links);
    }

    #[test]
    fn ice_servers_round_trip(
        (username, password) in ("[ -~]{0,20}", "[ -~]{0,20}"),
        uri in "turns?:[a-z0-9.-]{1,20}(:[1-9][0-9]{0,3})?(\\?transport=(udp|tcp))?",
    ) {
        let credential = IceServerCredential { username, password };
        let server = IceServer::new(uri.parse().unwrap(), Some(credential)).unwrap();
        let line = server.to_link().to_string();
        let links = Link::parse_all([line.as_str()]);
        prop_assert_eq!(&links[0].target, &uri);
        prop_assert_eq!(IceServer::from_link(&links[0]), Some(server));
    }

    #[test]
    fn preferences_round_trip(
        direct in option::of(1..=u32::MAX),
        wait in option::of(any::<u32>()),
        strict in any::<bool>(),
    ) {
        let prefer = Prefer { direct, wait, strict };
        prop_assert_eq!(Prefer::parse([prefer.to_string().as_str()]), prefer);
    }

    #[test]
    fn room_ids_round_trip(text in "[A-Za-z0-9_-]{1,63}") {
        let room: RoomId = text.parse().unwrap();
        prop_assert_eq!(room.as_str(), text);
    }

    #[test]
    fn every_key_is_a_room(key in any::<[u8; 32]>()) {
        let room = RoomId::from_key(&key);
        prop_assert_eq!(room.key(), Some(key));
        prop_assert_eq!(room.to_string().parse(), Ok(room));
    }
}
