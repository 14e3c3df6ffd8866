//! Who goes, who comes back, and what that is to the others.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use sightline_spec::event::Event;
use tokio::task::spawn_blocking;

use crate::key_room::{KeyRoom, key_holder};
use crate::peer::film::Shape;
use crate::peer::{Fields, Http, Seen, Setup};
use crate::support::Gateway;

/// So many packets of this publisher.
pub(crate) fn of_author(author: u8, count: usize) -> impl Fn(&Seen) -> Option<()> {
    move |seen| {
        let theirs = seen.video().filter(|(_, label)| label.author == author);
        (theirs.count() >= count).then_some(())
    }
}

#[tokio::test]
async fn a_publisher_that_comes_back_has_its_room_and_its_viewers() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let KeyRoom { room, token, .. } = KeyRoom::new(&http);
    let publisher = key_holder(&token, 1).open(&http, &room).await;
    let viewer = Setup::viewer().open(&http, &room).await;
    let mut events = viewer.session.events().await;
    viewer.until("the first publisher", of_author(1, 60)).await;
    events.until(&Event::Active).await;

    let last_picture = publisher.pause().await;
    drop(publisher);
    events.until(&Event::Inactive).await;
    let told = Instant::now();
    let took = told - last_picture;
    assert!(took > Duration::from_millis(1500), "too nervous: {took:?}");
    // Who comes now is told so, and shown nothing.
    let late = Setup::viewer().open(&http, &room).await;
    let mut told_late = late.session.events().await;
    assert_eq!(told_late.until(&Event::Inactive).await, []);
    late.seen(|seen| assert_eq!(seen.video().count(), 0));

    // The first session still exists, as far as the gateway knows.
    let _back = key_holder(&token, 2).open(&http, &room).await;
    events.until(&Event::Active).await;
    viewer
        .until("the second publisher", of_author(2, 120))
        .await;
    viewer.seen(|seen| {
        let video = seen.in_order();
        let of_second = |(_, label): &&(_, crate::peer::film::Label)| label.author == 2;
        let first = video.iter().find(of_second).unwrap();
        assert!(first.1.is_key && first.1.part == 0, "{:?}", first.1);
        for pair in video.windows(2) {
            let [(before, earlier), (after, later)] = pair else {
                continue;
            };
            assert_eq!(after.sequence, before.sequence + 1, "{earlier:?} {later:?}");
            match earlier.picture == later.picture && earlier.author == later.author {
                true => assert_eq!(after.time, before.time),
                false => assert!(after.time > before.time, "{earlier:?} {later:?}"),
            }
        }
        // Time went on while nothing came.
        let at = video
            .iter()
            .position(|(_, label)| label.author == 2)
            .unwrap();
        let (before, after) = (video[at - 1].0, video[at].0);
        let pause = (after.time - before.time) as f64 / 90_000.0;
        let [least, most] = [told - before.at, after.at - last_picture].map(|it| it.as_secs_f64());
        assert!(
            (least - 0.2..most + 0.2).contains(&pause),
            "{pause} is not within {least} and {most}"
        );
    });
    assert!(!viewer.seen(|seen| seen.is_over));
}

#[tokio::test]
async fn a_key_holder_takes_over_from_itself_while_it_still_sends() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let KeyRoom { room, token, .. } = KeyRoom::new(&http);
    let first = key_holder(&token, 1).open(&http, &room).await;
    let viewer = Setup::viewer().open(&http, &room).await;
    viewer.until("the first publisher", of_author(1, 20)).await;
    let _second = key_holder(&token, 2).open(&http, &room).await;
    viewer.until("the second publisher", of_author(2, 20)).await;
    first
        .until("the first one's end", |seen| seen.is_over.then_some(()))
        .await;
    assert!(!first.session.exists().await);
}

#[tokio::test]
async fn a_publisher_whose_next_offer_is_refused_goes_on_and_viewers_still_come() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let KeyRoom { room, token, .. } = KeyRoom::new(&http);
    let publisher = key_holder(&token, 1).open(&http, &room).await;
    let viewer = Setup::viewer().open(&http, &room).await;
    viewer.more_video(4).await;
    let offering = key_holder(&token, 1).offer().await;
    let offer = offering.sdp.replace("H264", "H263");
    let fields = Fields {
        token: Some(token),
        ..Fields::default()
    };
    let path = format!("/whip/{room}");
    let refusal = http.offer(&path, offer, &fields).await;
    let status = refusal.err().map(|refusal| refusal.status);
    assert_eq!(status, Some(StatusCode::UNPROCESSABLE_ENTITY));
    let newcomer = Setup::viewer().open(&http, &room).await;
    newcomer.more_video(4).await;
    viewer.more_video(4).await;
    assert!(publisher.session.exists().await);
}

#[tokio::test]
async fn others_cannot_take_a_room_while_its_publisher_sends() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let publisher = Setup::publisher().open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    viewer.more_video(4).await;
    let refusal = Setup::publisher().try_open(&http, "garage").await;
    assert_eq!(refusal.err().unwrap().status, StatusCode::CONFLICT);
    publisher.session.delete().await;
    Setup::publisher().open(&http, "garage").await;
}

/// OBS makes another certificate each time, and does not try again when it is refused.
#[tokio::test]
async fn a_publisher_that_comes_again_after_a_crash_is_held_until_its_room_is_free() {
    let gateway = Gateway::start(["--relay", "on", "--publisher-grace", "1m"]);
    let http = Http::new(&gateway);
    let publisher = Setup::publisher().open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    viewer.more_video(4).await;
    // It says no goodbye, and nobody can know that it is gone.
    publisher.pause().await;
    let mut again = Setup::publisher();
    again.author = 2;
    let _again = again.open(&http, "garage").await;
    viewer.until("the same one again", of_author(2, 20)).await;
}

#[tokio::test]
async fn a_publisher_that_proves_to_be_the_same_one_has_its_room_at_once() {
    let gateway = Gateway::start(["--relay", "on", "--publisher-grace", "1m"]);
    let http = Http::new(&gateway);
    let mut setup = Setup::publisher().with_certificate();
    let first = setup.clone().open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    viewer.more_video(4).await;
    // The first one goes on sending: it is not because of its silence.
    setup.author = 2;
    let _again = setup.open(&http, "garage").await;
    viewer.until("the same one again", of_author(2, 20)).await;
    first
        .until("the first one's end", |seen| seen.is_over.then_some(()))
        .await;
    Setup::viewer()
        .open(&http, "garage")
        .await
        .more_video(4)
        .await;
}

#[tokio::test]
async fn viewers_of_another_encoding_are_told_to_come_again() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let KeyRoom { room, token, .. } = KeyRoom::new(&http);
    let first = key_holder(&token, 1).open(&http, &room).await;
    let viewer = Setup::viewer().open(&http, &room).await;
    let mut events = viewer.session.events().await;
    viewer.more_video(10).await;
    drop(first);
    let mut second = key_holder(&token, 2);
    second.formats = vec![(Shape::Vp8, 96, Some(97))];
    let _second = second.open(&http, &room).await;
    events.until(&Event::Reconnect).await;
    assert_eq!(
        events.next().await,
        None,
        "the stream ends with its session"
    );
    assert!(!viewer.session.exists().await);
    let mut again = Setup::viewer();
    again.formats.push((Shape::Vp8, 98, Some(99)));
    let again = again.open(&http, &room).await;
    again.until("the second publisher", of_author(2, 20)).await;
}

#[tokio::test]
async fn viewers_outlast_their_publisher_by_the_linger_and_no_more() {
    let gateway = Gateway::start(["--relay", "on", "--relay-linger", "1s"]);
    let http = Http::new(&gateway);
    let publisher = Setup::publisher().open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    let mut events = viewer.session.events().await;
    viewer.more_video(10).await;
    let published = Instant::now();
    publisher.session.delete().await;
    events.until(&Event::Inactive).await;
    assert!(viewer.session.exists().await);
    while let Some(event) = events.next().await {
        assert!(matches!(event, Event::ViewerCount(_)), "{event:?}");
    }
    let took = published.elapsed();
    assert!(took > Duration::from_millis(900), "{took:?}");
    viewer
        .until("the end", |seen| seen.is_over.then_some(()))
        .await;
    assert!(!viewer.session.exists().await);
}

#[tokio::test]
async fn a_viewer_that_vanishes_takes_nobody_along() {
    let gateway = Gateway::start(["--relay", "on", "--media-silence", "3s"]);
    let http = Http::new(&gateway);
    let publisher = Setup::publisher().open(&http, "garage").await;
    let gone = Setup::viewer().open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    let mut events = viewer.session.events().await;
    viewer.more_video(10).await;
    gone.more_video(10).await;
    events.until(&Event::ViewerCount(2)).await;
    drop(gone);
    let before = events.until(&Event::ViewerCount(1)).await;
    // The stream's first events may still be under way: `active` is no news of a departure.
    assert!(
        before.iter().all(|event| *event == Event::Active),
        "{before:?}"
    );
    viewer.more_video(30).await;
    assert!(publisher.session.exists().await);
    assert!(!publisher.seen(|seen| seen.is_over));
}

/// Some publishers come again only when they have heard a goodbye.
#[tokio::test]
async fn whoever_is_connected_hears_a_goodbye_whenever_the_gateway_ends() {
    for _ in 0..20 {
        let gateway = Gateway::start(["--relay", "on", "--media-workers", "2"]);
        let http = Http::new(&gateway);
        let mut by_tcp = Setup::viewer();
        by_tcp.by_tcp = true;
        let peers = [
            Setup::publisher().open(&http, "garage").await,
            Setup::viewer().open(&http, "garage").await,
            by_tcp.open(&http, "garage").await,
        ];
        for viewer in &peers[1..] {
            viewer.more_video(4).await;
        }
        let ended = spawn_blocking(|| gateway.terminate());
        for peer in &peers {
            let goodbye = |seen: &Seen| seen.is_closed.then_some(());
            peer.until("a goodbye", goodbye).await;
        }
        let (status, log) = ended.await.unwrap();
        assert!(status.success());
        assert!(!log.contains("was cut"), "{log}");
    }
}
