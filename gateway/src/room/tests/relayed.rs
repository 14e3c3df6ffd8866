//! Who gets which path: the table of design section 2.

use super::*;

/// A camera that serves one viewer itself.
const ONE: OfferTerms = OfferTerms {
    direct: 1,
    relay: true,
    admission: Admission::Link,
};
const STRICT: OfferTerms = OfferTerms {
    direct: 1,
    relay: false,
    admission: Admission::Link,
};

impl Stage {
    pub(super) fn offers(&mut self, terms: OfferTerms) -> (RequestId, Vec<Action>) {
        let (request, limits, now) = (self.request(), &self.limits, self.now);
        let shares = self.shares.clone();
        let published = self.room.publish(
            request,
            offered(&shares, Publisher::Key, offer(), terms),
            limits,
            now,
        );
        (request, published.unwrap())
    }

    pub(super) fn comes(&mut self, wants: Wants) -> Result<Vec<Action>, Error> {
        let request = self.request();
        self.room.view(
            request,
            wanting(wants),
            holds(&self.shares),
            &self.limits,
            self.now,
        )
    }

    pub(super) fn claims(
        &mut self,
        session: SessionId,
        publisher: Publisher,
        admission: Admission,
        terms: Option<OfferTerms>,
    ) -> Result<Entrance, Error> {
        let (entrance, actions) = self.claims_and_tells(session, publisher, admission, terms);
        assert!(actions.is_empty(), "{actions:?}");
        entrance
    }

    /// The same, where viewers may be told something.
    pub(super) fn claims_and_tells(
        &mut self,
        session: SessionId,
        publisher: Publisher,
        admission: Admission,
        terms: Option<OfferTerms>,
    ) -> (Result<Entrance, Error>, Vec<Action>) {
        let (limits, now) = (&self.limits, self.now);
        let admitted = (publisher, admission);
        self.room.claim(session, admitted, terms, limits, now)
    }

    pub(super) fn relay_has(&mut self, terms: Option<OfferTerms>) -> (SessionId, Vec<Action>) {
        let session = SessionId::random();
        self.claims(session, Publisher::Key, Admission::Link, terms)
            .unwrap();
        let actions = self.room.relay_ready(session, &self.limits, self.now);
        (session, actions)
    }
}

pub(super) fn is_relayed(actions: &[Action]) -> bool {
    matches!(actions, [Action::Relayed(_)])
}

pub(super) fn is_direct(actions: &[Action]) -> bool {
    matches!(actions, [Action::CounterOffer(..)])
}

pub(super) fn is_refused(actions: &[Action], with: Error) -> bool {
    matches!(actions, [Action::Refused(_, error)] if *error == with)
}

pub(super) fn takes(actions: &[Action], camera: RequestId) -> bool {
    matches!(actions, [Action::Taken(request, ..)] if *request == camera)
}

#[test]
fn direct_and_direct_meet_and_beyond_the_limit_the_relay_takes_the_next_offer() {
    let mut stage = Stage::new();
    stage.offers(ONE);
    assert!(is_direct(&stage.comes(Wants::DirectOrRelay).unwrap()));
    let (second, _) = stage.offers(ONE);
    assert!(takes(&stage.comes(Wants::DirectOrRelay).unwrap(), second));
    let (_, actions) = stage.relay_has(Some(ONE));
    assert!(is_relayed(&actions));
}

#[test]
fn a_camera_that_serves_all_it_can_already_has_only_the_relay_for_who_comes() {
    let mut stage = Stage::new();
    let (camera, _) = stage.offers(OfferTerms { direct: 0, ..ONE });
    assert!(takes(&stage.comes(Wants::DirectOrRelay).unwrap(), camera));
    let (_, actions) = stage.relay_has(Some(OfferTerms { direct: 0, ..ONE }));
    assert!(is_relayed(&actions));
}

#[test]
fn a_viewer_that_says_nothing_gets_the_relay_which_takes_a_waiting_offer() {
    let mut stage = Stage::new();
    let (camera, _) = stage.offers(ONE);
    assert!(takes(&stage.comes(Wants::Relay).unwrap(), camera));
    // Others wait for the same answer; the relay takes no second offer.
    stage.offers(ONE);
    assert!(stage.comes(Wants::Relay).unwrap().is_empty());
    let (_, actions) = stage.relay_has(Some(ONE));
    assert_eq!(actions.len(), 2);
    assert!(actions.iter().all(|a| matches!(a, Action::Relayed(_))));
}

#[test]
fn an_offer_that_the_relay_takes_keeps_its_place_so_that_it_cannot_be_refused_one() {
    let mut stage = Stage::new();
    stage.offers(ONE);
    let actions = stage.comes(Wants::Relay).unwrap();
    assert!(matches!(actions[..], [Action::Taken(..)]));
    assert_eq!(stage.shares.taken(), 2 * PLACE, "its own, and the viewer's");
    drop(actions);
    assert_eq!(stage.shares.taken(), PLACE);
}

#[test]
fn whoever_publishes_to_the_relay_is_there_for_any_viewer() {
    let mut stage = Stage::new();
    assert!(stage.comes(Wants::DirectOrRelay).unwrap().is_empty());
    let (_, actions) = stage.relay_has(None);
    assert!(is_relayed(&actions));
    assert!(is_relayed(&stage.comes(Wants::Relay).unwrap()));
    assert!(is_relayed(&stage.comes(Wants::DirectOrRelay).unwrap()));
}

#[test]
fn who_insists_on_a_direct_path_is_refused_where_there_is_none() {
    let mut stage = Stage::new();
    assert!(stage.comes(Wants::Direct).unwrap().is_empty());
    let (_, actions) = stage.relay_has(None);
    assert!(is_refused(&actions, Error::RelayOnly));
    let actions = stage.comes(Wants::Direct).unwrap();
    assert!(is_refused(&actions, Error::RelayOnly));

    // A camera that has a direct path makes its next offer in time.
    let mut stage = Stage::new();
    stage.relay_has(Some(ONE));
    assert!(stage.comes(Wants::Direct).unwrap().is_empty());
    assert!(is_direct(&stage.offers(ONE).1));
}

#[test]
fn a_strict_camera_is_never_given_to_the_relay() {
    let mut stage = Stage::new();
    assert!(stage.comes(Wants::Relay).unwrap().is_empty());
    let (_, actions) = stage.offers(STRICT);
    assert!(is_refused(&actions, Error::DirectOnly));
    let actions = stage.comes(Wants::Relay).unwrap();
    assert!(is_refused(&actions, Error::DirectOnly));
    assert!(is_direct(&stage.comes(Wants::DirectOrRelay).unwrap()));
    stage.offers(STRICT);
    assert!(stage.comes(Wants::DirectOrRelay).unwrap().is_empty());
}

#[test]
fn who_wants_it_direct_waits_a_moment_for_the_camera_s_next_offer() {
    let mut stage = Stage::new();
    stage.offers(ONE);
    stage.comes(Wants::Relay).unwrap();
    stage.relay_has(Some(ONE));
    assert!(stage.comes(Wants::DirectOrRelay).unwrap().is_empty());
    assert!(is_direct(&stage.offers(ONE).1));

    let mut stage = Stage::new();
    stage.offers(ONE);
    stage.comes(Wants::Relay).unwrap();
    stage.relay_has(Some(ONE));
    assert!(stage.comes(Wants::DirectOrRelay).unwrap().is_empty());
    assert!(is_relayed(&stage.pass(1)));
}

#[test]
fn an_offer_that_the_relay_was_given_and_whose_camera_is_gone_is_replaced_by_the_next() {
    let mut stage = Stage::new();
    let (first, _) = stage.offers(ONE);
    assert!(takes(&stage.comes(Wants::Relay).unwrap(), first));
    let (second, actions) = stage.offers(ONE);
    assert!(actions.is_empty());
    let actions = stage.room.withdraw(first, &stage.limits, stage.now);
    assert!(takes(&actions, second));
}

#[test]
fn one_who_leaves_makes_room_for_one_who_waits_for_a_direct_path() {
    let mut stage = Stage::new();
    stage.offers(STRICT);
    let actions = stage.comes(Wants::Direct).unwrap();
    let [Action::CounterOffer(_, CounterOffer { session, .. })] = actions[..] else {
        panic!("expected a counter-offer, got {actions:?}");
    };
    stage.answer(session).unwrap();
    stage.offers(STRICT);
    assert!(stage.comes(Wants::Direct).unwrap().is_empty());
    let actions = stage
        .room
        .delete(session, &stage.limits, stage.now)
        .unwrap();
    assert!(
        actions
            .iter()
            .any(|a| matches!(a, Action::CounterOffer(..)))
    );
}

#[test]
fn another_publisher_gets_the_room_only_when_the_relay_s_is_silent() {
    let mut stage = Stage::new();
    let (first, _) = stage.relay_has(None);
    let other = || Publisher::Certificates(vec![]);
    let second = SessionId::random();
    let refused = stage.claims(second, other(), Admission::Link, None);
    assert_eq!(refused.unwrap_err(), Error::RoomTaken);
    stage.relay_sends(first, false);
    let claimed = stage.claims(second, other(), Admission::Link, None);
    assert!(claimed.is_ok());
    // The first one's end is no end of the second.
    stage.room.relay_left(first, &stage.limits, stage.now);
    assert!(!stage.room.is_empty());
    stage.room.relay_left(second, &stage.limits, stage.now);
    assert!(stage.room.is_empty());
}

#[test]
fn who_waits_for_a_camera_that_has_gone_is_told_that_only_the_relay_is_left() {
    let mut stage = Stage::new();
    stage.offers(STRICT);
    stage.relay_has(None);
    assert!(is_direct(&stage.comes(Wants::Direct).unwrap()));
    let (second, _) = stage.offers(STRICT);
    assert!(stage.comes(Wants::Direct).unwrap().is_empty());
    assert_eq!(stage.room.give_up(second), GivenUp::Withdrawn);
    let actions = stage.room.withdraw(second, &stage.limits, stage.now);
    assert!(
        matches!(actions[..], [Action::Refused(_, Error::RelayOnly)]),
        "{actions:?}"
    );
}
