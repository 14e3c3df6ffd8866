//! Publish tokens and view tickets, good and bad: design section 6.
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use sightline_spec::room::RoomId;
use sightline_spec::token::{Admission, Claims, LEEWAY, MAX_LEN, Scope, SigningKey, TokenError};

const HOST: &str = "gateway.example:8443";
const LIFETIME: Duration = Duration::from_secs(60);

struct Camera {
    key: SigningKey,
    room: RoomId,
}

fn camera() -> Camera {
    let document = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    let public: [u8; 32] = pair.public_key().as_ref().try_into().unwrap();
    Camera {
        key: SigningKey::from_pkcs8(document.as_ref()),
        room: RoomId::from_key(&public),
    }
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_790_000_000)
}

fn claims(room: &RoomId) -> Claims {
    Claims::new(room.clone(), Scope::Publish, HOST, now(), LIFETIME)
}

fn verify(token: &str, room: &RoomId, now: SystemTime) -> Result<Claims, TokenError> {
    Claims::verify(token, room, Scope::Publish, HOST, now)
}

#[test]
fn the_room_verifies_what_its_camera_signed() {
    let camera = camera();
    let token = camera.key.sign(&claims(&camera.room)).unwrap();
    let verified = verify(&token, &camera.room, now()).unwrap();
    assert_eq!(verified, claims(&camera.room));
}

#[test]
fn the_host_is_compared_without_case() {
    let camera = camera();
    let claims = Claims::new(
        camera.room.clone(),
        Scope::Publish,
        "GateWay.example:8443",
        now(),
        LIFETIME,
    );
    let token = camera.key.sign(&claims).unwrap();
    assert!(verify(&token, &camera.room, now()).is_ok());
}

#[test]
fn another_key_cannot_sign_for_this_room() {
    let (camera, villain) = (camera(), camera());
    let token = villain.key.sign(&claims(&camera.room)).unwrap();
    let result = verify(&token, &camera.room, now());
    assert_eq!(result, Err(TokenError::Signature));
}

#[test]
fn a_good_token_for_another_room_is_for_another_room() {
    let (camera, other) = (camera(), camera());
    let token = other.key.sign(&claims(&other.room)).unwrap();
    assert_eq!(verify(&token, &camera.room, now()), Err(TokenError::Room));
}

#[test]
fn a_token_for_another_gateway_or_another_purpose_is_refused() {
    let camera = camera();
    let token = camera.key.sign(&claims(&camera.room)).unwrap();
    let elsewhere = Claims::verify(&token, &camera.room, Scope::Publish, "evil.example", now());
    assert_eq!(elsewhere, Err(TokenError::Audience));
    let viewing = Claims::verify(&token, &camera.room, Scope::View, HOST, now());
    assert_eq!(viewing, Err(TokenError::Scope));
}

#[test]
fn it_ends_a_minute_after_its_end_and_does_not_begin_before_its_beginning() {
    let camera = camera();
    let token = camera.key.sign(&claims(&camera.room)).unwrap();
    let second = Duration::from_secs(1);
    let end = now() + LIFETIME + LEEWAY;
    assert!(verify(&token, &camera.room, end - second).is_ok());
    let ago = LEEWAY;
    let expired = Err(TokenError::Expired { ago });
    assert_eq!(verify(&token, &camera.room, end), expired);
    let start = now() - LEEWAY;
    assert!(verify(&token, &camera.room, start).is_ok());
    let early = verify(&token, &camera.room, start - second);
    let begins_in = LEEWAY + second;
    assert_eq!(early, Err(TokenError::NotYetValid { begins_in }));
}

#[test]
fn clocks_that_differ_are_told_by_how_much_and_which_way() {
    let camera = camera();
    let token = camera.key.sign(&claims(&camera.room)).unwrap();
    let told = |now| {
        let refused = verify(&token, &camera.room, now).unwrap_err();
        refused.to_string()
    };
    let behind = told(now() - Duration::from_secs(303));
    assert!(
        behind.contains("begins 5 min 3 s from now by the gateway's clock"),
        "{behind}"
    );
    let ahead = told(now() + LIFETIME + Duration::from_secs(7200 + 600));
    assert!(
        ahead.contains("expired 2 h 10 min ago by the gateway's clock"),
        "{ahead}"
    );
}

#[test]
fn a_publish_token_says_whom_it_lets_watch_and_says_nothing_of_the_usual() {
    let camera = camera();
    let usual = serde_json::to_value(claims(&camera.room)).unwrap();
    assert_eq!(usual.get("view"), None);
    let claims = claims(&camera.room).admitting(Admission::Ticket);
    assert_eq!(serde_json::to_value(&claims).unwrap()["view"], "ticket");
    let token = camera.key.sign(&claims).unwrap();
    let verified = verify(&token, &camera.room, now()).unwrap();
    assert_eq!(verified.view, Admission::Ticket);
}

#[test]
fn a_condition_that_is_not_known_is_no_permission() {
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    let document = Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    let room = RoomId::from_key(pair.public_key().as_ref().try_into().unwrap());
    let key = EncodingKey::from_ed_der(document.as_ref());
    let mut header = Header::new(Algorithm::EdDSA);

    let mut unknown = serde_json::to_value(claims(&room)).unwrap();
    unknown["view"] = "friends".into();
    let token = encode(&header, &unknown, &key).unwrap();
    assert_eq!(verify(&token, &room, now()), Err(TokenError::Malformed));

    // RFC 7515 section 4.1.11: "If any of the listed extension Header Parameters are not
    // understood and supported by the recipient, then the JWS is invalid."
    header.crit = Some(vec!["exp".into()]);
    let token = encode(&header, &claims(&room), &key).unwrap();
    assert_eq!(verify(&token, &room, now()), Err(TokenError::Malformed));
    header.crit = None;
    let token = encode(&header, &claims(&room), &key).unwrap();
    assert!(verify(&token, &room, now()).is_ok());
}

#[test]
fn a_token_cut_short_at_any_place_is_good_for_nothing() {
    let camera = camera();
    let token = camera.key.sign(&claims(&camera.room)).unwrap();
    for length in 0..token.len() {
        assert!(verify(&token[..length], &camera.room, now()).is_err());
    }
    let huge = format!("{token}{}", "A".repeat(MAX_LEN));
    let refused = verify(&huge, &camera.room, now());
    assert_eq!(refused, Err(TokenError::Malformed));
}

#[test]
fn no_other_algorithm_is_accepted() {
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    let camera = camera();
    // The classic: HS256 with the public key, which everyone knows, as its secret.
    let secret = EncodingKey::from_secret(&camera.room.key().unwrap());
    let header = Header::new(Algorithm::HS256);
    let token = encode(&header, &claims(&camera.room), &secret).unwrap();
    let result = verify(&token, &camera.room, now());
    assert_eq!(result, Err(TokenError::Malformed));

    let signed = camera.key.sign(&claims(&camera.room)).unwrap();
    let body = signed.split('.').nth(1).unwrap();
    // {"alg":"none","typ":"JWT"}
    let none = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{body}.");
    let result = verify(&none, &camera.room, now());
    assert_eq!(result, Err(TokenError::Malformed));
}

#[test]
fn rubbish_is_malformed() {
    let room = camera().room;
    for token in ["", ".", "..", "a.b.c", "undefined", "Bearer x"] {
        assert_eq!(verify(token, &room, now()), Err(TokenError::Malformed));
    }
}

#[test]
fn a_key_does_not_show_in_debug_output() {
    assert_eq!(format!("{:?}", camera().key), "SigningKey(…)");
}

#[test]
fn a_ticket_lets_watch_and_not_publish() {
    let camera = camera();
    let ticket = Claims {
        scope: Scope::View,
        ..claims(&camera.room)
    };
    let ticket = camera.key.sign(&ticket).unwrap();
    let used_for = |scope| Claims::verify(&ticket, &camera.room, scope, HOST, now()).map(drop);
    assert_eq!(used_for(Scope::View), Ok(()));
    assert_eq!(used_for(Scope::Publish), Err(TokenError::Scope));
}
