//! The relay: one more party at the rendezvous. It answers publishers that cannot or do
//! not want to meet viewers themselves, and gives every viewer what they send.
//!
//! This side makes connections and their answers. A worker, a thread of its own, then
//! carries the media.

mod addresses;
mod backlog;
mod directory;
mod dtls;
mod encoding;
mod feed;
mod hub;
mod keyframe;
mod negotiate;
mod network;
mod peer;
mod peers;
mod ports;
mod quality;
mod splice;
mod tcp;
mod track;
mod worker;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use anyhow::Context as _;
use sightline_spec::layer::LayerSelection;
use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::{IceCredentials, Sdp};
use sightline_spec::sdpfrag::SdpFrag;
use tokio::sync::{mpsc, oneshot};

use crate::error::Error;
use crate::events::Outbox;
use crate::rendezvous::Rendezvous;
use crate::room::Answered;
use crate::session::{EntityTag, Party, Precondition, Side};
use addresses::Addresses;
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

/// What a PATCH with a fragment led to.
pub(crate) enum Trickled {
    /// The candidates were noted.
    Noted,
    /// ICE begins anew.
    Restarted {
        credentials: IceCredentials,
        etag: EntityTag,
    },
}

impl Relay {
    /// Binds the media ports and starts the workers.
    pub(crate) fn start(
        ports: &MediaPorts,
        limits: RelayLimits,
        rendezvous: Rendezvous,
    ) -> anyhow::Result<Self> {
        let certificate = dtls::certificate().context("making a certificate for DTLS")?;
        let crypto = Arc::new(dtls::crypto_provider());
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
                crypto,
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
    pub(crate) fn view(&self, room: &RoomId, offer: &Sdp) -> Result<Answered, Error> {
        let worker = self.worker(room);
        let tracks = self.0.directory.tracks(room)?;
        let candidates = worker.addresses.candidates();
        let negotiated = self.0.endpoint.viewer(offer, &tracks, &candidates)?;
        let party = Party::new(offer.ice_credentials());
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
        })?;
        let newcomer = Newcomer {
            session: answered.session,
            room: room.clone(),
            rtc: negotiated.rtc,
            ufrag: negotiated.ufrag,
        };
        let outlets = negotiated.media;
        self.send(worker, Command::View { newcomer, outlets }, &answered)?;
        Ok(answered)
    }

    /// Candidates, or an ICE restart (RFC 9725 section 4.3).
    ///
    /// The relay is ICE-lite: it answers checks and makes none (RFC 8445 section 2.5), so
    /// candidates are of no use to it, and only counted.
    pub(crate) async fn trickle(
        &self,
        room: &RoomId,
        session: SessionId,
        precondition: &Precondition,
        fragment: &SdpFrag,
    ) -> Result<Trickled, Error> {
        let most = self.0.directory.most_candidates();
        let restart = self.0.directory.with(room, session, |session| {
            session.party.check(precondition)?;
            match session.party.accept(fragment, most) {
                Err(Error::RestartUnsupported) => {
                    let restarts = fragment.credentials();
                    let credentials = restarts.first().ok_or(Error::RestartUnsupported)?;
                    Ok(Some((
                        session.offer.restarted_with(credentials),
                        (*credentials).clone(),
                    )))
                }
                accepted => accepted.map(|()| None),
            }
        })?;
        match restart {
            None => Ok(Trickled::Noted),
            Some((offer, theirs)) => self.restart(room, session, offer, theirs).await,
        }
    }

    async fn restart(
        &self,
        room: &RoomId,
        session: SessionId,
        offer: Sdp,
        theirs: IceCredentials,
    ) -> Result<Trickled, Error> {
        let (done, outcome) = oneshot::channel();
        let restart = Command::Restart {
            session,
            offer: offer.clone(),
            done,
        };
        let sent = self.worker(room).commands.send(restart).await;
        sent.map_err(|_| Error::ShuttingDown)?;
        let credentials = outcome.await.map_err(|_| Error::ShuttingDown)??;
        let etag = self.0.directory.with(room, session, |session| {
            session.offer = offer;
            Ok(session.party.restart(theirs))
        })?;
        Ok(Trickled::Restarted { credentials, etag })
    }

    /// Notes which layer a viewer wants.
    pub(crate) fn select(
        &self,
        room: &RoomId,
        session: SessionId,
        selection: &LayerSelection,
    ) -> Result<(), Error> {
        self.0.directory.with(room, session, |_| Ok(()))?;
        let rid = selection.rid.as_ref().map(|rid| rid.as_str().into());
        let select = Command::Select { session, rid };
        let sent = self.worker(room).commands.try_send(select);
        sent.map_err(|_| Error::GatewayFull)
    }

    /// Ends a session.
    pub(crate) fn leave(&self, room: &RoomId, session: SessionId) -> Result<(), Error> {
        self.0.directory.with(room, session, |_| Ok(()))?;
        self.0.directory.ended(session);
        self.end(room, session);
        Ok(())
    }

    /// Which end of its connection a session is.
    pub(crate) fn side(&self, room: &RoomId, session: SessionId) -> Result<Side, Error> {
        self.0
            .directory
            .with(room, session, |session| Ok(session.side))
    }

    /// A session's event log.
    pub(crate) fn outbox(&self, room: &RoomId, session: SessionId) -> Result<Outbox, Error> {
        let outbox = |session: &mut Session| Ok(session.party.outbox.clone());
        self.0.directory.with(room, session, outbox)
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
