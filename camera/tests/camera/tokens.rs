//! The token with which the camera comes into a room with a name.

use sightline_camera::{
    capacity::Capacity,
    key::RoomKey,
    token::Token,
    trust::Trust,
    whip::{License, Whip},
};
use sightline_spec::{room::RoomId, sdp::Sdp, token::Admission};

use crate::endpoint::{Endpoint, Reply};

/// The `Authorization` of the camera's POST, if there is one.
async fn presented(room: &RoomId, license: Option<License>, token: Option<&str>) -> Option<String> {
    let mut endpoint = Endpoint::start().await;
    let capacity = Capacity {
        viewers: 1,
        direct_only: true,
    };
    let token = token.map(|token| Token::Fixed(token.parse().unwrap()));
    let whip = Whip::new(&endpoint.url(), room, license, capacity, &Trust::System).unwrap();
    let whip = whip.with_token(token);
    let offer = Sdp::parse("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n").unwrap();
    let camera = tokio::spawn(async move { whip.offer(&offer, 0).await.map(drop) });
    let waiting = endpoint.offer().await;
    assert!(waiting.reply.send(Reply::Unavailable("0")).is_ok());
    assert!(camera.await.unwrap().is_err());
    let authorization = waiting.headers.get("authorization")?;
    Some(authorization.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn it_is_sent_where_the_room_is_not_the_cameras_own() {
    let garage = "garage".parse().unwrap();
    assert_eq!(presented(&garage, None, None).await, None);
    let sent = presented(&garage, None, Some("let-me-in")).await;
    assert_eq!(sent.as_deref(), Some("Bearer let-me-in"));

    let directory = tempfile::tempdir().unwrap();
    let key = RoomKey::load_or_create(&directory.path().join("camera.key")).unwrap();
    let room = key.room().clone();
    let license = License {
        key,
        admission: Admission::Link,
    };
    let sent = presented(&room, Some(license), Some("let-me-in")).await;
    let sent = sent.unwrap();
    assert!(!sent.contains("let-me-in"), "the key's own is asked for");
    assert!(sent.starts_with("Bearer ey"), "{sent}");
}
