//! The camera: one source, one encoder, one WebRTC branch for each viewer.
//!
//! The way of a frame: [`source`] hands raw pictures to [`pipeline`], which encodes them once
//! ([`encoder`]) and gives the packets to every [`viewer`]. [`signaling`] finds the viewers over
//! WHIP (RFC 9725). The library exists for the tests; the program is `main.rs`.

pub mod certificate;
pub mod config;
pub mod encoder;
pub mod pipeline;
pub mod source;
pub mod viewer;
