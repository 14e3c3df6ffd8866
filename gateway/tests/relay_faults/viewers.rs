//! Viewers that stop reading: they harm themselves only.

use str0m::net::Protocol;

use crate::peer::{Peer, Role, Wanted};
use crate::rig::Rig;

/// Packets that the publisher adds at a stretch; more would not fit into a socket's buffer.
const RUN: u64 = 40;
const RUNS: u64 = 600;

async fn slow_viewer_over(over: Protocol) {
    let rig = Rig::start([]);
    let publisher = Peer::publishing(&rig).await;
    let good = Peer::watching(&rig).await;
    let wanted = Wanted {
        over,
        ..Wanted::new(Role::Viewer)
    };
    let slow = Peer::start(&rig, wanted).await;
    good.sees_more(30).await;
    slow.sees_more(30).await;

    slow.link.reads(false);
    good.sees_more(30).await;
    let before = rig.memory();
    for _ in 0..RUNS {
        publisher.does(|rtc, picture| {
            // What newcomers would need is kept; here that is little.
            picture.begin_anew();
            picture.send(rtc);
            for _ in 0..RUN {
                picture.send_packet(rtc, vec![0x41; 1100], false);
            }
        });
        good.sees_more(RUN / 2).await;
    }
    let (sent, grown) = (RUN * RUNS * 1100, rig.memory().saturating_sub(before));
    assert!(grown < 8 << 20, "{grown} of {sent} bytes are kept");

    // It is not given up, so it goes on where the others are.
    slow.link.reads(true);
    slow.sees_more(30).await;
    rig.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_stops_reading_udp_slows_nobody() {
    slow_viewer_over(Protocol::Udp).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_stops_reading_tcp_slows_nobody() {
    slow_viewer_over(Protocol::Tcp).await;
}
