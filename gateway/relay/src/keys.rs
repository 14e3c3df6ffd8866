//! The names of workers, and those that a worker gives to its connections and its rooms. They
//! cost nothing to copy or to look up, and none is used again.

use slotmap::new_key_type;

new_key_type! {
    /// The name of a connection.
    pub(crate) struct Key;

    /// The name of a room.
    pub(crate) struct RoomKey;
}

/// The name of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WorkerId {
    /// Its place among all workers.
    pub(crate) index: usize,
    /// Which one in this place it is: one that has failed is replaced.
    pub(crate) start: u32,
}
