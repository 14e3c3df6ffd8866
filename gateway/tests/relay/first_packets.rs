//! Publishers whose very first packets overtake each other.

use std::time::Instant;

use crate::forwarding::missing;
use crate::peer::link::{Fate, RtpHead, Rule};
use crate::peer::{Http, Seen, Setup};
use crate::support::Gateway;

/// The first packets of video come behind all others of the first picture, and nothing is sent
/// again.
fn first_of_all_last(count: usize) -> Rule {
    let mut seen = 0;
    Box::new(move |datagram: &[u8], now: Instant| {
        let payload_type = RtpHead::of(datagram).map(|head| head.payload_type);
        seen += usize::from(payload_type == Some(96));
        match payload_type {
            Some(96) if seen <= count => Fate::Waits(now),
            Some(97) => Fate::IsLost,
            _ => Fate::Passes,
        }
    })
}

/// A viewer that waits for a publisher sees its film from the first packet on.
async fn sees_all_from(sequence: u64) {
    let gateway = Gateway::start(["--relay", "on"]);
    let http = Http::new(&gateway);
    let mut setup = Setup::publisher();
    setup.reels[0].parts = 4;
    setup.reels[0].sequence = sequence;
    setup.reels[0].is_running = false;
    let publisher = setup.open(&http, "garage").await;
    let viewer = Setup::viewer().open(&http, "garage").await;
    viewer.connected().await;
    let begins = |connection: &mut crate::peer::Connection| {
        connection.link.to_gateway = first_of_all_last(2);
        connection.reels[0].is_running = true;
    };
    publisher.act(begins).await;
    let has_some = |seen: &Seen| seen.has_reached(20).then_some(());
    viewer.until("pictures", has_some).await;
    viewer.seen(|seen| {
        let (_, first) = seen.in_order()[0];
        assert_eq!((first.picture, first.part), (0, 0));
        assert_eq!(missing(seen), 0);
    });
}

#[tokio::test]
async fn nothing_is_lost_of_a_stream_that_begins_out_of_order() {
    sees_all_from(1000).await;
}

/// The one that is first in order is before a rollover, the first that arrives is behind it.
#[tokio::test]
async fn nor_if_its_numbers_roll_over_there() {
    sees_all_from(65_534).await;
    sees_all_from(65_535).await;
}
