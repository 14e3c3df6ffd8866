//! A layer is fed by one source at a time.

use std::collections::HashMap;

use super::*;

/// The publisher's encoder begins anew: another source, with numbers and times of its own.
fn begin_anew(stage: &mut Stage) {
    stage.packets.insert("", 100);
    stage.pictures = 5;
}

fn picture_from(stage: &mut Stage, source: u32, is_key: bool) {
    (0..PARTS).for_each(|_| drop(stage.packet("", source, is_key, 1000)));
    stage.pictures += 1;
    stage.flush();
    stage.wait(FRAME);
}

#[test]
fn a_source_that_begins_anew_takes_over_and_viewers_numbers_and_times_go_on() {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    picture_from(&mut stage, 1, true);
    (0..9).for_each(|_| picture_from(&mut stage, 1, false));
    let before = stage.wire.keyframe_requests;
    begin_anew(&mut stage);
    // It does not always begin with a keyframe, and is asked for one then.
    (0..3).for_each(|_| picture_from(&mut stage, 2, false));
    assert_eq!(stage.wire.keyframe_requests, before + 1);
    picture_from(&mut stage, 2, true);
    (0..9).for_each(|_| picture_from(&mut stage, 2, false));

    let sent = stage.sent(viewer);
    assert_eq!(sent.len(), (10 + 10) * PARTS);
    assert!(is_unbroken(&sent));
    let first = &sent[10 * PARTS];
    assert!(first.is_key());
    let last = &sent[10 * PARTS - 1];
    let ticks = u64::from(first.time - last.time);
    let passed = 4 * TICKS_PER_FRAME;
    assert!(ticks.abs_diff(passed) < 90, "{ticks} {passed}");
}

#[test]
fn a_source_that_has_gone_over_to_another_does_not_come_back_by_what_is_late() {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    picture_from(&mut stage, 1, true);
    let (numbers, pictures) = (stage.packets[""], stage.pictures);
    begin_anew(&mut stage);
    picture_from(&mut stage, 2, true);
    let new = (stage.packets[""], stage.pictures);
    // The last packets of the old one come late.
    stage.packets.insert("", numbers);
    stage.pictures = pictures;
    picture_from(&mut stage, 1, true);
    stage.packets.insert("", new.0);
    stage.pictures = new.1;
    picture_from(&mut stage, 2, false);
    let sent = stage.sent(viewer);
    assert_eq!(sent.len(), 3 * PARTS);
    assert!(is_unbroken(&sent));

    stage.wait(Duration::from_millis(600));
    stage.packets.insert("", numbers + 90);
    stage.pictures = pictures + 90;
    picture_from(&mut stage, 1, true);
    assert_eq!(stage.sent(viewer).len(), PARTS, "the new one has ended");
}

/// Whichever is shown, no number stands for two packets (RFC 3711 section 9.1).
#[test]
fn two_sources_at_once_never_share_a_number() {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    for number in 0..300 {
        let source = 1 + number / 7 % 3;
        if number % 5 == 0 {
            *stage.packets.entry("").or_insert(70_000) -= 8;
        }
        picture_from(&mut stage, source, number % 4 == 0);
    }
    let sent = stage.sent(viewer);
    assert!(sent.len() > 20);
    let mut payloads = HashMap::new();
    for sent in sent {
        let number = (sent.source, sent.sequence);
        assert!(payloads.insert(number, sent.payload).is_none());
    }
}

#[test]
fn sound_of_another_source_goes_on_at_once() {
    let mut stage = Stage::empty();
    stage.publish(&[SOUND], false);
    let viewer = stage.viewer_of(&[SOUND]);
    stage.connect(viewer);
    // The first of all is where it begins.
    (0..6).for_each(|_| picture_from(&mut stage, 1, false));
    begin_anew(&mut stage);
    (0..5).for_each(|_| picture_from(&mut stage, 2, false));
    let sent = stage.sent(viewer);
    assert_eq!(sent.len(), 10 * PARTS);
    assert!(is_unbroken(&sent));
    assert!(sent.is_sorted_by_key(|sent| sent.time));
    assert_eq!(stage.wire.keyframe_requests, 0);
}
