//! The camera as a whole, against a WHIP endpoint in this process and viewers made of GStreamer.

mod endpoint;
mod peer;
mod rig;
mod signaling;
mod sources;
mod viewers;
