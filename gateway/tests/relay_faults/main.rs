//! What must not harm the relay: nonsense from strangers, peers that misbehave, and those
//! that go without a word. A real gateway process, and str0m as its peers.
//!
//! Everything is bounded: in datagrams, in sessions, and in time.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod by_tcp;
mod certificates;
mod datagrams;
mod forged;
mod handshake;
mod publishers;
mod rig;
mod sessions;
#[path = "../support/mod.rs"]
mod support;
mod viewers;

use sightline_test_peer as peer;
