//! A keyframe is for everyone, and so is what it costs.

use super::*;

/// Pictures for so many seconds, keyframes among them as they are asked for, while `ask` has
/// viewers ask. Returns how many keyframes there were.
fn watch(stage: &mut Stage, seconds: u64, mut ask: impl FnMut(&mut Stage, u64)) -> usize {
    let mut keyframes = 0;
    for picture in 0..30 * seconds {
        ask(stage, picture);
        stage.flush();
        let is_key = std::mem::take(&mut stage.wire.keyframe_requests) > 0;
        keyframes += usize::from(is_key);
        stage.picture(is_key);
    }
    keyframes
}

#[test]
fn one_viewer_that_asks_all_the_time_is_not_what_the_others_pay_for() {
    let mut stage = Stage::new();
    let [bad, good] = [stage.viewer(), stage.viewer()];
    stage.picture(true);
    let asks = |stage: &mut Stage, _| stage.router.keyframe_wanted(bad);
    watch(&mut stage, 10, asks);
    let keyframes = watch(&mut stage, 60, asks);
    assert!((1..=13).contains(&keyframes), "{keyframes} in a minute");

    // Who has asked for none yet has one with the next picture.
    stage.router.keyframe_wanted(good);
    stage.flush();
    assert_eq!(stage.wire.keyframe_requests, 1);
}

#[test]
fn many_that_ask_all_the_time_have_one_a_second() {
    let mut stage = Stage::new();
    let viewers: Vec<Key> = (0..100).map(|_| stage.viewer()).collect();
    stage.picture(true);
    let keyframes = watch(&mut stage, 20, |stage, picture| {
        let viewer = viewers[picture as usize % viewers.len()];
        stage.router.keyframe_wanted(viewer);
    });
    assert!((15..=24).contains(&keyframes), "{keyframes} in 20 s");
}

#[test]
fn a_viewer_that_loses_something_now_and_then_never_waits() {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    stage.picture(true);
    let keyframes = watch(&mut stage, 60, |stage, picture| {
        if picture % 180 == 90 {
            stage.router.keyframe_wanted(viewer);
            stage.flush();
            assert_eq!(stage.wire.keyframe_requests, 1);
        }
    });
    assert_eq!(keyframes, 10);
}

/// Its request or the keyframe may have been lost.
#[test]
fn while_none_has_come_a_viewer_may_ask_again() {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    stage.picture(true);
    for _ in 0..20 * 30 {
        stage.router.keyframe_wanted(viewer);
        stage.flush();
        stage.picture(false);
    }
    assert!((20..=24).contains(&stage.wire.keyframe_requests));
}
