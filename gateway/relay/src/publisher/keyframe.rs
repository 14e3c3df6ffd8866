//! When to ask a publisher for a picture that needs no other, and what to make of its
//! silence: OBS and FFmpeg never answer.

use std::time::{Duration, Instant};

use super::budget::Budget;

/// Requests of all viewers within this time are one.
const PAUSE: Duration = Duration::from_millis(300);

/// So many may follow each other by that pause, and after them one in each period: a keyframe
/// costs everyone, whoever it is for. Newcomers begin with one that is as old as the period.
const MOST: u32 = 3;
const PERIOD: Duration = Duration::from_secs(1);

/// A publisher that answers does so within this time.
const ANSWERS_WITHIN: Duration = Duration::from_millis(400);

/// Keyframes that come by themselves do so regularly, but for so much on the way.
const JITTER: Duration = Duration::from_millis(150);

/// The requests for one layer.
#[derive(Debug)]
pub(crate) struct KeyframeRequests {
    state: State,
    asked: Option<Instant>,
    budget: Budget,
    is_wanted: bool,
    answers: Answers,
    /// When the last one came, and how long after the one before it.
    last: Option<(Instant, Option<Duration>)>,
    /// Somebody else asks the publisher, together with what others want of it, and tells whether
    /// it answers.
    is_passed_on: bool,
}

/// Whether a publisher answers, as far as that is known.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answers {
    is_unresponsive: bool,
    has_answered: bool,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Quiet,
    Asked(Instant),
}

impl Default for KeyframeRequests {
    fn default() -> Self {
        Self {
            state: State::default(),
            asked: None,
            budget: Budget::new(MOST, PERIOD),
            is_wanted: false,
            answers: Answers::default(),
            last: None,
            is_passed_on: false,
        }
    }
}

impl KeyframeRequests {
    /// They are passed on to who asks the publisher, of which this is known there.
    pub(crate) fn pass_on(&mut self, known: Answers) {
        self.is_passed_on = true;
        self.answers = known;
    }

    /// What is known of the publisher.
    pub(crate) fn answers(&self) -> Answers {
        self.answers
    }

    /// A viewer needs one.
    pub(crate) fn want(&mut self) {
        self.is_wanted = true;
    }

    /// Whether to ask the publisher now.
    pub(crate) fn ask(&mut self, now: Instant) -> bool {
        self.stop_waiting(now);
        let rested = self.asked.is_none_or(|asked| asked + PAUSE <= now);
        if !self.is_wanted || !rested || !self.budget.take(now) {
            return false;
        }
        self.is_wanted = false;
        self.asked = Some(now);
        if let State::Quiet = self.state {
            self.state = State::Asked(now);
        }
        true
    }

    /// A keyframe has come, asked for or not.
    pub(crate) fn arrived(&mut self, now: Instant) {
        self.stop_waiting(now);
        let may_be_unasked = self.note(now);
        if let State::Asked(_) = self.state
            && !self.is_passed_on
            && !may_be_unasked
        {
            self.answers = Answers {
                is_unresponsive: false,
                has_answered: true,
            };
        }
        self.state = State::Quiet;
        self.is_wanted = false;
    }

    /// Notes when one came; says whether it may have come by itself. One in two seconds is there
    /// soon after every fifth request, and who took it for an answer would have the next newcomer
    /// wait for another.
    fn note(&mut self, now: Instant) -> bool {
        let interval = |(last, _): (Instant, _)| now.saturating_duration_since(last);
        let interval = self.last.map(interval);
        let before = self.last.and_then(|(_, before)| before);
        self.last = Some((now, interval));
        let both = interval.zip(before);
        both.is_none_or(|(interval, before)| interval.abs_diff(before) <= JITTER)
    }

    /// Whether the publisher does not answer: newcomers get what is in memory.
    pub(crate) fn is_unresponsive(&mut self, now: Instant) -> bool {
        self.stop_waiting(now);
        self.answers.is_unresponsive
    }

    /// What comes so late is no answer.
    fn stop_waiting(&mut self, now: Instant) {
        if let State::Asked(since) = self.state
            && since + ANSWERS_WITHIN <= now
            && !self.is_passed_on
        {
            self.answers.is_unresponsive = true;
            self.state = State::Quiet;
        }
    }

    /// Whether the publisher has ever answered.
    pub(crate) fn has_answered(&self) -> bool {
        self.answers.has_answered
    }

    /// When to look again.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let unanswered = match self.state {
            State::Asked(since) if !self.is_passed_on => Some(since + ANSWERS_WITHIN),
            State::Asked(_) | State::Quiet => None,
        };
        let rested = self.asked.map(|asked| asked + PAUSE);
        let next = rested.max(self.budget.next());
        let next = next.filter(|_| self.is_wanted);
        [unanswered, next].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn a_hundred_viewers_are_one_request() {
        let now = clock::now();
        let mut requests = KeyframeRequests::default();
        let asked = (0..100).filter(|_| {
            requests.want();
            requests.ask(now)
        });
        assert_eq!(asked.count(), 1);
        requests.arrived(now);
        assert!(
            !requests.ask(now + PAUSE),
            "it has come, nobody wants another"
        );
    }

    #[test]
    fn one_that_is_wanted_too_early_is_asked_for_later() {
        let now = clock::now();
        let mut requests = KeyframeRequests::default();
        requests.want();
        assert!(requests.ask(now));
        requests.arrived(now);
        requests.want();
        assert!(!requests.ask(now));
        assert_eq!(requests.deadline(), Some(now + PAUSE));
        assert!(requests.ask(now + PAUSE));
    }

    #[test]
    fn those_who_want_more_and_more_get_one_a_second() {
        let began = clock::now();
        let mut requests = KeyframeRequests::default();
        let asked = (0..1000).filter(|step| {
            let now = began + Duration::from_millis(10) * *step;
            requests.want();
            let asks = requests.ask(now);
            if asks {
                requests.arrived(now);
            }
            assert!(requests.deadline().is_none_or(|at| at > now));
            asks
        });
        let asked = asked.count();
        assert!((11..=13).contains(&asked), "{asked} in ten seconds");
    }

    #[test]
    fn a_publisher_that_does_not_answer_is_unresponsive_until_it_does() {
        let now = clock::now();
        let mut requests = KeyframeRequests::default();
        requests.want();
        assert!(requests.ask(now));
        assert!(!requests.is_unresponsive(now));
        assert!(requests.is_unresponsive(now + ANSWERS_WITHIN));
        for seconds in [1, 2, 6] {
            let now = now + Duration::from_secs(seconds);
            assert!(requests.is_unresponsive(now));
            requests.want();
            assert!(requests.ask(now));
            requests.arrived(now + ANSWERS_WITHIN / 2);
        }
        assert!(!requests.is_unresponsive(now + Duration::from_secs(7)));
    }

    /// One in two seconds is there soon after many a request.
    #[test]
    fn a_publisher_that_keeps_its_own_time_has_never_answered() {
        let began = clock::now();
        let mut requests = KeyframeRequests::default();
        for keyframe in 0..50 {
            let jitter = Duration::from_millis(keyframe % 3 * 40);
            let comes = began + Duration::from_secs(2 * keyframe) + jitter;
            requests.arrived(comes);
            assert!(!requests.has_answered(), "keyframe {keyframe}");
            let early = Duration::from_millis(20 + 35 * keyframe);
            requests.want();
            assert!(requests.ask(comes + Duration::from_millis(1840) - early));
        }
    }

    /// What it takes to pass a request on says nothing of the publisher.
    #[test]
    fn requests_that_are_passed_on_prove_nothing() {
        let now = clock::now();
        let mut requests = KeyframeRequests::default();
        requests.pass_on(Answers::default());
        requests.want();
        assert!(requests.ask(now));
        assert_eq!(requests.deadline(), None);
        assert!(!requests.is_unresponsive(now + 9 * ANSWERS_WITHIN));
        requests.arrived(now + 9 * ANSWERS_WITHIN);
        assert!(!requests.has_answered());
    }

    /// A deadline that has passed would have the worker run in circles.
    #[test]
    fn nothing_is_due_for_ever() {
        let now = clock::now();
        let mut requests = KeyframeRequests::default();
        requests.want();
        assert!(requests.ask(now));
        assert_eq!(requests.deadline(), Some(now + ANSWERS_WITHIN));
        assert!(!requests.ask(now + ANSWERS_WITHIN));
        assert_eq!(requests.deadline(), None);
    }

    #[test]
    fn a_keyframe_that_comes_by_itself_proves_nothing() {
        let now = clock::now();
        let mut requests = KeyframeRequests::default();
        requests.want();
        assert!(requests.ask(now));
        requests.arrived(now + 2 * ANSWERS_WITHIN);
        assert!(requests.is_unresponsive(now + 2 * ANSWERS_WITHIN));
        assert!(!requests.has_answered());
    }
}
