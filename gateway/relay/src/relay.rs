//! What the relay is asked for: an answer to a publisher's offer, or to a viewer's.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::Sdp;

use crate::clock;
use crate::connection::dtls;
use crate::error::{Error, StartError};
use crate::event::{self, Events, Teller};
use crate::limits::Limits;
use crate::net::addresses::Addresses;
use crate::net::ports::MediaPorts;
use crate::net::traffic::Traffic;
use crate::sdp::negotiate::Endpoint;
use crate::session::{self, Negotiated, Offered, Session};
use crate::streams::Streams;
use crate::worker::{Command, IsOver, Mailbox, Surroundings, Worker};

/// The relay. Cheap to clone; every clone is the same one, and without any the workers end.
#[derive(Clone)]
pub struct Relay(Arc<Shared>);

struct Shared {
    endpoint: Endpoint,
    streams: Arc<Streams>,
    traffic: Arc<Traffic>,
    workers: Vec<Handle>,
}

/// How to reach a worker. When all are gone, the worker ends.
pub(crate) struct Handle {
    pub(crate) mailbox: Mailbox,
    pub(crate) addresses: Addresses,
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Relay")
    }
}

impl Relay {
    /// Binds the media ports and starts the workers. What they tell is to be read.
    ///
    /// # Errors
    ///
    /// What cannot be bound, made or started.
    pub fn start(ports: &MediaPorts, limits: &Limits) -> Result<(Self, Events), StartError> {
        let (sender, events) = event::stream();
        let (streams, traffic) = <(Arc<Streams>, Arc<Traffic>)>::default();
        let bound = ports.bind()?;
        let workers = bound.into_iter().map(|ports| {
            let addresses = ports.addresses.clone();
            let surroundings = Surroundings {
                streams: streams.clone(),
                traffic: traffic.clone(),
                teller: Teller::new(sender.clone()),
                limits: limits.clone(),
            };
            let mailbox = Worker::start(ports, surroundings);
            Ok(Handle {
                mailbox: mailbox.map_err(StartError::Worker)?,
                addresses,
            })
        });
        let workers = workers.collect::<Result<_, StartError>>()?;
        Ok((Self::with(workers, streams, traffic)?, events))
    }

    /// A relay with these workers.
    pub(crate) fn with(
        workers: Vec<Handle>,
        streams: Arc<Streams>,
        traffic: Arc<Traffic>,
    ) -> Result<Self, StartError> {
        let endpoint = Endpoint {
            for_publishers: Arc::new(dtls::for_publishers()),
            for_viewers: Arc::new(dtls::for_viewers()),
            certificate: dtls::certificate()?,
        };
        Ok(Self(Arc::new(Shared {
            endpoint,
            streams,
            traffic,
            workers,
        })))
    }

    /// Answers a publisher, which takes the room over when it [begins](Negotiated::begin).
    /// Of one that `ends_unwatched` the connection is given up when nobody has watched for
    /// some time.
    ///
    /// # Errors
    ///
    /// What is wrong with the offer.
    pub fn publish(
        &self,
        room: &RoomId,
        session: SessionId,
        offer: &Sdp,
        ends_unwatched: bool,
    ) -> Result<Negotiated, Error> {
        let worker = self.worker(room);
        let candidates = worker.addresses.candidates();
        let connection = self
            .0
            .endpoint
            .publisher(offer, &candidates, clock::now())?;
        let session = self.session(room, session, &connection.offer);
        let newcomer = session.newcomer(connection.rtc, connection.ufrag, &connection.offer);
        Ok(Negotiated {
            answer: connection.answer,
            session,
            begin: Command::Publish {
                newcomer,
                tracks: connection.media,
                ends_unwatched,
            },
        })
    }

    /// Answers a viewer with what the room's publisher sends.
    ///
    /// # Errors
    ///
    /// What is wrong with the offer, or [`Error::NoPublisher`].
    pub fn view(
        &self,
        room: &RoomId,
        session: SessionId,
        offer: &Sdp,
    ) -> Result<Negotiated, Error> {
        let worker = self.worker(room);
        let tracks = self.0.streams.tracks(room)?;
        let candidates = worker.addresses.candidates();
        let connection = self
            .0
            .endpoint
            .viewer(offer, &tracks, &candidates, clock::now())?;
        let session = self.session(room, session, &connection.offer);
        let newcomer = session.newcomer(connection.rtc, connection.ufrag, &connection.offer);
        Ok(Negotiated {
            answer: connection.answer,
            session,
            begin: Command::View {
                newcomer,
                subscription: connection.media,
            },
        })
    }

    /// How many bytes have come and gone.
    pub fn traffic(&self) -> &Traffic {
        &self.0.traffic
    }

    fn session(&self, room: &RoomId, id: SessionId, offer: &Sdp) -> Session {
        let worker = self.worker(room);
        Session(Arc::new(session::Shared {
            id,
            room: room.clone(),
            offered: Offered::of(offer),
            streams: self.0.streams.clone(),
            worker: worker.mailbox.clone(),
            is_over: IsOver::default(),
            addresses: worker.addresses.clone(),
        }))
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
