//! What is published in each room, for whoever negotiates with a viewer. Packets never
//! come by here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sightline_spec::layer::LayerSelection;
use sightline_spec::room::{RoomId, SessionId};
use str0m::media::Rid;

use crate::error::Error;
use crate::sdp::negotiate::Track;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// Guards a map; held for a look-up, never across an await.
    rooms: Mutex<HashMap<RoomId, Published>>,
}

/// What one publisher sends.
#[derive(Debug)]
struct Published {
    session: SessionId,
    tracks: Arc<[Track]>,
}

impl Streams {
    /// The room is this publisher's from now on.
    pub(crate) fn add(&self, room: &RoomId, session: SessionId, tracks: &[Track]) {
        let published = Published {
            session,
            tracks: tracks.into(),
        };
        self.rooms().insert(room.clone(), published);
    }

    /// A session is over; whether it was the room's publisher or not.
    pub(crate) fn remove(&self, room: &RoomId, session: SessionId) {
        let mut rooms = self.rooms();
        if rooms.get(room).is_some_and(|p| p.session == session) {
            rooms.remove(room);
        }
    }

    /// What a room's publisher sends.
    pub(crate) fn tracks(&self, room: &RoomId) -> Result<Arc<[Track]>, Error> {
        let rooms = self.rooms();
        let published = rooms.get(room).ok_or(Error::NoPublisher)?;
        Ok(published.tracks.clone())
    }

    /// The layer that a viewer wants of those which the room's publisher has announced; nothing
    /// if it leaves that to its link. None of them has spatial or temporal layers, and how large
    /// their pictures are is not known.
    pub(crate) fn layer(
        &self,
        room: &RoomId,
        wanted: &LayerSelection,
    ) -> Result<Option<Rid>, Error> {
        let first_only = |id: Option<u8>| id.is_none_or(|id| id == 0);
        let is_encoding = first_only(wanted.spatial_layer_id)
            && first_only(wanted.temporal_layer_id)
            && wanted.max_width.or(wanted.max_height).is_none();
        if !is_encoding {
            return Err(Error::NoSuchLayer);
        }
        let Some(name) = &wanted.rid else {
            return Ok(None);
        };
        let rooms = self.rooms();
        let tracks = rooms
            .get(room)
            .map_or(&[][..], |published| &published.tracks);
        let mut layers = tracks.iter().flat_map(|track| &track.layers);
        let known = layers.find(|layer| *layer.name == *name.as_str());
        known.map(|layer| Some(layer.rid)).ok_or(Error::NoSuchLayer)
    }

    /// In how many rooms somebody publishes.
    #[cfg(feature = "test-util")]
    pub(crate) fn len(&self) -> usize {
        self.rooms().len()
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomId, Published>> {
        // A panic inside is a bug; what it did not touch is still in order.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
