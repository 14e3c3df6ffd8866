//! Sessions that are opened and abandoned.

use crate::peer::{Peer, Role};
use crate::rig::{Rig, Session};

const MANY: usize = 1000;

const VIEWER_OFFER: &str = include_str!("../../../spec/http/sdp/viewer-offer.sdp");

/// Opens them all, and waits until the gateway has given up the last of them.
async fn open_and_abandon(rig: &Rig) {
    let mut sessions: Vec<Session> = Vec::new();
    for _ in 0..MANY {
        sessions.push(rig.offer(Role::Viewer, VIEWER_OFFER.to_owned()).await);
    }
    for session in &sessions {
        session.ends().await;
    }
    // Each still answers for a while, and then is forgotten.
    for session in &sessions {
        session.is_forgotten().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_sessions_without_ice_leave_nothing() {
    let rig = Rig::start(["--media-connect", "2s", "--session-linger", "1s"]);
    let _publisher = Peer::publishing(&rig).await;
    let viewer = Peer::watching(&rig).await;
    viewer.sees_more(30).await;
    let before = rig.memory();
    open_and_abandon(&rig).await;
    let of_a_thousand = rig.memory() - before;
    // The allocator keeps what it got, in pieces that fit better with each round. What the
    // sessions had is there for others: a third thousand needs hardly more.
    open_and_abandon(&rig).await;
    let (memory, files) = (rig.memory(), rig.open_files());
    open_and_abandon(&rig).await;
    let grown = rig.memory().saturating_sub(memory);
    assert!(
        grown < of_a_thousand / 4,
        "{grown} of {of_a_thousand} bytes"
    );
    assert!(rig.open_files() <= files + 4);
    viewer.sees_more(30).await;
    rig.end();
}
