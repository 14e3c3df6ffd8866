//! A home sends its replica the layers that somebody needs there, and tells it of the others.

use super::super::layer_sizes::told;
use super::*;

const THREE: [&str; 3] = ["h", "m", "l"];

impl Two {
    /// So many half seconds without a keyframe, with a measuring round after each.
    fn rounds(&mut self, layers: &[&'static str], count: usize) {
        for _ in 0..count {
            (0..15).for_each(|_| self.picture_of(layers, false));
            self.look();
        }
    }

    /// A measuring round, here and there. Returns what viewers are told there.
    fn look(&mut self) -> Vec<Event> {
        self.home.look();
        self.carry();
        let told = self.away.look();
        self.carry();
        told
    }

    fn select(&mut self, viewer: Key, rid: &'static str) {
        assert!(self.away.router.select(viewer, of_rid(Some(rid))));
        self.look();
    }

    /// How many packets of each of these layers have crossed since this was asked last.
    fn crossed<const N: usize>(&mut self, layers: [&'static str; N]) -> [usize; N] {
        let crossed = std::mem::take(&mut self.crossed);
        layers.map(|rid| {
            let is_it = |layer: &&Option<Rid>| **layer == Some(Rid::from(rid));
            crossed.iter().filter(is_it).count()
        })
    }

    fn bitrates(stage: &Stage) -> Vec<u64> {
        let layers = &stage.router.tracks()[0].layers;
        layers.iter().map(|layer| layer.bitrate).collect()
    }
}

#[test]
fn of_several_layers_those_cross_that_somebody_needs() {
    let mut two = Two::measured_of(&THREE);
    let viewer = two.away.viewer();
    two.rounds(&THREE, 1);
    two.crossed(THREE);
    two.rounds(&THREE, 2);
    assert_eq!(two.crossed(THREE), [30 * PARTS, 0, 0]);
    // Another viewer needs another one.
    let other = two.away.viewer();
    two.select(other, "l");
    two.picture_of(&THREE, true);
    two.rounds(&THREE, 1);
    two.crossed(THREE);
    two.rounds(&THREE, 2);
    assert_eq!(two.crossed(THREE), [30 * PARTS, 0, 30 * PARTS]);
    for viewer in [viewer, other] {
        let _ = two.away.router.remove(viewer, two.away.now);
    }
    two.rounds(&THREE, 1);
    two.crossed(THREE);
    two.rounds(&THREE, 2);
    assert_eq!(two.crossed(THREE), [0, 0, 0]);
}

#[test]
fn a_layer_is_needed_from_the_moment_that_it_is_chosen_until_another_has_taken_its_place() {
    let mut two = Two::measured();
    let viewer = two.away.viewer();
    two.rounds(&LAYERS, 2);
    for (from, to) in [("h", "l"), ("l", "h")] {
        two.select(viewer, to);
        two.away.sent(viewer);
        two.crossed(LAYERS);
        (0..9).for_each(|_| two.picture_of(&LAYERS, false));
        assert_eq!(two.crossed(LAYERS), [9 * PARTS; 2], "{from} to {to}");
        assert!(two.home.wire.keyframe_requests > 0);
        two.home.wire.keyframe_requests = 0;
        two.picture_of(&LAYERS, true);
        two.crossed(LAYERS);
        (0..9).for_each(|_| two.picture_of(&LAYERS, false));
        let crossed = two.crossed([to, from]);
        assert_eq!(crossed, [9 * PARTS, 0], "{from} to {to}");

        // Not a picture is missing, and the other layer begins with its keyframe.
        let sent = two.away.sent(viewer);
        let first = sent.iter().position(|sent| layer(sent) == to).unwrap();
        assert_eq!(first, 9 * PARTS);
        assert!(sent[first].is_key());
        assert_eq!(sent.len(), 19 * PARTS);
        assert!(is_unbroken(&sent) && sent.is_sorted_by_key(|sent| sent.time));
        assert!(sent[first..].iter().all(|sent| layer(sent) == to));
        // What is unneeded now is measured all the same.
        two.rounds(&LAYERS, 3);
    }
}

/// The keyframe came before the replica said that it needs the layer.
#[test]
fn a_keyframe_that_came_just_after_the_choice_is_not_lost() {
    let mut two = Two::measured();
    let viewer = two.away.viewer();
    two.rounds(&LAYERS, 2);
    assert!(two.away.router.select(viewer, of_rid(Some("l"))));
    two.away.look();
    two.home.picture_of(&LAYERS, true);
    two.away.sent(viewer);
    two.carry();
    let sent = two.away.sent(viewer);
    let first = sent.iter().position(|sent| layer(sent) == "l").unwrap();
    assert!(sent[first].is_key());
}

#[test]
fn what_was_skipped_begins_again_with_the_whole_of_its_last_group_and_nothing_older() {
    let mut two = Two::measured();
    let viewer = two.away.viewer();
    two.rounds(&LAYERS, 2);
    two.home.picture_of(&LAYERS, true);
    two.rounds(&LAYERS, 1);
    let low = |stage: &Stage| {
        let cache = &stage.router.tracks()[0].layers[1].cache;
        cache.group().map(|group| {
            let count = cache.end().since(group.cursor);
            (group.first, count)
        })
    };
    assert_eq!(low(&two.away), None);
    two.select(viewer, "l");
    let group = low(&two.home);
    assert!(group.is_some());
    assert_eq!(low(&two.away), group);
    assert_eq!(two.home.wire.not_handed_over, 0);
}

#[test]
fn a_wish_for_layers_that_is_lost_is_said_again_within_a_second() {
    let mut two = Two::measured();
    let viewer = two.away.viewer();
    two.rounds(&LAYERS, 2);
    for (rid, crosses) in [("l", [false, true]), ("h", [true, false])] {
        assert!(two.away.router.select(viewer, of_rid(Some(rid))));
        two.away.look();
        two.away.flush();
        two.away.wire.wishes.clear();
        two.rounds(&LAYERS, 1);
        two.picture_of(&LAYERS, true);
        two.away.flush();
        two.away.wire.wishes.clear();
        two.rounds(&LAYERS, 1);
        two.crossed(LAYERS);
        two.rounds(&LAYERS, 1);
        assert_eq!(two.crossed(LAYERS).map(|count| count > 0), crosses, "{rid}");
    }
}

#[test]
fn a_skipped_layer_is_what_it_is_at_home_and_offered_while_it_comes() {
    let mut two = Two::measured();
    let viewer = two.away.viewer();
    two.rounds(&LAYERS, 4);
    let layers = |events: &[Event]| told(events).map(|layers| layers.len());
    for _ in 0..10 {
        (0..15).for_each(|_| two.picture_of(&LAYERS, false));
        assert_eq!(two.look(), [], "nothing is news");
        assert_eq!(Two::bitrates(&two.away)[1], Two::bitrates(&two.home)[1]);
    }
    // Needed again, it is not measured by a part of a round.
    two.select(viewer, "l");
    two.look();
    let (here, there) = (Two::bitrates(&two.home), Two::bitrates(&two.away));
    assert!(here[1] / 2 < there[1], "{here:?} {there:?}");
    two.select(viewer, "h");
    two.rounds(&LAYERS, 2);

    // It stops.
    let mut news = Vec::new();
    for _ in 0..5 {
        (0..15).for_each(|_| two.picture_of(&LAYERS[..1], false));
        news.extend(two.look());
    }
    assert_eq!((layers(&news), news.len()), (Some(1), 1));
    // And is there again.
    two.rounds(&LAYERS, 3);
    assert_eq!(two.away.router.tracks()[0].active(two.away.now), [0, 1]);
}

#[test]
fn a_newcomer_has_its_first_picture_as_soon_as_it_is_connected() {
    let mut two = Two::measured();
    let viewer = two.away.viewer();
    two.rounds(&LAYERS, 2);
    two.picture_of(&LAYERS, true);
    two.select(viewer, "l");
    (0..15).for_each(|_| two.picture_of(&LAYERS, false));
    two.picture_of(&LAYERS, true);
    two.crossed(LAYERS);
    two.picture_of(&LAYERS, false);
    assert_eq!(two.crossed(LAYERS), [0, PARTS]);
    let newcomer = two.away.viewer_of(&[VIDEO]);
    two.carry();
    two.picture_of(&LAYERS, false);
    two.away.connect(newcomer);
    let sent = two.away.sent(newcomer);
    assert!(sent[0].is_key() && layer(&sent[0]) == "h", "at once");
    assert_eq!(sent.len(), 3 * PARTS);
}
