//! What the event streams of the relay's sessions tell, and in which order.

use std::time::{Duration, Instant};

use sightline_spec::event::{Event, Problem};

use crate::peer::{Http, Peer, Setup};
use crate::support::Gateway;

#[tokio::test]
async fn a_viewer_is_told_in_order_what_happens() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let publisher = Setup::publisher().open(&http, "garage").await;
    let mut of_publisher = publisher.session.events().await;
    assert_eq!(of_publisher.next().await, Some(Event::Join));
    let viewer = Setup::viewer().open(&http, "garage").await;
    let mut events = viewer.session.events().await;
    viewer.more_video(10).await;

    let mut told = events.until(&Event::ViewerCount(1)).await;
    if !told.contains(&Event::Active) {
        told.extend(events.until(&Event::Active).await);
    }
    let other = Setup::viewer().open(&http, "garage").await;
    assert_eq!(events.until(&Event::ViewerCount(2)).await, []);
    other.session.delete().await;
    assert_eq!(events.until(&Event::ViewerCount(1)).await, []);

    // Pictures stop, and go on.
    let last_picture = publisher.pause().await;
    assert_eq!(events.until(&Event::Inactive).await, []);
    assert!(last_picture.elapsed() > Duration::from_millis(1500));
    publisher.resume().await;
    assert_eq!(events.until(&Event::Active).await, []);

    publisher.session.delete().await;
    assert_eq!(of_publisher.until(&Event::Leave).await, []);
    assert_eq!(of_publisher.next().await, None);
    assert_eq!(events.until(&Event::Inactive).await, []);
    viewer.session.delete().await;
    assert_eq!(events.next().await, None);
}

/// What happened before the stream was opened is not lost.
#[tokio::test]
async fn a_stream_that_opens_late_tells_what_holds() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let _publisher = Setup::publisher().open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    viewer.more_video(60).await;
    let late = Setup::viewer().open(&http, "garage").await;
    let mut events = late.session.events().await;
    events.until(&Event::Active).await;
    events.until(&Event::ViewerCount(2)).await;
}

/// A person at a page that hardly moves has no other way to know why.
#[tokio::test]
async fn viewers_are_told_of_pictures_that_browsers_cannot_show() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let mut setup = Setup::publisher();
    setup.reels[0].swaps = true;
    let publisher = setup.open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    let mut events = viewer.session.events().await;
    events.until(&Event::Problem(Some(Problem::BFrames))).await;
    let late = Setup::viewer().open(&http, "garage").await;
    let mut of_late = late.session.events().await;
    of_late.until(&Event::Problem(Some(Problem::BFrames))).await;

    publisher
        .act(|connection| connection.reels[0].swaps = false)
        .await;
    events.until(&Event::Problem(None)).await;
}

/// The camera of design section 2: it serves viewers itself, and its last offer is for
/// the relay.
#[tokio::test]
async fn a_cameras_own_offer_is_taken_and_given_back() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let mut setup = Setup::publisher();
    setup.fields.prefer = Some("direct=1, wait=20");
    let camera = tokio::spawn({
        let http = http.clone();
        async move { setup.open(&http, "garage").await }
    });
    // A standard player, which knows nothing of all that.
    let mut setup = Setup::viewer();
    setup.fields.prefer = Some("wait=20");
    let viewer = setup.open(&http, "garage").await;
    let camera: Peer = camera.await.unwrap();
    viewer.more_video(60).await;
    for peer in [&viewer, &camera] {
        let applied = peer.session.headers.get("preference-applied");
        let applied = applied.map(|value| value.to_str().unwrap());
        assert!(
            applied.is_none_or(|applied| !applied.contains("direct")),
            "{applied:?}"
        );
    }
    let mut events = camera.session.events().await;
    let watched = Instant::now();
    viewer.session.delete().await;
    events.until(&Event::Leave).await;
    let took = watched.elapsed();
    assert!(
        took > Duration::from_secs(9),
        "its uplink is not given back at once: {took:?}"
    );
    assert!(!camera.session.exists().await);
}
