//! Rooms with a name and rules: configured tokens and other issuers, as HTTP tells of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::{Gateway, client, program};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

const OFFER: &str = include_str!("../../../spec/http/sdp/camera-offer.sdp");
const VIEWER_OFFER: &str = include_str!("../../../spec/http/sdp/viewer-offer.sdp");
const TOKENS: &str = r#"
    [[access.tokens]]
    room = "garage"
    role = "publish"
    token = "publish-0123456789"

    [[access.tokens]]
    room = "yard-*"
    role = "both"
    token = "yard-0123456789abc"

    [[access.tokens]]
    room = "yard-gate"
    role = "view"
    token = "view-0123456789abc"
"#;

/// A file of this test's own.
fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).unwrap();
    path
}

/// The gateway with this file, with or without the relay.
fn gateway(config: &Path, relay: &str) -> Gateway {
    Gateway::start(["--config", config.to_str().unwrap(), "--relay", relay])
}

async fn post(gateway: &Gateway, path: &str, token: Option<&str>) -> Response {
    let offer = match path.starts_with("/whip") {
        true => OFFER,
        false => VIEWER_OFFER,
    };
    let url = format!("http://{}{path}", gateway.host());
    let request = client().build().unwrap().post(url).body(offer);
    let request = request
        .header("content-type", "application/sdp")
        .header("prefer", "wait=0");
    let request = token.iter().fold(request, |r, token| r.bearer_auth(token));
    request.send().await.unwrap()
}

/// Status and problem type. Let in, a camera finds no viewer and a viewer no camera.
async fn told(gateway: &Gateway, path: &str, token: Option<&str>) -> (u16, String) {
    let response = post(gateway, path, token).await;
    let status = response.status().as_u16();
    let problem: Value = response.json().await.unwrap();
    let kind = problem["type"].as_str().unwrap();
    (status, kind.trim_start_matches("/problems/").to_owned())
}

fn is(told: &(u16, String), status: u16, kind: &str) {
    assert_eq!((told.0, told.1.as_str()), (status, kind));
}

const LET_IN_TO_PUBLISH: (u16, &str) = (503, "nobody-came");
const LET_IN_TO_VIEW: (u16, &str) = (409, "no-camera");

#[tokio::test]
async fn a_configured_token_opens_its_room_for_its_role() {
    let gateway = gateway(&file("tokens.toml", TOKENS), "off");
    let publish = Some("publish-0123456789");
    let yard = Some("yard-0123456789abc");
    let view = Some("view-0123456789abc");
    let unauthorized = (401, "unauthorized");
    let not_permitted = (403, "not-permitted");
    let closed = (403, "named-rooms-closed");
    let cases = [
        ("/whip/garage", publish, LET_IN_TO_PUBLISH),
        ("/whip/garage", None, unauthorized),
        ("/whip/garage", Some("undefined"), unauthorized),
        ("/whip/garage", Some("publish-0123456788"), unauthorized),
        ("/whip/garage", yard, not_permitted),
        // Nothing says who may watch, so whoever has the link may.
        ("/whep/garage", None, LET_IN_TO_VIEW),
        ("/whep/garage", Some("undefined"), LET_IN_TO_VIEW),
        ("/whep/yard-gate", None, unauthorized),
        ("/whep/yard-gate", view, LET_IN_TO_VIEW),
        ("/whip/yard-gate", view, not_permitted),
        ("/whep/yard-pond", view, not_permitted),
        ("/whep/yard-pond", yard, LET_IN_TO_VIEW),
        ("/whip/yard-pond", yard, LET_IN_TO_PUBLISH),
        // Exactly these rooms are open, also on loopback.
        ("/whip/attic", publish, closed),
        ("/whep/attic", None, closed),
    ];
    for (path, token, (status, kind)) in cases {
        let told = told(&gateway, path, token).await;
        assert_eq!(told, (status, kind.to_owned()), "{path} {token:?}");
    }
}

#[tokio::test]
async fn a_challenge_says_what_is_missing_as_rfc_6750_has_it() {
    let gateway = gateway(&file("challenges.toml", TOKENS), "off");
    let challenge = async |path, token| {
        let response = post(&gateway, path, token).await;
        let challenge = &response.headers()["www-authenticate"];
        challenge.to_str().unwrap().to_owned()
    };
    let plain = r#"Bearer realm="sightline""#;
    assert_eq!(challenge("/whip/garage", None).await, plain);
    assert_eq!(challenge("/whip/garage", Some("undefined")).await, plain);
    let invalid = format!(r#"{plain}, error="invalid_token""#);
    assert_eq!(challenge("/whip/garage", Some("wrong")).await, invalid);
    let insufficient = format!(r#"{plain}, error="insufficient_scope", scope="publish""#);
    let view = Some("view-0123456789abc");
    assert_eq!(challenge("/whip/yard-gate", view).await, insufficient);
}

#[tokio::test]
async fn nothing_but_post_takes_a_token() {
    let gateway = gateway(&file("sessions.toml", TOKENS), "on");
    let send = async |method: Method, path: &str, body: &'static str| {
        let url = format!("http://{}{path}", gateway.host());
        let request = client().build().unwrap().request(method, url).body(body);
        let request = request.header("content-type", "application/trickle-ice-sdpfrag");
        request.send().await.unwrap().status()
    };
    for path in ["/whip/yard-gate", "/whep/yard-gate", "/whip/attic"] {
        for method in [Method::OPTIONS, Method::HEAD, Method::GET] {
            let status = send(method.clone(), path, "").await;
            assert!(status.is_success(), "{method} {path}: {status}");
        }
    }
    let yard = Some("yard-0123456789abc");
    let offer = post(&gateway, "/whip/yard-gate", yard).await;
    assert_eq!(offer.status(), StatusCode::CREATED);
    let session = offer.headers()["location"].to_str().unwrap().to_owned();
    let candidates = include_str!("../../../spec/http/sdp/camera-candidates.sdpfrag");
    let patched = send(Method::PATCH, &session, candidates).await;
    assert_eq!(patched, StatusCode::NO_CONTENT);
    assert_eq!(send(Method::DELETE, &session, "").await, StatusCode::OK);
}

#[tokio::test]
async fn open_rooms_are_those_without_a_rule() {
    let config = format!("open_rooms = true\n{TOKENS}");
    let gateway = gateway(&file("open.toml", &config), "off");
    is(
        &told(&gateway, "/whip/attic", None).await,
        503,
        "nobody-came",
    );
    is(
        &told(&gateway, "/whip/garage", None).await,
        401,
        "unauthorized",
    );
}

/// An issuer's key pair.
struct Maker {
    algorithm: Algorithm,
    signs: EncodingKey,
    jwk: Value,
}

impl Maker {
    fn eddsa(kid: &str) -> Self {
        let key = PKey::generate_ed25519().unwrap();
        let pem = key.private_key_to_pem_pkcs8().unwrap();
        let x = BASE64_URL_SAFE_NO_PAD.encode(key.raw_public_key().unwrap());
        Self {
            algorithm: Algorithm::EdDSA,
            signs: EncodingKey::from_ed_pem(&pem).unwrap(),
            jwk: json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid, "use": "sig" }),
        }
    }

    fn rs256() -> Self {
        let key = Rsa::generate(2048).unwrap();
        let pem = key.private_key_to_pem().unwrap();
        let number = |number: Vec<u8>| BASE64_URL_SAFE_NO_PAD.encode(number);
        let (n, e) = (number(key.n().to_vec()), number(key.e().to_vec()));
        Self {
            algorithm: Algorithm::RS256,
            signs: EncodingKey::from_rsa_pem(&pem).unwrap(),
            jwk: json!({ "kty": "RSA", "alg": "RS256", "n": n, "e": e }),
        }
    }

    fn token(&self, exp: i64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let exp = i64::try_from(now.as_secs()).unwrap() + exp;
        let claims = json!({ "room": "garage", "scope": "view", "exp": exp });
        let header = Header {
            kid: self.jwk["kid"].as_str().map(str::to_owned),
            ..Header::new(self.algorithm)
        };
        encode(&header, &claims, &self.signs).unwrap()
    }
}

fn jwks(keys: &[&Value]) -> String {
    json!({ "keys": keys }).to_string()
}

#[tokio::test]
async fn a_jwks_file_is_read_again_when_it_has_changed() {
    let (first, second, third) = (Maker::eddsa("1"), Maker::eddsa("2"), Maker::rs256());
    // Keys for something else, or of a kind that we do not know, are left out.
    let foreign = [
        json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" }),
        json!({ "kty": "unheard-of" }),
        json!({ "kty": "oct", "k": BASE64_URL_SAFE_NO_PAD.encode("short") }),
    ];
    let mut keys: Vec<&Value> = foreign.iter().collect();
    keys.push(&first.jwk);
    let keys_file = file("keys.json", &jwks(&keys));
    let config = format!(
        "[[access.issuers]]\nrooms = ['garage']\njwks_file = '{}'",
        keys_file.display()
    );
    let gateway = gateway(&file("jwks.toml", &config), "off");
    let view = async |maker: &Maker| {
        let token = maker.token(60);
        told(&gateway, "/whep/garage", Some(&token)).await.0
    };
    assert_eq!((view(&first).await, view(&second).await), (409, 401));

    fs::write(&keys_file, jwks(&[&first.jwk, &second.jwk])).unwrap();
    assert_eq!((view(&first).await, view(&second).await), (409, 409));

    // Replaced by rename, as careful programs do.
    let next = file("keys.next.json", &jwks(&[&second.jwk, &third.jwk]));
    fs::rename(next, &keys_file).unwrap();
    assert_eq!((view(&first).await, view(&second).await), (401, 409));
    assert_eq!(view(&third).await, 409);

    // What cannot be used changes nothing.
    for useless in ["{", r#"{"keys":[]}"#, r#"{"keys":[{"kty":"unheard-of"}]}"#] {
        fs::write(&keys_file, useless).unwrap();
        assert_eq!(view(&third).await, 409, "{useless}");
    }
    fs::remove_file(&keys_file).unwrap();
    assert_eq!(view(&third).await, 409);
    let log = gateway.stop();
    assert!(log.contains("the keys from before are used"), "{log}");
}

#[tokio::test]
async fn a_clock_that_differs_is_told_by_how_much() {
    let maker = Maker::eddsa("1");
    let keys = file("clock.json", &jwks(&[&maker.jwk]));
    let config = format!(
        "[[access.issuers]]\nrooms = ['garage']\njwks_file = '{}'",
        keys.display()
    );
    let gateway = gateway(&file("clock.toml", &config), "off");
    let expired = post(&gateway, "/whep/garage", Some(&maker.token(-3600))).await;
    assert_eq!(expired.status(), StatusCode::UNAUTHORIZED);
    let problem: Value = expired.json().await.unwrap();
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("expired 1 h ago"), "{detail}");
}

/// The block of docs/access.md that is marked so.
fn documented(language: &str) -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/access.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, block) = page.split_once(&format!("```{language} issuer\n")).unwrap();
    block.split("```").next().unwrap().to_owned()
}

#[tokio::test]
async fn the_worked_example_works() {
    let gateway = gateway(&file("example.toml", &documented("toml")), "off");
    let made = Command::new("bash")
        .args(["-euc", &documented("sh")])
        .output()
        .unwrap();
    let token = String::from_utf8(made.stdout).unwrap();
    let token = Some(token.trim());
    let shop = async |path| told(&gateway, path, token).await;
    is(&shop("/whep/shop-workshop").await, 409, "no-camera");
    is(&shop("/whep/shop-cellar").await, 403, "not-permitted");
    is(&shop("/whip/shop-workshop").await, 403, "not-permitted");
    let publish = Some("nor-this-one-0123456789");
    let camera = told(&gateway, "/whip/shop-workshop", publish).await;
    is(&camera, 503, "nobody-came");
}

#[test]
fn mistakes_in_the_rules_end_the_process_and_show_no_secret() {
    let token = "token = \"hidden-0123456789\"";
    let cases = [
        (
            format!("[[access.tokens]]\nroom = 'garage'\n{token}"),
            "role",
        ),
        (
            format!("[[access.tokens]]\nroom = 'garage'\nrole = 'admin'\n{token}"),
            "admin",
        ),
        (
            "[[access.tokens]]\nroom = 'garage'\nrole = 'both'\ntoken = 'hidden'".into(),
            "16 visible",
        ),
        (
            format!("[[access.tokens]]\nroom = 'a b'\nrole = 'both'\n{token}"),
            "A-Z",
        ),
        (
            "[[access.issuers]]\nrooms = ['*']\nalgorithm = 'HS256'\nkey = 'hidden'".into(),
            "32 bytes",
        ),
        (
            "[[access.issuers]]\nrooms = ['*']\nalgorithm = 'none'\nkey = 'hidden'".into(),
            "none",
        ),
        (
            "[[access.issuers]]\nrooms = ['*']\nkey = 'hidden'".into(),
            "either",
        ),
        (
            "[[access.issuers]]\nrooms = ['*']\njwks_file = '/nowhere'".into(),
            "/nowhere",
        ),
        (format!("\n{token} oops"), "line 2"),
    ];
    for (config, word) in cases {
        let path = file("mistakes.toml", &config);
        let output = program()
            .args(["--listen", "127.0.0.1:0", "--config"])
            .arg(path)
            .output()
            .unwrap();
        assert!(!output.status.success(), "{config}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(word), "{config}: {told}");
        assert!(!told.contains("hidden"), "{config}: {told}");
    }
}
