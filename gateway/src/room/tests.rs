//! The room's rules, one by one and under arbitrary sequences.

use std::net::Ipv4Addr;
use std::sync::Arc;

use sightline_spec::event::EventKind;
use sightline_spec::sdp::PublisherOffer;
use sightline_spec::token::Admission;

use super::*;
use crate::events::Read;
use crate::shares::Shares;
use crate::testing::stage::sdp;

mod invariants;
mod patience;
mod relayed;
mod stranded;
mod takeovers;
mod tickets;
mod trickle;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Where somebody else is.
const AWAY: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
/// Every camera's, where there is no relay.
const DIRECT: OfferTerms = OfferTerms {
    direct: usize::MAX,
    relay: false,
    admission: Admission::Link,
};
/// What a place counts for, so that no bytes are taken for one.
const PLACE: usize = 1 << 32;
const MUCH: usize = 1 << 48;
const FREE: Precondition = Precondition::Missing { required: false };

pub(super) fn limits() -> Limits {
    Limits {
        waiting: 3,
        candidates: CandidateLimits {
            count: 4,
            bytes: 4096,
        },
        answer_within: Duration::from_secs(15),
        event_grace: Duration::from_secs(3),
        idle: Duration::from_secs(30),
        linger: Duration::from_secs(30),
    }
}

pub(super) fn offer() -> Sdp {
    let offer = PublisherOffer::parse(&sdp("sendonly", "camr")).unwrap();
    offer.into_sdp()
}

pub(super) fn answer() -> ViewerAnswer {
    ViewerAnswer::parse(&sdp("recvonly", "view")).unwrap()
}

pub(super) fn fragment(ufrag: &str, port: u16) -> SdpFrag {
    let text = format!(
        "a=ice-ufrag:{ufrag}\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa\r\n\
         m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n\
         a=candidate:1 1 UDP 5 192.0.2.1 {port} typ host\r\n"
    );
    text.parse().unwrap()
}

/// A camera's offer as it comes.
fn offered(shares: &Arc<Shares>, publisher: Publisher, sdp: Sdp, terms: OfferTerms) -> Offered {
    let holds = holds(shares);
    Offered {
        publisher,
        sdp,
        terms,
        from: Neighbourhood::of(HOME),
        holds,
    }
}

/// What each party has.
fn holds(shares: &Arc<Shares>) -> Holds {
    Holds {
        _place: shares.take([], PLACE).unwrap(),
        memory: shares.take([], 0).unwrap(),
    }
}

/// A viewer that has no ticket.
fn wanting(wants: Wants) -> Visitor {
    Visitor {
        wants,
        ticket: Err(Error::NoTicket),
        from: Neighbourhood::of(HOME),
    }
}

/// A room, its clock, and short words for what happens to it.
struct Stage {
    room: Room,
    limits: Limits,
    now: Instant,
    requests: u64,
    /// Places by the [`PLACE`], and bytes.
    shares: Arc<Shares>,
}

impl Stage {
    fn new() -> Self {
        Self {
            room: Room::default(),
            limits: limits(),
            now: Instant::now(),
            requests: 0,
            shares: Shares::new(MUCH),
        }
    }

    fn request(&mut self) -> RequestId {
        self.requests += 1;
        RequestId(self.requests)
    }

    /// An event stream closes.
    fn closes(&mut self, session: SessionId) -> Vec<Action> {
        let (limits, now) = (&self.limits, self.now);
        self.room.stream_closed(session, limits, now)
    }

    fn publish(&mut self) -> (RequestId, Vec<Action>) {
        let (request, shares) = (self.request(), self.shares.clone());
        let (limits, now) = (&self.limits, self.now);
        let published = self.room.publish(
            request,
            offered(&shares, Publisher::Key, offer(), DIRECT),
            limits,
            now,
        );
        (request, published.unwrap())
    }

    fn view(&mut self) -> (RequestId, Vec<Action>) {
        let request = self.request();
        let viewed = self.room.view(
            request,
            wanting(Wants::Direct),
            holds(&self.shares),
            &self.limits,
            self.now,
        );
        (request, viewed.unwrap())
    }

    fn answer(&mut self, session: SessionId) -> Result<Answered, Error> {
        let answered = self.room.answer(session, &FREE, &answer(), HOME, self.now);
        answered.map(|action| match action {
            Action::Answered(_, answered) => answered,
            other => panic!("expected an answer, got {other:?}"),
        })
    }

    fn trickle(&mut self, session: SessionId, fragment: SdpFrag) -> Result<(), Error> {
        self.room.touch(session, self.now)?;
        self.room
            .trickle(session, &FREE, fragment, HOME, &self.limits)
    }

    fn pass(&mut self, seconds: u64) -> Vec<Action> {
        self.now += Duration::from_secs(seconds);
        self.room.expire(&self.limits, self.now)
    }

    /// A camera and a viewer that met: the camera's request, the viewer's session.
    fn met(&mut self) -> (RequestId, SessionId) {
        let (camera, _) = self.publish();
        let (_, actions) = self.view();
        (camera, counter_offer(&actions).session)
    }

    fn established(&mut self) -> (SessionId, SessionId) {
        let (_, viewer) = self.met();
        (self.answer(viewer).unwrap().session, viewer)
    }

    fn events(&self, session: SessionId) -> Vec<Event> {
        let outbox = self.room.outbox(session).unwrap();
        let mut kinds = EventKind::FOR_VIEWERS.to_vec();
        kinds.extend(EventKind::FOR_CAMERAS);
        let stream = outbox.add_stream(kinds).unwrap();
        let (mut seen, mut events) = (0, Vec::new());
        while let Read::Entry(entry) = outbox.read(stream, seen) {
            seen = entry.id;
            events.push(entry.event);
        }
        outbox.remove_stream(stream);
        events
    }
}

fn counter_offer(actions: &[Action]) -> &CounterOffer {
    match actions {
        [Action::CounterOffer(_, counter_offer)] => counter_offer,
        other => panic!("expected one counter-offer, got {other:?}"),
    }
}

#[test]
fn either_side_may_come_first() {
    let mut stage = Stage::new();
    assert!(stage.publish().1.is_empty());
    assert_eq!(stage.view().1.len(), 1);
    assert!(stage.view().1.is_empty());
    assert_eq!(stage.publish().1.len(), 1);
}

#[test]
fn both_sides_are_served_in_order() {
    let mut stage = Stage::new();
    let (first, _) = stage.publish();
    let (second, _) = stage.publish();
    let mut answered = Vec::new();
    for _ in 0..2 {
        let (_, actions) = stage.view();
        let session = counter_offer(&actions).session;
        match stage
            .room
            .answer(session, &FREE, &answer(), HOME, stage.now)
        {
            Ok(Action::Answered(camera, _)) => answered.push(camera),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(answered, [first, second]);
}

#[test]
fn a_withdrawn_offer_is_never_handed_out() {
    let mut stage = Stage::new();
    let (camera, _) = stage.publish();
    assert!(
        stage
            .room
            .withdraw(camera, &stage.limits, stage.now)
            .is_empty()
    );
    assert!(stage.view().1.is_empty());
}

#[test]
fn a_viewer_that_is_gone_before_it_has_the_offer_spends_it() {
    let mut stage = Stage::new();
    let (camera, _) = stage.publish();
    let (viewer, _) = stage.view();
    let actions = stage.room.withdraw(viewer, &stage.limits, stage.now);
    assert!(matches!(actions[..], [Action::Spent(request)] if request == camera));
}

#[test]
fn an_answer_that_does_not_come_spends_the_offer() {
    let mut stage = Stage::new();
    let (camera, viewer) = stage.met();
    assert!(stage.pass(14).is_empty());
    let actions = stage.pass(1);
    assert!(matches!(actions[..], [Action::Spent(request)] if request == camera));
    assert_eq!(stage.answer(viewer).unwrap_err(), Error::OfferExpired);
    stage.pass(30);
    assert!(stage.room.is_empty());
}

#[test]
fn an_answer_is_late_from_the_moment_on_even_if_nobody_looked() {
    let mut stage = Stage::new();
    let (_, viewer) = stage.met();
    stage.now += Duration::from_secs(15);
    assert_eq!(stage.answer(viewer).unwrap_err(), Error::OfferExpired);
}

#[test]
fn a_second_answer_is_refused() {
    let mut stage = Stage::new();
    let (camera, viewer) = stage.established();
    assert_eq!(stage.answer(viewer).unwrap_err(), Error::AlreadyAnswered);
    assert_eq!(stage.answer(camera).unwrap_err(), Error::NoCounterOffer);
}

#[test]
fn an_answer_that_answers_something_else_leaves_the_offer_standing() {
    let mut stage = Stage::new();
    let (_, viewer) = stage.met();
    let other = sdp("recvonly", "view").replace("m=video", "m=audio");
    let other = ViewerAnswer::parse(&other).unwrap();
    let refused = stage.room.answer(viewer, &FREE, &other, HOME, stage.now);
    assert!(matches!(refused, Err(Error::BadSdp(_))));
    assert!(stage.answer(viewer).is_ok());
}

#[test]
fn a_camera_that_dies_with_its_offer_out_is_reported_to_the_viewer() {
    let mut stage = Stage::new();
    let (camera, viewer) = stage.met();
    stage.room.withdraw(camera, &stage.limits, stage.now);
    assert_eq!(stage.answer(viewer).unwrap_err(), Error::OfferExpired);
    assert!(stage.events(viewer).contains(&Event::Inactive));
}

#[test]
fn waiting_is_bounded_on_both_sides() {
    let mut stage = Stage::new();
    (0..3).for_each(|_| assert!(stage.publish().1.is_empty()));
    let (limits, now) = (stage.limits.clone(), stage.now);
    let (request, shares) = (stage.request(), stage.shares.clone());
    let fourth = stage.room.publish(
        request,
        offered(&shares, Publisher::Key, offer(), DIRECT),
        &limits,
        now,
    );
    assert_eq!(fourth.unwrap_err(), Error::RoomFull);

    let mut stage = Stage::new();
    (0..3).for_each(|_| assert!(stage.view().1.is_empty()));
    let request = stage.request();
    assert_eq!(
        stage
            .room
            .view(
                request,
                wanting(Wants::Direct),
                holds(&stage.shares),
                &limits,
                now
            )
            .unwrap_err(),
        Error::RoomFull
    );
}

#[test]
fn another_publisher_finds_the_room_taken_while_the_first_is_there() {
    let certificate = |byte: &str| {
        let value = format!("sha-256 {}", [byte; 32].join(":"));
        Publisher::Certificates(vec![Fingerprint::parse(&value).unwrap()])
    };
    let mut stage = Stage::new();
    let limits = stage.limits.clone();
    let publish = |stage: &mut Stage, byte: &str| {
        let (request, shares, now) = (stage.request(), stage.shares.clone(), stage.now);
        let published = stage.room.publish(
            request,
            offered(&shares, certificate(byte), offer(), DIRECT),
            &limits,
            now,
        );
        published.map(|_| request)
    };
    let first = publish(&mut stage, "AA").unwrap();
    assert!(publish(&mut stage, "AA").is_ok());
    assert_eq!(publish(&mut stage, "BB"), Err(Error::RoomTaken));

    // Handed out and answered; its event stream shows that it is there.
    let (_, actions) = stage.view();
    let camera = stage
        .answer(counter_offer(&actions).session)
        .unwrap()
        .session;
    stage.room.stream_opened(camera).unwrap();
    let second = stage.room.offers[0].request;
    assert_ne!(first, second);
    stage.room.withdraw(second, &stage.limits, stage.now);
    assert_eq!(publish(&mut stage, "BB"), Err(Error::RoomTaken));

    // Vanished without DELETE: nothing shows that it is there.
    stage.closes(camera);
    assert!(publish(&mut stage, "BB").is_ok());
}

#[test]
fn a_delete_tells_the_other_side_at_once_and_both_can_still_delete() {
    let mut stage = Stage::new();
    let (camera, viewer) = stage.established();
    stage.room.delete(viewer, &stage.limits, stage.now).unwrap();
    assert_eq!(stage.events(camera), [Event::Join, Event::Leave]);
    stage.room.delete(viewer, &stage.limits, stage.now).unwrap();
    stage.room.delete(camera, &stage.limits, stage.now).unwrap();
    assert!(stage.room.is_empty());

    let (camera, viewer) = stage.established();
    stage.room.delete(camera, &stage.limits, stage.now).unwrap();
    assert_eq!(stage.events(viewer).last(), Some(&Event::Inactive));
}

#[test]
fn a_silent_party_is_gone_after_its_grace_and_not_before() {
    let mut stage = Stage::new();
    let (camera, viewer) = stage.established();
    stage.room.stream_opened(camera).unwrap();
    stage.room.stream_opened(viewer).unwrap();
    stage.pass(10_000);
    stage.closes(viewer);
    stage.pass(2);
    stage.room.stream_opened(viewer).unwrap();
    stage.pass(10_000);
    assert_eq!(stage.events(camera), [Event::Join]);
    stage.closes(viewer);
    stage.pass(3);
    assert_eq!(stage.events(camera), [Event::Join, Event::Leave]);
}

#[test]
fn a_session_nobody_listens_to_ends_when_it_has_been_idle() {
    let mut stage = Stage::new();
    let (_, viewer) = stage.established();
    stage.pass(29);
    stage.trickle(viewer, fragment("view", 4001)).unwrap();
    stage.pass(29);
    assert!(!stage.room.is_empty());
    stage.pass(1);
    assert!(stage.room.is_empty());
}

#[test]
fn viewers_hear_how_many_they_are() {
    let mut stage = Stage::new();
    let (_, first) = stage.established();
    let (_, second) = stage.established();
    assert!(stage.events(first).contains(&Event::ViewerCount(2)));
    stage.room.delete(second, &stage.limits, stage.now).unwrap();
    assert!(stage.events(first).contains(&Event::ViewerCount(1)));
}

#[test]
fn giving_up_withdraws_only_what_still_waits() {
    let mut stage = Stage::new();
    let (camera, _) = stage.publish();
    assert_eq!(stage.room.give_up(camera), GivenUp::Withdrawn);
    assert!(stage.room.is_empty());
    let (camera, viewer) = stage.met();
    assert_eq!(stage.room.give_up(camera), GivenUp::Paired);
    assert!(stage.answer(viewer).is_ok());
}
