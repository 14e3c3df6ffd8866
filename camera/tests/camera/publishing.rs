//! The second way out: whipsink, to a WHIP server that answers at once.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant, SystemTime},
};

use reqwest::Url;
use sightline_camera::{
    audio::Audio,
    capture,
    encoder::{Codec, candidates},
    pipeline::Pipeline,
    publish::Publisher,
    source::Source,
    stats::{Path as Way, Sampler},
    token::Token,
};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    endpoint::{Endpoint, Reply},
    moods::{Between, Mood},
    peer::{Block, Peer},
    rig::FORMAT,
    webcam::{NOTHING, Webcam},
};

/// What was broken heals within so long.
const HEALS: Duration = Duration::from_secs(10);

/// A camera that publishes the test picture.
struct Camera {
    pipeline: Arc<Pipeline>,
    publishing: JoinHandle<()>,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

impl Camera {
    fn start(server: &Url, token: Option<Token>, has_sound: bool) -> Self {
        Self::start_showing(Source::Test, server, token, has_sound)
    }

    fn start_showing(source: Source, server: &Url, token: Option<Token>, has_sound: bool) -> Self {
        gst::init().unwrap();
        Publisher::register().unwrap();
        let encoders = candidates(Some(Codec::H264), None);
        let pipeline = Pipeline::start(&encoders, &[], FORMAT, 500).unwrap();
        if has_sound {
            // A microphone that takes its time must not keep the picture back.
            pipeline.offer_audio();
        }
        let to = Arc::downgrade(&pipeline);
        tokio::spawn(capture::run(source, Audio::Off, FORMAT, to));
        let publisher = Publisher {
            endpoint: server.join("whip/test").unwrap(),
            token,
            ice_servers: Vec::new(),
            pipeline: pipeline.clone(),
        };
        let stop = CancellationToken::new();
        Self {
            pipeline,
            publishing: tokio::spawn(publisher.run(stop.clone())),
            stop: stop.clone(),
            _stop_on_drop: stop.drop_guard(),
        }
    }
}

/// The server answers, and gets pictures.
async fn receive(endpoint: &mut Endpoint) -> Peer {
    let offer = endpoint.offer().await;
    let peer = Peer::answering(&offer.offer).await;
    assert!(offer.reply.send(Reply::Answer(peer.answer.clone())).is_ok());
    peer.sees(30).await;
    peer
}

/// Says how long the publisher took.
async fn receive_again(what: &str, endpoint: &mut Endpoint) -> Peer {
    let began = Instant::now();
    let peer = receive(endpoint).await;
    is_healed(what, began);
    peer
}

fn is_healed(what: &str, began: Instant) {
    let took = began.elapsed();
    eprintln!("{what}: pictures again after {took:?}");
    assert!(took < HEALS, "{what}: {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_whip_server_can_be_published_to() {
    let mut endpoint = Endpoint::start().await;
    let token = Token::Fixed("let-me-in".parse().unwrap());
    let camera = Camera::start(&endpoint.url(), Some(token), true);

    let offer = endpoint.offer().await;
    assert_eq!(offer.headers["authorization"], "Bearer let-me-in");
    let peer = Peer::answering(&offer.offer).await;
    assert!(offer.reply.send(Reply::Answer(peer.answer.clone())).is_ok());
    peer.sees(30).await;
    tokio::spawn(capture::run_audio(
        Audio::Test,
        Source::Test,
        Arc::downgrade(&camera.pipeline),
    ));
    peer.hears(30, Block::is_test_tone).await;
    let now = Sampler::new(&camera.pipeline).look().await.unwrap();
    assert_eq!(now.on(Way::Server), 1, "{now:?}");

    camera.stop.cancel();
    camera.publishing.await.unwrap();
    endpoint.until_ended(&["0"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_restarted_is_published_to_again() {
    // Where nobody else listens, so that the port stays free.
    let mut endpoint = Endpoint::start_at("127.0.0.4:0".parse().unwrap()).await;
    let _camera = Camera::start(&endpoint.url(), None, false);
    let killed = receive(&mut endpoint).await;
    let address = endpoint.address();
    // Without a word, and back at once.
    killed.vanish();
    drop(endpoint);
    let mut endpoint = Endpoint::start_at(address).await;
    receive_again("server restarted", &mut endpoint).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_network_comes_back_publishing_does() {
    let mut endpoint = Endpoint::start().await;
    let between = Between::start(&endpoint, Mood::Silent).await;
    between.is_well.store(true, Ordering::SeqCst);
    let url = format!("http://{}", between.address).parse().unwrap();
    let _camera = Camera::start(&url, None, false);
    let peer = receive(&mut endpoint).await;
    between.is_well.store(false, Ordering::SeqCst);
    peer.vanish();
    // Requests are lost, the goodbye and at least one offer.
    between.until_asked(2).await;
    between.is_well.store(true, Ordering::SeqCst);
    receive_again("network back", &mut endpoint).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_has_expired_is_read_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    let write = |path: &Path, token: &str| std::fs::write(path, token).unwrap();
    write(&path, "old\n");
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start(&endpoint.url(), Some(Token::File(path.clone())), false);
    for _ in 0..2 {
        let offer = endpoint.offer().await;
        assert_eq!(offer.headers["authorization"], "Bearer old");
        let refused = Reply::Unauthorized(SystemTime::now());
        assert!(offer.reply.send(refused).is_ok());
    }
    write(&path, "new\n");
    let began = Instant::now();
    loop {
        let offer = endpoint.offer().await;
        if offer.headers["authorization"] == "Bearer new" {
            let peer = Peer::answering(&offer.offer).await;
            assert!(offer.reply.send(Reply::Answer(peer.answer.clone())).is_ok());
            peer.sees(30).await;
            break;
        }
        let _ = offer.reply.send(Reply::Unauthorized(SystemTime::now()));
    }
    is_healed("new token", began);
}

/// The server is not left with a session in which nothing comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_webcam_that_is_pulled_out_ends_the_session_and_begins_one_when_it_is_back() {
    let webcam = Webcam::absent();
    webcam.plug_in(NOTHING);
    let mut endpoint = Endpoint::start().await;
    let source = webcam.source().parse().unwrap();
    let _camera = Camera::start_showing(source, &endpoint.url(), None, false);
    let peer = receive(&mut endpoint).await;
    // A server that is heard all the time.
    peer.be_rude();
    webcam.unplug();
    endpoint.until_ended(&["0"]).await;
    let early = tokio::time::timeout(Duration::from_secs(1), endpoint.offer()).await;
    assert!(early.is_err(), "an offer without a picture");
    webcam.plug_in(NOTHING);
    receive_again("webcam back", &mut endpoint).await;
}
