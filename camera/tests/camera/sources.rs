//! Sources that end, fail or come late.

use std::path::PathBuf;

use crate::{
    endpoint::{Endpoint, Reply},
    peer::Peer,
    rig::{Camera, in_time},
};
use gst::prelude::*;
use sightline_camera::encoder::Codec;

/// A film of two seconds, gone when dropped.
struct Film(PathBuf);

impl Film {
    fn record(name: &str) -> Self {
        gst::init().unwrap();
        let file = format!("sightline film {name} {}.mkv", std::process::id());
        let path = std::env::temp_dir().join(file);
        let text = format!(
            "videotestsrc num-buffers=50 ! video/x-raw,width=160,height=120,framerate=25/1 \
             ! x264enc ! matroskamux ! filesink location=\"{}\"",
            path.display()
        );
        let pipeline = gst::parse::launch(&text).unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let bus = pipeline.bus().unwrap();
        let ends = [gst::MessageType::Eos, gst::MessageType::Error];
        let end = bus
            .timed_pop_filtered(gst::ClockTime::from_seconds(20), &ends)
            .unwrap();
        assert_eq!(end.type_(), gst::MessageType::Eos);
        pipeline.set_state(gst::State::Null).unwrap();
        Self(path)
    }
}

impl Drop for Film {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_is_looped_at_its_own_speed() {
    let film = Film::record("looped");
    let mut endpoint = Endpoint::start().await;
    let camera = Camera::start(&endpoint, film.0.to_str().unwrap(), Codec::H264);
    let offer = endpoint.offer().await;
    let peer = Peer::answering(&offer.offer).await;
    assert!(offer.reply.send(Reply::Answer(peer.answer.clone())).is_ok());
    peer.sees(5).await;
    let (started, frames) = (std::time::Instant::now(), camera.pipeline.frames_in());

    // Two and a half loops.
    peer.sees(150).await;

    let rate = (camera.pipeline.frames_in() - frames) as f64 / started.elapsed().as_secs_f64();
    assert!((25.0..35.0).contains(&rate), "{rate} frames a second");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_ends_begins_anew() {
    let mut endpoint = Endpoint::start().await;
    let text = "gst:videotestsrc is-live=true num-buffers=20";
    let camera = Camera::start(&endpoint, text, Codec::H264);
    let _waiting = endpoint.offer().await;
    in_time(
        "more frames than one run has",
        camera.pipeline.has_taken_in(51),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_outlive_a_source_that_fails() {
    let mut endpoint = Endpoint::start().await;
    let text = "gst:videotestsrc is-live=true ! identity error-after=40";
    let camera = Camera::start(&endpoint, text, Codec::H264);
    let offer = endpoint.offer().await;
    let peer = Peer::answering(&offer.offer).await;
    assert!(offer.reply.send(Reply::Answer(peer.answer.clone())).is_ok());
    peer.sees(1).await;
    in_time("the third run", camera.pipeline.has_taken_in(101)).await;
    peer.sees(1).await;
    assert!(endpoint.ended().is_empty());
}
