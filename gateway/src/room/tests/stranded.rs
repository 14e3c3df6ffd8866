//! Viewers whose publisher is gone go on with the next offer, without asking for it.

use super::relayed::{is_direct, is_relayed, takes};
use super::*;

const TERMS: OfferTerms = OfferTerms {
    direct: 1,
    relay: true,
    admission: Admission::Link,
};

impl Stage {
    /// A relay that has a camera's media, and viewers.
    fn relay_is_watched(&mut self) -> SessionId {
        self.offers(TERMS);
        self.comes(Wants::Relay).unwrap();
        let (session, _) = self.relay_has(Some(TERMS));
        self.relay_sends(session, true);
        let actions = self.watched(true);
        assert!(actions.is_empty(), "{actions:?}");
        session
    }

    fn watched(&mut self, is_watched: bool) -> Vec<Action> {
        let (limits, now) = (&self.limits, self.now);
        self.room.relay_watched(is_watched, limits, now)
    }

    fn offers_of_another_process(&mut self) -> (RequestId, Vec<Action>) {
        let (request, limits, now) = (self.request(), &self.limits, self.now);
        let sdp = sdp("sendonly", "camr").replace("AB", "CD");
        let offer = PublisherOffer::parse(&sdp).unwrap().into_sdp();
        let offered = offered(&self.shares, Publisher::Key, offer, TERMS);
        let published = self.room.publish(request, offered, limits, now);
        (request, published.unwrap())
    }
}

#[test]
fn the_relay_s_viewers_go_on_with_the_next_offer_of_a_camera_that_has_gone() {
    let mut stage = Stage::new();
    let session = stage.relay_is_watched();
    let (waiting, actions) = stage.offers(TERMS);
    assert!(actions.is_empty(), "all is well");
    assert!(stage.relay_sends(session, false).is_empty(), "it may go on");
    let actions = stage.room.relay_left(session, &stage.limits, stage.now);
    assert!(takes(&actions, waiting));
}

#[test]
fn and_one_that_is_silent_and_makes_a_new_offer_has_lost_them() {
    let mut stage = Stage::new();
    let session = stage.relay_is_watched();
    stage.relay_sends(session, false);
    let (fresh, actions) = stage.offers(TERMS);
    assert!(takes(&actions, fresh));
    // Its request is gone before the relay has the offer: nothing has changed.
    stage.room.withdraw(fresh, &stage.limits, stage.now);
    assert!(stage.relay_sends(session, true).is_empty());
    assert!(stage.offers(TERMS).1.is_empty());
}

#[test]
fn another_process_of_the_camera_is_there_before_the_first_is_known_to_be_silent() {
    let mut stage = Stage::new();
    let session = stage.relay_is_watched();
    let (waiting, actions) = stage.offers_of_another_process();
    assert!(actions.is_empty(), "the first one sends");
    assert!(takes(&stage.relay_sends(session, false), waiting));
}

#[test]
fn nor_is_its_silence_waited_for_when_it_has_lost_its_event_stream() {
    let mut stage = Stage::new();
    let session = stage.relay_is_watched();
    stage.room.stream_opened(session).unwrap();
    let (waiting, actions) = stage.offers_of_another_process();
    assert!(actions.is_empty(), "the first one listens");
    assert!(takes(&stage.closes(session), waiting));
}

#[test]
fn a_camera_that_has_lost_its_event_stream_for_a_moment_goes_on() {
    let mut stage = Stage::new();
    let session = stage.relay_is_watched();
    stage.room.stream_opened(session).unwrap();
    assert!(stage.closes(session).is_empty());
    assert!(stage.offers(TERMS).1.is_empty(), "it sends");
}

#[test]
fn nobody_is_stranded_where_nobody_watches() {
    let mut stage = Stage::new();
    let session = stage.relay_is_watched();
    assert!(!stage.room.is_empty());
    stage.watched(false);
    stage.relay_sends(session, false);
    assert!(stage.offers(TERMS).1.is_empty());
    let actions = stage.room.relay_left(session, &stage.limits, stage.now);
    assert!(actions.is_empty());
}

#[test]
fn a_viewer_that_asks_has_the_offer_before_those_who_do_not() {
    let mut stage = Stage::new();
    let session = stage.relay_is_watched();
    assert!(stage.comes(Wants::Direct).unwrap().is_empty());
    stage.relay_sends(session, false);
    assert!(is_direct(&stage.offers(TERMS).1));
}

#[test]
fn who_comes_when_the_camera_is_away_waits_for_an_offer_of_its_own() {
    let mut stage = Stage::new();
    let session = stage.relay_is_watched();
    stage.relay_sends(session, false);
    assert!(stage.comes(Wants::DirectOrRelay).unwrap().is_empty());
    assert!(stage.comes(Wants::DirectOrRelay).unwrap().is_empty());
    assert!(stage.pass(10).is_empty(), "there is nothing to see there");
    assert!(is_direct(&stage.offers(TERMS).1));
    let (second, actions) = stage.offers(TERMS);
    assert!(takes(&actions, second), "it serves one");
}

#[test]
fn and_goes_to_the_relay_when_the_camera_sends_on() {
    let mut stage = Stage::new();
    let session = stage.relay_is_watched();
    stage.relay_sends(session, false);
    assert!(stage.comes(Wants::DirectOrRelay).unwrap().is_empty());
    assert!(stage.pass(10).is_empty());
    assert!(is_relayed(&stage.relay_sends(session, true)));
}

#[test]
fn a_viewer_is_told_at_once_when_its_camera_s_process_is_another() {
    let mut stage = Stage::new();
    stage.offers(TERMS);
    let met = stage.comes(Wants::Direct).unwrap();
    let [Action::CounterOffer(_, counter_offer)] = &met[..] else {
        panic!("expected a counter-offer, got {met:?}");
    };
    let viewer = counter_offer.session;
    let camera = stage.answer(viewer).unwrap().session;
    stage.room.stream_opened(camera).unwrap();
    let outbox = stage.room.outbox(viewer).unwrap();
    let stream = outbox.add_stream(EventKind::FOR_VIEWERS.into()).unwrap();
    let is_told = || {
        let mut seen = 0;
        std::iter::from_fn(|| match outbox.read(stream, seen) {
            Read::Entry(entry) => {
                seen = entry.id;
                Some(entry.event)
            }
            Read::Nothing | Read::Ended => None,
        })
        .any(|event| event == Event::Inactive)
    };
    stage.offers_of_another_process();
    assert!(!is_told(), "the first one is still here");
    stage.closes(camera);
    stage.offers(TERMS);
    assert!(!is_told(), "it may only have lost the stream");
    stage.offers_of_another_process();
    assert!(is_told());
}
