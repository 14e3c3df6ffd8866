//! Design section 4 under arbitrary sequences of events.

use std::collections::{HashMap, HashSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::takeovers::camera;
use super::*;

#[derive(Debug, Clone)]
enum Step {
    Publish(Who, OfferTerms),
    View(Visitor),
    /// The relay answers the offer that it has taken, or cannot.
    RelayAnswers(bool),
    /// A publisher that is nobody's camera, such as OBS.
    /// The relay may be unable to answer it.
    RelayPublishes(Who, Admission, bool),
    RelaySends(bool),
    RelayIsWatched(bool),
    RelayLeaves,
    /// A publisher that finds the room taken waits until it is free.
    WaitForRoom(Who),
    /// One that waits apart proves its certificate, or is gone.
    Proves(usize, bool),
    /// The relay has given the room to one that has proved its certificate, or cannot.
    RelayTakesOver(bool),
    Withdraw(usize),
    GiveUp(usize),
    Answer(usize),
    Trickle(usize),
    Delete(usize),
    Listen(usize),
    Silence(usize),
    Pass(u64),
}

/// One of two cameras; of one key, if the room is one.
type Who = u8;

fn step() -> impl Strategy<Value = Step> {
    let index = 0..8_usize;
    prop_oneof![
        3 => (0..2_u8, terms()).prop_map(|(who, terms)| Step::Publish(who, terms)),
        3 => visitor().prop_map(Step::View),
        2 => any::<bool>().prop_map(Step::RelayAnswers),
        1 => (0..2_u8, admission(), any::<bool>())
            .prop_map(|(who, admission, can)| Step::RelayPublishes(who, admission, can)),
        1 => any::<bool>().prop_map(Step::RelaySends),
        1 => any::<bool>().prop_map(Step::RelayIsWatched),
        1 => Just(Step::RelayLeaves),
        1 => (0..2_u8).prop_map(Step::WaitForRoom),
        2 => (index.clone(), any::<bool>()).prop_map(|(index, has)| Step::Proves(index, has)),
        2 => any::<bool>().prop_map(Step::RelayTakesOver),
        1 => index.clone().prop_map(Step::Withdraw),
        1 => index.clone().prop_map(Step::GiveUp),
        3 => index.clone().prop_map(Step::Answer),
        1 => index.clone().prop_map(Step::Trickle),
        1 => index.clone().prop_map(Step::Delete),
        1 => index.clone().prop_map(Step::Listen),
        1 => index.prop_map(Step::Silence),
        2 => (0..40_u64).prop_map(Step::Pass),
    ]
}

fn terms() -> impl Strategy<Value = OfferTerms> {
    let direct = prop_oneof![Just(1), Just(2), Just(usize::MAX)];
    let terms = (direct, any::<bool>(), admission());
    terms.prop_map(|(direct, relay, admission)| OfferTerms {
        direct,
        relay,
        admission,
    })
}

fn admission() -> impl Strategy<Value = Admission> {
    prop_oneof![4 => Just(Admission::Link), 1 => Just(Admission::Ticket)]
}

fn visitor() -> impl Strategy<Value = Visitor> {
    let ticket = prop_oneof![Just(Ok(())), Just(Err(Error::NoTicket))];
    let from = prop_oneof![Just(HOME), Just(AWAY)].prop_map(Neighbourhood::of);
    let visitor = (wants(), ticket, from);
    visitor.prop_map(|(wants, ticket, from)| Visitor {
        wants,
        ticket,
        from,
    })
}

/// An offer that shows whom it may be given to.
fn offer_for(admission: Admission) -> Sdp {
    let ufrag = match admission {
        Admission::Link => "camr",
        Admission::Ticket => "tick",
    };
    let offer = PublisherOffer::parse(&sdp("sendonly", ufrag)).unwrap();
    offer.into_sdp()
}

fn wants() -> impl Strategy<Value = Wants> {
    prop_oneof![
        Just(Wants::Direct),
        Just(Wants::DirectOrRelay),
        Just(Wants::Relay)
    ]
}

/// What the outside has seen, to hold the room against.
#[derive(Default)]
struct Seen {
    /// The room has a name, and cameras are told by their certificates.
    is_named: bool,
    publishers: HashMap<RequestId, (Publisher, Admission)>,
    requests: Vec<RequestId>,
    /// Those of viewers that have brought a view ticket.
    ticketed: HashSet<RequestId>,
    sessions: Vec<SessionId>,
    withdrawn: HashSet<RequestId>,
    told: HashSet<RequestId>,
    /// The offer that the relay was given and has not answered.
    taken: Option<(RequestId, Admission)>,
    /// Those of which the room knows nothing any more, since another publisher came between.
    overtaken: Vec<RequestId>,
    /// The relay's session, as it knows it, and whom its publisher admits.
    relayed: Option<(SessionId, Admission)>,
    /// Whose media has come by the relay since it was answered: it has proved its certificate.
    proved: Option<SessionId>,
    /// Those that wait apart, and whom their publishers admit.
    apart: Vec<(SessionId, Admission)>,
    /// One of them that the relay is about to give the room.
    proving: Option<(SessionId, Admission)>,
}

impl Seen {
    fn publisher(&self, who: Who) -> Publisher {
        match self.is_named {
            true => camera(who),
            false => Publisher::Key,
        }
    }

    /// What the relay has been given is not what the room expects any more.
    fn is_overtaken(&mut self) {
        self.overtaken
            .extend(self.taken.take().map(|(request, _)| request));
    }

    /// The offer that the relay answers next, of those that it was given.
    fn answered_next(&mut self) -> Option<RequestId> {
        let taken = || self.taken.take().map(|(request, _)| request);
        self.overtaken.pop().or_else(taken)
    }

    fn tell(&mut self, actions: Vec<Action>) {
        for action in actions {
            let request = match action {
                Action::CounterOffer(request, counter_offer) => {
                    self.sessions.push(counter_offer.session);
                    let is_open = !counter_offer.sdp.as_str().contains("ufrag:tick");
                    assert!(is_open || self.ticketed.contains(&request), "no ticket");
                    request
                }
                Action::Answered(request, answered) => {
                    self.sessions.push(answered.session);
                    request
                }
                Action::Taken(request, sdp, _) => {
                    let admission = match sdp.as_str().contains("ufrag:tick") {
                        true => Admission::Ticket,
                        false => Admission::Link,
                    };
                    let before = self.taken.replace((request, admission));
                    assert_eq!(before, None, "the relay takes one at a time");
                    request
                }
                Action::Relayed(request) => {
                    let relayed = self.relayed.expect("the relay has something for viewers");
                    let is_open = relayed.1 == Admission::Link;
                    assert!(is_open || self.ticketed.contains(&request), "no ticket");
                    request
                }
                Action::Spent(request) | Action::Free(request) | Action::Refused(request, _) => {
                    request
                }
            };
            // One request, one outcome; and none for a request that is gone.
            assert!(self.told.insert(request), "{request:?} was told twice");
            assert!(!self.withdrawn.contains(&request), "{request:?} was gone");
        }
    }
}

fn nth<T: Copy>(all: &[T], index: usize) -> Option<T> {
    (!all.is_empty()).then(|| all[all.len() - 1 - index % all.len()])
}

fn relay_answers(
    stage: &mut Stage,
    seen: &mut Seen,
    publisher: Publisher,
    admission: Admission,
    terms: Option<OfferTerms>,
    can: bool,
) {
    let (limits, now) = (stage.limits.clone(), stage.now);
    let session = SessionId::random();
    let (claimed, actions) = stage.claims_and_tells(session, publisher.clone(), admission, terms);
    if claimed.is_ok() || terms.is_some() {
        seen.is_overtaken();
    }
    seen.tell(actions);
    // Another one that has proved its certificate meanwhile has the room then.
    let may_be_refused = seen.proved.is_some() || seen.apart.len() == 8;
    assert!(
        claimed.is_ok() || terms.is_none() || may_be_refused,
        "it has taken an offer"
    );
    let Ok(entrance) = claimed else { return };
    if entrance == Entrance::OnceProved {
        match can {
            true => seen.apart.push((session, admission)),
            false => seen.tell(stage.room.relay_left(session, &limits, now)),
        }
        return;
    }
    let is_live = seen.relayed.is_some() && seen.relayed.map(|(it, _)| it) == seen.proved;
    assert!(publisher == Publisher::Key || !is_live, "by a copied hash");
    let actions = match can {
        true => {
            // Whoever had the room for the relay is replaced.
            seen.relayed = Some((session, admission));
            seen.proved = None;
            stage.room.relay_ready(session, &limits, now)
        }
        false => stage.room.relay_left(session, &limits, now),
    };
    seen.tell(actions);
}

fn run(stage: &mut Stage, seen: &mut Seen, step: Step) {
    let limits = stage.limits.clone();
    let now = stage.now;
    match step {
        Step::Publish(who, terms) => {
            let offer = offer_for(terms.admission);
            let (request, shares) = (stage.request(), stage.shares.clone());
            seen.requests.push(request);
            let publisher = seen.publisher(who);
            let published = (publisher.clone(), terms.admission);
            seen.publishers.insert(request, published);
            let published = stage.room.publish(
                request,
                offered(&shares, publisher, offer, terms),
                &limits,
                now,
            );
            seen.tell(published.unwrap_or_default());
        }
        Step::View(visitor) => {
            let request = stage.request();
            seen.requests.push(request);
            if visitor.ticket.is_ok() {
                seen.ticketed.insert(request);
            }
            let viewed = stage
                .room
                .view(request, visitor, holds(&stage.shares), &limits, now);
            seen.tell(viewed.unwrap_or_default());
        }
        Step::RelayAnswers(can) => {
            if seen.proving.is_none()
                && let Some(request) = seen.answered_next()
            {
                let (publisher, admission) = seen.publishers[&request].clone();
                relay_answers(stage, seen, publisher, admission, Some(DIRECT), can);
            }
        }
        Step::RelayPublishes(who, admission, can) => {
            // It answers without anybody being waited for, but for one that it takes in.
            if seen.taken.is_none() && seen.proving.is_none() {
                let publisher = seen.publisher(who);
                relay_answers(stage, seen, publisher, admission, None, can);
            }
        }
        Step::RelaySends(is_sending) => {
            if let Some((session, _)) = seen.relayed {
                seen.proved = is_sending.then_some(session);
                seen.tell(stage.relay_sends(session, is_sending));
            }
        }
        Step::RelayIsWatched(is_watched) => {
            seen.tell(stage.room.relay_watched(is_watched, &limits, now));
        }
        Step::RelayLeaves => {
            if let Some((session, _)) = seen.relayed.take() {
                seen.proved = None;
                seen.tell(stage.room.relay_left(session, &limits, now));
            }
        }
        Step::WaitForRoom(who) => {
            let publisher = seen.publisher(who);
            if !stage.room.is_taken_from(&publisher) {
                return;
            }
            let request = stage.request();
            seen.requests.push(request);
            let waits = stage.room.wait_for_room(request, publisher);
            seen.tell(waits.unwrap_or_default());
        }
        Step::Proves(index, has) => {
            let Some(one) = nth(&seen.apart, index) else {
                return;
            };
            if seen.proving.is_some() {
                return;
            }
            seen.apart.retain(|other| *other != one);
            if has && stage.room.proved(one.0).is_ok() {
                // An offer that the relay had been given is answered apart from now on.
                seen.is_overtaken();
                seen.proving = Some(one);
            } else {
                seen.tell(stage.room.relay_left(one.0, &limits, now));
            }
        }
        Step::RelayTakesOver(can) => {
            let Some(one) = seen.proving.take() else {
                return;
            };
            let actions = match can {
                true => {
                    seen.relayed = Some(one);
                    seen.proved = Some(one.0);
                    stage.room.relay_ready(one.0, &limits, now)
                }
                false => stage.room.relay_left(one.0, &limits, now),
            };
            seen.tell(actions);
        }
        // A request that has been told its outcome has no place to give back.
        Step::Withdraw(index) | Step::GiveUp(index) => {
            let Some(request) = nth(&seen.requests, index) else {
                return;
            };
            let is_taken = seen.taken.is_some_and(|(taken, _)| taken == request)
                || seen.overtaken.contains(&request);
            if seen.told.contains(&request) && !is_taken {
                return;
            }
            let gone = match step {
                Step::Withdraw(_) => true,
                _ => stage.room.give_up(request) == GivenUp::Withdrawn,
            };
            if gone && is_taken {
                seen.taken = seen.taken.filter(|(taken, _)| *taken != request);
                seen.overtaken.retain(|taken| *taken != request);
            }
            if gone {
                seen.withdrawn.insert(request);
                let mut actions = stage.room.withdraw(request, &limits, now);
                // `Spent` is for the other side, which is told nothing else.
                actions.retain(|a| !matches!(a, Action::Spent(t) if *t == request));
                seen.tell(actions);
            }
        }
        Step::Answer(index) => {
            let Some(session) = nth(&seen.sessions, index) else {
                return;
            };
            let answered = stage.room.answer(session, &FREE, &answer(), HOME, now);
            seen.tell(answered.into_iter().collect());
        }
        Step::Trickle(index) => {
            let Some(session) = nth(&seen.sessions, index) else {
                return;
            };
            let _ = stage.trickle(session, fragment("view", 4000));
        }
        Step::Delete(index) => {
            let Some(session) = nth(&seen.sessions, index) else {
                return;
            };
            seen.tell(stage.room.delete(session, &limits, now).unwrap_or_default());
        }
        Step::Listen(index) => {
            let Some(session) = nth(&seen.sessions, index) else {
                return;
            };
            let _ = stage.room.stream_opened(session);
        }
        Step::Silence(index) => {
            let Some(session) = nth(&seen.sessions, index) else {
                return;
            };
            seen.tell(stage.closes(session));
        }
        Step::Pass(seconds) => seen.tell(stage.pass(seconds)),
    }
}

proptest! {
    #[test]
    fn nothing_is_told_twice_kept_waiting_together_or_left_behind(
        is_named: bool,
        steps in vec(step(), 0..60),
    ) {
        let mut stage = Stage::new();
        let mut seen = Seen {
            is_named,
            ..Seen::default()
        };
        for step in steps {
            run(&mut stage, &mut seen, step);
            let room = &stage.room;
            let missed = |viewer: &WaitingViewer| room.path_for(viewer, stage.now).is_some();
            prop_assert!(!room.viewers.iter().any(missed), "a pair was missed");
            let asks = room.offers.iter().any(|o| o.offered.terms.admission == Admission::Ticket)
                || matches!(seen.relayed, Some((_, Admission::Ticket)));
            // While the relay takes somebody in, it is about to be decided who has the room.
            let ticketless = |v: &WaitingViewer| seen.proving.is_none() && !seen.ticketed.contains(&v.request);
            prop_assert!(!asks || !room.viewers.iter().any(ticketless), "it waits in vain");
            prop_assert!(room.viewers.len() <= stage.limits.waiting);
            prop_assert!(room.offers.len() <= stage.limits.waiting);
            let mut publishers = room.offers.iter().map(|offer| &offer.offered.publisher);
            let first = publishers.next();
            prop_assert!(publishers.all(|other| Some(other) == first), "two publish");
            prop_assert_eq!(room.offer_for_stranded(), None, "they were left waiting");
            let has_relay = !matches!(room.relay, RelayState::Absent);
            let is_taken = seen.taken.is_some_and(|(ticket, _)| room.relay.is_taking(ticket));
            let is_expected = is_taken || seen.proving.is_some() || seen.relayed.is_some();
            prop_assert_eq!(has_relay, is_expected);
            prop_assert!(room.apart.len() <= 8 && room.newcomers.len() <= 8);
            // One that was answered just now shows in a moment whether it is here.
            let is_met = room.exchanges.values().any(|e| matches!(e.state, State::Established { .. }));
            let free = |it: &Newcomer| !is_met && !room.is_taken_from(it.publisher());
            prop_assert!(!room.newcomers.iter().any(free), "the room is free");
            prop_assert_eq!(room.sessions(), 2 * room.exchanges.len());
            let with_place = room.offers.len() + room.viewers.len() + room.sessions();
            prop_assert_eq!(stage.shares.taken() / PLACE, with_place);
            let bytes = stage.shares.taken() % PLACE;
            prop_assert!(bytes <= room.sessions() * stage.limits.candidates.bytes);
        }
        // Everyone leaves: requests are dropped, sessions deleted, time passes.
        stage.room.relay_watched(false, &stage.limits, stage.now);
        for request in seen.requests.clone() {
            if !seen.told.contains(&request) {
                stage.room.withdraw(request, &stage.limits, stage.now);
            }
        }
        seen.is_overtaken();
        let relayed = seen.relayed.into_iter().chain(seen.proving).chain(seen.apart);
        for (session, _) in relayed.collect::<Vec<_>>() {
            stage.room.relay_left(session, &stage.limits, stage.now);
        }
        for request in seen.overtaken {
            stage.room.withdraw(request, &stage.limits, stage.now);
        }
        for session in seen.sessions.clone() {
            let _ = stage.room.delete(session, &stage.limits, stage.now);
        }
        for _ in 0..4 {
            stage.pass(3600);
        }
        prop_assert!(stage.room.is_empty());
        prop_assert_eq!(stage.room.sessions(), 0);
        prop_assert_eq!(stage.shares.taken(), 0);
        prop_assert_eq!(stage.room.next_deadline(&stage.limits), None);
    }
}
