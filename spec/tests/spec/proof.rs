//! Proofs of who is at the other end, over `vectors/proof.json`, which another implementation
//! made and the player's tests read as well: design section 6.
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::Ed25519KeyPair;
use proptest::prelude::*;
use serde::Deserialize;
use sightline_spec::name::CameraName;
use sightline_spec::private::{LinkSecret, Seed, check_viewer};
use sightline_spec::proof::{ProofError, check_camera, prove_camera};
use sightline_spec::room::RoomId;
use sightline_spec::sdp::{PublisherOffer, Sdp, ViewerAnswer};
use sightline_spec::token::SigningKey;

#[derive(Deserialize)]
struct Vectors {
    room: RoomId,
    seed: String,
    now: u64,
    valid: Vec<Valid>,
    invalid: Vec<Invalid>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Valid {
    Camera {
        name: String,
        text: String,
        #[serde(default)]
        called: Option<String>,
    },
    Secret {
        expiry: u64,
        text: String,
    },
    Viewer {
        name: String,
        text: String,
        secret: String,
    },
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Invalid {
    Camera {
        why: String,
        error: String,
        text: String,
    },
    Secret {
        why: String,
        text: String,
    },
    Viewer {
        why: String,
        error: String,
        text: String,
    },
}

impl Vectors {
    fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/proof.json");
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    fn seed_bytes(&self) -> [u8; 32] {
        let byte = |i| u8::from_str_radix(&self.seed[2 * i..2 * i + 2], 16).unwrap();
        std::array::from_fn(byte)
    }

    fn seed(&self) -> Seed {
        Seed::new(self.seed_bytes())
    }

    fn key(&self) -> SigningKey {
        let pair = Ed25519KeyPair::from_seed_unchecked(&self.seed_bytes()).unwrap();
        SigningKey::from_pkcs8(pair.to_pkcs8().unwrap().as_ref())
    }

    fn now(&self) -> SystemTime {
        at(self.now)
    }
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn expires(expiry: u64) -> Option<SystemTime> {
    (expiry != 0).then(|| at(expiry))
}

fn error_named(name: &str) -> ProofError {
    match name {
        "missing" => ProofError::Missing,
        "malformed" => ProofError::Malformed,
        "fingerprint" => ProofError::Fingerprint,
        "signature" => ProofError::Signature,
        "room" => ProofError::Room,
        "certificate" => ProofError::Certificate,
        "old" => ProofError::Old,
        "future" => ProofError::Future,
        "expired" => ProofError::Expired,
        _ => panic!("{name} is no error"),
    }
}

#[test]
fn what_is_valid_is_accepted() {
    let vectors = Vectors::read();
    let (room, seed, now) = (&vectors.room, vectors.seed(), vectors.now());
    for valid in &vectors.valid {
        match valid {
            Valid::Camera { name, text, called } => {
                let offer = PublisherOffer::parse(text).unwrap();
                let found = check_camera(&offer, room, now).unwrap();
                assert_eq!(found.map(String::from), *called, "{name}");
            }
            Valid::Secret { expiry, text } => {
                let secret = LinkSecret::derive(&seed, expires(*expiry));
                assert_eq!(secret.expose(), *text);
                assert_eq!(text.parse(), Ok(secret));
            }
            Valid::Viewer { name, text, secret } => {
                let answer = ViewerAnswer::parse(text).unwrap();
                let until = check_viewer(&answer, room, &seed, now).unwrap();
                let secret: LinkSecret = secret.parse().unwrap();
                assert_eq!(secret, LinkSecret::derive(&seed, until), "{name}");
            }
        }
    }
}

#[test]
fn what_is_invalid_is_refused_for_its_reason() {
    let vectors = Vectors::read();
    let (room, seed, now) = (&vectors.room, vectors.seed(), vectors.now());
    for invalid in &vectors.invalid {
        match invalid {
            Invalid::Camera { why, error, text } => {
                let checked = check_camera(&Sdp::parse(text).unwrap(), room, now);
                assert_eq!(checked, Err(error_named(error)), "{why}");
            }
            Invalid::Secret { why, text } => {
                assert!(text.parse::<LinkSecret>().is_err(), "{why}: {text}");
            }
            Invalid::Viewer { why, error, text } => {
                let checked = check_viewer(&Sdp::parse(text).unwrap(), room, &seed, now);
                assert_eq!(checked, Err(error_named(error)), "{why}");
            }
        }
    }
}

#[test]
fn no_secret_shows_in_debug_output() {
    let vectors = Vectors::read();
    let secret = LinkSecret::derive(&vectors.seed(), Some(vectors.now()));
    let text = secret.expose();
    let (_, mac) = text.split_once('.').unwrap();
    let shown = format!("{secret:?} {:?}", vectors.seed());
    assert_eq!(shown, "LinkSecret(1790000000, …) Seed(…)");
    assert!(!shown.contains(mac));
}

/// A description of this role with the fingerprint that these bytes are.
fn description(direction: &str, certificate: [u8; 32]) -> Sdp {
    let hex = certificate.map(|byte| format!("{byte:02x}")).join(":");
    let text = format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n\
         a={direction}\r\na=fingerprint:SHA-256 {hex}\r\n"
    );
    Sdp::parse(&text).unwrap()
}

proptest! {
    #[test]
    fn what_is_proved_is_accepted_and_bound_to_the_certificate(
        certificate: [u8; 32],
        other: [u8; 32],
        seconds in 0..1u64 << 40,
    ) {
        let vectors = Vectors::read();
        let offer = description("sendonly", certificate);
        let name: CameraName = "Front door".parse().unwrap();
        let (key, now) = (vectors.key(), at(seconds));
        let proved = prove_camera(&offer, &vectors.room, &key, Some(&name), now).unwrap();
        prop_assert_eq!(check_camera(&proved, &vectors.room, now), Ok(Some(name.clone())));
        let proof = proved.session_attribute("sightline-proof").next().unwrap();
        let replayed = description("sendonly", other).with_session_attribute("sightline-proof", proof);
        let expected = match certificate == other {
            true => Ok(Some(name)),
            false => Err(ProofError::Certificate),
        };
        prop_assert_eq!(check_camera(&replayed, &vectors.room, at(seconds)), expected);
    }

    #[test]
    fn a_private_link_admits_until_it_expires(
        certificate: [u8; 32],
        expiry in 0..1u64 << 40,
        now in 0..1u64 << 40,
    ) {
        let vectors = Vectors::read();
        let secret = LinkSecret::derive(&vectors.seed(), expires(expiry));
        let answer = description("recvonly", certificate);
        let proved = secret.prove(&answer, &vectors.room, at(0)).unwrap();
        let expected = match expiry == 0 || now < expiry {
            true => Ok(expires(expiry)),
            false => Err(ProofError::Expired),
        };
        let checked = check_viewer(&proved, &vectors.room, &vectors.seed(), at(now));
        prop_assert_eq!(checked, expected);
        let villain = Seed::new(certificate);
        let by_another = check_viewer(&proved, &vectors.room, &villain, at(now));
        prop_assert_eq!(by_another, Err(ProofError::Signature));
    }
}
