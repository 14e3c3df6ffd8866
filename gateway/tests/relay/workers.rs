//! A room's viewers are spread over workers, and none of them can tell.

use std::collections::BTreeMap;

use reqwest::StatusCode;
use sightline_spec::event::Event;

use crate::departures::of_author;
use crate::key_room::{KeyRoom, key_holder};
use crate::layers;
use crate::loss::{every_tenth, mended, until_later};
use crate::peer::link::Link;
use crate::peer::{Connection, Http, Peer, Seen, Setup};
use crate::support::{Gateway, eventually};

const TWO: [&str; 4] = ["--relay", "on", "--media-workers", "2"];

/// More than stay in one place while another has nothing to do.
const MOST: usize = 60;

/// The media port that a peer was told of: each worker has one.
fn port(peer: &Peer) -> u16 {
    let mut candidates = peer.session.answer.lines();
    let candidate = candidates.find(|line| line.starts_with("a=candidate:"));
    let port = candidate.and_then(|line| line.split(' ').nth(5));
    port.unwrap().parse().unwrap()
}

/// Viewers of a room until there are two at each of two workers: the publisher's first.
async fn spread(http: &Http, room: &str, publisher: &Peer) -> [Vec<Peer>; 2] {
    let mut viewers = BTreeMap::<bool, Vec<Peer>>::new();
    for _ in 0..MOST {
        let viewer = Setup::viewer().open(http, room).await;
        let is_elsewhere = port(&viewer) != port(publisher);
        viewers.entry(is_elsewhere).or_default().push(viewer);
        if let Some([_, _, ..]) = viewers.get(&true).map(Vec::as_slice) {
            return [false, true].map(|key| viewers.remove(&key).unwrap());
        }
    }
    panic!("{MOST} viewers are at one worker");
}

/// Every packet from the first on, none of them twice.
fn has_all(seen: &Seen) {
    let video = seen.in_order();
    assert!(video[0].1.is_key && video[0].1.part == 0);
    for pair in video.windows(2) {
        let [(before, earlier), (after, later)] = pair else {
            continue;
        };
        assert_eq!(after.sequence, before.sequence + 1, "{earlier:?} {later:?}");
        let next = match earlier.part + 1 == earlier.parts {
            true => (earlier.picture + 1, 0),
            false => (earlier.picture, earlier.part + 1),
        };
        assert_eq!((later.picture, later.part), next);
    }
}

#[tokio::test]
async fn viewers_at_every_worker_get_every_packet_and_again_what_they_lose() {
    let gateway = Gateway::start(TWO);
    let http = Http::new(&gateway);
    let publisher = Setup::publisher().open(&http, "garage").await;
    let viewers = spread(&http, "garage", &publisher).await;
    for viewer in viewers.iter().flatten() {
        viewer.more_video(20).await;
    }
    // One at each worker loses what others do not.
    let mut losses = Vec::new();
    for viewers in &viewers {
        let (rule, lost, again) = every_tenth(102, 103);
        let set = |connection: &mut Connection| connection.link.to_peer = rule;
        viewers[0].act(set).await;
        losses.push((lost, again));
    }
    for (lost, again) in &losses {
        mended(lost, again).await;
    }
    for viewer in viewers.iter().flatten() {
        let lossless = |connection: &mut Connection| connection.link = Link::default();
        viewer.act(lossless).await;
        until_later(&publisher, viewer).await;
        viewer.seen(has_all);
    }
    publisher.seen(|seen| assert_eq!(seen.nacks, 0, "it was mended at the workers"));
}

#[tokio::test]
async fn a_keyframe_that_a_viewer_at_another_worker_asks_for_comes() {
    let gateway = Gateway::start(TWO);
    let http = Http::new(&gateway);
    let publisher = Setup::publisher().open(&http, "garage").await;
    let viewers = spread(&http, "garage", &publisher).await;
    let elsewhere = &viewers[1][1];
    elsewhere.more_video(20).await;
    let asked = async || publisher.seen(|seen| seen.keyframe_requests.len());
    let before = asked().await;
    let source = elsewhere.seen(|seen| seen.video().next().unwrap().0.source);
    elsewhere
        .act(move |connection| connection.request_keyframe(source))
        .await;
    eventually("a request", asked, |count| *count > before).await;
}

/// Its worker has the others only when somebody there needs them.
#[tokio::test]
async fn a_viewer_at_another_worker_has_the_layer_that_it_chooses() {
    let gateway = Gateway::start(TWO);
    let http = Http::new(&gateway);
    let publisher = layers::publisher().open(&http, "garage").await;
    let viewers = spread(&http, "garage", &publisher).await;
    let elsewhere = &viewers[1][0];
    elsewhere.more_video(30).await;
    for (rid, layer) in [("l", 2), ("h", 0), ("m", 1), ("l", 2)] {
        let selection = format!(r#"{{"rid":"{rid}"}}"#);
        assert_eq!(elsewhere.session.select(&selection).await, StatusCode::OK);
        layers::settled(elsewhere, layer, 60).await;
    }
    elsewhere.seen(layers::check_continuity);
}

#[tokio::test]
async fn every_worker_sees_publishers_go_and_come_back() {
    let gateway = Gateway::start(TWO);
    let http = Http::new(&gateway);
    let KeyRoom { room, token, .. } = KeyRoom::new(&http);
    let publisher = key_holder(&token, 1).open(&http, &room).await;
    let viewers = spread(&http, &room, &publisher).await;
    let [here, there] = [&viewers[0][0], &viewers[1][0]];
    let mut events = Vec::new();
    for viewer in [here, there] {
        viewer.until("the first publisher", of_author(1, 60)).await;
        let mut stream = viewer.session.events().await;
        stream.until(&Event::Active).await;
        events.push(stream);
    }
    publisher.session.delete().await;
    for events in &mut events {
        events.until(&Event::Inactive).await;
    }
    // Its room, and so its viewers' workers, are what they were.
    let back = key_holder(&token, 2).open(&http, &room).await;
    assert_eq!(port(&back), port(&publisher));
    for (viewer, events) in [here, there].into_iter().zip(&mut events) {
        let before = events.until(&Event::Active).await;
        let is_count = |event: &Event| matches!(event, Event::ViewerCount(_));
        assert!(before.iter().all(is_count), "it is told once: {before:?}");
        viewer.until("the second publisher", of_author(2, 60)).await;
    }
    // It takes over from itself while it still sends.
    let _third = key_holder(&token, 3).open(&http, &room).await;
    for viewer in [here, there] {
        viewer.until("the third publisher", of_author(3, 60)).await;
        assert!(!viewer.seen(|seen| seen.is_over));
    }
}
