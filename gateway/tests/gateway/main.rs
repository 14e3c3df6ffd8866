//! The gateway as a whole: a process of its own in each test, and HTTP to it.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod access;
mod admin;
mod by_hand;
mod connections;
mod http2;
mod limits;
mod process;
mod proxies;
mod room_key;
mod secrets;
#[path = "../support/mod.rs"]
mod support;
mod tls;
