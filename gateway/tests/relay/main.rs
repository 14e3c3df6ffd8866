//! The relay as its peers find it: real connections, over real sockets, with packets that
//! know where they come from.
#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

#[path = "../support/mod.rs"]
mod support;

mod departures;
mod events;
mod first_packets;
mod forwarding;
mod key_room;
mod layers;
mod loss;
mod newcomers;
mod offers;
mod paths;
mod sources;
mod tickets;
mod traffic;
mod workers;

use sightline_test_peer as peer;
