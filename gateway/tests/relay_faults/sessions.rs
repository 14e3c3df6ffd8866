//! Sessions that are opened and abandoned.

use futures_util::stream::{self, StreamExt};

use crate::peer::Session;
use crate::rig::{Rig, ends, sees_more};
use crate::support::eventually;

const MANY: usize = 1000;

/// Requests at once: on a busy machine each takes its time, and sessions are not to be over
/// before the last of them is there.
const AT_ONCE: usize = 50;

const VIEWER_OFFER: &str = include_str!("../../../spec/http/sdp/viewer-offer.sdp");

/// Opens them all, and waits until the gateway knows none of them any more. Returns what it
/// needed when all were there.
async fn open_and_abandon(rig: &Rig) -> usize {
    let offers = (0..MANY).map(|_| rig.offer("whep", VIEWER_OFFER.to_owned()));
    let offers = stream::iter(offers).buffered(AT_ONCE);
    let sessions: Vec<Session> = offers.collect().await;
    let needed = rig.memory();
    let last = sessions.last().unwrap();
    ends(last).await;
    let exists = async || last.exists().await;
    eventually("the last is forgotten", exists, |exists| !exists).await;
    let exist = stream::iter(sessions.iter().map(Session::exists)).buffered(AT_ONCE);
    assert!(!exist.any(async |exists| exists).await);
    needed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_sessions_without_ice_leave_nothing() {
    let rig = Rig::start(["--media-connect", "2s", "--session-linger", "1s"]);
    let _publisher = rig.publisher().await;
    let viewer = rig.viewer().await;
    sees_more(&viewer, 30).await;
    let before = rig.memory();
    let of_a_thousand = open_and_abandon(&rig).await - before;
    let files = rig.open_files();
    // An allocator gives back when it likes, so a round or two tell nothing. But five
    // thousand more do not need what two thousand would.
    for _ in 0..5 {
        open_and_abandon(&rig).await;
    }
    let kept = rig.memory().saturating_sub(before);
    assert!(
        kept < 3 * of_a_thousand / 2,
        "{kept} bytes are kept, of {of_a_thousand}"
    );
    assert!(rig.open_files() <= files + 4);
    sees_more(&viewer, 30).await;
    rig.end();
}
