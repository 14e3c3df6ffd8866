//! The types as a whole: vectors, properties, and what the documents say of the tests.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod corpus;
mod proof;
mod properties;
mod readme;
mod sdp;
mod token;
mod vectors;
