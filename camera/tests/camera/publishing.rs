//! The second way out: whipsink, to a WHIP server that answers at once.

use std::sync::Arc;

use sightline_camera::{
    audio::Audio,
    capture,
    encoder::{Codec, candidates},
    format::{Format, Size},
    pipeline::Pipeline,
    publish::Publisher,
    source::Source,
};
use tokio_util::sync::CancellationToken;

use crate::{
    endpoint::{Endpoint, Reply},
    peer::{Block, Peer},
};

#[tokio::test(flavor = "multi_thread")]
async fn any_whip_server_can_be_published_to() {
    gst::init().unwrap();
    Publisher::register().unwrap();
    let mut endpoint = Endpoint::start().await;
    let size = Size {
        width: 320,
        height: 180,
    };
    let format = Format { size, fps: 30 };
    let pipeline = Pipeline::start(&candidates(Some(Codec::H264), None), format, 500).unwrap();
    // A microphone that takes its time must not keep the picture back.
    pipeline.offer_audio();
    tokio::spawn(capture::run(
        Source::Test,
        format,
        Arc::downgrade(&pipeline),
    ));
    let publisher = Publisher {
        endpoint: endpoint.url().join("whip/test").unwrap(),
        token: Some("let-me-in".parse().unwrap()),
        ice_servers: Vec::new(),
        pipeline: pipeline.clone(),
    };
    let stop = CancellationToken::new();
    let publishing = tokio::spawn(publisher.run(stop.clone()));

    let offer = endpoint.offer().await;
    assert_eq!(offer.headers["authorization"], "Bearer let-me-in");
    let peer = Peer::answering(&offer.offer).await;
    assert!(offer.reply.send(Reply::Answer(peer.answer.clone())).is_ok());
    peer.sees(30).await;
    tokio::spawn(capture::run_audio(
        Audio::Test,
        Source::Test,
        Arc::downgrade(&pipeline),
    ));
    peer.hears(30, Block::is_test_tone).await;

    stop.cancel();
    publishing.await.unwrap();
    endpoint.until_ended(&["0"]).await;
}
