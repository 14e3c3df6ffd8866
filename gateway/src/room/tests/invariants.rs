//! Design section 4 under arbitrary sequences of events.

use std::collections::HashSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Publish,
    View,
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
        3 => Just(Step::Publish),
        3 => Just(Step::View),
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

/// What the outside has seen, to hold the room against.
#[derive(Default)]
struct Seen {
    tickets: Vec<Ticket>,
    sessions: Vec<SessionId>,
    withdrawn: HashSet<Ticket>,
    told: HashSet<Ticket>,
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
                Action::Spent(ticket) => ticket,
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

fn run(stage: &mut Stage, seen: &mut Seen, step: Step) {
    let limits = stage.limits.clone();
    let now = stage.now;
    match step {
        Step::Publish => {
            let ticket = stage.ticket();
            seen.tickets.push(ticket);
            let published = stage
                .room
                .publish(ticket, Publisher::Key, offer(), &limits, now);
            seen.tell(published.unwrap_or_default());
        }
        Step::View => {
            let ticket = stage.ticket();
            seen.tickets.push(ticket);
            seen.tell(stage.room.view(ticket, &limits, now).unwrap_or_default());
        }
        // A request that has been told its outcome has no place to give back.
        Step::Withdraw(index) | Step::GiveUp(index) => {
            let Some(ticket) = nth(&seen.tickets, index) else {
                return;
            };
            if seen.told.contains(&ticket) {
                return;
            }
            let gone = match step {
                Step::Withdraw(_) => true,
                _ => stage.room.give_up(ticket) == GivenUp::Withdrawn,
            };
            if gone {
                seen.withdrawn.insert(ticket);
                let mut actions = stage.room.withdraw(ticket, now);
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
            seen.tell(stage.room.delete(session, now).unwrap_or_default());
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
            prop_assert!(room.offers.is_empty() || room.viewers.is_empty(), "a pair was missed");
            prop_assert!(room.waiting() <= stage.limits.waiting);
            prop_assert_eq!(room.sessions(), 2 * room.exchanges.len());
        }
        // Everyone leaves: requests are dropped, sessions deleted, time passes.
        for ticket in seen.tickets.clone() {
            if !seen.told.contains(&ticket) {
                stage.room.withdraw(ticket, stage.now);
            }
        }
        for session in seen.sessions.clone() {
            let _ = stage.room.delete(session, stage.now);
        }
        for _ in 0..4 {
            stage.pass(3600);
        }
        prop_assert!(stage.room.is_empty());
        prop_assert_eq!(stage.room.sessions(), 0);
        prop_assert_eq!(stage.room.next_deadline(&stage.limits), None);
    }
}
