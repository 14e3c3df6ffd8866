//! Who takes a camera's offer and does not answer it.

use super::relayed::{is_direct, is_relayed, takes};
use super::*;

const ONE: OfferTerms = OfferTerms {
    direct: 1,
    relay: true,
    admission: Admission::Link,
};
const STRANGERS: u8 = 20;

impl Stage {
    fn comes_from(&mut self, address: IpAddr, wants: Wants) -> (RequestId, Vec<Action>) {
        let (request, now) = (self.request(), self.now);
        let visitor = Visitor {
            from: Neighbourhood::of(address),
            ..wanting(wants)
        };
        let viewed = self
            .room
            .view(request, visitor, holds(&self.shares), &self.limits, now);
        (request, viewed.unwrap())
    }

    /// As many strangers as there are wait for the camera's next offers.
    fn strangers_wait(&mut self) {
        self.limits.waiting = 64;
        for stranger in 0..STRANGERS {
            self.comes_from(stranger_s(stranger), Wants::Direct);
        }
    }
}

fn stranger_s(number: u8) -> IpAddr {
    Ipv4Addr::new(198, 51, 100, number).into()
}

fn spends(actions: &[Action], camera: RequestId) -> bool {
    let spent = |a: &Action| matches!(a, Action::Spent(request) if *request == camera);
    actions.iter().any(spent)
}

#[test]
fn an_offer_that_is_not_answered_is_taken_back_in_a_second_while_others_wait() {
    for wants in [Wants::Direct, Wants::DirectOrRelay, Wants::Relay] {
        let mut stage = Stage::new();
        let (camera, _) = stage.offers(ONE);
        assert!(is_direct(&stage.comes_from(AWAY, Wants::Direct).1));
        assert!(stage.comes(wants).unwrap().is_empty());
        let due = stage.room.next_deadline(&stage.limits).unwrap();
        assert_eq!(due - stage.now, Duration::from_secs(1));
        assert!(spends(&stage.pass(1), camera), "{wants:?}");
        let (next, actions) = stage.offers(ONE);
        let is_served = match wants {
            Wants::Relay => takes(&actions, next),
            Wants::Direct | Wants::DirectOrRelay => is_direct(&actions),
        };
        assert!(is_served, "{wants:?}: {actions:?}");
    }
}

#[test]
fn who_answers_is_not_hurried_and_neither_is_who_keeps_nobody_waiting() {
    let mut stage = Stage::new();
    stage.offers(ONE);
    let (_, actions) = stage.comes_from(AWAY, Wants::Direct);
    let [Action::CounterOffer(_, CounterOffer { session, .. })] = actions[..] else {
        panic!("expected a counter-offer, got {actions:?}");
    };
    assert!(stage.pass(3).is_empty());
    stage.answer(session).unwrap();
    assert!(stage.comes(Wants::Direct).unwrap().is_empty());
    assert!(stage.pass(3).is_empty());
}

#[test]
fn who_has_not_answered_is_not_given_the_next_offer_at_once() {
    let mut stage = Stage::new();
    stage.offers(ONE);
    stage.comes_from(AWAY, Wants::Direct);
    stage.comes(Wants::Relay).unwrap();
    stage.pass(1);
    let (again, _) = stage.comes_from(AWAY, Wants::Direct);
    let (camera, actions) = stage.offers(ONE);
    assert!(takes(&actions, camera));
    stage.relay_has(Some(ONE));
    assert!(stage.offers(ONE).1.is_empty(), "it is not for that one");
    let actions = stage.pass(4);
    assert!(
        matches!(&actions[..], [Action::CounterOffer(request, _)] if *request == again),
        "{actions:?}"
    );
}

#[test]
fn the_relay_has_the_next_offer_when_somebody_needs_it_however_many_came_before() {
    let mut stage = Stage::new();
    stage.strangers_wait();
    let (first, actions) = stage.offers(ONE);
    assert!(is_direct(&actions));
    assert!(stage.comes(Wants::Relay).unwrap().is_empty());
    assert!(spends(&stage.pass(1), first));
    let (next, actions) = stage.offers(ONE);
    assert!(takes(&actions, next));
    let (_, actions) = stage.relay_has(Some(ONE));
    assert!(is_relayed(&actions));
    assert!(is_relayed(&stage.comes(Wants::Relay).unwrap()));
}

#[test]
fn strangers_leave_places_to_wait_in_to_others() {
    let mut stage = Stage::new();
    stage.limits.waiting = 64;
    let come = |stage: &mut Stage, stranger| {
        let (request, now) = (stage.request(), stage.now);
        let visitor = Visitor {
            from: Neighbourhood::of(stranger_s(stranger)),
            ..wanting(Wants::Direct)
        };
        let holds = holds(&stage.shares);
        stage.room.view(request, visitor, holds, &stage.limits, now)
    };
    let first = (0..64).map(|_| come(&mut stage, 0));
    let refused: Vec<_> = first.filter_map(Result::err).collect();
    assert_eq!(refused, vec![Error::AddressFull; 32]);
    for _ in 0..8 {
        (1..STRANGERS).for_each(|stranger| drop(come(&mut stage, stranger)));
    }
    assert!(stage.room.viewers.len() < 64);
    assert!(come(&mut stage, STRANGERS).is_ok());
}

#[test]
fn few_offers_are_spent_on_strangers_however_many_they_are() {
    let mut stage = Stage::new();
    stage.strangers_wait();
    let spent = (0..STRANGERS).filter(|_| {
        let (_, actions) = stage.offers(ONE);
        let [Action::CounterOffer(_, CounterOffer { session, .. })] = actions[..] else {
            return false;
        };
        let (limits, now) = (&stage.limits, stage.now);
        stage.room.delete(session, limits, now).is_ok()
    });
    assert_eq!(spent.count(), 4);
    // What waits is the relay's.
    let actions = stage.comes_from(HOME, Wants::DirectOrRelay).1;
    assert!(matches!(actions[..], [Action::Taken(..)]), "{actions:?}");
}
