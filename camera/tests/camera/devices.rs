//! Webcams that are pulled out, busy, or not there yet.

use std::time::{Duration, Instant};

use sightline_camera::encoder::Codec;
use tokio::time::timeout;

use crate::{
    endpoint::{Endpoint, Reply, Waiting},
    machine::{first_webcam, on_a_machine_of_its_own},
    peer::Peer,
    rig::{Camera, eventually, in_time},
    webcam::{BUSY, NOTHING, SILENT, Webcam},
};

/// A viewer takes the offer that waits, and sees pictures.
async fn join(endpoint: &mut Endpoint) -> Peer {
    let Waiting { offer, reply, .. } = endpoint.offer().await;
    let peer = Peer::answering(&offer).await;
    assert!(reply.send(Reply::Answer(peer.answer.clone())).is_ok());
    peer.sees(10).await;
    peer
}

/// Nobody is invited while there is nothing to see; who comes then sees it.
async fn is_served_from_then_on(endpoint: &mut Endpoint, heal: impl Fn()) {
    let early = timeout(Duration::from_secs(1), endpoint.offer()).await;
    assert!(early.is_err(), "an offer without a picture");
    heal();
    let began = Instant::now();
    join(endpoint).await;
    eprintln!("pictures {:?} after the device was there", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webcam_that_is_plugged_in_later_is_shown_then() {
    let webcam = Webcam::absent();
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start(&endpoint, &webcam.source(), Codec::H264);
    is_served_from_then_on(&mut endpoint, || webcam.plug_in(NOTHING)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webcam_that_is_busy_is_shown_when_it_is_free() {
    let webcam = Webcam::absent();
    webcam.plug_in(BUSY);
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start(&endpoint, &webcam.source(), Codec::H264);
    webcam.until_missed(2).await;
    is_served_from_then_on(&mut endpoint, || webcam.plug_in(NOTHING)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loose_plug_costs_no_viewer() {
    let webcam = Webcam::absent();
    webcam.plug_in(NOTHING);
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start(&endpoint, &webcam.source(), Codec::H264);
    let viewer = join(&mut endpoint).await;
    webcam.unplug();
    webcam.until_missed(1).await;
    webcam.plug_in(NOTHING);
    viewer.sees(30).await;
    assert!(endpoint.ended().is_empty(), "the session is the same");
}

/// Who watches is told, and comes again; nobody is invited meanwhile.
async fn costs_the_session(fault: impl Fn(&Webcam)) {
    let webcam = Webcam::absent();
    webcam.plug_in(NOTHING);
    let mut endpoint = Endpoint::start().await;
    let _camera = Camera::start(&endpoint, &webcam.source(), Codec::H264);
    let viewer = join(&mut endpoint).await;
    let mut waiting = endpoint.offer().await;
    let began = Instant::now();
    fault(&webcam);
    endpoint.until_ended(&["0"]).await;
    in_time("the offer is withdrawn", waiting.reply.closed()).await;
    eprintln!("told after {:?}", began.elapsed());
    drop(viewer);
    is_served_from_then_on(&mut endpoint, || webcam.plug_in(NOTHING)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webcam_that_is_pulled_out_and_plugged_in_again() {
    costs_the_session(Webcam::unplug).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webcam_that_hangs() {
    costs_the_session(|webcam| webcam.plug_in(SILENT)).await;
}

/// Whoever watches goes on, or was told on a machine that is too slow for that, and comes again.
async fn goes_on(viewer: Peer, endpoint: &mut Endpoint) -> Peer {
    let (seen, ended) = (viewer.frames(), endpoint.ended().len());
    let look = async || (viewer.frames() >= seen + 10, endpoint.ended().len() > ended);
    let (is_on, _) = eventually("more pictures, or a goodbye", look, |now| now.0 || now.1).await;
    match is_on {
        true => viewer,
        false => join(endpoint).await,
    }
}

/// What is shown without a webcam gives way to one, and takes its place again.
#[tokio::test(flavor = "multi_thread")]
async fn a_webcam_takes_the_place_of_the_test_picture() {
    let name = "devices::a_webcam_takes_the_place_of_the_test_picture";
    let test = async {
        let webcam = Webcam::at(first_webcam());
        let mut endpoint = Endpoint::start().await;
        let _camera = Camera::start_showing(&endpoint, "auto", "off");
        let mut viewer = join(&mut endpoint).await;
        for time in 1..=2 {
            webcam.plug_in(NOTHING);
            webcam.until_shown().await;
            viewer = goes_on(viewer, &mut endpoint).await;
            webcam.unplug();
            webcam.until_missed(time).await;
            viewer = goes_on(viewer, &mut endpoint).await;
        }
    };
    on_a_machine_of_its_own(name, test).await;
}
