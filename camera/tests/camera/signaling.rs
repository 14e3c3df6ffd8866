//! What the camera says to the gateway, and how it lives with the gateway's moods.

use std::time::Duration;

use crate::{
    endpoint::{Endpoint, Reply},
    peer::Peer,
    rig::{Camera, in_time},
};
use sightline_camera::encoder::Codec;
use sightline_spec::sdp::{Direction, PublisherOffer};

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_complete_sendonly_and_of_one_certificate() {
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start(&endpoint, "test", Codec::H264);
    let first = endpoint.offer().await;
    assert_eq!(first.headers["content-type"], "application/sdp");
    assert_eq!(first.headers["prefer"], "direct=4, wait=55");
    let offer = PublisherOffer::parse(&first.offer).unwrap();
    let video = offer.media().next().unwrap();
    assert_eq!(video.direction(), Direction::SendOnly);
    assert!(first.offer.contains("a=candidate:"), "no trickling needed");
    assert!(first.offer.contains("profile-level-id=42e01f"));
    assert!(first.reply.send(Reply::Unavailable("0")).is_ok());
    let second = PublisherOffer::parse(&endpoint.offer().await.offer).unwrap();
    assert_eq!(offer.fingerprints(), second.fingerprints());
    assert_eq!(offer.fingerprints().len(), 1);
    assert_ne!(
        offer.ice_credentials(),
        second.ice_credentials(),
        "a fresh offer"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_honoured() {
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start(&endpoint, "test", Codec::H264);
    let offer = endpoint.offer().await;
    assert!(offer.reply.send(Reply::Unavailable("3")).is_ok());
    let refused = std::time::Instant::now();
    endpoint.offer().await;
    assert!(refused.elapsed() >= Duration::from_secs(3));
}

/// Who takes offers and lets them go keeps the camera away from nobody, and does not have it make
/// one offer after the other.
#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_was_taken_and_let_go_is_followed_by_the_next_one() {
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start(&endpoint, "test", Codec::H264);
    let began = std::time::Instant::now();
    let offers = async {
        for _ in 0..15 {
            let offer = endpoint.offer().await;
            assert!(offer.reply.send(Reply::Unavailable("0")).is_ok());
        }
    };
    in_time("as many offers", offers).await;
    let at_once = 5;
    let took = began.elapsed().as_secs_f64();
    assert!(took >= f64::from(15 - at_once) * 0.25 - 0.1, "{took} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_comes_back_gets_an_offer_while_media_flows_on() {
    // Where nobody else listens, so that the port stays free.
    let mut endpoint = Endpoint::start_at("127.0.0.3:0".parse().unwrap()).await;
    let _camera = Camera::start(&endpoint, "test", Codec::H264);
    let offer = endpoint.offer().await;
    let peer = Peer::answering(&offer.offer).await;
    assert!(offer.reply.send(Reply::Answer(peer.answer.clone())).is_ok());
    let waiting = endpoint.offer().await;
    peer.sees(10).await;

    let address = endpoint.address();
    drop((waiting, endpoint));
    peer.sees(30).await;
    let mut endpoint = Endpoint::start_at(address).await;

    // The new gateway has not brought that viewer here, and cannot count it: one of four.
    loop {
        let offer = endpoint.offer().await;
        if offer.headers["prefer"] == "direct=3, wait=55" {
            break;
        }
        let _ = offer.reply.send(Reply::Unavailable("0"));
    }
    peer.sees(30).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_says_goodbye_to_every_viewer() {
    let mut endpoint = Endpoint::start().await;
    let camera = Camera::start(&endpoint, "test", Codec::H264);
    let offer = endpoint.offer().await;
    let peer = Peer::answering(&offer.offer).await;
    assert!(offer.reply.send(Reply::Answer(peer.answer.clone())).is_ok());
    peer.sees(5).await;
    let _waiting = endpoint.offer().await;

    camera.stop.cancel();

    in_time("the camera's end", camera.running).await.unwrap();
    endpoint.until_ended(&["0"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_none_costs_one_session_only() {
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start(&endpoint, "test", Codec::H264);
    let silly =
        "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 1\r\n";
    for answer in [
        "",
        "nonsense",
        silly,
        "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n",
    ] {
        let offer = endpoint.offer().await;
        assert!(offer.reply.send(Reply::Answer(answer.to_owned())).is_ok());
    }
    let offer = endpoint.offer().await;
    let peer = Peer::answering(&offer.offer).await;
    assert!(offer.reply.send(Reply::Answer(peer.answer.clone())).is_ok());
    peer.sees(10).await;
}

/// HTML, section 9.2.1: "a client can be told to stop reconnecting using the HTTP 204 No Content
/// response code".
#[tokio::test(flavor = "multi_thread")]
async fn an_event_stream_that_is_answered_with_204_is_asked_for_no_more() {
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start(&endpoint, "test", Codec::H264);
    let offer = endpoint.offer().await;
    let peer = Peer::answering(&offer.offer).await;
    assert!(offer.reply.send(Reply::Answer(peer.answer.clone())).is_ok());
    peer.sees(5).await;
    endpoint.until_listening("0").await;
    endpoint.end_events().await;
    // Longer than any pause between two attempts.
    peer.sees(90).await;
    assert_eq!(endpoint.refused_streams(), 1);
    assert!(endpoint.ended().is_empty(), "its media goes on");

    // Whose viewer leaves without a word is noticed all the same.
    drop(peer);
    endpoint.until_ended(&["0"]).await;
}
