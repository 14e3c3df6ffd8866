//! Design section 4 under arbitrary sequences of events.

use std::collections::HashSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Publish(OfferTerms),
    View(Wants),
    /// The relay answers the offer that it has taken, or cannot.
    RelayAnswers(bool),
    /// A publisher that is nobody's camera, such as OBS.
    RelayPublishes,
    RelaySends(bool),
    RelayLeaves,
    Withdraw(usize),
    GiveUp(usize),
    Answer(usize),
    Trickle(usize),
    Delete(usize),
    Listen(usize),
    Silence(usize),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let index = 0..8_usize;
    prop_oneof![
        3 => terms().prop_map(Step::Publish),
        3 => wants().prop_map(Step::View),
        2 => any::<bool>().prop_map(Step::RelayAnswers),
        1 => Just(Step::RelayPublishes),
        1 => any::<bool>().prop_map(Step::RelaySends),
        1 => Just(Step::RelayLeaves),
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
    (direct, any::<bool>()).prop_map(|(direct, relay)| OfferTerms { direct, relay })
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
    tickets: Vec<Ticket>,
    sessions: Vec<SessionId>,
    withdrawn: HashSet<Ticket>,
    told: HashSet<Ticket>,
    /// The offer that the relay was given and has not answered.
    taken: Option<Ticket>,
    /// The relay's session, as it knows it.
    relayed: Option<SessionId>,
}

impl Seen {
    fn tell(&mut self, actions: Vec<Action>) {
        for action in actions {
            let ticket = match action {
                Action::CounterOffer(ticket, counter_offer) => {
                    self.sessions.push(counter_offer.session);
                    ticket
                }
                Action::Answered(ticket, answered) => {
                    self.sessions.push(answered.session);
                    ticket
                }
                Action::Taken(ticket, _) => {
                    assert_eq!(
                        self.taken.replace(ticket),
                        None,
                        "the relay takes one at a time"
                    );
                    ticket
                }
                Action::Relayed(ticket) => {
                    assert!(
                        self.relayed.is_some(),
                        "the relay has nothing for {ticket:?}"
                    );
                    ticket
                }
                Action::Spent(ticket) | Action::Refused(ticket, _) => ticket,
            };
            // One request, one outcome; and none for a request that is gone.
            assert!(self.told.insert(ticket), "{ticket:?} was told twice");
            assert!(!self.withdrawn.contains(&ticket), "{ticket:?} was gone");
        }
    }
}

fn nth<T: Copy>(all: &[T], index: usize) -> Option<T> {
    (!all.is_empty()).then(|| all[all.len() - 1 - index % all.len()])
}

fn relay_answers(stage: &mut Stage, seen: &mut Seen, terms: Option<OfferTerms>, can: bool) {
    let (limits, now) = (stage.limits.clone(), stage.now);
    let session = SessionId::random();
    if stage.room.claim(session, Publisher::Key, terms).is_err() {
        return;
    }
    // Whoever had the room for the relay has been replaced.
    seen.relayed = can.then_some(session);
    let actions = match can {
        true => stage.room.relay_ready(session, &limits, now),
        false => stage.room.relay_left(session, &limits, now),
    };
    seen.tell(actions);
}

fn run(stage: &mut Stage, seen: &mut Seen, step: Step) {
    let limits = stage.limits.clone();
    let now = stage.now;
    match step {
        Step::Publish(terms) => {
            let ticket = stage.ticket();
            seen.tickets.push(ticket);
            let published =
                stage
                    .room
                    .publish(ticket, Publisher::Key, offer(), terms, &limits, now);
            seen.tell(published.unwrap_or_default());
        }
        Step::View(wants) => {
            let ticket = stage.ticket();
            seen.tickets.push(ticket);
            let viewed = stage.room.view(ticket, wants, &limits, now);
            seen.tell(viewed.unwrap_or_default());
        }
        Step::RelayAnswers(can) => {
            if seen.taken.take().is_some() {
                relay_answers(stage, seen, Some(DIRECT), can);
            }
        }
        Step::RelayPublishes => {
            if seen.taken.is_none() {
                relay_answers(stage, seen, None, true);
            }
        }
        Step::RelaySends(is_sending) => {
            if let Some(session) = seen.relayed {
                stage.room.relay_sends(session, is_sending);
            }
        }
        Step::RelayLeaves => {
            if let Some(session) = seen.relayed.take() {
                seen.tell(stage.room.relay_left(session, &limits, now));
            }
        }
        // A request that has been told its outcome has no place to give back.
        Step::Withdraw(index) | Step::GiveUp(index) => {
            let Some(ticket) = nth(&seen.tickets, index) else {
                return;
            };
            let is_taken = seen.taken == Some(ticket);
            if seen.told.contains(&ticket) && !is_taken {
                return;
            }
            let gone = match step {
                Step::Withdraw(_) => true,
                _ => stage.room.give_up(ticket) == GivenUp::Withdrawn,
            };
            if gone && is_taken {
                seen.taken = None;
            }
            if gone {
                seen.withdrawn.insert(ticket);
                let mut actions = stage.room.withdraw(ticket, &limits, now);
                // `Spent` is for the other side, which is told nothing else.
                actions.retain(|a| !matches!(a, Action::Spent(t) if *t == ticket));
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
            stage.room.stream_closed(session, now);
        }
        Step::Pass(seconds) => seen.tell(stage.pass(seconds)),
    }
}

proptest! {
    #[test]
    fn nothing_is_told_twice_kept_waiting_together_or_left_behind(steps in vec(step(), 0..60)) {
        let mut stage = Stage::new();
        let mut seen = Seen::default();
        for step in steps {
            run(&mut stage, &mut seen, step);
            let room = &stage.room;
            let missed = |viewer: &WaitingViewer| room.path_for(viewer, stage.now).is_some();
            prop_assert!(!room.viewers.iter().any(missed), "a pair was missed");
            prop_assert!(room.viewers.len() <= stage.limits.waiting);
            prop_assert!(room.offers.len() <= stage.limits.waiting);
            prop_assert_eq!(room.sessions(), 2 * room.exchanges.len());
        }
        // Everyone leaves: requests are dropped, sessions deleted, time passes.
        for ticket in seen.tickets.clone() {
            if !seen.told.contains(&ticket) {
                stage.room.withdraw(ticket, &stage.limits, stage.now);
            }
        }
        if let Some(session) = seen.relayed {
            stage.room.relay_left(session, &stage.limits, stage.now);
        }
        if let Some(ticket) = seen.taken {
            stage.room.withdraw(ticket, &stage.limits, stage.now);
        }
        for session in seen.sessions.clone() {
            let _ = stage.room.delete(session, &stage.limits, stage.now);
        }
        for _ in 0..4 {
            stage.pass(3600);
        }
        prop_assert!(stage.room.is_empty());
        prop_assert_eq!(stage.room.sessions(), 0);
        prop_assert_eq!(stage.room.next_deadline(&stage.limits), None);
    }
}
