//! Candidates of both sides, and what a PATCH with them may say.

use super::*;

#[test]
fn candidates_before_the_answer_go_into_it_and_later_ones_into_the_stream() {
    let mut stage = Stage::new();
    let (_, viewer) = stage.met();
    stage.trickle(viewer, fragment("view", 4001)).unwrap();
    // Of an ICE session that the answer is not from, a rolled-back offer's say.
    stage.trickle(viewer, fragment("gone", 4002)).unwrap();
    let answered = stage.answer(viewer).unwrap();
    assert!(answered.sdp.as_str().contains("192.0.2.1 4001"));
    assert!(!answered.sdp.as_str().contains("192.0.2.1 4002"));

    stage.trickle(viewer, fragment("view", 4003)).unwrap();
    stage
        .trickle(answered.session, fragment("camr", 4004))
        .unwrap();
    let to_camera = Event::Candidates(fragment("view", 4003));
    assert_eq!(stage.events(answered.session), [Event::Join, to_camera]);
    let to_viewer = Event::Candidates(fragment("camr", 4004));
    assert_eq!(stage.events(viewer).last(), Some(&to_viewer));
}

#[test]
fn hidden_addresses_of_viewers_become_theirs() {
    let mut stage = Stage::new();
    let (camera, viewer) = stage.established();
    let hidden = fragment("view", 4001).to_string();
    let hidden = hidden.replace("192.0.2.1", "c0ffee00-1111-2222-3333-444455556666.local");
    stage.trickle(viewer, hidden.parse().unwrap()).unwrap();
    let seen = fragment("view", 4001)
        .to_string()
        .replace("192.0.2.1", "127.0.0.1");
    let expected = Event::Candidates(seen.parse().unwrap());
    assert_eq!(stage.events(camera).last(), Some(&expected));
}

#[test]
fn changed_credentials_are_a_restart_which_direct_sessions_cannot_do() {
    let mut stage = Stage::new();
    let (camera, viewer) = stage.established();
    for (session, own) in [(camera, "camr"), (viewer, "view")] {
        let restart = stage.trickle(session, fragment("neww", 4001));
        assert_eq!(restart, Err(Error::RestartUnsupported));
        assert_eq!(stage.trickle(session, fragment(own, 4001)), Ok(()));
    }
}

#[test]
fn entity_tags_are_checked_as_demanded() {
    let mut stage = Stage::new();
    let (_, viewer) = stage.established();
    let tag = stage
        .room
        .exchange_of(viewer)
        .unwrap()
        .0
        .viewer
        .etag
        .clone();
    let mut trickle = |condition: Precondition| {
        let fragment = fragment("view", 4001);
        let limits = &stage.limits;
        stage
            .room
            .trickle(viewer, &condition, fragment, HOME, limits)
    };
    let right = Precondition::OneOf(vec!["other".into(), tag.as_str().into()]);
    assert_eq!(trickle(right), Ok(()));
    assert_eq!(trickle(Precondition::Any), Ok(()));
    let wrong = Precondition::OneOf(vec!["other".into()]);
    assert_eq!(trickle(wrong), Err(Error::PreconditionFailed));
    let missing = Precondition::Missing { required: true };
    assert_eq!(trickle(missing), Err(Error::PreconditionRequired));
}

#[test]
fn candidates_are_bounded_before_and_after_the_answer() {
    let mut stage = Stage::new();
    let (_, viewer) = stage.met();
    for port in 1..=2 {
        stage.trickle(viewer, fragment("view", port)).unwrap();
    }
    stage.answer(viewer).unwrap();
    for port in 3..=4 {
        stage.trickle(viewer, fragment("view", port)).unwrap();
    }
    let more = stage.trickle(viewer, fragment("view", 5));
    assert_eq!(more, Err(Error::TooManyCandidates));
}

#[test]
fn candidates_are_counted_in_bytes_whatever_lines_they_come_in() {
    let mut stage = Stage::new();
    let (camera, viewer) = stage.established();
    let lines: SdpFrag = "a=x\r\n".repeat(16_000).parse().unwrap();
    assert!(lines.memory() > 500_000, "as the allocator counts");
    let before = stage.shares.taken();
    for session in [camera, viewer] {
        let refused = stage.trickle(session, lines.clone());
        assert_eq!(refused, Err(Error::TooManyCandidates));
    }
    assert_eq!(stage.shares.taken(), before, "nothing of it is kept");
    stage.trickle(viewer, fragment("view", 4000)).unwrap();
    assert!(stage.shares.taken() > before);
    stage.room.delete(viewer, &stage.limits, stage.now).unwrap();
    stage.room.delete(camera, &stage.limits, stage.now).unwrap();
    assert_eq!(stage.shares.taken(), 0);
}

#[test]
fn candidates_that_there_is_no_memory_for_are_refused() {
    let mut stage = Stage::new();
    stage.shares = Shares::new(2 * PLACE + 100);
    let (_, viewer) = stage.established();
    let refused = stage.trickle(viewer, fragment("view", 4000));
    assert_eq!(refused, Err(Error::GatewayFull));
}
