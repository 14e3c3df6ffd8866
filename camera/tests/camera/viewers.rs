//! From the source to decoded pictures at a viewer, through the whole camera.

use crate::{
    endpoint::{Endpoint, Reply, Waiting},
    peer::Peer,
    rig::{Camera, eventually, in_time},
};
use sightline_camera::{capacity::Capacity, encoder::Codec};

/// A viewer takes the offer that waits.
async fn join(endpoint: &mut Endpoint) -> Peer {
    let Waiting { offer, reply, .. } = endpoint.offer().await;
    let peer = Peer::answering(&offer).await;
    assert!(reply.send(Reply::Answer(peer.answer.clone())).is_ok());
    peer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_sees_h264() {
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start(&endpoint, "test", Codec::H264);
    join(&mut endpoint).await.sees(30).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_sees_vp8() {
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start(&endpoint, "test", Codec::Vp8);
    join(&mut endpoint).await.sees(30).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_viewer_leaves_and_the_other_sees_on() {
    let mut endpoint = Endpoint::start().await;
    let camera = Camera::start(&endpoint, "test", Codec::H264);
    let first = join(&mut endpoint).await;
    let second = join(&mut endpoint).await;
    let third = endpoint.offer().await;
    first.sees(10).await;
    second.sees(10).await;
    let with_two = camera.pipeline.elements();

    endpoint.leave("0").await;
    endpoint.until_ended(&["0"]).await;
    let elements = async || camera.pipeline.elements();
    let without_one = |elements: &usize| elements + 2 == with_two;
    eventually("its elements are gone", elements, without_one).await;

    second.sees(30).await;
    // One encoder serves both: no frame of the source went there twice.
    let encoded = camera.pipeline.frames_encoded();
    let delivered = camera.pipeline.frames_in();
    assert!(encoded <= delivered, "{encoded} of {delivered}");
    drop(third);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_viewers_nothing_is_encoded() {
    let mut endpoint = Endpoint::start().await;
    let camera = Camera::start(&endpoint, "test", Codec::H264);
    let _waiting = endpoint.offer().await;
    let frames = camera.pipeline.frames_in();
    let more = camera.pipeline.has_taken_in(frames + 31);
    in_time("the source runs", more).await;
    assert_eq!(
        camera.pipeline.frames_encoded(),
        1,
        "only the one that warms up the encoder"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_whose_certificate_is_not_the_announced_one_gets_nothing() {
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start(&endpoint, "test", Codec::H264);
    let Waiting { offer, reply, .. } = endpoint.offer().await;
    let peer = Peer::answering(&offer).await;
    let lines = peer
        .answer
        .lines()
        .map(|line| match line.starts_with("a=fingerprint:") {
            true => format!("a=fingerprint:sha-256 {}\r\n", ["AB"; 32].join(":")),
            false => format!("{line}\r\n"),
        });
    assert!(reply.send(Reply::Answer(lines.collect())).is_ok());
    endpoint.until_ended(&["0"]).await;
    assert_eq!(peer.frames(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_vanishes_is_noticed() {
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start(&endpoint, "test", Codec::H264);
    let peer = join(&mut endpoint).await;
    peer.sees(5).await;
    drop(peer);
    endpoint.until_ended(&["0"]).await;
}

/// A keyframe for one is a keyframe for all.
#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_keyframes_all_the_time_gets_few() {
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start(&endpoint, "test", Codec::H264);
    let (villain, other) = (join(&mut endpoint).await, join(&mut endpoint).await);
    villain.sees(5).await;
    other.sees(5).await;
    villain.be_rude();
    let (began, before) = (std::time::Instant::now(), other.keyframes());
    for _ in 0..100 {
        villain.want_keyframe();
        villain.sees(1).await;
    }
    let got = other.keyframes() - before;
    // What it may have at once, one in each second, and those that come anyway.
    let most = 3.0 + began.elapsed().as_secs_f64() * 1.5 + 2.0;
    assert!((got as f64) <= most, "{got} keyframes, {most} at most");
    assert!(got >= 2, "{got} keyframes, though they were asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_last_viewer_one_more_offer_waits_for_the_relay() {
    let mut endpoint = Endpoint::start().await;
    let capacity = Capacity {
        viewers: 1,
        direct_only: false,
    };
    let _camera = Camera::start_for(capacity, &endpoint, "test", Codec::H264);
    let viewer = join(&mut endpoint).await;
    let waiting = endpoint.offer().await;
    assert_eq!(waiting.headers["prefer"], "direct, wait=55");

    // The relay answers as a viewer does.
    let relay = Peer::answering(&waiting.offer).await;
    let answer = Reply::Answer(relay.answer.clone());
    assert!(waiting.reply.send(answer).is_ok());

    viewer.sees(10).await;
    relay.sees(10).await;
    assert!(!endpoint.has_offer(), "both branches are in use");
    endpoint.leave("0").await;
    endpoint.offer().await;
    assert_eq!(endpoint.ended(), ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn direct_only_leaves_nothing_for_the_relay() {
    let mut endpoint = Endpoint::start().await;
    let capacity = Capacity {
        viewers: 1,
        direct_only: true,
    };
    let _camera = Camera::start_for(capacity, &endpoint, "test", Codec::H264);
    let waiting = endpoint.offer().await;
    let strict = "direct, wait=55, handling=strict";
    assert_eq!(waiting.headers["prefer"], strict);
    let viewer = Peer::answering(&waiting.offer).await;
    let answer = Reply::Answer(viewer.answer.clone());
    assert!(waiting.reply.send(answer).is_ok());

    viewer.sees(30).await;
    assert!(!endpoint.has_offer(), "the only branch is in use");
    endpoint.leave("0").await;
    endpoint.offer().await;
    assert_eq!(endpoint.ended(), ["0"]);
}
