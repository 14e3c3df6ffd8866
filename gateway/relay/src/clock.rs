//! The clocks. They are read where input comes in (a call, a datagram, a timer), and all that
//! follows is told what time it is: see `clippy.toml`.

#![expect(
    clippy::disallowed_methods,
    reason = "somewhere the time has to come from"
)]

use std::time::{Instant, SystemTime};

/// What time it is, for everything that follows from what has just come in. It is the runtime's
/// time, by which workers also sleep: a test may have stopped it.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// The same, and the time of day that it is.
pub(crate) fn now_and_wall() -> (Instant, SystemTime) {
    (now(), SystemTime::now())
}
