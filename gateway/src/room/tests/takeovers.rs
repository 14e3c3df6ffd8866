//! Who has a room, and who can take it from whom: a change that fails changes nothing.

use super::relayed::{is_direct, is_relayed, takes};
use super::*;

const LINK: Admission = Admission::Link;
const RELAYED: OfferTerms = OfferTerms {
    direct: 1,
    relay: true,
    admission: LINK,
};

/// Who publishes in a room with a name.
pub(super) fn camera(number: u8) -> Publisher {
    let hash = vec![format!("{number:02X}"); 32].join(":");
    let fingerprint = Fingerprint::parse(&format!("sha-256 {hash}")).unwrap();
    Publisher::Certificates(vec![fingerprint])
}

impl Stage {
    fn offers_as(&mut self, publisher: Publisher) -> Result<RequestId, Error> {
        let (request, limits, now) = (self.request(), &self.limits, self.now);
        let shares = self.shares.clone();
        let published = self.room.publish(
            request,
            offered(&shares, publisher, offer(), RELAYED),
            limits,
            now,
        );
        published.map(|_| request)
    }

    fn relay_has_media_of(&mut self, publisher: Publisher) -> SessionId {
        let session = SessionId::random();
        self.claims(session, publisher, LINK, None).unwrap();
        self.room.relay_ready(session, &self.limits, self.now);
        self.relay_sends(session, true);
        session
    }

    pub(super) fn relay_sends(&mut self, session: SessionId, is_sending: bool) -> Vec<Action> {
        let (limits, now) = (&self.limits, self.now);
        self.room.relay_sends(session, is_sending, limits, now)
    }

    fn waits_for_room(&mut self, publisher: Publisher) -> (RequestId, Vec<Action>) {
        let request = self.request();
        (
            request,
            self.room.wait_for_room(request, publisher).unwrap(),
        )
    }

    fn relay_cannot_answer(&mut self, session: SessionId) -> Vec<Action> {
        self.room.relay_left(session, &self.limits, self.now)
    }
}

#[test]
fn a_publisher_that_the_relay_cannot_answer_leaves_the_room_to_the_one_before() {
    let mut stage = Stage::new();
    let live = stage.relay_has_media_of(Publisher::Key);
    let refused = SessionId::random();
    stage
        .claims(refused, Publisher::Key, Admission::Ticket, None)
        .unwrap();
    // Nobody is turned away by what is not decided yet.
    assert!(stage.comes(Wants::Relay).unwrap().is_empty());
    assert!(is_relayed(&stage.relay_cannot_answer(refused)));
    assert!(is_relayed(&stage.comes(Wants::Relay).unwrap()));
    stage.relay_cannot_answer(live);
    assert!(stage.room.is_empty() || !stage.room.has_camera());
}

#[test]
fn one_that_leaves_while_its_successor_is_answered_does_not_come_back() {
    let mut stage = Stage::new();
    let live = stage.relay_has_media_of(Publisher::Key);
    let refused = SessionId::random();
    stage.claims(refused, Publisher::Key, LINK, None).unwrap();
    stage.relay_cannot_answer(live);
    stage.relay_cannot_answer(refused);
    assert!(stage.room.is_empty());
}

#[test]
fn a_camera_that_was_let_in_is_not_put_out_by_one_that_was_here_before() {
    let mut stage = Stage::new();
    stage.offers_as(camera(1)).unwrap();
    let met = stage.comes(Wants::Direct).unwrap();
    let [Action::CounterOffer(_, CounterOffer { session, .. })] = met[..] else {
        panic!("expected a counter-offer, got {met:?}");
    };
    let first = stage.answer(session).unwrap().session;
    // Nothing shows that the first one is still here, until it listens again.
    let offer = stage.offers_as(camera(2)).unwrap();
    stage.room.stream_opened(first).unwrap();
    assert_eq!(stage.offers_as(camera(1)), Err(Error::RoomTaken));
    assert!(takes(&stage.comes(Wants::Relay).unwrap(), offer));
    let session = SessionId::random();
    let claimed = stage.claims(session, camera(2), LINK, Some(RELAYED));
    assert_eq!(claimed, Ok(Entrance::AtOnce));
}

#[test]
fn a_certificate_s_hash_takes_nothing_from_who_has_proved_the_certificate() {
    let mut stage = Stage::new();
    let live = stage.relay_has_media_of(camera(1));
    let copied = SessionId::random();
    let apart = stage.claims(copied, camera(1), LINK, None);
    assert_eq!(apart, Ok(Entrance::OnceProved));
    assert!(is_relayed(&stage.comes(Wants::Relay).unwrap()));
    stage.relay_cannot_answer(copied);
    assert!(is_relayed(&stage.comes(Wants::Relay).unwrap()));
    // What has fallen silent can be replaced, and by its own publisher.
    stage.relay_sends(live, false);
    let claimed = stage.claims(copied, camera(1), LINK, None);
    assert_eq!(claimed, Ok(Entrance::AtOnce));
}

#[test]
fn nor_does_an_offer_with_it_that_had_waited() {
    let mut stage = Stage::new();
    stage.relay_has_media_of(camera(1));
    stage.offers_as(camera(1)).unwrap();
    let claimed = stage.claims(SessionId::random(), camera(1), LINK, Some(RELAYED));
    assert_eq!(claimed, Ok(Entrance::OnceProved));
}

/// A relay with viewers, to which an offer is on its way because its publisher was silent; its
/// media is back.
fn taken_in_vain(stage: &mut Stage) {
    let live = stage.relay_has_media_of(camera(1));
    stage.room.relay_watched(true, &stage.limits, stage.now);
    stage.relay_sends(live, false);
    let request = stage.offers_as(camera(1)).unwrap();
    assert!(stage.room.relay.is_taking(request));
    assert!(stage.comes(Wants::Relay).unwrap().is_empty());
    stage.relay_sends(live, true);
}

#[test]
fn nor_one_that_was_taken_while_it_was_silent_and_viewers_have_its_media() {
    let mut stage = Stage::new();
    taken_in_vain(&mut stage);
    let again = SessionId::random();
    let (claimed, told) = stage.claims_and_tells(again, camera(1), LINK, Some(RELAYED));
    assert_eq!(claimed, Ok(Entrance::OnceProved));
    assert!(is_relayed(&told));
    assert_eq!(stage.room.proved(again), Ok(()));
    stage.room.relay_ready(again, &stage.limits, stage.now);
    assert!(is_relayed(&stage.comes(Wants::Relay).unwrap()));
}

#[test]
fn and_if_it_is_refused_the_room_is_as_it_was_too() {
    let mut stage = Stage::new();
    taken_in_vain(&mut stage);
    for _ in 0..8 {
        stage
            .claims(SessionId::random(), camera(1), LINK, None)
            .unwrap();
    }
    let again = SessionId::random();
    let (claimed, told) = stage.claims_and_tells(again, camera(1), LINK, Some(RELAYED));
    assert_eq!(claimed, Err(Error::RoomTaken));
    assert!(is_relayed(&told));
    assert!(is_relayed(&stage.comes(Wants::Relay).unwrap()));
}

#[test]
fn who_proves_the_certificate_replaces_who_has_it_too() {
    let mut stage = Stage::new();
    let live = stage.relay_has_media_of(camera(1));
    let again = SessionId::random();
    stage.claims(again, camera(1), LINK, None).unwrap();
    assert_eq!(stage.room.proved(again), Ok(()));
    // It may be over before the relay can give it the room.
    assert!(stage.comes(Wants::Relay).unwrap().is_empty());
    assert!(is_relayed(&stage.relay_cannot_answer(again)));

    let again = SessionId::random();
    stage.claims(again, camera(1), LINK, None).unwrap();
    assert_eq!(stage.room.proved(again), Ok(()));
    stage.room.relay_ready(again, &stage.limits, stage.now);
    stage.relay_cannot_answer(live);
    assert!(is_relayed(&stage.comes(Wants::Relay).unwrap()));
    // It has proved it, though nothing has come of it yet.
    let copied = stage.claims(live, camera(1), LINK, None);
    assert_eq!(copied, Ok(Entrance::OnceProved));
    stage.relay_cannot_answer(copied.map(|_| live).unwrap());
    stage.relay_cannot_answer(again);
}

#[test]
fn who_proves_a_certificate_takes_nothing_from_another_one_s_publisher() {
    let mut stage = Stage::new();
    let live = stage.relay_has_media_of(camera(1));
    let apart = SessionId::random();
    stage.claims(apart, camera(1), LINK, None).unwrap();
    stage.relay_cannot_answer(live);
    assert!(!stage.room.is_empty());
    stage.relay_has_media_of(camera(2));
    assert_eq!(stage.room.proved(apart), Err(Error::RoomTaken));
    assert_eq!(stage.room.proved(apart), Err(Error::UnknownSession));
}

#[test]
fn so_many_wait_apart_and_no_more() {
    let mut stage = Stage::new();
    stage.relay_has_media_of(camera(1));
    let claims: Vec<_> = (0..20)
        .map(|_| stage.claims(SessionId::random(), camera(1), LINK, None))
        .collect();
    assert_eq!(claims.iter().filter(|claim| claim.is_ok()).count(), 8);
    assert_eq!(claims[19], Err(Error::RoomTaken));
}

#[test]
fn another_publisher_waits_until_the_one_before_has_fallen_silent() {
    let mut stage = Stage::new();
    let live = stage.relay_has_media_of(camera(1));
    let (first, told) = stage.waits_for_room(camera(2));
    assert!(told.is_empty());
    assert!(stage.relay_sends(live, true).is_empty());
    let told = stage.relay_sends(live, false);
    assert!(matches!(told[..], [Action::Free(request)] if request == first));

    stage.relay_sends(live, true);
    let (second, _) = stage.waits_for_room(camera(2));
    let told = stage.relay_cannot_answer(live);
    assert!(matches!(told[..], [Action::Free(request)] if request == second));
    assert!(stage.room.is_empty());
}

#[test]
fn whoever_waits_for_a_room_can_go_and_so_many_wait() {
    let mut stage = Stage::new();
    stage.relay_has_media_of(camera(1));
    let waiting: Vec<_> = (0..8).map(|_| stage.waits_for_room(camera(2)).0).collect();
    let request = stage.request();
    let refused = stage.room.wait_for_room(request, camera(2));
    assert_eq!(refused.unwrap_err(), Error::RoomTaken);
    assert_eq!(stage.room.give_up(waiting[0]), GivenUp::Withdrawn);
    stage.room.withdraw(waiting[1], &stage.limits, stage.now);
    assert_eq!(stage.room.waiting(), 6);
}

#[test]
fn a_certificate_s_hash_takes_no_viewers_from_a_camera_that_waits_for_them() {
    let mut stage = Stage::new();
    stage.offers_as(camera(1)).unwrap();
    let apart = stage.claims(SessionId::random(), camera(1), LINK, None);
    assert_eq!(apart, Ok(Entrance::OnceProved));
    assert!(is_direct(&stage.comes(Wants::Direct).unwrap()));
}

#[test]
fn who_holds_the_key_takes_the_room_at_once() {
    let mut stage = Stage::new();
    stage.relay_has_media_of(Publisher::Key);
    let session = SessionId::random();
    let claimed = stage.claims(session, Publisher::Key, LINK, None);
    assert_eq!(claimed, Ok(Entrance::AtOnce));
}
