//! A newcomer begins with the last picture group, or with a new keyframe.

use super::*;
use crate::subscriber::catch_up::PACKETS;

/// A room with a viewer, whose publisher has let a request for a keyframe go unanswered.
fn unresponsive() -> Stage {
    let mut stage = Stage::new();
    stage.picture(true);
    let viewer = stage.viewer();
    stage.router.keyframe_wanted(viewer);
    (0..89).for_each(|_| drop(stage.picture(false)));
    assert_eq!(stage.wire.keyframe_requests, 1);
    stage
}

/// It would be taken for live, though nobody sends it any more.
#[test]
fn who_comes_when_the_publisher_is_gone_is_shown_nothing_old() {
    let mut stage = unresponsive();
    stage.wait(Duration::from_secs(2));
    let newcomer = stage.viewer();
    stage.wait(Duration::from_secs(1));
    assert_eq!(stage.sent(newcomer), []);
    // It goes on where it stopped, and so what it sent before is of use again.
    stage.picture(false);
    assert!(stage.sent(newcomer)[0].is_key());
}

#[test]
fn the_whole_group_comes_in_portions_and_pressed_together() {
    let mut stage = unresponsive();
    let newcomer = stage.viewer();
    assert_eq!(stage.sent(newcomer).len(), PACKETS);
    stage.wait(Duration::from_millis(1));
    assert_eq!(stage.sent(newcomer), [], "a link is not flooded");
    stage.wait(Duration::from_millis(1));
    let second = stage.sent(newcomer);
    assert_eq!(second.len(), PACKETS);
    let ticks = second[PARTS].time.wrapping_sub(second[0].time);
    assert_eq!(ticks, 100, "one picture is a millisecond");
    stage.wait(Duration::from_millis(20));
    let rest = stage.sent(newcomer);
    assert_eq!(rest.len(), 90 * PARTS - 2 * PACKETS);
    assert!(is_unbroken(&rest));

    stage.picture(false);
    let live = stage.sent(newcomer);
    assert_eq!(live.len(), PARTS);
    assert_eq!(live[0].sequence, rest.last().unwrap().sequence + 1);
}

/// A player that goes by the first picture's time has no reason to wait for longer than it did then.
#[test]
fn caught_up_it_gets_pictures_when_others_do_and_none_is_late_by_the_streams_clock() {
    let mut stage = unresponsive();
    let old = stage.viewer();
    stage.wait(Duration::from_millis(50));
    stage.sent(old);
    let newcomer = stage.viewer();
    let began = stage.now;
    let first = stage.sent(newcomer)[0].time;
    stage.wait(Duration::from_millis(50));
    stage.sent(newcomer);
    for _ in 0..30 {
        stage.picture(false);
        let (there, here) = (stage.sent(old), stage.sent(newcomer));
        assert_eq!((there.len(), here.len()), (PARTS, PARTS));
        let ticks = here[0].time.wrapping_sub(first);
        let by_stream = Duration::from_micros(u64::from(ticks) * 100 / 9);
        let by_clock = stage.now - began;
        assert!(
            by_clock < by_stream + Duration::from_millis(10),
            "{by_clock:?} {by_stream:?}"
        );
    }
}

#[test]
fn a_group_that_begins_meanwhile_takes_the_old_ones_place() {
    let mut stage = unresponsive();
    let newcomer = stage.viewer();
    stage.sent(newcomer);
    stage.picture(true);
    let sent = stage.sent(newcomer);
    assert_eq!(sent.len(), PARTS);
    assert!(sent.iter().all(Sent::is_key));
}

#[test]
fn a_publisher_that_answers_is_asked_and_once_for_all() {
    let mut stage = Stage::new();
    stage.viewer();
    // It answers at once.
    stage.picture(true);
    (0..60).for_each(|_| drop(stage.picture(false)));
    let before = stage.wire.keyframe_requests;
    let newcomers: Vec<Key> = (0..100).map(|_| stage.viewer()).collect();
    assert_eq!(stage.wire.keyframe_requests, before + 1);
    stage.picture(false);
    assert!(newcomers.iter().all(|key| stage.sent(*key).is_empty()));
    stage.picture(true);
    for newcomer in newcomers {
        let sent = stage.sent(newcomer);
        assert!(sent.len() == PARTS && sent[0].is_key());
    }
    stage.wait(Duration::from_secs(1));
    assert_eq!(stage.wire.keyframe_requests, before + 1);
}

/// OBS sends a keyframe in two seconds, and hears of no request. One that comes soon after a request
/// all the same must not have the next newcomer wait for another.
#[test]
fn a_publisher_that_goes_by_its_own_clock_keeps_no_newcomer_waiting() {
    let mut stage = Stage::new();
    stage.picture(true);
    let viewer = stage.viewer();
    for picture in 1..60 * 20 {
        if picture % 73 == 0 {
            stage.router.keyframe_wanted(viewer);
        }
        stage.picture(picture % 60 == 0);
        if picture % 31 == 0 {
            let newcomer = stage.viewer();
            assert_ne!(stage.sent(newcomer), [], "at picture {picture}");
        }
    }
}

#[test]
fn a_fresh_group_is_as_good_as_a_new_one() {
    let mut stage = Stage::new();
    stage.viewer();
    stage.picture(true);
    let before = stage.wire.keyframe_requests;
    let newcomer = stage.viewer();
    assert_eq!(stage.sent(newcomer).len(), PARTS);
    assert_eq!(stage.wire.keyframe_requests, before);
}

/// What a publisher sends again, it may send after a newcomer has come.
#[test]
fn a_packet_that_fills_a_gap_of_old_pictures_is_of_its_picture() {
    let mut stage = Stage::new();
    stage.picture(true);
    stage.picture(false);
    // One is missing.
    *stage.packets.get_mut("").unwrap() += 1;
    (0..5).for_each(|_| drop(stage.picture(false)));
    let (late, newest) = (stage.packets[""] - 5 * PARTS as u64, stage.pictures);
    let newcomer = stage.viewer();
    stage.wait(Duration::from_millis(20));
    stage.packets.insert("", late - 1);
    stage.pictures = 1;
    stage.packet("", 0, false, 1000);
    stage.pictures = newest;
    stage.flush();
    let mut sent = stage.sent(newcomer);
    assert_eq!(sent.len(), 7 * PARTS + 1);
    sent.sort_by_key(|sent| sent.sequence);
    assert!(is_unbroken(&sent));
    assert!(sent.is_sorted_by_key(|sent| sent.time));
}
