//! Publishers that come and go, as seen from a replica.

use super::*;

#[test]
fn another_publisher_takes_over_at_replicas_as_well() {
    let mut two = Two::new();
    let viewer = two.away.viewer();
    two.picture(true);
    two.picture(false);
    two.home.publish(&[SOUND, VIDEO], false);
    two.carry();
    assert_eq!(two.stranded, []);
    // What follows on nothing cannot be decoded. Video is the second track now.
    let before = two.away.sent(viewer);
    two.home.publish(&[VIDEO], false);
    two.picture(false);
    assert_eq!(two.away.sent(viewer), []);
    two.picture(true);
    let after = two.away.sent(viewer);
    assert!(after[0].is_key());
    let all = [before, after].concat();
    assert!(is_unbroken(&all) && all.is_sorted_by_key(|sent| sent.time));
    two.home.publish(&["VP8"], false);
    two.carry();
    assert_eq!(two.stranded, [viewer]);
}

/// A wish on its way is not taken for one about what another publisher sends.
#[test]
fn a_wish_about_another_publisher_is_nobodys() {
    let mut two = Two::new();
    let viewer = two.away.viewer();
    two.picture(true);
    two.pictures(30);
    two.away.router.keyframe_wanted(viewer);
    two.away.flush();
    two.home.publish(&[VIDEO], false);
    two.home.picture(false);
    let before = two.home.wire.keyframe_requests;
    for wish in std::mem::take(&mut two.away.wire.wishes) {
        two.home.router.take_wish(two.replica.worker, &wish);
    }
    two.home.flush();
    assert_eq!(two.home.wire.keyframe_requests, before);
}

#[test]
fn viewers_at_a_replica_outlast_the_publisher_by_the_linger_and_go_on_if_it_comes_back() {
    let mut two = Two::new();
    let viewer = two.away.viewer();
    two.picture(true);
    let publisher = two.home.publisher.unwrap();
    let _ = two.home.router.remove(publisher, two.home.now);
    two.carry();
    two.wait(LINGER - Duration::from_secs(1));
    assert_eq!(two.away.router.deserted(LINGER, two.away.now), []);
    assert!(!two.home.router.is_empty(), "it may come back here");
    two.home.publish(&[VIDEO], false);
    two.carry();
    two.wait(Duration::from_secs(2));
    assert_eq!(two.away.router.deserted(LINGER, two.away.now), []);
    two.away.sent(viewer);
    two.picture(true);
    assert!(two.away.sent(viewer)[0].is_key());

    let publisher = two.home.publisher.unwrap();
    let _ = two.home.router.remove(publisher, two.home.now);
    two.carry();
    two.wait(LINGER);
    assert_eq!(two.away.router.deserted(LINGER, two.away.now), [viewer]);
    two.leave();
    assert!(two.home.router.is_empty());
}

/// The last packets of a publisher that goes reach replicas before its going.
#[test]
fn nothing_of_a_publisher_that_goes_is_left_behind() {
    let mut two = Two::new();
    let viewer = two.away.viewer();
    two.picture(true);
    two.home.wire.room = 0;
    two.picture(false);
    let publisher = two.home.publisher.unwrap();
    let _ = two.home.router.remove(publisher, two.home.now);
    two.home.wire.room = usize::MAX;
    two.carry();
    assert_eq!(two.away.sent(viewer).len(), 2 * PARTS);
    assert!(!two.away.router.is_published());
}

#[test]
fn viewers_of_a_home_that_is_lost_go_on_with_another() {
    let mut two = Two::new();
    let viewer = two.away.viewer();
    two.picture(true);
    let before = two.away.sent(viewer);
    two.away.router.lose_home(two.away.now);
    assert_eq!(two.away.router.deserted(LINGER, two.away.now), []);
    let mut home = Stage::new();
    home.now = two.home.now;
    two.home = home;
    two.pull();
    two.picture(true);
    let after = two.away.sent(viewer);
    assert!(after[0].is_key());
    assert!(is_unbroken(&[before, after].concat()));
    two.wait(LINGER);
    assert_eq!(two.away.router.deserted(LINGER, two.away.now), []);
}

#[test]
fn a_publisher_is_watched_while_a_replica_is_and_given_back_after_that() {
    let mut home = Stage::empty();
    home.publish(&[VIDEO], true);
    let mut two = Two::of(home);
    two.wait(Duration::from_secs(20));
    let publisher = two.home.publisher.unwrap();
    assert_eq!(two.home.router.deserted(LINGER, two.home.now), []);
    two.leave();
    two.wait(Duration::from_secs(9));
    assert_eq!(two.home.router.deserted(LINGER, two.home.now), []);
    two.wait(Duration::from_secs(1));
    assert_eq!(two.home.router.deserted(LINGER, two.home.now), [publisher]);
    assert_eq!(
        two.away.router.deserted(LINGER, two.away.now),
        [],
        "it is not there"
    );
}

#[test]
fn whether_media_arrives_is_told_once_and_at_home() {
    let mut two = Two::new();
    two.away.viewer();
    assert!(two.home.picture(true).is_some());
    two.carry();
    two.wait(Duration::from_secs(3));
    assert!(two.home.router.fallen_silent(two.home.now).is_some());
    assert_eq!(two.away.router.fallen_silent(two.away.now), None);
    two.away.router.lose_home(two.away.now);
    // Its viewers are all that is left: somebody publishes there now.
    let takeover = two.away.publish(&[VIDEO], false);
    assert!(takeover.previous.is_none() && takeover.event.is_none());
    assert!(two.away.picture(true).is_some());
}

#[test]
fn that_pictures_come_in_another_order_is_told_once_and_at_home() {
    let mut two = Two::new();
    reordering::send(&mut two.home, [2, 0, 1], 2);
    two.carry();
    assert!(two.away.router.tracks()[0].is_reordered(two.away.now));
    assert_eq!(two.away.router.reordered(two.away.now), None);
    assert!(two.home.router.reordered(two.home.now).is_some());
}
