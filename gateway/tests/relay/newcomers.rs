//! A new viewer sees a picture at once, and costs the publisher next to nothing.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use crate::forwarding::missing;
use crate::peer::film::Label;
use crate::peer::{Http, Peer, Seen, Setup};
use crate::support::Gateway;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_viewers_at_once_cost_one_keyframe() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let mut setup = Setup::publisher();
    setup.reels[0].group = 100_000;
    let publisher = setup.open(&http, "garage").await;
    // Proves that this publisher answers, and what it answered is old by now.
    let first = Setup::viewer().open(&http, "garage").await;
    first.more_video(10).await;
    ask_for_keyframe(&first).await;
    first.more_video(80).await;

    let before = publisher.seen(|seen| seen.keyframe_requests.len());
    let viewers = join_all((0..100).map(|_| Setup::viewer().open(&http, "garage"))).await;
    for viewer in &viewers {
        viewer.more_video(1).await;
        viewer.seen(|seen| assert!(begins_with_a_keyframe(seen)));
    }
    let asked = publisher.seen(|seen| seen.keyframe_requests.len()) - before;
    // On a busy machine a hundred do not come at once.
    let came = viewers
        .iter()
        .filter_map(|viewer| viewer.seen(|seen| seen.connected));
    let (first, last) = (came.clone().min().unwrap(), came.max().unwrap());
    let most = 2 + (last - first).as_secs();
    println!(
        "{asked} keyframes for a crowd that came within {:?}",
        last - first
    );
    assert!(asked as u64 <= most, "{asked}");
}

#[tokio::test]
async fn a_request_of_a_viewer_reaches_the_publisher() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let publisher = Setup::publisher().open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    viewer.more_video(10).await;
    ask_for_keyframe(&viewer).await;
    let keys = |seen: &Seen| (keyframes(seen).len() > 1).then_some(());
    viewer.until("another keyframe", keys).await;
    publisher.seen(|seen| assert_eq!(seen.keyframe_requests.len(), 1));
}

/// OBS and FFmpeg never answer, and ten seconds between keyframes are OBS's default in
/// some of its settings.
#[tokio::test]
async fn the_last_group_of_pictures_is_there_for_a_newcomer() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let mut setup = Setup::publisher();
    setup.answers = false;
    setup.reels[0].group = 100_000;
    let publisher = setup.open(&http, "garage").await;
    let old = Setup::viewer().open(&http, "garage").await;
    old.more_video(10).await;
    // Ten seconds of it, without waiting for them.
    publisher
        .act(|connection| connection.reels[0].in_a_hurry = 300)
        .await;
    old.until("the whole group", |seen| {
        (pictures(seen) > 310).then_some(())
    })
    .await;

    let newcomer = Setup::viewer().open(&http, "garage").await;
    newcomer.connected().await;
    let present = old.seen(|seen| seen.in_order().last().unwrap().1.picture);
    let live = |seen: &Seen| {
        let (_, label) = *seen.in_order().last()?;
        (label.picture >= present && missing(seen) == 0).then_some(label.picture)
    };
    let caught_up = newcomer.until("the present", live).await;
    // The publisher's pictures are the clock, which a busy machine slows as well: 1.5 s.
    let meanwhile = caught_up - present;
    println!("{present} pictures later after {meanwhile} more");
    assert!(meanwhile < 45, "{meanwhile}");

    newcomer.seen(|seen| {
        assert!(begins_with_a_keyframe(seen));
        let pictures: Vec<u32> = labels(seen).map(|label| label.picture).collect();
        assert!(pictures.is_sorted(), "{pictures:?}");
        let all = pictures.last().unwrap() - pictures[0] + 1;
        assert!(all > 310, "the whole group, from its keyframe on: {all}");
    });

    // Later the newcomer sees what the others see; when, the relay's own tests say, by a clock
    // that no busy machine holds up.
    let goal = present + 60;
    old.until_picture(goal + 1).await;
    newcomer.until_picture(goal + 1).await;
}

fn labels(seen: &Seen) -> impl Iterator<Item = Label> {
    seen.in_order().into_iter().map(|(_, label)| label)
}

fn begins_with_a_keyframe(seen: &Seen) -> bool {
    labels(seen)
        .next()
        .is_some_and(|label| label.is_key && label.part == 0)
}

/// The keyframes that have come, by the numbers of their pictures.
pub(crate) fn keyframes(seen: &Seen) -> BTreeSet<u32> {
    let keys = labels(seen).filter(|label| label.is_key);
    keys.map(|label| label.picture).collect()
}

pub(crate) fn pictures(seen: &Seen) -> usize {
    labels(seen)
        .map(|label| label.picture)
        .collect::<BTreeSet<_>>()
        .len()
}

/// A viewer asks for a keyframe of what it gets.
pub(crate) async fn ask_for_keyframe(viewer: &Peer) {
    let source = viewer.seen(|seen| seen.video().next().unwrap().0.source);
    viewer
        .act(move |connection| connection.request_keyframe(source))
        .await;
}

/// The memory of the process, in kilobytes (`VmRSS` of proc(5)).
fn occupied(gateway: &Gateway) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.unwrap().split_whitespace().next().unwrap();
    number.parse().unwrap()
}

/// A publisher that sends one keyframe and never another: what it sends is not kept for
/// ever.
#[tokio::test]
async fn an_endless_group_of_pictures_is_not_kept() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let mut setup = Setup::publisher();
    setup.answers = false;
    setup.reels[0].group = u32::MAX;
    setup.reels[0].parts = 20;
    setup.reels[0].size = 1150;
    let publisher = setup.open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    viewer.more_video(100).await;
    // Nine megabytes, then twenty more.
    let mut memory = Vec::new();
    for pictures in [400, 900] {
        let last = publisher.act(move |connection| {
            let reel = &mut connection.reels[0];
            reel.in_a_hurry = pictures;
            reel.picture + pictures
        });
        let last = last.await;
        viewer.until_picture(last).await;
        memory.push(occupied(&gateway));
    }
    println!("kilobytes after 9 MB and after 29 MB: {memory:?}");
    assert!(memory[1] < memory[0] + 4096, "{memory:?}");

    // A newcomer has to wait for a keyframe then, and gets it.
    let newcomer = Setup::viewer().open(&http, "garage").await;
    newcomer.connected().await;
    publisher
        .act(|connection| connection.reels[0].want_keyframe())
        .await;
    newcomer.more_video(10).await;
    assert!(newcomer.seen(begins_with_a_keyframe));
}
