//! A publisher or a viewer: str0m on a socket of its own, in a task of whoever drives it.
//!
//! Tests look at everything that a [`Peer`] has seen. Benchmarks run a [`Connection`] with an
//! [`Observer`] of their own, which counts. Dropping a [`Peer`] is how it vanishes: its socket is
//! gone and nothing is said.
#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]
#![expect(missing_docs, reason = "most fields say it by their names")]

mod connection;
pub mod film;
pub mod link;
mod offering;
mod outbox;
mod peer;
mod reel;
pub mod seen;
mod setup;
pub mod signaling;
pub mod socket;

use std::time::Duration;

pub use connection::{Connection, News, Observer, Step};
pub use offering::{Offering, tcp_candidate};
pub use peer::Peer;
pub use reel::Reel;
pub use seen::Seen;
pub use setup::Setup;
pub use signaling::{Fields, Http, Refusal, Session};

/// Nothing that works takes longer, not even on a busy machine.
pub const LONG: Duration = Duration::from_secs(30);
