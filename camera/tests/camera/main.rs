//! The camera as a whole, against a WHIP endpoint in this process and viewers made of GStreamer.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod clocks;
mod codecs;
mod devices;
mod encoders;
mod endpoint;
mod gateway;
mod ip_camera;
mod lip_sync;
mod machine;
mod measures;
mod microphones;
mod moods;
mod names;
mod network_cameras;
mod offers;
mod peer;
mod pieces;
mod publishing;
mod real;
mod rig;
mod secrets;
mod signaling;
mod sound;
mod sources;
mod stand_ins;
mod statistics;
mod tls;
mod tokens;
mod trust;
mod viewers;
mod villains;
mod watching;
mod webcam;
mod wire;
