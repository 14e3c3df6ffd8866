//! From an offer to a connection and its answer.

pub(crate) mod encoding;
pub(crate) mod extensions;
pub(crate) mod negotiate;
