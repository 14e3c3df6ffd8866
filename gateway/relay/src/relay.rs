//! What the relay is asked for: an answer to a publisher's offer, or to a viewer's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;
use std::{fmt, io};

use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::Sdp;

use crate::clock;
use crate::connection::dtls;
use crate::error::{Error, StartError};
use crate::event::{self, Events, Teller};
use crate::health::{Hanging, Health, Part};
use crate::limits::Limits;
use crate::net::addresses::Addresses;
use crate::net::ports::{BoundPorts, MediaPorts};
use crate::net::traffic::Traffic;
use crate::placement::{Load, for_publisher, for_viewer};
use crate::router::Publication;
use crate::sdp::negotiate::Endpoint;
use crate::session::{self, Negotiated, Offered, Session};
use crate::streams::Streams;
use crate::worker::others::Directory;
use crate::worker::{Command, IsOver, Mailbox, Surroundings, Worker};

/// The relay. Cheap to clone; every clone is the same one, and without any the workers end.
#[derive(Clone)]
pub struct Relay(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    endpoint: Endpoint,
    pub(crate) streams: Arc<Streams>,
    traffic: Arc<Traffic>,
    health: Arc<Health>,
    pub(crate) workers: Vec<Handle>,
}

/// How to reach a worker. When all are gone, the worker ends.
pub(crate) struct Handle {
    pub(crate) mailbox: Mailbox,
    /// What it has to do.
    pub(crate) load: Arc<Load>,
    pub(crate) addresses: Addresses,
    /// Until somebody waits for its end.
    pub(crate) thread: Mutex<Option<JoinHandle<()>>>,
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
        Self::start_with(ports, limits, |ports, surroundings| {
            let (mailbox, thread) = Worker::start(ports, surroundings)?;
            Ok((mailbox, Some(thread)))
        })
    }

    /// The same with workers that are begun like this.
    pub(crate) fn start_with(
        ports: &MediaPorts,
        limits: &Limits,
        begin: impl Fn(BoundPorts, Surroundings) -> io::Result<(Mailbox, Option<JoinHandle<()>>)>,
    ) -> Result<(Self, Events), StartError> {
        let (sender, events) = event::stream();
        let (streams, traffic) = <(Arc<Streams>, Arc<Traffic>)>::default();
        let health = Arc::<Health>::default();
        let bound = ports.bind()?;
        let directory = Arc::new(Directory::new(bound.len()));
        let workers = bound.into_iter().enumerate().map(|(index, ports)| {
            let addresses = ports.addresses.clone();
            let load = Arc::<Load>::default();
            let surroundings = Surroundings {
                index,
                directory: directory.clone(),
                load: load.clone(),
                streams: streams.clone(),
                traffic: traffic.clone(),
                health: health.clone(),
                teller: Teller::new(sender.clone()),
                limits: limits.clone(),
            };
            let started = begin(ports, surroundings);
            let (mailbox, thread) = started.map_err(StartError::Worker)?;
            Ok(Handle {
                mailbox,
                load,
                addresses,
                thread: Mutex::new(thread),
            })
        });
        let workers = workers.collect::<Result<_, StartError>>()?;
        Ok((Self::with(workers, streams, traffic, health)?, events))
    }

    /// A relay with these workers.
    pub(crate) fn with(
        workers: Vec<Handle>,
        streams: Arc<Streams>,
        traffic: Arc<Traffic>,
        health: Arc<Health>,
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
            health,
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
        // A room's home stays where it is while anybody is there.
        let now = clock::now();
        let home = self.0.streams.places(room).map(|places| places.home);
        let index = home.unwrap_or_else(|| for_publisher(&self.loads(now)));
        let candidates = self.0.workers[index].addresses.candidates();
        let connection = self.negotiate(|it| it.publisher(offer, &candidates, now))?;
        let offered = Offered::of(offer, &connection.answer);
        let session = self.session(index, room, session, offered);
        let newcomer = session.newcomer(connection.rtc, connection.ufrag);
        Ok(Negotiated {
            answer: connection.answer,
            session,
            begin: Command::Publish {
                newcomer,
                publication: Publication {
                    tracks: connection.media,
                    ends_unwatched,
                },
                is_apart: false,
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
        let (tracks, places) = self.0.streams.tracks(room)?;
        let now = clock::now();
        let index = for_viewer(&self.loads(now), &places);
        let candidates = self.0.workers[index].addresses.candidates();
        let connection = self.negotiate(|it| it.viewer(offer, &tracks, &candidates, now))?;
        let offered = Offered::of(offer, &connection.answer);
        let session = self.session(index, room, session, offered);
        let newcomer = session.newcomer(connection.rtc, connection.ufrag);
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

    /// What has broken so far.
    pub fn health(&self) -> &Health {
        &self.0.health
    }

    /// Whether every worker is at work, and none hangs.
    pub fn is_whole(&self) -> bool {
        self.hanging_at(clock::now()) == 0 && self.0.health.at_work() == self.0.workers.len()
    }

    /// How many workers have not gone on for ten seconds though they were to. The log has it when
    /// that is found out.
    pub fn hanging(&self) -> usize {
        self.hanging_at(clock::now())
    }

    fn hanging_at(&self, now: Instant) -> usize {
        let workers = self.0.workers.iter();
        workers.filter(|worker| worker.hangs(now)).count()
    }

    /// Has every worker end, with a goodbye to each peer. Nothing can be begun any more.
    pub fn close(&self) {
        self.0.workers.iter().for_each(|it| it.mailbox.close());
    }

    /// Waits until all goodbyes are said and the workers are gone.
    pub async fn closed(&self) {
        self.0.health.is_idle().await;
        for worker in &self.0.workers {
            let thread = worker.thread.lock();
            let thread = thread.unwrap_or_else(PoisonError::into_inner).take();
            // It has nothing left to do, and has contained its panics.
            let _ = thread.map(JoinHandle::join);
        }
    }

    /// A panic of a library ends the negotiation and nothing else.
    fn negotiate<T>(
        &self,
        negotiation: impl FnOnce(&Endpoint) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let shared = &self.0;
        let negotiated = catch_unwind(AssertUnwindSafe(|| negotiation(&shared.endpoint)));
        negotiated.unwrap_or_else(|_| {
            tracing::error!("an offer broke the library that was to answer it; it is refused");
            shared.health.broke(Part::Negotiation);
            Err(Error::UnacceptableOffer)
        })
    }

    /// A session at the worker in this place.
    fn session(&self, index: usize, room: &RoomId, id: SessionId, offered: Offered) -> Session {
        let worker = &self.0.workers[index];
        Session(Arc::new(session::Shared {
            id,
            room: room.clone(),
            offered,
            streams: self.0.streams.clone(),
            worker: worker.mailbox.clone(),
            index,
            load: worker.load.clone(),
            is_over: IsOver::default(),
            addresses: worker.addresses.clone(),
        }))
    }

    /// What each worker has to do. For one that hangs anything is too much.
    fn loads(&self, now: Instant) -> Vec<u64> {
        let load = |worker: &Handle| match worker.hangs(now) {
            true => u64::MAX,
            false => worker.load.now(),
        };
        self.0.workers.iter().map(load).collect()
    }
}

impl Handle {
    fn hangs(&self, now: Instant) -> bool {
        let Hanging { hangs, is_news } = self.load.pulse.look(now);
        match hangs {
            true if is_news => {
                tracing::error!(
                    "a relay worker hangs; its sessions have no media, new rooms go elsewhere"
                );
            }
            false if is_news => tracing::info!("a relay worker that hung goes on"),
            _ => {}
        }
        hangs
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    fn start(workers: usize) -> (Relay, Events) {
        let ports = MediaPorts {
            address: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            workers,
            advertised: Vec::new(),
        };
        let limits = Limits {
            connect: Duration::from_secs(1),
            publisher_connect: Duration::from_secs(1),
            silence: Duration::from_secs(1),
            linger: Duration::from_secs(1),
        };
        Relay::start(&ports, &limits).unwrap()
    }

    #[tokio::test]
    async fn a_worker_that_hangs_is_told_of_and_gets_no_rooms() {
        let (relay, _events) = start(2);
        let (begun, hangs) = oneshot::channel();
        let (until, held) = mpsc::channel();
        let worker = &relay.0.workers[0];
        worker.mailbox.try_send(Command::Hang(begun, held)).unwrap();
        hangs.await.unwrap();
        assert!(relay.is_whole(), "not yet");
        let later = clock::now() + Duration::from_secs(11);
        assert_eq!(relay.hanging_at(later), 1);
        assert_eq!(for_publisher(&relay.loads(later)), 1);
        assert_eq!(relay.loads(clock::now())[0], 0, "there was no such time");
        drop(until);
    }

    #[tokio::test]
    async fn a_negotiation_that_panics_is_a_refusal_that_is_counted() {
        let (relay, _events) = start(1);
        let negotiated = relay.negotiate(|_| -> Result<(), _> { panic!("a test wants it") });
        assert_eq!(negotiated, Err(Error::UnacceptableOffer));
        assert_eq!(relay.health().panics(Part::Negotiation), 1);
        assert!(relay.is_whole());
    }
}
