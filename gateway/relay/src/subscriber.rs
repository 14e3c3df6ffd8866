//! One viewer's side: which layer it gets, how its packets are numbered, and what it can
//! have again.

#[allow(
    dead_code,
    unused_imports,
    reason = "simulcast viewers come to it next"
)]
pub(crate) mod bandwidth;
pub(crate) mod down_track;
pub(crate) mod layer_choice;
pub(crate) mod picture_ids;
pub(crate) mod retransmission;
pub(crate) mod rewriting;
pub(crate) mod rtp_stream;
pub(crate) mod sent_history;
