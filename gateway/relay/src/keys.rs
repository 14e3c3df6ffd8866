//! The names that a worker gives to its connections and its rooms. They cost nothing to copy
//! or to look up, and none is used again.

use slotmap::new_key_type;

new_key_type! {
    /// The name of a connection.
    pub(crate) struct Key;

    /// The name of a room.
    pub(crate) struct RoomKey;
}
