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
        let published = self
            .room
            .publish(request, publisher, offer(), RELAYED, limits, now);
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
    assert_eq!(claimed, Ok(()));
}

#[test]
fn a_certificate_s_hash_takes_nothing_from_who_has_proved_the_certificate() {
    let mut stage = Stage::new();
    let live = stage.relay_has_media_of(camera(1));
    let copied = SessionId::random();
    let refused = stage.claims(copied, camera(1), LINK, None);
    assert_eq!(refused, Err(Error::RoomTaken));
    assert!(is_relayed(&stage.comes(Wants::Relay).unwrap()));
    // What has fallen silent can be replaced, and by its own publisher.
    stage.relay_sends(live, false);
    assert_eq!(stage.claims(copied, camera(1), LINK, None), Ok(()));
}

#[test]
fn a_certificate_s_hash_takes_no_viewers_from_a_camera_that_waits_for_them() {
    let mut stage = Stage::new();
    stage.offers_as(camera(1)).unwrap();
    let refused = stage.claims(SessionId::random(), camera(1), LINK, None);
    assert_eq!(refused, Err(Error::RoomTaken));
    assert!(is_direct(&stage.comes(Wants::Direct).unwrap()));
}

#[test]
fn who_holds_the_key_takes_the_room_at_once() {
    let mut stage = Stage::new();
    stage.relay_has_media_of(Publisher::Key);
    let session = SessionId::random();
    assert_eq!(stage.claims(session, Publisher::Key, LINK, None), Ok(()));
}
