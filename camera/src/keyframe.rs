//! Which frame is to be a keyframe, because viewers ask for one.
//!
//! All viewers are sent the frames of one encoder, and a keyframe is many times as large as any
//! other. So who asks all the time gets no more than what an honest viewer needs, and the others
//! do not wait for that.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::budget::Budget;

/// Requests of one viewer within this time are one.
const PAUSE: Duration = Duration::from_millis(300);

/// So many of one viewer may follow each other by that pause, and after them one in each period.
/// The gateway's relay, which asks for all of its viewers, keeps to the same.
const MOST: u32 = 3;
const PERIOD: Duration = Duration::from_secs(1);

/// The same for all viewers together. What one viewer's flood leaves of it is enough for the
/// others; and each of them is served by a keyframe that another has asked for.
const MOST_OF_ALL: u32 = 4;
const PERIOD_OF_ALL: Duration = Duration::from_millis(500);

/// The requests of all viewers.
#[derive(Debug, Clone)]
pub(crate) struct KeyframeRequests(Arc<Mutex<All>>);

/// One viewer, who can ask. Dropped with the viewer.
#[derive(Debug)]
pub(crate) struct Asker {
    id: u64,
    all: KeyframeRequests,
}

#[derive(Debug)]
struct All {
    viewers: BTreeMap<u64, Requests>,
    last_id: u64,
    budget: Budget,
}

#[derive(Debug)]
struct Requests {
    is_wanted: bool,
    answered: Option<Instant>,
    budget: Budget,
}

impl KeyframeRequests {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(All {
            viewers: BTreeMap::new(),
            last_id: 0,
            budget: Budget::new(MOST_OF_ALL, PERIOD_OF_ALL),
        })))
    }

    /// One more viewer.
    pub(crate) fn asker(&self) -> Asker {
        let mut all = self.lock();
        all.last_id += 1;
        let id = all.last_id;
        all.viewers.insert(id, Requests::new());
        Asker {
            id,
            all: self.clone(),
        }
    }

    /// Whether the frame that is about to be encoded has to be a keyframe.
    pub(crate) fn answer(&self, now: Instant) -> bool {
        let mut all = self.lock();
        let due = |requests: &Requests| requests.is_due(now);
        if !all.viewers.values().any(due) || !all.budget.take(now) {
            return false;
        }
        for requests in all.viewers.values_mut() {
            requests.answered(now);
        }
        true
    }

    /// The next frame is a keyframe in any case.
    pub(crate) fn settle(&self) {
        for requests in self.lock().viewers.values_mut() {
            requests.is_wanted = false;
        }
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asker {
    /// This viewer needs a keyframe.
    pub(crate) fn want(&self) {
        if let Some(requests) = self.all.lock().viewers.get_mut(&self.id) {
            requests.is_wanted = true;
        }
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.all.lock().viewers.remove(&self.id);
    }
}

impl Requests {
    fn new() -> Self {
        Self {
            is_wanted: false,
            answered: None,
            budget: Budget::new(MOST, PERIOD),
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        let rested = self.answered.is_none_or(|at| at + PAUSE <= now);
        self.is_wanted && rested && self.budget.wait(now).is_zero()
    }

    /// A keyframe serves everybody, but only who was due pays for it.
    fn answered(&mut self, now: Instant) {
        if self.is_due(now) {
            self.budget.take(now);
            self.answered = Some(now);
        }
        self.is_wanted = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Duration = Duration::from_millis(33);

    /// How many of so many frames are keyframes, when these ask before each of them.
    fn keyframes(requests: &KeyframeRequests, askers: &[Asker], from: Instant, frames: u32) -> u32 {
        let answered = (0..frames).filter(|frame| {
            askers.iter().for_each(Asker::want);
            requests.answer(from + FRAME * *frame)
        });
        answered.count() as u32
    }

    #[test]
    fn the_first_request_is_answered_at_once_and_those_behind_it_together() {
        let (requests, now) = (KeyframeRequests::new(), Instant::now());
        let viewer = requests.asker();
        assert!(!requests.answer(now), "nobody has asked");
        viewer.want();
        assert!(requests.answer(now));
        viewer.want();
        viewer.want();
        assert!(!requests.answer(now + FRAME));
        assert!(requests.answer(now + PAUSE));
        assert!(!requests.answer(now + PAUSE * 2), "there is nothing left");
    }

    #[test]
    fn who_asks_all_the_time_gets_one_a_second() {
        let (requests, now) = (KeyframeRequests::new(), Instant::now());
        let ten_seconds = 303;
        let got = keyframes(&requests, &[requests.asker()], now, ten_seconds);
        assert!((11..=13).contains(&got), "{got} in ten seconds");
    }

    #[test]
    fn many_who_do_so_get_two_a_second_together() {
        let (requests, now) = (KeyframeRequests::new(), Instant::now());
        // So that they do not take turns.
        let askers: Vec<_> = (0..9).map(|_| requests.asker()).collect();
        let mut got = 0;
        for frame in 0..303 {
            askers[frame % 9].want();
            got += u32::from(requests.answer(now + FRAME * frame as u32));
        }
        assert!(got <= 24, "{got} in ten seconds");
    }

    #[test]
    fn beside_a_flood_an_honest_viewer_does_not_wait() {
        let (requests, now) = (KeyframeRequests::new(), Instant::now());
        let (villain, honest) = (requests.asker(), requests.asker());
        for frame in 0..600 {
            let now = now + FRAME * frame;
            villain.want();
            if frame % 60 == 59 {
                honest.want();
                assert!(requests.answer(now), "frame {frame}");
            } else {
                requests.answer(now);
            }
        }
    }

    #[test]
    fn a_keyframe_that_comes_anyway_is_an_answer() {
        let (requests, now) = (KeyframeRequests::new(), Instant::now());
        let viewer = requests.asker();
        viewer.want();
        requests.settle();
        assert!(!requests.answer(now));
    }

    #[test]
    fn nothing_is_left_of_a_viewer_that_has_gone() {
        let requests = KeyframeRequests::new();
        let viewer = requests.asker();
        viewer.want();
        drop(viewer);
        assert!(!requests.answer(Instant::now()));
        assert!(requests.lock().viewers.is_empty());
    }
}
