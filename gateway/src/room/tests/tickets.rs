//! A camera that asks its viewers for tickets: whoever has none gets nothing of it, on
//! neither path, and is told at once.

use super::relayed::{is_direct, is_refused, is_relayed, takes};
use super::*;

/// A camera that asks for tickets.
const TICKETS: OfferTerms = OfferTerms {
    direct: 8,
    relay: true,
    admission: Admission::Ticket,
};
const OPEN: OfferTerms = OfferTerms {
    admission: Admission::Link,
    ..TICKETS
};
const WISHES: [Wants; 3] = [Wants::Direct, Wants::DirectOrRelay, Wants::Relay];

impl Stage {
    fn comes_with_a_ticket(&mut self, wants: Wants) -> Vec<Action> {
        let (place, ticket) = (self.request(), Ok(()));
        let visitor = Visitor {
            ticket,
            ..wanting(wants)
        };
        let viewed = self
            .room
            .view(place, visitor, holds(&self.shares), &self.limits, self.now);
        viewed.unwrap()
    }

    fn relay_has_one_that_asks_for_tickets(&mut self) -> (SessionId, Vec<Action>) {
        let session = SessionId::random();
        self.claims(session, Publisher::Key, Admission::Ticket, None)
            .unwrap();
        let actions = self.room.relay_ready(session, &self.limits, self.now);
        (session, actions)
    }
}

#[test]
fn whoever_has_none_is_refused_and_the_offer_goes_on_waiting() {
    let mut stage = Stage::new();
    let (camera, _) = stage.offers(TICKETS);
    for wants in WISHES {
        let refused = stage.comes(wants).unwrap();
        assert!(is_refused(&refused, Error::NoTicket), "{wants:?}");
    }
    assert!(takes(&stage.comes_with_a_ticket(Wants::Relay), camera));
    stage.offers(TICKETS);
    assert!(is_direct(&stage.comes_with_a_ticket(Wants::Direct)));
}

#[test]
fn whoever_waits_without_one_is_refused_when_such_a_camera_comes_and_the_rest_meet_it() {
    for wants in WISHES {
        let mut stage = Stage::new();
        assert!(stage.comes(wants).unwrap().is_empty());
        assert!(stage.comes_with_a_ticket(Wants::Direct).is_empty());
        let (_, actions) = stage.offers(TICKETS);
        assert!(is_refused(&actions[..1], Error::NoTicket), "{actions:?}");
        assert!(is_direct(&actions[1..]), "{actions:?}");
    }
}

#[test]
fn what_the_relay_has_of_such_a_publisher_takes_a_ticket_as_well() {
    let mut stage = Stage::new();
    assert!(stage.comes(Wants::Relay).unwrap().is_empty());
    let (session, actions) = stage.relay_has_one_that_asks_for_tickets();
    assert!(is_refused(&actions, Error::NoTicket));
    assert!(is_relayed(&stage.comes_with_a_ticket(Wants::Relay)));
    // It is silent, but what it sends next is as little for everyone.
    stage.relay_sends(session, false);
    let refused = stage.comes(Wants::Relay).unwrap();
    assert!(is_refused(&refused, Error::NoTicket));
    stage.room.relay_left(session, &stage.limits, stage.now);
    assert!(stage.comes(Wants::Relay).unwrap().is_empty());
}

#[test]
fn an_offer_in_the_relay_s_hands_is_as_little_for_everyone() {
    let mut stage = Stage::new();
    let (camera, _) = stage.offers(TICKETS);
    assert!(takes(&stage.comes_with_a_ticket(Wants::Relay), camera));
    let refused = stage.comes(Wants::Relay).unwrap();
    assert!(is_refused(&refused, Error::NoTicket));
}

#[test]
fn of_two_publishers_of_one_key_the_stricter_decides_until_it_is_gone() {
    let mut stage = Stage::new();
    let (strict, _) = stage.offers(TICKETS);
    stage.offers(OPEN);
    let refused = stage.comes(Wants::Direct).unwrap();
    assert!(is_refused(&refused, Error::NoTicket));
    stage.room.withdraw(strict, &stage.limits, stage.now);
    assert!(is_direct(&stage.comes(Wants::Direct).unwrap()));

    // By way of the relay, which a publisher takes from another at once.
    let mut stage = Stage::new();
    let open = SessionId::random();
    let link = Admission::Link;
    stage.claims(open, Publisher::Key, link, None).unwrap();
    stage.room.relay_ready(open, &stage.limits, stage.now);
    assert!(is_relayed(&stage.comes(Wants::Relay).unwrap()));
    stage.relay_has_one_that_asks_for_tickets();
    let refused = stage.comes(Wants::Relay).unwrap();
    assert!(is_refused(&refused, Error::NoTicket));
    stage.claims(open, Publisher::Key, link, None).unwrap();
    stage.room.relay_ready(open, &stage.limits, stage.now);
    assert!(is_relayed(&stage.comes(Wants::Relay).unwrap()));
}

#[test]
fn what_was_wrong_with_a_ticket_is_told_only_where_it_matters() {
    let error = Error::BadToken(sightline_spec::token::TokenError::Malformed);
    let visitor = Visitor {
        ticket: Err(error.clone()),
        ..wanting(Wants::Direct)
    };
    let mut stage = Stage::new();
    for (terms, refused) in [(OPEN, false), (TICKETS, true)] {
        stage.offers(terms);
        let (place, limits, now) = (stage.request(), stage.limits.clone(), stage.now);
        let actions = stage
            .room
            .view(place, visitor.clone(), holds(&stage.shares), &limits, now);
        let actions = actions.unwrap();
        assert_eq!(is_refused(&actions, error.clone()), refused);
        assert_eq!(is_direct(&actions), !refused);
    }
}
