//! Values of every type, and the texts of the vectors, to be tried.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use sightline_spec::candidate::{Address, Candidate};
use sightline_spec::event::{Event, Problem};
use sightline_spec::layer::{Layer, LayerSelection, Layers, Rid};
use sightline_spec::sdp::IceCredentials;
use sightline_spec::sdpfrag::{MediaSection, SdpFrag, Section};

/// Every text in the vectors, valid and invalid.
pub(crate) fn seeds() -> Vec<String> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors");
    let mut seeds = Vec::new();
    for file in std::fs::read_dir(directory).unwrap() {
        let json = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let vectors: serde_json::Value = serde_json::from_str(&json).unwrap();
        for list in ["valid", "invalid"] {
            for vector in vectors[list].as_array().unwrap() {
                seeds.extend(vector["text"].as_str().map(str::to_owned));
                if let Some(lines) = vector["lines"].as_array() {
                    let lines = lines.iter().filter_map(|line| line.as_str());
                    seeds.push(lines.map(|line| format!("{line}\r\n")).collect());
                }
            }
        }
    }
    seeds
}

pub(crate) fn candidate() -> impl Strategy<Value = Candidate> {
    let address = prop_oneof![
        any::<std::net::IpAddr>().prop_map(Address::Ip),
        "[a-z]{1,8}-[0-9a-f]{12}\\.local".prop_map(Address::Name),
    ];
    let extensions = "(|raddr 0\\.0\\.0\\.0 rport [0-9]{1,5}|tcptype passive( generation 0)?)";
    let kind = select(vec!["host", "srflx", "prflx", "relay"]);
    let numbers = (1..=256u16, 1..u32::MAX, any::<u16>());
    let texts = ("[A-Za-z0-9+/]{1,32}", "(UDP|udp|TCP|tcp)", extensions);
    (numbers, texts, address, kind).prop_map(|(numbers, texts, address, kind)| {
        let (component, priority, port) = numbers;
        let (foundation, transport, extensions) = texts;
        let kind = kind.to_owned();
        Candidate {
            foundation,
            component,
            transport,
            priority,
            address,
            port,
            kind,
            extensions,
        }
    })
}

pub(crate) fn section() -> impl Strategy<Value = Section> {
    let credentials = ("[A-Za-z0-9+/]{4,8}", "[A-Za-z0-9+/]{22,32}")
        .prop_map(|(ufrag, pwd)| IceCredentials::new(&ufrag, &pwd).unwrap());
    let other = select(vec![
        "ice-lite",
        "ice-options:trickle ice2",
        "group:BUNDLE 0 1",
    ]);
    (
        option::of("[a-z0-9]{1,8}"),
        option::of(credentials),
        vec(candidate(), 0..4),
        any::<bool>(),
        vec(other.prop_map(str::to_owned), 0..3),
    )
        .prop_map(
            |(mid, credentials, candidates, end_of_candidates, other)| Section {
                mid,
                credentials,
                candidates,
                end_of_candidates,
                other,
            },
        )
}

pub(crate) fn fragment() -> impl Strategy<Value = SdpFrag> {
    let m_line = "(audio|video) 9 UDP/TLS/RTP/SAVPF [0-9]{1,3}";
    let media = (m_line, section()).prop_map(|(m_line, section)| MediaSection { m_line, section });
    (section(), vec(media, 1..4)).prop_map(|(session, media)| SdpFrag { session, media })
}

pub(crate) fn rid() -> impl Strategy<Value = Rid> {
    "[A-Za-z0-9_-]{1,40}".prop_map(|text| text.parse().unwrap())
}

pub(crate) fn layer() -> impl Strategy<Value = Layer> {
    let names = (option::of(rid()), option::of(any::<u8>()), any::<u8>());
    let rates = (option::of(any::<u64>()), option::of(any::<u64>()));
    let size = (option::of(any::<u32>()), option::of(any::<u32>()));
    let frames = option::of(any::<u32>());
    (names, rates, size, frames).prop_map(|(names, rates, size, frames_per_second)| {
        let (rid, spatial_layer_id, temporal) = names;
        let (bitrate, target_bitrate) = rates;
        let (width, height) = size;
        Layer {
            // At least one of the three.
            temporal_layer_id: rid.is_none().then_some(temporal),
            rid,
            spatial_layer_id,
            bitrate,
            target_bitrate,
            width,
            height,
            frames_per_second,
        }
    })
}

pub(crate) fn selection() -> impl Strategy<Value = LayerSelection> {
    let layer_id = || option::of(any::<u8>());
    let ids = (layer_id(), layer_id(), layer_id(), layer_id());
    let size = (option::of(any::<u32>()), option::of(any::<u32>()));
    let place = (option::of(any::<u16>()), option::of(rid()));
    (place, ids, size).prop_map(|((media_id, rid), ids, (max_width, max_height))| {
        let (spatial_layer_id, temporal_layer_id, max_spatial_layer_id, max_temporal_layer_id) =
            ids;
        LayerSelection {
            media_id,
            rid,
            spatial_layer_id,
            temporal_layer_id,
            max_spatial_layer_id,
            max_temporal_layer_id,
            max_width,
            max_height,
        }
    })
}

pub(crate) fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Active),
        Just(Event::Inactive),
        Just(Event::Reconnect),
        Just(Event::Join),
        Just(Event::Leave),
        any::<usize>().prop_map(Event::ViewerCount),
        prop::option::of(Just(Problem::BFrames)).prop_map(Event::Problem),
        btree_map(any::<u16>(), vec(layer(), 0..5), 0..3).prop_map(|l| Event::Layers(Layers(l))),
        fragment().prop_map(Event::Candidates),
    ]
}
