//! The relay: a WebRTC end of a publisher and of everyone who watches it, which gives each
//! viewer what the publisher sends.
//!
//! [`Relay`] and [`Session`] make connections and their answers. A worker, a thread of its own
//! with ports of its own, then carries the media, and tells what happens as [`Event`]s.
//!
//! It knows nothing of HTTP, and rooms are names to it. The folders are in the order of a
//! packet's way: `net`, `connection`, `publisher`, `subscriber`, `connection`, `net`; what
//! joins them is `router`, and what drives them is `worker`. `sdp` comes before all that.
//! Modules know those that come before them and no others: `sdp`, `publisher`, `subscriber`,
//! then `router` and `connection`, then `worker`. A room's viewers may be on any worker, which
//! pulls the stream from the publisher's: `router/pull.rs` says how.

mod clock;
mod connection;
mod error;
mod event;
#[cfg(any(test, feature = "test-util"))]
pub mod fuzzing;
mod health;
mod keys;
mod limits;
mod net;
mod ntp;
mod placement;
mod publisher;
mod relay;
mod router;
mod sdp;
mod session;
mod streams;
mod subscriber;
#[cfg(feature = "test-util")]
mod test_util;
mod worker;

pub use error::{Error, StartError};
pub use event::{Event, Events};
pub use health::{Health, Part};
pub use limits::Limits;
pub use net::ports::MediaPorts;
pub use net::traffic::Traffic;
pub use relay::Relay;
pub use sdp::offer::Unanswerable;
pub use session::{Negotiated, Session};
#[cfg(feature = "test-util")]
pub use test_util::Leftovers;
