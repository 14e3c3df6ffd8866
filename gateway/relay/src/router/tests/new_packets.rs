//! What has just arrived goes to everyone.

use super::*;

#[test]
fn every_viewer_gets_each_packet_once_and_in_numbers_of_its_own() {
    let mut stage = Stage::new();
    let viewers = [stage.viewer(), stage.viewer()];
    stage.picture(true);
    (0..9).for_each(|_| drop(stage.picture(false)));
    let [first, second] = viewers.map(|viewer| stage.sent(viewer));
    assert_eq!(first.len(), 10 * PARTS);
    assert!(is_unbroken(&first) && is_unbroken(&second));
    assert_ne!(first[0].source, second[0].source);
    let payloads = |sent: Vec<Sent>| sent.into_iter().map(|s| s.payload).collect::<Vec<_>>();
    assert_eq!(payloads(first), payloads(second));
}

#[test]
fn pictures_keep_their_distances_in_time() {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    stage.picture(true);
    stage.picture(false);
    let times: Vec<u32> = stage.sent(viewer).iter().map(|sent| sent.time).collect();
    assert_eq!(times, [0, 0, 3000, 3000]);
}

#[test]
fn a_viewer_that_has_not_connected_is_sent_nothing() {
    let mut stage = Stage::new();
    let viewer = stage.viewer_of(&[VIDEO]);
    stage.picture(true);
    assert_eq!(stage.sent(viewer), []);
    stage.connect(viewer);
    assert!(stage.sent(viewer)[0].is_key());
}

/// Sound has no keyframes: whatever comes next is the first.
#[test]
fn sound_begins_with_the_next_packet() {
    let mut stage = Stage::empty();
    stage.publish(&[SOUND], false);
    let early = stage.viewer_of(&[SOUND]);
    stage.connect(early);
    (0..10).for_each(|_| drop(stage.picture(false)));
    let late = stage.viewer_of(&[SOUND]);
    stage.connect(late);
    assert_eq!(stage.sent(late), []);
    stage.picture(false);
    assert_eq!(stage.sent(late).len(), PARTS);
    assert_eq!(stage.sent(early).len(), 10 * PARTS);
    assert_eq!(stage.wire.keyframe_requests, 0);
}

/// No number may be encrypted twice (RFC 3711 section 9.1), whatever a publisher sends.
#[test]
fn what_comes_twice_is_sent_once() {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    stage.picture(true);
    stage.picture(false);
    // The last three again, one of them of the keyframe.
    for numbers in stage.packets.values_mut() {
        *numbers -= 3;
    }
    (0..3).for_each(|_| drop(stage.packet("", 0, false, 900)));
    stage.picture(false);
    let sent = stage.sent(viewer);
    assert_eq!(sent.len(), 3 * PARTS);
    assert!(is_unbroken(&sent));
}
