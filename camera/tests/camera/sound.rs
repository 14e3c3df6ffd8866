//! Sound, from its source to a viewer who decodes it.

use sightline_spec::sdp::{Direction, Sdp};

use crate::{
    endpoint::{Endpoint, Reply, Waiting},
    peer::{Block, Peer},
    rig::{Camera, in_time},
};

async fn join(endpoint: &mut Endpoint) -> Peer {
    let Waiting { offer, reply, .. } = endpoint.offer().await;
    let peer = Peer::answering(&offer).await;
    assert!(reply.send(Reply::Answer(peer.answer.clone())).is_ok());
    peer
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_see_and_hear_one_encoder_each() {
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start_with_sound(&endpoint, "test");
    let (first, second) = (join(&mut endpoint).await, join(&mut endpoint).await);
    for viewer in [first, second] {
        viewer.sees(10).await;
        viewer.hears(20, Block::is_test_tone).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_has_opus_in_the_stream_of_the_picture() {
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start_with_sound(&endpoint, "test");
    let offer = endpoint.offer().await.offer;
    let sdp = Sdp::parse(&offer).unwrap();
    let kinds: Vec<_> = sdp.media().map(|media| media.kind().to_owned()).collect();
    assert_eq!(
        kinds,
        ["video", "audio"],
        "who has one section takes the picture"
    );
    assert!(
        sdp.media()
            .all(|media| media.direction() == Direction::SendOnly)
    );
    assert!(offer.contains("a=rtpmap:111 OPUS/48000/2"), "{offer}");
    let parameters = offer
        .lines()
        .find(|line| line.starts_with("a=fmtp:111 "))
        .unwrap();
    for parameter in ["useinbandfec=1", "sprop-stereo=1"] {
        assert!(parameters.contains(parameter), "{parameters}");
    }
    // Browsers keep together what is of one stream (RFC 8830 section 2).
    let streams: Vec<_> = (offer.lines())
        .filter_map(|line| line.split_once("msid:")?.1.split(' ').next())
        .collect();
    assert!(streams.len() >= 2, "{offer}");
    assert!(
        streams.iter().all(|stream| *stream == streams[0]),
        "{streams:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn left_and_right_stay_apart() {
    let mut endpoint = Endpoint::start().await;
    let left = "gst:audiotestsrc is-live=true volume=0.5 ! audio/x-raw,rate=48000,channels=1 \
        ! audiopanorama panorama=-1";
    let _camera = Camera::start_with_sound(&endpoint, left);
    let viewer = join(&mut endpoint).await;
    let on_the_left = |block: &Block| block.left > 3000.0 && block.right < block.left / 20.0;
    viewer.hears(20, on_the_left).await;
}

/// Who can do without sound is not kept from the picture.
#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_takes_no_sound_sees() {
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start_with_sound(&endpoint, "test");
    let Waiting { offer, reply, .. } = endpoint.offer().await;
    let viewer = Peer::answering(&offer).await;
    let mut in_audio = false;
    let lines = viewer.answer.lines().map(|line| {
        in_audio = match line {
            line if line.starts_with("m=") => line.starts_with("m=audio"),
            _ => in_audio,
        };
        match line {
            "a=recvonly" if in_audio => "a=inactive\r\n".to_owned(),
            line => format!("{line}\r\n"),
        }
    });
    assert!(reply.send(Reply::Answer(lines.collect())).is_ok());
    viewer.sees(30).await;
    assert_eq!(viewer.heard().len(), 0);
}

/// Most webcams have one microphone.
#[tokio::test(flavor = "multi_thread")]
async fn mono_is_heard_on_both_sides() {
    let mut endpoint = Endpoint::start().await;
    let mono = "gst:audiotestsrc is-live=true freq=440 volume=0.5 samplesperbuffer=960 \
        ! audio/x-raw,rate=48000,channels=1";
    let _camera = Camera::start_with_sound(&endpoint, mono);
    let viewer = join(&mut endpoint).await;
    viewer.hears(20, Block::is_test_tone).await;
    viewer.sees(10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_microphone_that_fails_comes_back_while_the_picture_goes_on() {
    let mut endpoint = Endpoint::start().await;
    let tone = "gst:audiotestsrc is-live=true freq=440 volume=0.5 samplesperbuffer=960 \
        ! audio/x-raw,rate=48000,channels=2 ! identity error-after=40";
    let camera = Camera::start_with_sound(&endpoint, tone);
    let viewer = join(&mut endpoint).await;
    viewer.sees(1).await;
    let third_run = camera.pipeline.has_taken_in_audio(90);
    in_time("the microphone's third run", third_run).await;
    viewer.hears(10, Block::is_test_tone).await;
    viewer.sees(10).await;
    assert!(endpoint.ended().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_microphone_that_never_starts_costs_no_picture() {
    for broken in [
        "alsa:hw:77",
        "gst:no-such-element",
        "gst:audiotestsrc ! identity error-after=0",
    ] {
        let mut endpoint = Endpoint::start().await;
        let _camera = Camera::start_with_sound(&endpoint, broken);
        join(&mut endpoint).await.sees(30).await;
    }
}

/// As it is by `auto` where there is no microphone.
#[tokio::test(flavor = "multi_thread")]
async fn without_sound_nothing_is_said_of_it() {
    for none in ["auto", "off"] {
        let mut endpoint = Endpoint::start().await;
        let _camera = Camera::start_with_sound(&endpoint, none);
        let offer = endpoint.offer().await;
        assert!(!offer.offer.contains("m=audio"), "{none}");
    }
}
