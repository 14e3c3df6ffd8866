//! Files and threads are counted by the process, so this test has one of its own.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]
#![allow(dead_code, reason = "the other test program uses the rest")]

#[path = "camera/endpoint.rs"]
mod endpoint;
#[path = "camera/measures.rs"]
mod measures;
#[path = "camera/offers.rs"]
mod offers;
#[path = "camera/peer.rs"]
mod peer;
#[path = "camera/pieces.rs"]
mod pieces;
#[path = "camera/rig.rs"]
mod rig;
#[path = "camera/tls.rs"]
mod tls;

use endpoint::{Endpoint, Reply, Waiting};
use offers::without;
use peer::Peer;
use rig::{Camera, eventually};
use sightline_camera::encoder::Codec;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_viewers_that_came_and_went() {
    let mut endpoint = Endpoint::start().await;
    let camera = Camera::start(&endpoint, "test", Codec::H264);
    let mut waiting = endpoint.offer().await;
    let elements = camera.pipeline.elements();
    let mut resources = Vec::new();
    for round in 0..8 {
        let Waiting { offer, reply, .. } = waiting;
        // Every second one has an encoder started.
        let offer = match round % 2 {
            0 => offer,
            _ => without(&offer, "H264"),
        };
        let peer = Peer::answering(&offer).await;
        assert!(reply.send(Reply::Answer(peer.answer.clone())).is_ok());
        waiting = endpoint.offer().await;
        peer.sees(5).await;
        let session = round.to_string();
        endpoint.leave(&session).await;
        drop(peer);
        let parts = || (camera.pipeline.elements(), camera.pipeline.encoders().len());
        let left = async || (parts(), endpoint.ended());
        eventually("as before", left, |(left, ended)| {
            *left == (elements, 1) && ended.contains(&session)
        })
        .await;
        resources.push(rig::open_resources());
    }
    // The first rounds fill pools; after them nothing may grow.
    let (files, threads) = resources[3];
    let now = async || rig::open_resources();
    eventually("no more files and threads than before", now, |now| {
        now.0 <= files && now.1 <= threads
    })
    .await;
}
