//! What is published in each room and where, for whoever negotiates with a viewer, and for the
//! workers that pull a stream from its home. Packets never come by here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sightline_spec::layer::LayerSelection;
use sightline_spec::room::{RoomId, SessionId};

use crate::error::Error;
use crate::placement::Places;
use crate::sdp::negotiate::Track;
use crate::subscriber::layer_choice::Selection;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// Guards a map; held for a look-up, never across an await.
    rooms: Mutex<HashMap<RoomId, Room>>,
}

/// A room that has a home: from when somebody first publishes there until the home gives it up,
/// when nobody is there any more.
#[derive(Debug)]
struct Room {
    places: Places,
    published: Option<Published>,
}

/// What one publisher sends.
#[derive(Debug)]
struct Published {
    session: SessionId,
    tracks: Arc<[Track]>,
}

/// What there is to be pulled.
#[derive(Debug)]
pub(crate) struct Pulled {
    pub(crate) home: usize,
    pub(crate) published: Option<(SessionId, Arc<[Track]>)>,
}

impl Streams {
    /// The room is this publisher's from now on. It is here that it has its home, unless that is
    /// elsewhere by now.
    pub(crate) fn add(
        &self,
        (room, session): (&RoomId, SessionId),
        tracks: &[Track],
        home: usize,
    ) -> Result<(), Error> {
        let published = Published {
            session,
            tracks: tracks.into(),
        };
        let mut rooms = self.rooms();
        let room = rooms.entry(room.clone()).or_insert_with(|| Room {
            places: Places {
                home,
                replicas: Vec::new(),
            },
            published: None,
        });
        if room.places.home != home {
            // Somebody else has just begun there.
            return Err(Error::Busy);
        }
        room.published = Some(published);
        Ok(())
    }

    /// A session is over; whether it was the room's publisher or not.
    pub(crate) fn remove(&self, room: &RoomId, session: SessionId) {
        if let Some(room) = self.rooms().get_mut(room) {
            room.published.take_if(|p| p.session == session);
        }
    }

    /// Where a room's stream is, also if nobody publishes there just now.
    pub(crate) fn places(&self, room: &RoomId) -> Option<Places> {
        Some(self.rooms().get(room)?.places.clone())
    }

    /// What a room's publisher sends, and where that is.
    pub(crate) fn tracks(&self, room: &RoomId) -> Result<(Arc<[Track]>, Places), Error> {
        let rooms = self.rooms();
        let room = rooms.get(room).ok_or(Error::NoPublisher)?;
        let published = room.published.as_ref().ok_or(Error::NoPublisher)?;
        Ok((published.tracks.clone(), room.places.clone()))
    }

    /// What a worker with viewers of this room can pull. It is one of the room's places from now
    /// on, until it leaves.
    pub(crate) fn pull(&self, room: &RoomId, worker: usize) -> Option<Pulled> {
        let mut rooms = self.rooms();
        let room = rooms.get_mut(room)?;
        let Places { home, replicas } = &mut room.places;
        if *home != worker && !replicas.contains(&worker) {
            replicas.push(worker);
        }
        let published = room.published.as_ref();
        Some(Pulled {
            home: *home,
            published: published.map(|p| (p.session, p.tracks.clone())),
        })
    }

    /// Whether this worker is the room's home.
    pub(crate) fn is_home(&self, room: &RoomId, worker: usize) -> bool {
        let rooms = self.rooms();
        let room = rooms.get(room);
        room.is_some_and(|room| room.places.home == worker)
    }

    /// Nobody is in the room at this worker any more. False if a publisher is on its way there.
    pub(crate) fn leave(&self, room: &RoomId, worker: usize) -> bool {
        let mut rooms = self.rooms();
        let Some(there) = rooms.get_mut(room) else {
            return true;
        };
        if there.places.home != worker {
            there.places.replicas.retain(|replica| *replica != worker);
            return true;
        }
        let is_over = there.published.is_none();
        if is_over {
            rooms.remove(room);
        }
        is_over
    }

    /// All that this worker had is gone, but for publishers that are still on their way to the
    /// one that takes its place.
    pub(crate) fn forget(&self, worker: usize) {
        self.rooms().retain(|_, room| {
            room.places.replicas.retain(|replica| *replica != worker);
            room.places.home != worker || room.published.is_some()
        });
    }

    /// What a viewer wants, of the layers that the room's publisher has announced. None of them
    /// has spatial or temporal layers.
    pub(crate) fn selection(
        &self,
        room: &RoomId,
        wanted: &LayerSelection,
    ) -> Result<Selection, Error> {
        let first_only = |id: Option<u8>| id.is_none_or(|id| id == 0);
        let is_encoding =
            first_only(wanted.spatial_layer_id) && first_only(wanted.temporal_layer_id);
        if !is_encoding {
            return Err(Error::NoSuchLayer);
        }
        let selection = Selection {
            rid: None,
            max_width: wanted.max_width,
            max_height: wanted.max_height,
        };
        let Some(name) = &wanted.rid else {
            return Ok(selection);
        };
        let rooms = self.rooms();
        let published = rooms.get(room).and_then(|room| room.published.as_ref());
        let tracks = published.map_or(&[][..], |published| &published.tracks);
        let mut layers = tracks.iter().flat_map(|track| &track.layers);
        let known = layers.find(|layer| *layer.name == *name.as_str());
        let rid = Some(known.ok_or(Error::NoSuchLayer)?.rid);
        Ok(Selection { rid, ..selection })
    }

    /// In how many rooms somebody publishes.
    #[cfg(feature = "test-util")]
    pub(crate) fn len(&self) -> usize {
        let rooms = self.rooms();
        let published = rooms.values().filter(|room| room.published.is_some());
        published.count()
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomId, Room>> {
        // A panic inside is a bug; what it did not touch is still in order.
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
