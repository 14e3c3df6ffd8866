//! The relay: one more party at the rendezvous. It answers publishers that cannot or do
//! not want to meet viewers themselves, and gives every viewer what they send.
//!
//! This side makes connections and their answers. A worker, a thread of its own, then
//! carries the media.

mod addresses;
mod backlog;
mod changes;
mod checks;
mod directory;
mod drain;
mod dtls;
mod encoding;
mod feed;
mod history;
mod hub;
mod keyframe;
mod negotiate;
mod network;
mod peer;
mod peers;
mod pictures;
mod ports;
mod quality;
mod resend;
mod splice;
mod srtp;
mod stream;
mod tcp;
mod track;
mod transport;
mod worker;

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use anyhow::Context as _;
use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::Sdp;
use tokio::sync::mpsc;

use crate::app::Path;
use crate::census::Seat;
use crate::error::Error;
use crate::events::Outbox;
use crate::rendezvous::Rendezvous;
use crate::room::Answered;
use crate::session::{Party, Side};
use crate::traffic::Traffic;
use addresses::Addresses;
pub(crate) use changes::Trickled;
pub(crate) use directory::RelayLimits;
use directory::{Directory, Session};
use negotiate::Endpoint;
pub(crate) use peer::PeerLimits;
pub(crate) use ports::MediaPorts;
use worker::{Command, Newcomer};

/// The relay. Cheap to clone; every clone is the same one.
#[derive(Clone)]
pub(crate) struct Relay(Arc<Shared>);

struct Shared {
    endpoint: Endpoint,
    directory: Arc<Directory>,
    workers: Vec<Handle>,
}

/// How to reach a worker. When all are gone, the worker ends.
struct Handle {
    commands: mpsc::Sender<Command>,
    addresses: Addresses,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Relay")
    }
}

impl Relay {
    /// Binds the media ports and starts the workers.
    pub(crate) fn start(
        ports: &MediaPorts,
        limits: RelayLimits,
        rendezvous: Rendezvous,
    ) -> anyhow::Result<Self> {
        let certificate = dtls::certificate().context("making a certificate for DTLS")?;
        let directory = Arc::new(Directory::new(rendezvous, limits));
        let bound = ports.bind()?;
        let workers = bound.into_iter().map(|ports| {
            let addresses = ports.addresses.clone();
            let commands = ports.start_worker(directory.clone())?;
            Ok(Handle {
                commands,
                addresses,
            })
        });
        Ok(Self(Arc::new(Shared {
            endpoint: Endpoint {
                for_publishers: Arc::new(dtls::for_publishers()),
                for_viewers: Arc::new(dtls::for_viewers()),
                certificate,
            },
            workers: workers.collect::<anyhow::Result<_>>()?,
            directory,
        })))
    }

    /// Answers a publisher. `was_taken` says that its offer had waited for a viewer.
    pub(crate) fn publish(
        &self,
        room: &RoomId,
        party: Party,
        offer: &Sdp,
        was_taken: bool,
    ) -> Result<Answered, Error> {
        let worker = self.worker(room);
        let candidates = worker.addresses.candidates();
        let negotiated = self.0.endpoint.publisher(offer, &candidates)?;
        let answered = Answered {
            session: party.id,
            etag: party.etag.clone(),
            sdp: negotiated.answer,
        };
        let session = Session {
            room: room.clone(),
            side: Side::Camera,
            party,
            offer: negotiated.offer,
            was_taken,
            over: None,
        };
        let tracks = negotiated.media;
        self.0.directory.add_publisher(session, &tracks)?;
        let newcomer = Newcomer {
            session: answered.session,
            room: room.clone(),
            rtc: negotiated.rtc,
            ufrag: negotiated.ufrag,
        };
        self.send(worker, Command::Publish { newcomer, tracks }, &answered)?;
        Ok(answered)
    }

    /// Answers a viewer with what the room's publisher sends.
    pub(crate) fn view(
        &self,
        room: &RoomId,
        offer: &Sdp,
        is_ticketless: bool,
    ) -> Result<Answered, Error> {
        let worker = self.worker(room);
        let tracks = self.0.directory.tracks(room)?;
        let candidates = worker.addresses.candidates();
        let negotiated = self.0.endpoint.viewer(offer, &tracks, &candidates)?;
        let mut party = Party::new(offer.ice_credentials());
        party.is_ticketless = is_ticketless;
        let answered = Answered {
            session: party.id,
            etag: party.etag.clone(),
            sdp: negotiated.answer,
        };
        self.0.directory.add_viewer(Session {
            room: room.clone(),
            side: Side::Viewer,
            party,
            offer: negotiated.offer,
            was_taken: false,
            over: None,
        })?;
        let newcomer = Newcomer {
            session: answered.session,
            room: room.clone(),
            rtc: negotiated.rtc,
            ufrag: negotiated.ufrag,
        };
        let view = negotiated.media;
        self.send(worker, Command::View { newcomer, view }, &answered)?;
        Ok(answered)
    }

    /// Ends a session.
    pub(crate) fn leave(&self, room: &RoomId, session: SessionId) -> Result<(), Error> {
        self.side(room, session)?;
        self.0.directory.forget(session);
        self.end(room, session);
        Ok(())
    }

    /// Ends the viewers who have brought no ticket: the room's publisher asks for one now.
    pub(crate) fn end_ticketless(&self, room: &RoomId) {
        let is_ticketless = |session: &Session| session.party.is_ticketless;
        for (in_room, session, _) in self.0.directory.all() {
            let found =
                in_room == *room && self.0.directory.read(room, session, is_ticketless) == Ok(true);
            if found {
                self.0.directory.ended(session);
                self.end(room, session);
            }
        }
    }

    /// Which end of its connection a session is, or was a moment ago.
    pub(crate) fn side(&self, room: &RoomId, session: SessionId) -> Result<Side, Error> {
        self.0.directory.read(room, session, |session| session.side)
    }

    /// A session's event log.
    pub(crate) fn outbox(&self, room: &RoomId, session: SessionId) -> Result<Outbox, Error> {
        let outbox = |session: &Session| session.party.outbox.clone();
        self.0.directory.read(room, session, outbox)
    }

    /// Who has a connection with the relay.
    pub(crate) fn census(&self) -> Vec<(RoomId, Seat)> {
        let all = self.0.directory.all().into_iter();
        let seats = all.filter_map(|(room, id, _)| {
            let seat = self.0.directory.read(&room, id, |session| {
                session.over.is_none().then_some(Seat {
                    session: id,
                    side: session.side,
                    path: Path::Relay,
                    since: session.party.since,
                })
            });
            Some((room, seat.ok().flatten()?))
        });
        seats.collect()
    }

    /// How many bytes have come and gone.
    pub(crate) fn traffic(&self) -> &Traffic {
        self.0.directory.traffic()
    }

    /// Says goodbye to everyone.
    pub(crate) fn close(&self) {
        for (room, session, outbox) in self.0.directory.all() {
            outbox.end();
            self.end(&room, session);
        }
    }

    /// A worker that is too busy to be told notices by itself that the peer is gone.
    fn end(&self, room: &RoomId, session: SessionId) {
        let _ = self
            .worker(room)
            .commands
            .try_send(Command::End { session });
    }

    fn send(&self, worker: &Handle, command: Command, answered: &Answered) -> Result<(), Error> {
        let sent = worker.commands.try_send(command);
        sent.map_err(|_| {
            self.0.directory.ended(answered.session);
            Error::GatewayFull
        })
    }

    /// A room is one worker's, so that its packets stay on one core.
    fn worker(&self, room: &RoomId) -> &Handle {
        let mut hasher = DefaultHasher::new();
        room.hash(&mut hasher);
        let workers = &self.0.workers;
        let index = hasher.finish() % workers.len() as u64;
        &workers[usize::try_from(index).unwrap_or_default()]
    }
}
