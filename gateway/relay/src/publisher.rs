//! What a publisher sends, and what is kept of it.

pub(crate) mod keyframe;
pub(crate) mod packet_cache;
pub(crate) mod sources;
pub(crate) mod track;
