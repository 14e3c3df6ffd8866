//! Who is here, for whoever runs the gateway. Nothing is decided by it.

use std::fmt;
use std::time::SystemTime;

use aws_lc_rs::digest::{SHA256, digest};
use sightline_spec::room::{RoomId, SessionId};

use crate::session::{Path, Side};

/// One room.
#[derive(Debug)]
pub(crate) struct RoomCensus {
    pub(crate) room: RoomId,
    /// A camera is provably here.
    pub(crate) is_published: bool,
    /// Offers that wait for a viewer.
    pub(crate) offers: usize,
    /// Viewers that wait for an offer.
    pub(crate) viewers: usize,
    pub(crate) seats: Vec<Seat>,
}

/// One session.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) session: SessionId,
    pub(crate) side: Side,
    pub(crate) path: Path,
    pub(crate) since: SystemTime,
}

/// All rooms in numbers.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) rooms: usize,
    pub(crate) offers: usize,
    pub(crate) viewers: usize,
    /// Pairs of a camera and a viewer whose media flows directly.
    pub(crate) direct: usize,
}

/// What an administrator calls a session: whoever knows the session's own id may PATCH
/// and DELETE it, and so that is told to nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Handle(String);

impl Handle {
    /// Ids are 128 random bits, which nobody finds by trying.
    pub(crate) fn of(session: SessionId) -> Self {
        let hash = digest(&SHA256, session.to_string().as_bytes());
        Self(hex::encode(&hash.as_ref()[..16]))
    }

    /// Whether this is what somebody has called a session.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.0 == name
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
