//! Which encoder is taken, and what happens when it fails: with stand-ins for chips.

use std::{fs::File, time::Duration};

use sightline_camera::{
    encoder::{Codec, EncoderKind, candidates},
    pipeline::Pipeline,
};

use crate::{
    endpoint::{Endpoint, Reply, Waiting},
    peer::Peer,
    rig::{Camera, FORMAT, Program, eventually, program},
    stand_ins::{Fault, stand_in, x264},
};

/// Which of these is taken.
fn taken_of(encoders: &[EncoderKind]) -> &'static str {
    let pipeline = Pipeline::start(encoders, &[], FORMAT, 500).unwrap();
    pipeline.encoder().unwrap().element
}

#[test]
fn the_first_that_is_as_it_should_be_is_taken() {
    for (fault, taken) in [
        (Fault::None, "standinnone"),
        (Fault::FailsToStart, "x264enc"),
        (Fault::HangsAtStart, "x264enc"),
        (Fault::Delays, "x264enc"),
        (Fault::IsSlow, "x264enc"),
        (Fault::IgnoresRequests, "x264enc"),
        (Fault::FailsLater, "standinfailslater"),
        (Fault::FallsSilent, "standinfallssilent"),
    ] {
        assert_eq!(taken_of(&[stand_in(fault), x264()]), taken, "{fault:?}");
    }
}

#[test]
fn one_with_a_fault_is_better_than_none() {
    let (slow, deaf) = (stand_in(Fault::IsSlow), stand_in(Fault::IgnoresRequests));
    assert_eq!(taken_of(&[deaf, slow]), slow.element);
    assert_eq!(
        taken_of(&[stand_in(Fault::FailsToStart), deaf]),
        deaf.element
    );
    let nothing = Pipeline::start(&[stand_in(Fault::FailsToStart)], &[], FORMAT, 500);
    let error = nothing.unwrap_err().to_string();
    assert!(error.contains("standinfailstostart: it failed"), "{error}");
}

#[test]
fn what_is_not_here_is_not_taken() {
    let all = candidates(None, Some("mpph264enc".parse().unwrap()));
    assert_eq!(taken_of(&all), "x264enc");
}

/// A viewer takes the offer that waits, and sees the first pictures.
async fn join(endpoint: &mut Endpoint) -> Peer {
    let Waiting { offer, reply, .. } = endpoint.offer().await;
    let peer = Peer::answering(&offer).await;
    assert!(reply.send(Reply::Answer(peer.answer.clone())).is_ok());
    peer.sees(5).await;
    peer
}

/// The viewer of the first sees on when the last of them encodes, in the same session.
async fn viewer_outlives(first: Fault, others: &[EncoderKind], limit: Duration) {
    let mut endpoint = Endpoint::start().await;
    let encoders = [&[stand_in(first)], others].concat();
    let camera = Camera::start_encoding(&endpoint, &encoders);
    let viewer = join(&mut endpoint).await;
    let encoder = async || camera.pipeline.encoder().map(|kind| kind.element);
    assert_eq!(encoder().await, Some(encoders[0].element));
    let keyframes = viewer.keyframes();
    let last = others.last().unwrap().element;
    eventually("the last encodes", encoder, |now| *now == Some(last)).await;
    viewer.sees(30).await;
    assert!(viewer.keyframes() > keyframes);
    let dark = viewer.longest_dark();
    eprintln!("{first:?}: the viewer was without a picture for {dark:?}");
    assert!(dark < limit, "{dark:?}");
    assert!(endpoint.ended().is_empty(), "the session is the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_outlive_an_encoder_that_fails() {
    viewer_outlives(Fault::FailsLater, &[x264()], Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_outlive_an_encoder_that_falls_silent() {
    viewer_outlives(Fault::FallsSilent, &[x264()], Duration::from_millis(2500)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_one_may_fail_too() {
    let others = [stand_in(Fault::FailsToStart), x264()];
    viewer_outlives(Fault::FailsLater, &others, Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_one_begins_again() {
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start_encoding(&endpoint, &[stand_in(Fault::FailsLater)]);
    let viewer = join(&mut endpoint).await;
    viewer.sees(150).await;
    assert!(endpoint.ended().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_sees_vp9() {
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start(&endpoint, "test", Codec::Vp9);
    let Waiting { offer, reply, .. } = endpoint.offer().await;
    let peer = Peer::answering(&offer).await;
    assert!(reply.send(Reply::Answer(peer.answer.clone())).is_ok());
    peer.sees(30).await;
}

/// What the program logs until it waits for viewers.
async fn logged(arguments: &[&str]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let mut endpoint = Endpoint::start().await;
    let mut program = program();
    program
        .args(["--gateway", endpoint.url().as_str(), "--source", "test"])
        .args(["--size", "320x180", "--key-file"])
        .arg(path("camera.key"))
        .args(arguments)
        .stderr(File::create(path("logged")).unwrap());
    let program = Program::start(program);
    endpoint.offer().await;
    drop(program);
    std::fs::read_to_string(path("logged")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_which_one_was_taken_and_why_not_the_others() {
    let log = logged(&[]).await;
    assert!(
        log.contains("encoder=\"x264enc\" codec=h264 hardware=false"),
        "{log}"
    );
    let why_not = "v4l2h264enc: it is not here (gstreamer1.0-plugins-good, and a V4L2 encoder)";
    assert!(log.contains(why_not), "{log}");
    let log = logged(&["--encoder", "openh264enc"]).await;
    assert!(log.contains("encoder=\"openh264enc\""), "{log}");
}
