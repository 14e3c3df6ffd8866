//! The vectors in `vectors/*.json`, which the player's tests read as well.
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sightline_spec::candidate::Candidate;
use sightline_spec::ice_server::IceServer;
use sightline_spec::layer::{Layer, LayerSelection, Layers};
use sightline_spec::link::Link;
use sightline_spec::prefer::Prefer;
use sightline_spec::room::RoomId;
use sightline_spec::sdpfrag::SdpFrag;

#[derive(Deserialize)]
struct Vectors<V, I> {
    valid: Vec<V>,
    invalid: Vec<I>,
}

#[derive(Deserialize)]
struct Invalid {
    text: String,
    why: String,
}

fn read<V: DeserializeOwned, I: DeserializeOwned>(name: &str) -> Vectors<V, I> {
    let path = format!("{}/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let json = std::fs::read_to_string(path).unwrap();
    let vectors: Vectors<V, I> = serde_json::from_str(&json).unwrap();
    assert!(!vectors.valid.is_empty() && !vectors.invalid.is_empty());
    vectors
}

#[test]
fn room_ids() {
    #[derive(Deserialize)]
    struct Valid {
        text: String,
        key: bool,
    }
    let vectors = read::<Valid, Invalid>("room");
    for Valid { text, key } in vectors.valid {
        let room: RoomId = text.parse().unwrap();
        assert_eq!(room.to_string(), text);
        assert_eq!(room.key().is_some(), key, "{text}");
    }
    for Invalid { text, why } in vectors.invalid {
        assert!(text.parse::<RoomId>().is_err(), "{why}: {text}");
    }
}

#[test]
fn candidates() {
    #[derive(Deserialize)]
    struct Valid {
        text: String,
        /// What is passed on, if that is not what came.
        canonical: Option<String>,
        address: String,
        port: u16,
        mdns: bool,
    }
    let vectors = read::<Valid, Invalid>("candidate");
    for valid in vectors.valid {
        let candidate: Candidate = valid.text.parse().unwrap();
        let canonical = valid.canonical.unwrap_or(valid.text);
        assert_eq!(candidate.to_string(), canonical);
        assert_eq!(candidate.address.to_string(), valid.address);
        assert_eq!(candidate.port, valid.port);
        assert_eq!(candidate.address.is_mdns(), valid.mdns);
    }
    for Invalid { text, why } in vectors.invalid {
        assert!(text.parse::<Candidate>().is_err(), "{why}: {text}");
    }
}

#[test]
fn sdp_fragments() {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Valid {
        name: String,
        text: String,
        ufrag: String,
        candidates: usize,
        mids: Vec<String>,
        end_of_candidates: bool,
    }
    let vectors = read::<Valid, Invalid>("sdpfrag");
    for valid in vectors.valid {
        let name = valid.name;
        let fragment: SdpFrag = valid.text.parse().unwrap();
        assert_eq!(fragment.to_string().parse(), Ok(fragment.clone()), "{name}");
        assert_eq!(fragment.credentials()[0].ufrag, valid.ufrag, "{name}");
        assert_eq!(fragment.candidates().count(), valid.candidates, "{name}");
        let mids = fragment.sections().filter_map(|s| s.mid.clone());
        assert_eq!(mids.collect::<Vec<_>>(), valid.mids, "{name}");
        let end = fragment.sections().any(|s| s.end_of_candidates);
        assert_eq!(end, valid.end_of_candidates, "{name}");
    }
    for Invalid { text, why } in vectors.invalid {
        assert!(text.parse::<SdpFrag>().is_err(), "{why}: {text}");
    }
}

#[test]
fn links_and_ice_servers() {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Valid {
        text: String,
        links: Vec<(String, String)>,
        ice_servers: Vec<Server>,
    }
    #[derive(Deserialize, PartialEq, Debug)]
    struct Server {
        url: String,
        username: Option<String>,
        credential: Option<String>,
    }
    let vectors = read::<Valid, Invalid>("link");
    for valid in vectors.valid {
        let links = Link::parse_all([valid.text.as_str()]);
        let seen = links.iter().map(|link| {
            let rel = link.parameter("rel").unwrap_or_default();
            (link.target.clone(), rel.to_owned())
        });
        assert_eq!(seen.collect::<Vec<_>>(), valid.links, "{}", valid.text);
        let servers: Vec<_> = links.iter().filter_map(IceServer::from_link).collect();
        let seen = servers.iter().map(|server| Server {
            url: server.uri.to_string(),
            username: server.credential.as_ref().map(|c| c.username.clone()),
            credential: server.credential.as_ref().map(|c| c.password.clone()),
        });
        assert_eq!(
            seen.collect::<Vec<_>>(),
            valid.ice_servers,
            "{}",
            valid.text
        );
        for server in servers {
            let line = server.to_link().to_string();
            let again = Link::parse_all([line.as_str()]);
            assert_eq!(IceServer::from_link(&again[0]), Some(server));
        }
    }
    for Invalid { text, why } in vectors.invalid {
        assert!(Link::parse_all([text.as_str()]).is_empty(), "{why}: {text}");
    }
}

#[test]
fn preferences() {
    #[derive(Deserialize)]
    struct Valid {
        lines: Vec<String>,
        direct: Option<u32>,
        wait: Option<u32>,
        strict: bool,
    }
    #[derive(Deserialize)]
    struct Ignored {
        lines: Vec<String>,
        why: String,
    }
    let parse = |lines: &[String]| Prefer::parse(lines.iter().map(String::as_str));
    let vectors = read::<Valid, Ignored>("prefer");
    for valid in vectors.valid {
        let prefer = parse(&valid.lines);
        let expected = Prefer {
            direct: valid.direct,
            wait: valid.wait,
            strict: valid.strict,
        };
        assert_eq!(prefer, expected, "{:?}", valid.lines);
        assert_eq!(Prefer::parse([prefer.to_string().as_str()]), prefer);
    }
    for Ignored { lines, why } in vectors.invalid {
        assert!(parse(&lines).is_empty(), "{why}: {lines:?}");
    }
}

#[test]
fn layers() {
    #[derive(Deserialize)]
    struct Valid {
        name: String,
        text: String,
        active: Vec<Option<String>>,
        inactive: Vec<Option<String>>,
    }
    let vectors = read::<Valid, Invalid>("layers");
    for valid in vectors.valid {
        let name = valid.name;
        let layers: Layers = serde_json::from_str(&valid.text).unwrap();
        let printed = serde_json::to_string(&layers).unwrap();
        if !name.starts_with("unknown") {
            assert_eq!(printed, valid.text, "{name}");
        }
        assert_eq!(serde_json::from_str::<Layers>(&printed).unwrap(), layers);
        let rid = |layer: Layer| layer.rid.map(String::from);
        let all = layers.0.into_values().flatten();
        let (active, inactive): (Vec<_>, Vec<_>) = all.partition(Layer::is_active);
        assert!(active.into_iter().map(rid).eq(valid.active), "{name}");
        assert!(inactive.into_iter().map(rid).eq(valid.inactive), "{name}");
    }
    for Invalid { text, why } in vectors.invalid {
        assert!(serde_json::from_str::<Layers>(&text).is_err(), "{why}");
    }
}

#[test]
fn layer_selections() {
    #[derive(Deserialize)]
    struct Valid {
        text: String,
        same: String,
        automatic: bool,
    }
    let vectors = read::<Valid, Invalid>("layer-selection");
    for valid in vectors.valid {
        let selection = LayerSelection::parse(&valid.text).unwrap();
        assert_eq!(selection.to_string(), valid.same);
        assert_eq!(selection.is_automatic(), valid.automatic, "{}", valid.text);
        assert_eq!(LayerSelection::parse(&valid.same), Ok(selection));
    }
    for Invalid { text, why } in vectors.invalid {
        assert!(LayerSelection::parse(&text).is_err(), "{why}: {text}");
    }
}
