//! One end of an exchange: the HTTP resource that a 201 or a 406 created.

use std::time::{Instant, SystemTime};

use sightline_spec::room::SessionId;
use sightline_spec::sdp::IceCredentials;
use sightline_spec::sdpfrag::SdpFrag;

use crate::error::Error;
use crate::events::Outbox;
use crate::shares::Share;

/// Which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    /// Came by `/whip`.
    Camera,
    /// Came by `/whep`.
    Viewer,
}

impl Side {
    /// The one it talks to.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Camera => Self::Viewer,
            Self::Viewer => Self::Camera,
        }
    }

    /// What it is called where people read.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Camera => "camera",
            Self::Viewer => "viewer",
        }
    }
}

/// Which way the media of a session goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Path {
    /// Straight from the camera to the viewer.
    Direct,
    /// Through the gateway.
    Relay,
}

impl Path {
    /// What it is called where people read.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Relay => "relay",
        }
    }
}

/// The strong entity-tag of an ICE session (RFC 9725 section 4.3.1), unquoted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntityTag(Box<str>);

impl EntityTag {
    fn random() -> Self {
        Self(SessionId::random().to_string().as_str()[..16].into())
    }

    /// The tag between its quotes.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a PATCH demands of the session's entity-tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Precondition {
    /// No `If-Match`: fine, unless the gateway goes by the book.
    Missing {
        /// By the book: RFC 6585 section 3.
        required: bool,
    },
    /// `If-Match: *`
    Any,
    /// One of these strong tags, unquoted.
    OneOf(Vec<String>),
}

/// Whether a party is there, as far as HTTP can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It has never opened an event stream, so silence means nothing.
    Unknown,
    /// So many of its event streams are open.
    Listening(usize),
    /// Its last event stream closed then.
    Silent {
        /// When.
        since: Instant,
    },
    /// It sent DELETE, or was silent for too long.
    Gone,
}

impl Presence {
    /// One of its event streams was opened.
    pub(crate) fn opened(self) -> Self {
        match self {
            Self::Listening(streams) => Self::Listening(streams + 1),
            Self::Unknown | Self::Silent { .. } => Self::Listening(1),
            Self::Gone => Self::Gone,
        }
    }

    /// One of its event streams closed.
    pub(crate) fn closed(self, now: Instant) -> Self {
        match self {
            Self::Listening(1) => Self::Silent { since: now },
            Self::Listening(streams) => Self::Listening(streams.saturating_sub(1)),
            other => other,
        }
    }
}

/// What a party has of what all share.
#[derive(Debug)]
pub(crate) struct Holds {
    /// A session's.
    pub(crate) _place: Share,
    /// Bytes that are kept for it: its offer while it waits, its candidates.
    pub(crate) memory: Share,
}

/// What one party may send to be passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CandidateLimits {
    pub(crate) count: usize,
    pub(crate) bytes: usize,
}

/// One end of an exchange.
pub(crate) struct Party {
    pub(crate) id: SessionId,
    pub(crate) etag: EntityTag,
    pub(crate) outbox: Outbox,
    pub(crate) presence: Presence,
    /// A viewer that has brought no ticket, for which a later publisher may ask.
    pub(crate) is_ticketless: bool,
    /// For people to read; nothing is decided by it.
    pub(crate) since: SystemTime,
    /// Its ICE credentials, once it has sent a description.
    credentials: Vec<IceCredentials>,
    candidates: usize,
    /// Bytes of what it has sent with them.
    candidate_bytes: usize,
    holds: Holds,
}

impl Party {
    pub(crate) fn new(credentials: Vec<IceCredentials>, holds: Holds) -> Self {
        Self {
            id: SessionId::random(),
            etag: EntityTag::random(),
            outbox: Outbox::default(),
            presence: Presence::Unknown,
            is_ticketless: false,
            since: SystemTime::now(),
            credentials,
            candidates: 0,
            candidate_bytes: 0,
            holds,
        }
    }

    /// RFC 9725 section 4.3.1: 428 for a missing tag, 412 for a wrong one.
    pub(crate) fn check(&self, precondition: &Precondition) -> Result<(), Error> {
        match precondition {
            Precondition::Missing { required: true } => Err(Error::PreconditionRequired),
            Precondition::Missing { required: false } | Precondition::Any => Ok(()),
            Precondition::OneOf(tags) if tags.iter().any(|t| t == self.etag.as_str()) => Ok(()),
            Precondition::OneOf(_) => Err(Error::PreconditionFailed),
        }
    }

    /// Takes note of the candidates in a fragment.
    ///
    /// A restart is recognised by credentials that are not the current ones
    /// (RFC 9725 section 4.3.3), not by `If-Match: *`, which some players send
    /// with every candidate.
    pub(crate) fn accept(
        &mut self,
        fragment: &SdpFrag,
        most: CandidateLimits,
    ) -> Result<(), Error> {
        let known = !self.credentials.is_empty();
        let current = |c: &&IceCredentials| self.credentials.contains(c);
        if known && !fragment.credentials().iter().all(current) {
            return Err(Error::RestartUnsupported);
        }
        // A fragment without candidates costs memory as well.
        let more = fragment.candidates().count().max(1);
        let bytes = fragment.memory();
        if self.candidates + more > most.count || self.candidate_bytes + bytes > most.bytes {
            return Err(Error::TooManyCandidates);
        }
        self.candidates += more;
        self.candidate_bytes += bytes;
        Ok(())
    }

    /// Takes note that what it has sent is kept as long as it is.
    pub(crate) fn keep(&mut self, fragment: &SdpFrag) -> Result<(), Error> {
        let grown = self.holds.memory.grow(fragment.memory());
        grown.map_err(Error::too_large)
    }

    /// Begins another ICE session, whose candidates are counted anew. Returns its tag.
    pub(crate) fn restart(&mut self, credentials: IceCredentials) -> EntityTag {
        self.credentials = vec![credentials];
        self.candidates = 0;
        self.candidate_bytes = 0;
        self.etag = EntityTag::random();
        self.etag.clone()
    }

    /// Learns its credentials from its answer; says which of the fragments that
    /// came before belong to it.
    pub(crate) fn describe(&mut self, credentials: Vec<IceCredentials>, early: &mut Vec<SdpFrag>) {
        early.retain(|fragment| {
            let named = fragment.credentials();
            named.iter().all(|named| credentials.contains(named))
        });
        self.credentials = credentials;
    }
}
