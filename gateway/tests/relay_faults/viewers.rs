//! Viewers that stop reading: they harm themselves only.

use crate::peer::Setup;
use crate::rig::{ROOM, Rig, sees_more};

/// What is sent meanwhile: 26 MB.
const PICTURES: u32 = 1200;
const PACKETS: u16 = 20;
const SIZE: usize = 1100;

async fn slow_viewer(by_tcp: bool) {
    let rig = Rig::start([]);
    let publisher = rig.publisher().await;
    let good = rig.viewer().await;
    let mut slow = Setup::viewer();
    slow.by_tcp = by_tcp;
    let slow = slow.open(&rig.http, ROOM).await;
    sees_more(&good, 30).await;
    sees_more(&slow, 30).await;

    slow.act(|connection| connection.is_reading = false).await;
    sees_more(&good, 30).await;
    let before = rig.memory();
    publisher
        .act(|connection| {
            let reel = &mut connection.reels[0];
            // What newcomers would need is kept; with small groups that is little.
            (reel.parts, reel.size, reel.group) = (PACKETS, SIZE, 30);
            reel.in_a_hurry = PICTURES;
        })
        .await;
    let sent = PICTURES as usize * usize::from(PACKETS);
    sees_more(&good, sent / 2).await;
    let grown = rig.memory().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} of {} bytes are kept", sent * SIZE);

    // It is not given up, so it goes on where the others are.
    slow.act(|connection| connection.is_reading = true).await;
    sees_more(&slow, 30).await;
    rig.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_stops_reading_udp_slows_nobody() {
    slow_viewer(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_stops_reading_tcp_slows_nobody() {
    slow_viewer(true).await;
}
