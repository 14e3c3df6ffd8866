//! A gateway whose clock is not the camera's.

use std::time::{Duration, SystemTime};

use sightline_camera::{
    capacity::Capacity,
    key::RoomKey,
    trust::Trust,
    whip::{License, Whip, WhipError},
};
use sightline_spec::{
    sdp::Sdp,
    token::{Admission, Claims, Scope},
};

use crate::{
    endpoint::{Endpoint, Reply, Waiting},
    tls::Identity,
};

const HOUR: Duration = Duration::from_secs(3600);

/// What the camera says of a gateway that is an hour ahead, and whether its next token is good
/// there.
async fn refused_once(endpoint: &mut Endpoint, trust: &Trust) -> (WhipError, bool) {
    let directory = tempfile::tempdir().unwrap();
    let key = RoomKey::load_or_create(&directory.path().join("camera.key")).unwrap();
    let room = key.room().clone();
    let capacity = Capacity {
        viewers: 1,
        direct_only: true,
    };
    let license = License {
        key,
        admission: Admission::Link,
    };
    let whip = Whip::new(&endpoint.url(), &room, Some(license), capacity, trust).unwrap();
    let offer = Sdp::parse("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n").unwrap();
    let host = endpoint.address().to_string();
    let camera = tokio::spawn(async move {
        let refused = whip.offer(&offer, 0).await.unwrap_err();
        let _ = whip.offer(&offer, 0).await;
        refused
    });
    let first = endpoint.offer().await;
    let good = |waiting: &Waiting| {
        let token = waiting.headers["authorization"].to_str().unwrap();
        let token = token.strip_prefix("Bearer ").unwrap();
        let now = SystemTime::now() + HOUR;
        Claims::verify(token, &room, Scope::Publish, &host, now).is_ok()
    };
    assert!(!good(&first), "by the camera's own clock");
    let now = SystemTime::now() + HOUR;
    assert!(first.reply.send(Reply::Unauthorized(now)).is_ok());
    let second = endpoint.offer().await;
    let good = good(&second);
    assert!(second.reply.send(Reply::Unavailable("0")).is_ok());
    (camera.await.unwrap(), good)
}

#[tokio::test]
async fn by_tls_the_next_token_goes_by_the_gateways_clock() {
    let identity = Identity::self_signed();
    let mut endpoint = Endpoint::start_as(identity.server()).await;
    let trust = Trust::Pinned(identity.pin());
    let (refused, good_next_time) = refused_once(&mut endpoint, &trust).await;
    let told = refused.to_string();
    assert!(told.contains("behind the gateway's"), "{told}");
    assert!(good_next_time);
}

#[tokio::test]
async fn without_tls_it_is_only_said() {
    let mut endpoint = Endpoint::start().await;
    let (refused, good_next_time) = refused_once(&mut endpoint, &Trust::System).await;
    let told = refused.to_string();
    assert!(told.contains("behind the gateway's"), "{told}");
    assert!(!good_next_time);
}
