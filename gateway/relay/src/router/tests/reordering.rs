//! Pictures that come in another order than they are shown in.

use super::*;

/// Pictures for so many seconds, each three of them shown in this order.
pub(super) fn send(stage: &mut Stage, order: [u64; 3], seconds: u64) {
    for round in 0..10 * seconds {
        for shown in order {
            for _ in 0..PARTS {
                let is_key = round == 0;
                let mut packet = stage.next_packet("", vec![if is_key { 0x65 } else { 0x41 }; 900]);
                packet.position.time = (stage.pictures + shown) * TICKS_PER_FRAME;
                stage.receive("", 0, packet);
            }
            stage.flush();
            stage.wait(FRAME);
        }
        stage.pictures += 3;
    }
}

fn is_reordered(stage: &mut Stage) -> Option<bool> {
    match stage.router.reordered(stage.now)? {
        Event::Reordered { is_reordered, .. } => Some(is_reordered),
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_is_told_once_and_when_it_is_over() {
    let mut stage = Stage::new();
    send(&mut stage, [0, 1, 2], 5);
    assert_eq!(is_reordered(&mut stage), None);
    send(&mut stage, [2, 0, 1], 2);
    assert_eq!(is_reordered(&mut stage), Some(true));
    assert_eq!(is_reordered(&mut stage), None);
    send(&mut stage, [0, 1, 2], 6);
    assert_eq!(is_reordered(&mut stage), Some(false));
}

#[test]
fn another_publisher_begins_without_it() {
    let mut stage = Stage::new();
    send(&mut stage, [2, 0, 1], 2);
    assert_eq!(is_reordered(&mut stage), Some(true));
    stage.publish(&[VIDEO], false);
    assert_eq!(is_reordered(&mut stage), Some(false));
}

/// A browser asks four times a second, since it can show so few of them.
#[test]
fn viewers_that_cannot_show_it_do_not_have_keyframes_made_all_the_time() {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    for _ in 0..60 {
        send(&mut stage, [2, 0, 1], 1);
        (0..4).for_each(|_| stage.router.keyframe_wanted(viewer));
    }
    assert!(
        stage.wire.keyframe_requests <= 16,
        "{}",
        stage.wire.keyframe_requests
    );
}
