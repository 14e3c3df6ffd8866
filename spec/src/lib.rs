//! What goes over the wire, as types: parsed once at the edge, printed back unchanged.
//!
//! One file for each thing that RFC 9725 (WHIP), draft-ietf-wish-whep-04 (WHEP),
//! RFC 8840 (trickle ICE fragments), RFC 8288 (`Link`), RFC 7240 (`Prefer`) and
//! RFC 9457 (problem details) put into a request or a response. Nothing here does
//! I/O, reads a clock or knows a web framework. `README.md` maps every requirement
//! to its section and its test.

pub mod candidate;
pub mod event;
pub mod forwarded;
pub mod ice_server;
pub mod layer;
pub mod link;
pub mod media_type;
pub mod name;
pub mod prefer;
pub mod private;
pub mod problem;
pub mod proof;
pub mod room;
pub mod sdp;
pub mod sdpfrag;
pub mod shared_events;
pub mod token;
