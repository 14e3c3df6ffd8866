//! From an offer to a connection and its answer.
//!
//! What a peer wrote is read by `offer`, `accepted` holds what of it is accepted, `engine` has
//! str0m make the connection, and `answer` is what the peer is told.

mod accepted;
mod answer;
pub(crate) mod certificates;
pub(crate) mod encoding;
pub(crate) mod engine;
pub(crate) mod extensions;
mod names;
pub(crate) mod negotiate;
pub(crate) mod offer;
mod sprop;

#[cfg(test)]
mod tests;
