//! Simulcast: which layer a viewer gets, and when it gets another.

use std::time::Duration;

use reqwest::StatusCode;
use sightline_spec::event::Event;
use sightline_spec::layer::Layers;

use crate::peer::film::Label;
use crate::peer::link::{Link, narrow};
use crate::peer::seen::Arrived;
use crate::peer::signaling::Events;
use crate::peer::{Http, Peer, Seen, Setup};
use crate::support::Gateway;

/// 0.48, 0.19 and 0.05 Mbit/s: less than a link is taken for until it has been measured.
const LAYERS: [(&str, u16); 3] = [("h", 10), ("m", 4), ("l", 1)];

pub(crate) fn publisher() -> Setup {
    publisher_of(&LAYERS)
}

fn publisher_of(layers: &[(&'static str, u16)]) -> Setup {
    let mut setup = Setup::publisher().with_layers(layers);
    for reel in &mut setup.reels {
        reel.group = 100_000;
        reel.size = 200;
    }
    setup
}

/// Waits until a viewer has had one layer and nothing else for so many pictures.
pub(crate) async fn settled(viewer: &Peer, layer: u8, pictures: usize) {
    let is_settled = |seen: &Seen| {
        let mut video = seen.in_order();
        video.dedup_by_key(|(_, label)| (label.layer, label.picture));
        let last = video.iter().rev().take(pictures);
        let is_of_it = |(_, label): &&(&Arrived, Label)| label.layer == layer;
        (last.filter(is_of_it).count() == pictures).then_some(())
    };
    let what = format!("layer {layer} alone");
    viewer.until(&what, is_settled).await;
}

/// One endless stream, whatever it is made of: without gaps in its numbers, rising in
/// time, and every change of layer at a keyframe.
pub(crate) fn check_continuity(seen: &Seen) {
    let video = seen.in_order();
    let (_, first) = video[0];
    assert!(first.is_key && first.part == 0, "{first:?}");
    for pair in video.windows(2) {
        let [(before, earlier), (after, later)] = pair else {
            continue;
        };
        assert_eq!(after.sequence, before.sequence + 1, "{earlier:?} {later:?}");
        if earlier.layer != later.layer {
            assert!(later.is_key && later.part == 0, "{earlier:?} {later:?}");
            assert!(after.time > before.time, "{earlier:?} {later:?}");
        } else if earlier.picture == later.picture {
            assert_eq!(after.time, before.time);
        } else {
            assert!(after.time > before.time, "{earlier:?} {later:?}");
        }
    }
}

/// The layers that the event stream tells of next.
async fn told_layers(events: &mut Events) -> Layers {
    loop {
        match events.next().await {
            Some(Event::Layers(layers)) => return layers,
            Some(_) => {}
            None => panic!("the stream ended without layers"),
        }
    }
}

#[tokio::test]
async fn all_layers_are_accepted_and_a_viewer_gets_one() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let publisher = publisher().open(&http, "garage").await;
    // OBS goes through the answer's rids one by one.
    for (rid, _) in LAYERS {
        let line = format!("a=rid:{rid} recv");
        assert!(
            publisher.session.answer.contains(&line),
            "{}",
            publisher.session.answer
        );
    }
    assert!(publisher.session.answer.contains("a=simulcast:recv h;m;l"));
    let viewer = Setup::viewer().open(&http, "garage").await;
    assert!(!viewer.session.answer.contains("a=simulcast"));
    viewer.more_video(30).await;
    // Which one is a matter of the link, unless the viewer says.
    viewer.session.select(r#"{"rid":"h"}"#).await;
    settled(&viewer, 0, 60).await;
    viewer.seen(check_continuity);
}

#[tokio::test]
async fn a_viewer_chooses_a_layer_and_leaves_the_choice_again() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let _publisher = publisher().open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    let mut events = viewer.session.events().await;
    viewer.more_video(30).await;

    let mut layers = told_layers(&mut events).await;
    while layers
        .0
        .values()
        .any(|section| section.len() < LAYERS.len())
    {
        layers = told_layers(&mut events).await;
    }
    let section = layers.0.get(&0).expect("video is the first section");
    let rids = section
        .iter()
        .map(|layer| layer.rid.as_ref().unwrap().as_str());
    let rids: Vec<&str> = rids.collect();
    assert_eq!(rids, ["h", "m", "l"], "the best first");

    for (selection, layer) in [
        (r#"{"mediaId":"0","rid":"l"}"#, 2),
        (r#"{"rid":"m"}"#, 1),
        (r#"{"encodingId":"l"}"#, 2),
    ] {
        assert_eq!(viewer.session.select(selection).await, StatusCode::OK);
        settled(&viewer, layer, 30).await;
    }
    assert_eq!(viewer.session.select("{}").await, StatusCode::OK);
    gets_more_than_the_smallest(&viewer).await;
    viewer.seen(check_continuity);
    let nonsense = viewer.session.select(r#"{"rid":"nonsense"}"#).await;
    assert_eq!(nonsense, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_viewer_is_told_of_sizes_and_chooses_by_them() {
    // Pictures of one packet have no room for parameter sets.
    let layers = [("h", 10), ("m", 4), ("l", 2)];
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let _publisher = publisher_of(&layers).open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    let mut events = viewer.session.events().await;
    viewer.more_video(30).await;
    let sizes = loop {
        let told = told_layers(&mut events).await;
        let section = told.0.get(&0).expect("video is the first section");
        let all = section.iter().map(|l| l.width.zip(l.height));
        let has_rates = section.iter().all(|l| l.frames_per_second.is_some());
        if section.len() == layers.len() && has_rates {
            break all
                .collect::<Option<Vec<_>>>()
                .expect("every size is known");
        }
    };
    assert_eq!(sizes, [(1280, 720), (640, 360), (320, 180)]);
    for (selection, layer) in [
        (r#"{"maxHeight":200}"#, 2),
        (r#"{"maxWidth":640,"rid":"m"}"#, 1),
        (r#"{"mediaId":"0","maxWidth":320}"#, 2),
    ] {
        assert_eq!(viewer.session.select(selection).await, StatusCode::OK);
        settled(&viewer, layer, 30).await;
    }
    for too_small in [r#"{"maxHeight":100}"#, r#"{"rid":"h","maxHeight":360}"#] {
        let status = viewer.session.select(too_small).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{too_small}");
    }
    assert_eq!(viewer.session.select("{}").await, StatusCode::OK);
    gets_more_than_the_smallest(&viewer).await;
    viewer.seen(check_continuity);
}

/// How well others do is a matter of the machine, so the other one has chosen its layer.
#[tokio::test]
async fn a_viewer_with_a_bad_link_gets_less_and_others_do_not() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let _publisher = publisher().open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    let far = Setup::viewer().open(&http, "garage").await;
    gets_more_than_the_smallest(&far).await;
    viewer.session.select(r#"{"rid":"h"}"#).await;
    settled(&viewer, 0, 30).await;
    far.act(|connection| {
        connection.link.to_peer = narrow(80_000, Duration::from_millis(300));
    })
    .await;
    let before = viewer.seen(|seen| seen.packets.len());
    settled(&far, 2, 60).await;
    viewer.seen(|seen| {
        let mut labels = seen.packets[before..].iter().filter_map(|p| p.label);
        assert!(labels.all(|label| label.layer == 0));
        check_continuity(seen);
    });
    // And it gets more as soon as it can.
    far.act(|connection| connection.link = Link::default())
        .await;
    gets_more_than_the_smallest(&far).await;
}

#[tokio::test]
async fn a_layer_that_stops_is_replaced_until_it_is_back() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let publisher = publisher().open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    gets_more_than_the_smallest(&viewer).await;
    // So that nothing else than the layers decides.
    viewer.session.select(r#"{"rid":"h"}"#).await;
    settled(&viewer, 0, 30).await;
    // What a browser does that has not enough uplink.
    publisher.pause().await;
    let is_other = |seen: &Seen| {
        let mut others = seen.video().filter(|(_, label)| label.layer != 0);
        let last = others.next_back()?.1.layer;
        let (_, present) = seen.video().last()?;
        (present.layer == last).then_some(())
    };
    viewer.until("another layer", is_other).await;
    publisher.resume().await;
    settled(&viewer, 0, 30).await;
    viewer.seen(check_continuity);
}

/// Waits until half a second of better layers has come.
async fn gets_more_than_the_smallest(viewer: &Peer) {
    let before = viewer.seen(|seen| seen.packets.len());
    let is_better = |seen: &Seen| {
        let labels = seen.packets[before..].iter().filter_map(|p| p.label);
        (labels.filter(|label| label.layer < 2).count() > 60).then_some(())
    };
    viewer.until("a better layer", is_better).await;
}
