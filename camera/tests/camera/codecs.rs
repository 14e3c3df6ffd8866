//! Each viewer is sent the codec that it can decode.

use sightline_camera::encoder::Codec;

use crate::{
    endpoint::{Endpoint, Reply, Waiting},
    offers::without,
    peer::Peer,
    rig::{Camera, eventually},
};

/// A viewer takes the offer that waits, if it does not know this encoding.
async fn join_without(endpoint: &mut Endpoint, encoding: &str) -> Peer {
    let Waiting { offer, reply, .. } = endpoint.offer().await;
    let peer = Peer::answering(&without(&offer, encoding)).await;
    assert!(!peer.answer.contains(encoding), "{}", peer.answer);
    assert!(reply.send(Reply::Answer(peer.answer.clone())).is_ok());
    peer
}

fn encoders(camera: &Camera) -> Vec<&'static str> {
    let all = camera.pipeline.encoders();
    all.into_iter().map(|kind| kind.element).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_offer_names_h264_first_and_vp8_second() {
    let mut endpoint = Endpoint::start().await;
    let camera = Camera::start(&endpoint, "test", Codec::H264);
    let offer = endpoint.offer().await.offer;
    let codecs: Vec<_> = offer
        .lines()
        .filter_map(|line| line.strip_prefix("a=rtpmap:")?.split_once(' '))
        .map(|(_, codec)| codec)
        .collect();
    assert_eq!(
        codecs,
        ["H264/90000", "VP8/90000", "rtx/90000", "rtx/90000"]
    );
    assert_eq!(encoders(&camera), ["x264enc"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_decode_h264_gets_vp8_beside_one_who_can() {
    let mut endpoint = Endpoint::start().await;
    let camera = Camera::start(&endpoint, "test", Codec::H264);
    let Waiting { offer, reply, .. } = endpoint.offer().await;
    let first = Peer::answering(&offer).await;
    assert!(reply.send(Reply::Answer(first.answer.clone())).is_ok());
    first.sees(10).await;
    assert_eq!(first.codec().as_deref(), Some("H264"));
    assert_eq!(encoders(&camera), ["x264enc"]);

    let elements = camera.pipeline.elements();
    for round in 0..2 {
        let second = join_without(&mut endpoint, "H264").await;
        second.sees(10).await;
        assert_eq!(second.codec().as_deref(), Some("VP8"));
        assert_eq!(encoders(&camera), ["x264enc", "vp8enc"]);
        let third = join_without(&mut endpoint, "H264").await;
        third.sees(10).await;
        first.sees(10).await;

        endpoint.leave(&(3 * round + 1).to_string()).await;
        third.sees(10).await;
        assert_eq!(encoders(&camera), ["x264enc", "vp8enc"]);
        endpoint.leave(&(3 * round + 2).to_string()).await;
        let running = async || encoders(&camera);
        eventually("no VP8 encoder", running, |all| *all == ["x264enc"]).await;
        first.sees(10).await;
        if round == 0 {
            // The next session has the number that would be this one's.
            let fourth = join_without(&mut endpoint, "VP8").await;
            fourth.sees(10).await;
            assert_eq!(fourth.codec().as_deref(), Some("H264"));
            endpoint.leave("3").await;
        }
    }
    let left = async || camera.pipeline.elements();
    eventually("as before", left, |left| *left == elements).await;
}
