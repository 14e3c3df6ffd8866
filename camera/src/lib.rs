//! The camera: one source, one encoder, one WebRTC branch for each viewer.
//!
//! Sound goes the same way: [`audio`] says where it comes from.
//!
//! The way of a frame: [`source`] says where pictures come from, [`capture`] runs it, [`pipeline`]
//! encodes them once ([`encoder`]) and gives the packets to every [`viewer`]. [`signaling`] finds
//! the viewers over WHIP (RFC 9725). The library exists for the tests; the program is `main.rs`.

mod arguments;
pub mod audio;
mod backoff;
pub mod branch;
mod budget;
mod candidates;
pub mod capacity;
pub mod capture;
mod capture_time;
pub mod certificate;
mod clock;
pub mod command;
mod complaint;
pub mod config;
pub mod doctor;
pub mod encoder;
mod events;
pub mod format;
mod http;
mod ice;
pub mod key;
mod keyframe;
pub mod log;
pub mod option;
mod pace;
pub mod pipeline;
pub mod proofs;
pub mod publish;
pub mod rtsp;
mod serving;
pub mod share;
pub mod signaling;
pub mod source;
pub mod stats;
pub mod stream;
pub mod token;
pub mod trust;
pub mod unknown;
pub mod view;
pub mod viewer;
pub mod watch_link;
pub mod whip;
