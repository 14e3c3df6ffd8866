//! Sessions that are opened and abandoned.

use std::time::Duration;

use tokio::time::{interval, timeout};

use crate::peer::{PATIENCE, Session};
use crate::rig::{Rig, ends, sees_more};

const MANY: usize = 1000;

const VIEWER_OFFER: &str = include_str!("../../../spec/http/sdp/viewer-offer.sdp");

/// Opens them all, and waits until the gateway knows none of them any more.
async fn open_and_abandon(rig: &Rig) {
    let mut sessions: Vec<Session> = Vec::new();
    for _ in 0..MANY {
        sessions.push(rig.offer("whep", VIEWER_OFFER.to_owned()).await);
    }
    let last = sessions.last().unwrap();
    ends(last).await;
    let forgotten = async {
        // The gateway's own look is no more frequent.
        let mut looks = interval(Duration::from_millis(500));
        while last.exists().await {
            looks.tick().await;
        }
    };
    timeout(PATIENCE, forgotten).await.unwrap();
    for session in &sessions {
        assert!(!session.exists().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_sessions_without_ice_leave_nothing() {
    let rig = Rig::start(["--media-connect", "2s", "--session-linger", "1s"]);
    let _publisher = rig.publisher().await;
    let viewer = rig.viewer().await;
    sees_more(&viewer, 30).await;
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
    sees_more(&viewer, 30).await;
    rig.end();
}
