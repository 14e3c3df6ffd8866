//! What a publisher sends, and what is kept of it.

pub(crate) mod budget;
pub(crate) mod capture_clock;
mod fragments;
pub(crate) mod frame_rate;
pub(crate) mod keyframe;
pub(crate) mod packet_cache;
pub(crate) mod parameter_sets;
pub(crate) mod picture_size;
mod pictures;
mod reordering;
pub(crate) mod sources;
pub(crate) mod track;
