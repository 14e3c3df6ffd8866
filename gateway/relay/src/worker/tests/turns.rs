//! Whoever asks for a lot does not keep others waiting, and no end is lost.

use super::*;
use crate::clock;

/// Nothing here is to wait for more turns.
const FEW: usize = 4;

#[tokio::test]
async fn datagrams_have_their_turn_beside_any_number_of_commands() {
    let mut rig = Rig::new();
    let (_, negotiated) = publisher(&rig.relay);
    let stranger = Stranger::new(PUBLISHER, &negotiated.answer);
    negotiated.begin().unwrap();
    let (viewer, negotiated) = viewer(&rig.relay);
    negotiated.begin().unwrap();
    rig.turn().await;

    let mut restarts = rig.fill_the_queue(viewer);
    stranger.check();
    for _ in 0..FEW {
        // The runtime has to find out that there is something to read.
        tokio::task::yield_now().await;
        rig.turn().await;
    }
    assert!(stranger.is_answered());
    let done = restarts.iter_mut().filter_map(|r| r.try_recv().ok());
    let (done, all) = (done.count(), restarts.len());
    assert!((1..all / 10).contains(&done), "{done} of {all}");
}

#[tokio::test]
async fn an_end_does_not_wait_for_commands_and_is_not_refused() {
    let mut rig = Rig::new();
    let [(publisher, first), (viewer, second)] = rig.pair().await;
    rig.fill_the_queue(publisher);
    second.end();
    second.end();
    rig.turn().await;
    assert_eq!(rig.ended(), [viewer]);
    first.end();
    rig.turn().await;
    assert_eq!(rig.ended(), [publisher]);
}

#[tokio::test]
async fn a_session_that_is_ended_before_it_has_begun_is_over_when_it_does() {
    let mut rig = Rig::new();
    let [(publisher, first), (viewer, second)] = pair(&rig.relay);
    first.end();
    second.end();
    rig.turn().await;
    rig.turn().await;
    assert_eq!(rig.ended(), [publisher, viewer]);
    rig.worker.look_over(clock::now());
    assert!(rig.worker.rooms.is_empty());
    assert_eq!(rig.worker.registry.len(), 0);
}
