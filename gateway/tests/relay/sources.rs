//! Publishers that say little of their sources, or something else than what they send.

use std::time::Duration;

use str0m::rtp::ExtensionMap;

use crate::forwarding::missing;
use crate::peer::film::Shape;
use crate::peer::link::{RtpHead, losing};
use crate::peer::{Http, Peer, Seen, Setup};
use crate::support::Gateway;

/// A publisher whose packets do not name their section, and whose offer is changed so.
async fn open(http: &Http, mut setup: Setup, change: impl Fn(&str) -> Option<String>) -> Peer {
    setup.extensions = ExtensionMap::empty();
    let fields = setup.fields.clone();
    let offering = setup.offer().await;
    let lines = offering.sdp.lines().filter_map(change);
    let offer: String = lines.map(|line| line + "\r\n").collect();
    let session = http.offer("/whip/garage", offer, &fields).await.unwrap();
    offering.answered(session).await
}

fn undescribed(line: &str) -> Option<String> {
    (!line.starts_with("a=ssrc")).then(|| line.to_owned())
}

/// Other sources are described than those that are sent.
fn misdescribed(line: &str) -> Option<String> {
    match line.strip_prefix("a=ssrc:") {
        Some(rest) => {
            let (source, attribute) = rest.split_once(' ')?;
            let source = source.parse::<u32>().ok()?.wrapping_add(77);
            Some(format!("a=ssrc:{source} {attribute}"))
        }
        None => undescribed(line),
    }
}

async fn sees_both(viewer: &Peer) {
    let has_both =
        |seen: &Seen| (seen.video().count() > 60 && seen.sound().count() > 10).then_some(());
    viewer.until("pictures and sound", has_both).await;
}

#[tokio::test]
async fn a_source_of_which_nothing_is_said_is_known_by_its_payload_type() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let publisher = open(&http, Setup::publisher().with_sound(), undescribed).await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    sees_both(&viewer).await;

    // So are its retransmissions.
    let mut count = 0;
    let rule = losing(move |head: RtpHead| {
        count += usize::from(head.payload_type == 96);
        head.payload_type == 96 && count % 10 == 0
    });
    let later = publisher
        .act(|connection| {
            connection.link.to_gateway = rule;
            connection.reels[0].picture + 60
        })
        .await;
    let is_there = |seen: &Seen| (seen.has_reached(later) && missing(seen) == 0).then_some(());
    viewer.until("all packets", is_there).await;
}

#[tokio::test]
async fn a_source_that_is_not_the_one_that_was_described_is_taken() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let _publisher = open(&http, Setup::publisher().with_sound(), misdescribed).await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    sees_both(&viewer).await;
}

/// Some publishers give up after five seconds without a report.
#[tokio::test]
async fn a_publisher_without_retransmissions_has_a_report_each_second() {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let mut setup = Setup::publisher().with_sound();
    setup.formats[0].2 = None;
    assert!(setup.formats.iter().all(|(.., rtx)| rtx.is_none()));
    assert_eq!(setup.formats[0].0, Shape::H264);
    let publisher = open(&http, setup, undescribed).await;
    let times = publisher.until("reports", |seen| {
        let source = seen.received.first()?.0;
        let of_one = seen.received.iter().filter(|(of, _)| *of == source);
        let times: Vec<_> = of_one.map(|(_, at)| *at).collect();
        (times.len() >= 4).then_some(times)
    });
    let times = times.await;
    let longest = times.windows(2).map(|two| two[1] - two[0]).max().unwrap();
    assert!(longest < Duration::from_secs(3), "{longest:?}");
}
