//! Tokens of other issuers, good and bad.

use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header, encode};
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const HOST: &str = "gateway.example:8443";
const SECRET: &str = "a secret of thirty-two bytes, or more";
const NOW: u64 = 1_790_000_000;

/// Somebody who makes tokens.
struct Maker {
    algorithm: Algorithm,
    signs: EncodingKey,
    /// The public key, or the secret.
    key: String,
}

impl Maker {
    fn hs256() -> Self {
        Self {
            algorithm: Algorithm::HS256,
            signs: EncodingKey::from_secret(SECRET.as_bytes()),
            key: SECRET.into(),
        }
    }

    fn eddsa() -> Self {
        let key = PKey::generate_ed25519().unwrap();
        let pem = key.private_key_to_pem_pkcs8().unwrap();
        Self {
            algorithm: Algorithm::EdDSA,
            signs: EncodingKey::from_ed_pem(&pem).unwrap(),
            key: String::from_utf8(key.public_key_to_pem().unwrap()).unwrap(),
        }
    }

    fn rs256() -> Self {
        let key = Rsa::generate(2048).unwrap();
        let pem = key.private_key_to_pem().unwrap();
        Self {
            algorithm: Algorithm::RS256,
            signs: EncodingKey::from_rsa_pem(&pem).unwrap(),
            key: String::from_utf8(key.public_key_to_pem().unwrap()).unwrap(),
        }
    }

    fn token(&self, claims: &Value) -> String {
        let header = Header::new(self.algorithm.into());
        encode(&header, claims, &self.signs).unwrap()
    }

    fn issuer(&self) -> Issuer {
        Issuer {
            rooms: vec!["garage".parse().unwrap(), "yard-*".parse().unwrap()],
            role: Role::Both,
            keys: Keys::fixed(self.algorithm, &self.key).unwrap(),
            iss: None,
            aud: None,
        }
    }
}

fn claims() -> Value {
    json!({ "room": "garage", "scope": "view", "exp": NOW + 60 })
}

/// The claims with these as well, or instead.
fn with(more: Value) -> Value {
    let mut claims = claims();
    let all = claims.as_object_mut().unwrap();
    all.extend(more.as_object().unwrap().clone());
    claims
}

fn authority(issuers: Vec<Issuer>) -> Authority {
    Authority {
        named_rooms_open: false,
        access: Access {
            grants: Vec::new(),
            issuers,
        },
    }
}

/// Whether a viewer with this token may watch in the room.
fn view(issuer: &Issuer, room: &str, token: &str) -> Result<(), Error> {
    let authority = authority(vec![issuer.clone()]);
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    let shown = authority.viewer(&room.parse().unwrap(), Some(token), HOST, now)?;
    assert_eq!(
        shown,
        Ok(()),
        "in a named room there is nothing more to show"
    );
    Ok(())
}

fn not_permitted(error: TokenError) -> Result<(), Error> {
    let to = Scope::View;
    Err(Error::NotPermitted { to, error })
}

fn bad(error: TokenError) -> Result<(), Error> {
    Err(Error::BadToken(error))
}

#[test]
fn each_algorithm_lets_its_own_tokens_in_and_no_others() {
    let makers = [Maker::hs256(), Maker::eddsa(), Maker::rs256()];
    for maker in &makers {
        let issuer = maker.issuer();
        for other in &makers {
            let expected = match maker.algorithm == other.algorithm {
                true => Ok(()),
                false => bad(TokenError::Signature),
            };
            let token = other.token(&claims());
            assert_eq!(view(&issuer, "garage", &token), expected);
        }
    }
    let stranger = Maker::eddsa().token(&claims());
    let issuer = makers[1].issuer();
    assert_eq!(
        view(&issuer, "garage", &stranger),
        bad(TokenError::Signature)
    );
}

/// RFC 8725 section 2.1: `alg` none, and HS256 with the public key for its secret.
#[test]
fn the_token_does_not_choose_its_algorithm() {
    for maker in [Maker::eddsa(), Maker::rs256()] {
        let token = maker.token(&claims());
        let body = token.split('.').nth(1).unwrap();
        let none = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        let hs256 = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
        let secret = hmac::Key::new(hmac::HMAC_SHA256, maker.key.as_bytes());
        let signed = format!("{hs256}.{body}");
        let signature = hmac::sign(&secret, signed.as_bytes());
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        for forged in [format!("{none}.{body}."), format!("{signed}.{signature}")] {
            let refused = view(&maker.issuer(), "garage", &forged);
            assert!(matches!(refused, Err(Error::BadToken(_))), "{refused:?}");
        }
    }
}

#[test]
fn a_token_counts_in_the_rooms_that_it_names_and_its_issuer_has() {
    let maker = Maker::hs256();
    let issuer = maker.issuer();
    let token = |rooms: &str| maker.token(&with(json!({ "room": rooms })));
    assert_eq!(view(&issuer, "garage", &token("garage")), Ok(()));
    assert_eq!(view(&issuer, "yard-gate", &token("yard-*")), Ok(()));
    assert_eq!(view(&issuer, "yard-gate", &token("*")), Ok(()));
    let elsewhere = view(&issuer, "yard-gate", &token("garage"));
    assert_eq!(elsewhere, not_permitted(TokenError::Room));
    // Its issuer has no say there, whatever the token says.
    let refused = view(&issuer, "attic", &token("*"));
    assert_eq!(refused, Err(Error::NamedRoomsClosed));
    // A room that is a key has its own tokens; that this is none is told where it matters.
    let key: RoomId = "ab".repeat(32).parse().unwrap();
    let authority = authority(vec![issuer]);
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    let shown = authority.viewer(&key, Some(&token("*")), HOST, now);
    assert_eq!(shown.unwrap(), bad(TokenError::Malformed));
}

#[test]
fn a_token_permits_what_its_scope_says_and_its_issuer_may() {
    let maker = Maker::hs256();
    let token = |scope: &str| maker.token(&with(json!({ "scope": scope })));
    let issuer = maker.issuer();
    for scope in ["view", "publish view", "openid view"] {
        assert_eq!(view(&issuer, "garage", &token(scope)), Ok(()), "{scope}");
    }
    for scope in ["", "publish", "preview", "view,publish"] {
        let refused = view(&issuer, "garage", &token(scope));
        assert_eq!(refused, not_permitted(TokenError::Scope), "{scope}");
    }
    let publishers = Issuer {
        role: Role::Publish,
        ..issuer
    };
    let access = authority(vec![publishers]).access;
    let garage = "garage".parse().unwrap();
    assert!(access.asks(&garage, Scope::Publish) && !access.asks(&garage, Scope::View));
}

#[test]
fn it_has_a_beginning_and_an_end_and_a_minute_more_for_the_clocks() {
    let maker = Maker::hs256();
    let issuer = maker.issuer();
    let at = |claims: Value| view(&issuer, "garage", &maker.token(&with(claims)));
    assert_eq!(at(json!({ "exp": NOW - 59 })), Ok(()));
    assert_eq!(at(json!({ "exp": NOW as f64 + 0.5 })), Ok(()));
    assert_eq!(at(json!({ "nbf": NOW + 60 })), Ok(()));
    let ago = Duration::from_secs(60);
    let expired = bad(TokenError::Expired { ago });
    assert_eq!(at(json!({ "exp": NOW - 60 })), expired);
    let begins_in = Duration::from_secs(300);
    let early = bad(TokenError::NotYetValid { begins_in });
    assert_eq!(at(json!({ "nbf": NOW + 300 })), early);
    let malformed = bad(TokenError::Malformed);
    for exp in [json!(null), json!("never"), json!([])] {
        assert_eq!(at(json!({ "exp": exp })), malformed);
    }
    let forever = maker.token(&json!({ "room": "garage", "scope": "view" }));
    assert_eq!(view(&issuer, "garage", &forever), malformed);
}

#[test]
fn whose_it_is_and_whom_it_is_for_are_checked() {
    let maker = Maker::hs256();
    let plain = maker.issuer();
    let strict = Issuer {
        iss: Some("https://id.example".into()),
        aud: Some("sightline".into()),
        ..plain.clone()
    };
    let try_both = |more: Value| {
        let token = maker.token(&with(more));
        [&plain, &strict].map(|issuer| view(issuer, "garage", &token))
    };
    let (issuer, audience) = (bad(TokenError::Issuer), not_permitted(TokenError::Audience));
    assert_eq!(try_both(json!({})), [Ok(()), issuer.clone()]);
    let ours = json!({ "iss": "https://id.example", "aud": ["other", "sightline"] });
    assert_eq!(try_both(ours), [audience.clone(), Ok(())]);
    let theirs = json!({ "iss": "https://evil.example", "aud": "sightline" });
    assert_eq!(try_both(theirs), [audience.clone(), issuer]);
    let gateway = json!({ "iss": "https://id.example", "aud": "Gateway.example:8443" });
    assert_eq!(try_both(gateway), [Ok(()), audience.clone()]);
    let nobody = json!({ "iss": "https://id.example" });
    assert_eq!(try_both(nobody), [Ok(()), audience]);
}

#[test]
fn of_several_issuers_the_one_that_signed_it_says_what_is_wrong() {
    let makers = [Maker::eddsa(), Maker::hs256(), Maker::rs256()];
    let now = UNIX_EPOCH + Duration::from_secs(NOW);
    let garage = "garage".parse().unwrap();
    let authority = authority(makers.iter().map(Maker::issuer).collect());
    let view = |token: &str| authority.viewer(&garage, Some(token), HOST, now).map(drop);
    for maker in &makers {
        assert_eq!(view(&maker.token(&claims())), Ok(()));
        let wrong = maker.token(&with(json!({ "room": "yard-gate" })));
        assert_eq!(view(&wrong), not_permitted(TokenError::Room));
    }
    assert_eq!(view("no-such-token-here"), bad(TokenError::Unknown));
}

#[test]
fn a_key_that_is_none_or_weak_is_refused_and_does_not_show() {
    let public = Maker::eddsa().key;
    let private = PKey::generate_ed25519().unwrap();
    let private = String::from_utf8(private.private_key_to_pem_pkcs8().unwrap()).unwrap();
    let weak = [
        (Algorithm::HS256, "a short secret"),
        (Algorithm::EdDSA, SECRET),
        (Algorithm::EdDSA, &private),
        (Algorithm::RS256, &public),
    ];
    for (algorithm, key) in weak {
        let error = Keys::fixed(algorithm, key).unwrap_err();
        assert!(!error.to_string().contains(key), "{error}");
    }
    let shown = format!("{:?}", Maker::hs256().issuer());
    assert!(!shown.contains("secret"), "{shown}");
}

proptest! {
    #[test]
    fn a_token_changed_anywhere_is_refused(at in any::<proptest::sample::Index>(), with in 1..=255_u8) {
        let maker = Maker::hs256();
        let token = maker.token(&claims());
        let mut changed = token.clone().into_bytes();
        changed[at.index(token.len())] ^= with;
        // A header field holds text.
        if let Ok(changed) = String::from_utf8(changed) {
            prop_assert!(view(&maker.issuer(), "garage", &changed).is_err());
        }
    }

    #[test]
    fn no_text_is_a_token(text in "[!-~]{0,200}") {
        prop_assert!(view(&Maker::hs256().issuer(), "garage", &text).is_err());
    }
}
