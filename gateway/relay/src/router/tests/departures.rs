//! What follows when somebody goes, or comes back.

use super::*;

const LINGER: Duration = Duration::from_secs(30);

fn is_sending(event: Option<Event>) -> Option<bool> {
    match event? {
        Event::Sending { is_sending, .. } => Some(is_sending),
        other => panic!("{other:?}"),
    }
}

#[test]
fn it_is_told_when_media_begins_and_when_it_stops() {
    let mut stage = Stage::new();
    assert_eq!(is_sending(stage.picture(true)), Some(true));
    assert_eq!(stage.picture(false), None);
    assert_eq!(stage.router.fallen_silent(stage.now), None);
    stage.wait(Duration::from_secs(2));
    let silent = stage.router.fallen_silent(stage.now);
    assert_eq!(is_sending(silent), Some(false));
    assert_eq!(stage.router.fallen_silent(stage.now), None, "once");
    assert_eq!(is_sending(stage.picture(false)), Some(true));
    let gone = stage.router.remove(stage.publisher.unwrap(), stage.now);
    assert_eq!(is_sending(gone), Some(false));
}

#[test]
fn viewers_outlast_their_publisher_by_the_linger() {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    stage.picture(true);
    let _ = stage.router.remove(stage.publisher.unwrap(), stage.now);
    stage.wait(LINGER - Duration::from_secs(1));
    assert_eq!(stage.router.deserted(LINGER, stage.now), []);
    stage.wait(Duration::from_secs(1));
    assert_eq!(stage.router.deserted(LINGER, stage.now), [viewer]);
    assert!(!stage.router.is_empty());
    let _ = stage.router.remove(viewer, stage.now);
    assert!(stage.router.is_empty());
}

#[test]
fn a_publisher_that_comes_back_goes_on_where_it_stopped() {
    let mut stage = Stage::new();
    let viewer = stage.viewer();
    stage.picture(true);
    stage.picture(false);
    let before = stage.sent(viewer);
    let first = stage.publisher;
    let takeover = stage.publish(&[VIDEO], false);
    assert_eq!(takeover.previous, first);
    assert_eq!(takeover.stranded, []);
    assert_eq!(
        is_sending(takeover.event),
        Some(true),
        "nobody has fallen silent"
    );
    // What follows on nothing cannot be decoded.
    stage.picture(false);
    assert_eq!(stage.sent(viewer), []);
    stage.picture(true);
    let after = stage.sent(viewer);
    assert!(after[0].is_key());
    let all = [before, after].concat();
    assert!(is_unbroken(&all) && all.is_sorted_by_key(|sent| sent.time));
    assert_eq!(stage.router.deserted(LINGER, stage.now), []);
}

#[test]
fn who_cannot_decode_what_comes_now_is_stranded_and_missing_sound_strands_nobody() {
    let mut stage = Stage::empty();
    stage.publish(&[VIDEO, SOUND], false);
    let [both, sound] = [&[VIDEO, SOUND][..], &[VIDEO]].map(|of| stage.viewer_of(of));
    assert_eq!(stage.publish(&[VIDEO], false).stranded, []);
    assert_eq!(stage.publish(&["VP8"], false).stranded, [both, sound]);
}

#[test]
fn an_offer_of_the_cameras_own_is_given_back_when_nobody_watches() {
    for ends_unwatched in [true, false] {
        let mut stage = Stage::empty();
        stage.publish(&[VIDEO], ends_unwatched);
        let viewer = stage.viewer();
        stage.wait(Duration::from_secs(20));
        assert_eq!(stage.router.deserted(LINGER, stage.now), []);
        let _ = stage.router.remove(viewer, stage.now);
        stage.wait(Duration::from_secs(10));
        let deserted = stage.router.deserted(LINGER, stage.now);
        let expected: Vec<Key> = stage
            .publisher
            .filter(|_| ends_unwatched)
            .into_iter()
            .collect();
        assert_eq!(deserted, expected);
    }
}

/// Its answer names the encoding of the publisher before.
#[test]
fn a_viewer_that_was_answered_for_another_publisher_is_stranded_or_gets_what_it_decodes() {
    let mut stage = Stage::empty();
    stage.publish(&[SOUND, "VP8"], false);
    let join = |stage: &mut Stage, encodings: &[_]| stage.join(encodings, &Extensions::default());
    assert_eq!(join(&mut stage, &[VIDEO]).1, Joined::Stranded);
    assert_eq!(join(&mut stage, &[VIDEO, SOUND]).1, Joined::Stranded);
    // The one before sent the picture first.
    let (viewer, joined) = join(&mut stage, &["VP8", SOUND]);
    assert_eq!(joined, Joined::Watching(None));
    stage.connect(viewer);
    let sections: Vec<_> = stage.router.subscribers[&viewer].sections().collect();
    assert_eq!(sections, [(0, 1), (1, 0)]);
}

#[test]
fn a_viewer_that_comes_between_two_publishers_waits_for_the_next() {
    let mut stage = Stage::empty();
    let (_, joined) = stage.join(&[VIDEO], &Extensions::default());
    assert_eq!(joined, Joined::Watching(None));
    assert_eq!(stage.publish(&["VP8"], false).stranded.len(), 1);
}
