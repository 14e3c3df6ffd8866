//! `--audio auto`, and microphones of a real sound server that come and go.

use std::time::Instant;

use crate::{
    endpoint::{Endpoint, Reply},
    machine::{SoundServer, first_webcam, on_a_machine_of_its_own},
    peer::{Block, Peer},
    rig::{Camera, eventually, in_time},
    webcam::{NOTHING, Webcam},
};

/// A viewer takes the offer that waits, if there is sound in it as far as is wanted.
async fn join(endpoint: &mut Endpoint, with_sound: bool) -> Peer {
    loop {
        let mut waiting = endpoint.offer().await;
        if waiting.offer.contains("m=audio") != with_sound {
            in_time("the offer is withdrawn", waiting.reply.closed()).await;
            continue;
        }
        let peer = Peer::answering(&waiting.offer).await;
        assert!(
            waiting
                .reply
                .send(Reply::Answer(peer.answer.clone()))
                .is_ok()
        );
        peer.sees(10).await;
        return peer;
    }
}

/// The camera as it is without options, beside a webcam.
fn camera(endpoint: &Endpoint) -> (Webcam, Camera) {
    let webcam = Webcam::at(first_webcam());
    webcam.plug_in(NOTHING);
    let camera = Camera::start_showing(endpoint, "auto", "auto");
    (webcam, camera)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_comes_late_is_taken() {
    let name = "microphones::one_that_comes_late_is_taken";
    let test = async {
        let server = SoundServer::start().await;
        let mut endpoint = Endpoint::start().await;
        let _camera = camera(&endpoint);
        let early = join(&mut endpoint, false).await;
        let began = Instant::now();
        let _unplug = server.plug_in();
        // The offer that waits already says nothing of it, and gives way to another.
        let late = join(&mut endpoint, true).await;
        late.hears(20, Block::is_test_tone).await;
        eprintln!("heard {:?} after it was plugged in", began.elapsed());
        early.sees(10).await;
        assert!(endpoint.ended().is_empty());
    };
    on_a_machine_of_its_own(name, test).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_pulled_out_is_heard_again_when_it_is_back() {
    let name = "microphones::one_that_is_pulled_out_is_heard_again_when_it_is_back";
    let test = async {
        let server = SoundServer::start().await;
        let unplug = server.plug_in();
        let mut endpoint = Endpoint::start().await;
        let (_webcam, camera) = camera(&endpoint);
        let viewer = join(&mut endpoint, true).await;
        viewer.hears(20, Block::is_test_tone).await;
        unplug();
        is_silent(&camera).await;
        viewer.sees(30).await;
        let began = Instant::now();
        let _unplug = server.plug_in();
        viewer.hears(20, Block::is_test_tone).await;
        eprintln!("heard again {:?} after it was back", began.elapsed());
        assert!(endpoint.ended().is_empty());
    };
    on_a_machine_of_its_own(name, test).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_server_that_was_restarted_is_found_again() {
    let name = "microphones::a_sound_server_that_was_restarted_is_found_again";
    let test = async {
        let server = SoundServer::start().await;
        let _unplug = server.plug_in();
        let mut endpoint = Endpoint::start().await;
        let (_webcam, camera) = camera(&endpoint);
        let viewer = join(&mut endpoint, true).await;
        viewer.hears(20, Block::is_test_tone).await;
        drop(server);
        is_silent(&camera).await;
        viewer.sees(30).await;
        let server = SoundServer::start().await;
        let _unplug = server.plug_in();
        viewer.hears(20, Block::is_test_tone).await;
        assert!(endpoint.ended().is_empty());
    };
    on_a_machine_of_its_own(name, test).await;
}

/// Waits until no sound has come between two looks that are far enough from each other.
async fn is_silent(camera: &Camera) {
    let look = async || {
        let before = camera.pipeline.audio_blocks_in();
        camera
            .pipeline
            .has_taken_in(camera.pipeline.frames_in() + 15)
            .await;
        camera.pipeline.audio_blocks_in() - before
    };
    eventually("no more sound", look, |more| *more == 0).await;
}
