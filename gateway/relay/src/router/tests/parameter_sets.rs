//! No picture is shown without its parameter sets, whenever these came.

use super::*;

const SEQUENCE: &[u8] = &[0x67, 0x42, 0xe0, 0x1f, 0x80];
const OTHER_SEQUENCE: &[u8] = &[0x67, 0x42, 0xe0, 0x1f, 0x81];
const PICTURE: &[u8] = &[0x68, 0x80];

/// The sets come, at the time of the next picture or at one of their own.
fn sets(stage: &mut Stage, sequence: &[u8], is_before: bool) {
    for payload in [sequence, PICTURE] {
        let mut packet = stage.next_packet("", payload.to_vec());
        if is_before {
            packet.position.time = (packet.position.time + 9).saturating_sub(1500);
        }
        stage.receive("", 0, packet);
    }
    stage.flush();
}

fn payloads(sent: &[Sent]) -> Vec<&[u8]> {
    let first_bytes = sent.iter().map(|sent| match sent.payload[0] {
        0x67 | 0x68 => &sent.payload[..],
        _ => &sent.payload[..1],
    });
    first_bytes.collect()
}

const KEY: &[u8] = &[0x65];

#[test]
fn who_comes_late_is_given_the_sets_that_came_once() {
    let mut stage = Stage::new();
    let early = stage.viewer();
    sets(&mut stage, SEQUENCE, false);
    stage.picture(true);
    assert_eq!(payloads(&stage.sent(early)), [SEQUENCE, PICTURE, KEY, KEY]);
    (0..60).for_each(|_| drop(stage.picture(false)));
    stage.picture(true);
    let late = stage.viewer();
    stage.picture(false);
    let sent = stage.sent(late);
    assert_eq!(payloads(&sent)[..4], [SEQUENCE, PICTURE, KEY, KEY]);
    assert!(is_unbroken(&sent));
    assert_eq!(sent[0].time, sent[2].time);
    let sent = stage.sent(early);
    assert!(is_unbroken(&sent), "who has them is given none");
    assert!(sent.iter().all(|sent| sent.payload.len() > 100));
}

#[test]
fn sets_that_are_cut_over_packets_are_given_as_well() {
    const FRAGMENTS: [&[u8]; 2] = [&[0x7c, 0x87, 0x42, 0xe0], &[0x7c, 0x47, 0x1f, 0x80]];
    let mut stage = Stage::new();
    for payload in [FRAGMENTS[0], FRAGMENTS[1], PICTURE] {
        let packet = stage.next_packet("", payload.to_vec());
        stage.receive("", 0, packet);
    }
    stage.picture(true);
    stage.picture(true);
    let late = stage.viewer();
    let sent = stage.sent(late);
    assert_eq!(payloads(&sent), [SEQUENCE, PICTURE, KEY, KEY]);
}

#[test]
fn sets_with_a_time_of_their_own_are_given_to_early_and_late_viewers() {
    let mut stage = Stage::new();
    let early = stage.viewer();
    stage.pictures = 10;
    sets(&mut stage, SEQUENCE, true);
    stage.picture(true);
    let late = stage.viewer();
    for viewer in [early, late] {
        assert_eq!(payloads(&stage.sent(viewer)), [SEQUENCE, PICTURE, KEY, KEY]);
    }
    // The picture is turned.
    sets(&mut stage, OTHER_SEQUENCE, true);
    let between = stage.viewer();
    assert_eq!(
        payloads(&stage.sent(between))[..3],
        [SEQUENCE, PICTURE, KEY]
    );
    stage.picture(true);
    let late = stage.viewer();
    assert_eq!(
        payloads(&stage.sent(late))[..3],
        [OTHER_SEQUENCE, PICTURE, KEY]
    );
    let sent = stage.sent(early);
    assert_eq!(payloads(&sent), [OTHER_SEQUENCE, PICTURE, KEY, KEY]);
}

#[test]
fn sets_that_arrive_after_the_very_first_keyframe_are_sent() {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    let [first, second] = [SEQUENCE, PICTURE].map(|set| stage.next_packet("", set.to_vec()));
    stage.packet("", 0, true, 1000);
    stage.flush();
    stage.receive("", 0, first);
    stage.receive("", 0, second);
    stage.flush();
    let mut sent = stage.sent(viewer);
    sent.sort_by_key(|sent| sent.sequence);
    assert_eq!(payloads(&sent), [SEQUENCE, PICTURE, KEY]);
    assert!(is_unbroken(&sent));
}

#[test]
fn sets_that_only_the_offer_names_are_given_to_everyone() {
    let mut stage = Stage::empty();
    let named = format_with(VIDEO, "sprop-parameter-sets=Z0LgH4A=,aIA=");
    stage.publish_in(&[named], false);
    let early = stage.viewer();
    stage.picture(true);
    let late = stage.viewer();
    for viewer in [early, late] {
        assert_eq!(payloads(&stage.sent(viewer)), [SEQUENCE, PICTURE, KEY, KEY]);
    }
}

#[test]
fn sets_that_were_lost_are_sent_again_and_with_the_next_keyframe() {
    let mut stage = Stage::new();
    sets(&mut stage, SEQUENCE, false);
    stage.picture(true);
    stage.picture(true);
    let viewer = stage.viewer();
    let sent = stage.sent(viewer);
    loss::miss(&mut stage, viewer, sent[0].source, sent[0].sequence);
    assert_eq!(payloads(&stage.sent(viewer)), [SEQUENCE, KEY]);

    stage.router.keyframe_wanted(viewer);
    stage.picture(true);
    let sent = stage.sent(viewer);
    assert_eq!(payloads(&sent), [SEQUENCE, PICTURE, KEY, KEY]);
    assert!(is_unbroken(&sent));
    stage.picture(true);
    assert_eq!(
        payloads(&stage.sent(viewer)),
        [KEY, KEY],
        "as long as it asks"
    );
}
