//! One time for all pipelines: what one of them stamps, another shows at the right moment.

use gst::prelude::*;

/// A clock, and when it was zero.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    clock: gst::Clock,
    zero: gst::ClockTime,
}

impl Timeline {
    /// Begins now.
    pub(crate) fn begin() -> Self {
        let clock = gst::SystemClock::obtain();
        let zero = clock.time();
        Self { clock, zero }
    }

    /// Has a pipeline tell the time by it.
    pub(crate) fn keep(&self, pipeline: &gst::Pipeline) {
        pipeline.use_clock(Some(&self.clock));
        pipeline.set_start_time(gst::ClockTime::NONE);
        pipeline.set_base_time(self.zero);
    }
}
