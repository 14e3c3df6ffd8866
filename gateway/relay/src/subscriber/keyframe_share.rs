//! What one viewer may ask of the publisher: every keyframe goes to all viewers, and is many
//! times as large as other pictures.

use std::time::{Duration, Instant};

use crate::publisher::budget::Budget;

/// Keyframes that a viewer can have one after the other, as one that loses packets does.
const MOST: u32 = 3;

/// After them, one in this time.
const PERIOD: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug)]
pub(super) struct KeyframeShare {
    budget: Budget,
    /// It cannot go on without one, and has not been asked for.
    is_wanted: bool,
    /// Asked for, and not sent yet. To ask once more costs nothing: the publisher's answer or
    /// our request may have been lost.
    is_pending: bool,
}

impl KeyframeShare {
    pub(super) fn new() -> Self {
        Self {
            budget: Budget::new(MOST, PERIOD),
            is_wanted: false,
            is_pending: false,
        }
    }

    /// The viewer cannot go on without a keyframe.
    pub(super) fn want(&mut self) {
        self.is_wanted = true;
    }

    /// Whether the publisher is to be asked for what the viewer wants now.
    pub(super) fn ask_if_wanted(&mut self, now: Instant) -> bool {
        let asks = self.is_wanted && self.ask(now);
        self.is_wanted &= !asks;
        asks
    }

    /// Whether the publisher may be asked for one on behalf of this viewer.
    pub(super) fn ask(&mut self, now: Instant) -> bool {
        self.is_pending = self.is_pending || self.budget.take(now);
        self.is_pending
    }

    /// Whether the viewer cannot go on until there is one.
    pub(super) fn is_awaited(&self) -> bool {
        self.is_wanted || self.is_pending
    }

    /// A keyframe has been sent to the viewer, whoever asked for it.
    pub(super) fn served(&mut self) {
        self.is_wanted = false;
        self.is_pending = false;
    }
}
