//! What is lost on the way is asked for again, on both sides of the relay.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::forwarding::missing;
use crate::peer::film::Shape;
use crate::peer::link::{Fate, RtpHead, Rule, losing, rough};
use crate::peer::{Http, Seen, Setup};
use crate::support::{Gateway, eventually};

/// Loses every tenth packet of video, but not its retransmission; counts both.
pub(crate) fn every_tenth(payload_type: u8, rtx: u8) -> (Rule, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let (lost, again) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counters = (lost.clone(), again.clone());
    let mut seen = 0;
    let rule = losing(move |head: RtpHead| {
        if head.payload_type == rtx {
            counters.1.fetch_add(1, Relaxed);
        }
        if head.payload_type != payload_type {
            return false;
        }
        seen += 1;
        let is_lost = seen % 10 == 0;
        counters.0.fetch_add(is_lost.into(), Relaxed);
        is_lost
    });
    (rule, lost, again)
}

/// At least as much was sent again as was lost, which goes on.
pub(crate) async fn mended(lost: &AtomicUsize, again: &AtomicUsize) {
    let counts = async || (lost.load(Relaxed), again.load(Relaxed));
    let is_mended = |(lost, again): &(usize, usize)| *lost >= 5 && again >= lost;
    eventually("losses and retransmissions", counts, is_mended).await;
}

/// Everything up to a picture that is not sent yet.
pub(crate) async fn until_later(publisher: &crate::peer::Peer, viewer: &crate::peer::Peer) {
    let later = publisher
        .act(|connection| connection.reels[0].picture + 60)
        .await;
    let is_there = |seen: &Seen| (seen.has_reached(later) && missing(seen) == 0).then_some(());
    viewer.until("all packets", is_there).await;
}

#[tokio::test]
async fn a_viewer_gets_again_what_it_has_lost() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let publisher = Setup::publisher().open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    viewer.more_video(20).await;
    let (rule, lost, again) = every_tenth(102, 103);
    viewer
        .act(|connection| connection.link.to_peer = rule)
        .await;
    until_later(&publisher, &viewer).await;
    mended(&lost, &again).await;
    // It was mended here, and is no business of the publisher's.
    publisher.seen(|seen| assert_eq!((seen.nacks, seen.keyframe_requests.len()), (0, 0)));
}

#[tokio::test]
async fn a_publisher_is_asked_for_what_was_lost_and_viewers_get_it() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let publisher = Setup::publisher().open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    viewer.more_video(20).await;
    let (rule, lost, again) = every_tenth(96, 97);
    publisher
        .act(|connection| connection.link.to_gateway = rule)
        .await;
    until_later(&publisher, &viewer).await;
    mended(&lost, &again).await;
    viewer.seen(|seen| {
        let mut pictures = seen.in_order();
        pictures.dedup_by_key(|(_, label)| label.picture);
        let is_forward =
            |pair: &[(&crate::peer::seen::Arrived, _)]| pair[0].0.time < pair[1].0.time;
        assert!(
            pictures.windows(2).all(is_forward),
            "times rise with numbers"
        );
    });
}

/// OBS sends the same packet once more, and has no format for retransmissions.
#[tokio::test]
async fn a_publisher_without_a_format_for_it_is_asked_as_well() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let mut setup = Setup::publisher();
    setup.formats = vec![(Shape::H264, 96, None)];
    let publisher = setup.open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    viewer.more_video(20).await;
    let mut seen = 0;
    let rule: Rule = Box::new(move |datagram, now: Instant| {
        let is_video = RtpHead::of(datagram).is_some_and(|head| head.payload_type == 96);
        seen += usize::from(is_video);
        match is_video && seen % 10 == 0 {
            true => Fate::Waits(now + Duration::from_millis(150)),
            false => Fate::Passes,
        }
    });
    publisher
        .act(|connection| connection.link.to_gateway = rule)
        .await;
    until_later(&publisher, &viewer).await;
    let asked = |seen: &Seen| (seen.nacks >= 5).then_some(());
    publisher.until("it is asked", asked).await;
}

/// Clients without RTX name `nack` all the same, and are sent the same packet once more.
#[tokio::test]
async fn a_viewer_without_a_format_for_it_gets_again_what_it_has_lost() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let publisher = Setup::publisher().open(&http, "garage").await;
    let mut setup = Setup::viewer();
    setup.formats = vec![(Shape::H264, 102, None)];
    let viewer = setup.open(&http, "garage").await;
    viewer.more_video(20).await;
    let source = viewer.seen(|seen| seen.video().next().unwrap().0.source);
    let mut lost = BTreeSet::new();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let rule = losing(move |head: RtpHead| {
        let is_lost =
            head.source == source && head.sequence.is_multiple_of(10) && lost.insert(head.sequence);
        counter.fetch_add(is_lost.into(), Relaxed);
        is_lost
    });
    viewer
        .act(move |connection| {
            connection.link.to_peer = rule;
            let mut api = connection.rtc.direct_api();
            api.stream_rx(&source.into()).unwrap().suppress_nack(false);
        })
        .await;
    until_later(&publisher, &viewer).await;
    assert!(count.load(Relaxed) >= 5);
    publisher.seen(|seen| assert_eq!((seen.nacks, seen.keyframe_requests.len()), (0, 0)));
}

/// When each picture could be decoded: not before all that came before it, from a keyframe on. What
/// is lost for good, and again each time that it is repeated, freezes it until the next one.
fn decoded(seen: &Seen) -> Vec<Instant> {
    let video = seen.in_order();
    let Some((first, _)) = video.first() else {
        return Vec::new();
    };
    let (mut next, mut at) = (first.sequence, first.at);
    let mut decoded = Vec::new();
    for (packet, label) in video {
        if packet.sequence != next && !(label.is_key && label.part == 0) {
            continue;
        }
        next = packet.sequence + 1;
        at = at.max(packet.at);
        if packet.marker {
            decoded.push(at);
        }
    }
    decoded
}

#[tokio::test]
async fn a_lossy_link_with_jitter_keeps_its_pictures_moving() {
    const WATCHED: Duration = Duration::from_secs(6);
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let _publisher = Setup::publisher().open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    viewer.more_video(20).await;
    let link = || rough(0.05, Duration::from_millis(100), Duration::from_millis(20));
    viewer
        .act(move |connection| {
            connection.link.to_peer = link();
            connection.link.to_gateway = link();
        })
        .await;
    let begun = Instant::now();
    let watched = begun..begun + WATCHED;
    let of_the_time = |seen: &Seen| {
        let decoded = decoded(seen);
        if *decoded.last()? <= watched.end {
            return None;
        }
        let arrived = seen
            .video()
            .filter(|(packet, _)| watched.contains(&packet.at));
        let arrived: BTreeSet<u32> = arrived.map(|(_, label)| label.picture).collect();
        let decoded = decoded.iter().filter(|at| watched.contains(*at)).count();
        Some((arrived.len(), decoded))
    };
    let (arrived, decoded) = viewer.until("pictures", of_the_time).await;
    // What is not sent on a busy machine is not missing.
    assert!(decoded * 30 >= arrived * 25, "{decoded} of {arrived}");
}
