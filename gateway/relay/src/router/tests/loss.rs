//! What a viewer has missed it can have again.

use super::layers::{LAYERS, layer, measured};
use super::*;

/// A viewer has missed this packet, and the one after the next.
pub(super) fn miss(stage: &mut Stage, viewer: Key, source: Ssrc, sequence: u64) {
    let first = sequence as u16;
    let missing = Missing {
        source,
        sequences: vec![first, first.wrapping_add(2)],
    };
    stage
        .router
        .retransmit(viewer, &missing, stage.now, &mut stage.wire);
}

#[test]
fn what_was_missed_is_sent_again_by_the_retransmission_stream() {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    stage.picture(true);
    stage.picture(false);
    let sent = stage.sent(viewer);
    miss(&mut stage, viewer, sent[0].source, sent[0].sequence);
    let again = stage.sent(viewer);
    assert_eq!(sequences(&again), [0, 1]);
    for (again, first) in again.iter().zip([&sent[0], &sent[2]]) {
        assert_eq!(again.original, Some(first.sequence as u16));
        assert_eq!(*again.source, *first.source + 100);
        assert_eq!((again.time, &again.payload), (first.time, &first.payload));
    }
}

#[test]
fn nobody_is_sent_the_same_for_ever_nor_what_is_another_viewers() {
    let mut stage = Stage::new();
    let [viewer, other] = [stage.viewer(), stage.viewer()];
    stage.picture(true);
    stage.picture(false);
    let sent = stage.sent(viewer);
    stage.sent(other);
    miss(&mut stage, other, sent[0].source, sent[0].sequence);
    assert_eq!(stage.sent(other), []);
    (0..20).for_each(|_| miss(&mut stage, viewer, sent[0].source, sent[0].sequence));
    assert_eq!(stage.sent(viewer).len(), 2 * 10);
}

#[test]
fn what_is_half_a_second_old_is_not_there_any_more() {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    stage.picture(true);
    stage.picture(false);
    let sent = stage.sent(viewer);
    // A newer group, so that the old one is kept for nothing else.
    stage.picture(true);
    (0..12).for_each(|_| drop(stage.picture(false)));
    miss(&mut stage, viewer, sent[0].source, sent[0].sequence);
    assert_eq!(
        stage
            .sent(viewer)
            .iter()
            .filter(|s| s.original.is_some())
            .count(),
        2
    );
    (0..4).for_each(|_| drop(stage.picture(false)));
    stage.sent(viewer);
    miss(&mut stage, viewer, sent[0].source, sent[0].sequence);
    assert_eq!(stage.sent(viewer), []);
}

/// The new layer's cache has other packets where the old one's were.
/// OBS repeats nothing of its lower layers, and answers no request for a keyframe. A viewer that
/// lacks a packet for good asks for it, and for a keyframe, and goes on with the next one that comes;
/// so does who came meanwhile, and was sent the same gap.
#[test]
fn what_the_publisher_does_not_repeat_is_over_with_its_next_keyframe() {
    let (mut stage, viewer) = measured();
    stage.router.select(viewer, of_rid(Some("l")));
    stage.look();
    stage.picture_of(&LAYERS, true);
    (0..10).for_each(|_| drop(stage.picture_of(&LAYERS, false)));
    let before = stage.sent(viewer);
    *stage.packets.get_mut("l").unwrap() += 1;
    let lost = before.last().unwrap().sequence + 1;
    stage.picture_of(&LAYERS, false);
    let mut sent = stage.sent(viewer);
    assert_eq!(sent[0].sequence, lost + 1);

    let requests = stage.wire.keyframe_requests;
    let mut newcomer = None;
    for picture in 0..45 {
        if picture % 3 == 0 {
            miss(&mut stage, viewer, sent[0].source, lost);
            stage.router.keyframe_wanted(viewer);
        }
        if picture == 20 {
            newcomer = Some(stage.viewer());
            stage.router.select(newcomer.unwrap(), of_rid(Some("l")));
            stage.look();
        }
        stage.picture_of(&LAYERS, false);
    }
    let asked = stage.wire.keyframe_requests - requests;
    // Three in a row, one a second, and one of the layer that the newcomer was about to have.
    assert!((1..=5).contains(&asked), "asked {asked} times in 1.5 s");
    sent.extend(stage.sent(viewer));
    assert!(sent.iter().all(|sent| !sent.is_key()));
    sent.retain(|sent| sent.original.is_none());
    let newcomer = newcomer.unwrap();
    stage.sent(newcomer);

    stage.picture_of(&LAYERS, true);
    (0..10).for_each(|_| drop(stage.picture_of(&LAYERS, false)));
    let after = stage.sent(viewer);
    assert!(after[0].is_key() && after.iter().all(|sent| layer(sent) == "l"));
    assert!(is_unbroken(&[sent, after].concat()));
    let after = stage.sent(newcomer);
    assert!(after[0].is_key() && after.len() == 11 * PARTS && is_unbroken(&after));
}

#[test]
fn what_was_of_another_layer_is_not_sent_again() {
    let layers = ["h", "l"];
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    stage.picture_of(&layers, true);
    for _ in 0..4 {
        (0..15).for_each(|_| drop(stage.picture_of(&layers, false)));
        stage.router.measure(FRAME * 15, stage.now);
    }
    let old = stage.sent(viewer).pop().unwrap();
    stage.router.select(viewer, of_rid(Some("l")));
    stage.router.measure(FRAME * 15, stage.now);
    stage.picture_of(&layers, true);
    let new = stage.sent(viewer);
    assert_ne!(new[0].payload.len(), old.payload.len());
    miss(&mut stage, viewer, old.source, old.sequence);
    let again = stage.sent(viewer);
    assert_eq!(again.len(), 1, "the second is of the new layer");
    assert_eq!(again[0].payload, new[1].payload);
}

/// Under its own number nothing but the very same packet may come.
#[test]
fn a_viewer_without_a_retransmission_stream_gets_the_packet_itself_again() {
    let mut stage = Stage::new();
    let (viewer, _) = stage.join_with(&[VIDEO], &Extensions::default(), false);
    stage.connect(viewer);
    stage.picture(true);
    stage.picture(false);
    let sent = stage.sent(viewer);
    miss(&mut stage, viewer, sent[0].source, sent[0].sequence);
    assert_eq!(stage.sent(viewer), [sent[0].clone(), sent[2].clone()]);
    (0..20).for_each(|_| miss(&mut stage, viewer, sent[0].source, sent[0].sequence));
    assert_eq!(stage.sent(viewer).len(), 2 * 9, "not for ever");
    let other = stage.viewer();
    stage.sent(other);
    miss(&mut stage, other, sent[0].source, sent[0].sequence);
    assert_eq!(stage.sent(other), []);
    assert!(stage.wire.kept.iter().all(|(key, _)| *key == viewer));
}
