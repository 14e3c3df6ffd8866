//! A worker that is driven turn by turn, on a real socket.

mod breaking;
mod homes;
mod takeovers;
mod turns;

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use aws_lc_rs::hmac;
use sightline_spec::room::SessionId;
use sightline_spec::sdp::{IceCredentials, Sdp};
use str0m::ice::{StunMessage, TransId};
use tokio::sync::oneshot;

use super::mailbox::mailbox;
use super::others::Directory;
use super::start::Sockets;
use super::{Command, Mailbox, Surroundings, Worker};
use crate::error::Error;
use crate::event::{self, Event, Events, Teller};
use crate::limits::Limits;
use crate::net::ports::{BoundPorts, MediaPorts};
use crate::net::udp::Incoming;
use crate::placement::Load;
use crate::relay::{Handle, Relay};
use crate::sdp::negotiate::credentials;
use crate::session::{Negotiated, Session};

const PUBLISHER: &str = include_str!("../../../../spec/http/sdp/camera-offer.sdp");
const VIEWER: &str = include_str!("../../../../spec/http/sdp/viewer-offer.sdp");

/// A relay of one worker, which does nothing by itself.
struct Rig {
    relay: Relay,
    worker: Worker,
    mailbox: Mailbox,
    events: Events,
    incoming: Incoming,
}

fn publisher(relay: &Relay) -> (SessionId, Negotiated) {
    let (room, id) = ("garage".parse().unwrap(), SessionId::random());
    let offer = Sdp::parse(PUBLISHER).unwrap();
    (id, relay.publish(&room, id, &offer, false).unwrap())
}

fn viewer(relay: &Relay) -> (SessionId, Negotiated) {
    let (room, id) = ("garage".parse().unwrap(), SessionId::random());
    let offer = Sdp::parse(VIEWER).unwrap();
    (id, relay.view(&room, id, &offer).unwrap())
}

/// A publisher and a viewer, which their worker is told to begin.
fn pair(relay: &Relay) -> [(SessionId, Session); 2] {
    [publisher, viewer].map(|made| {
        let (id, negotiated) = made(relay);
        let session = negotiated.session.clone();
        negotiated.begin().unwrap();
        (id, session)
    })
}

/// What a relay of one worker is made of.
struct Parts {
    ports: BoundPorts,
    surroundings: Surroundings,
    events: Events,
}

impl Parts {
    fn new() -> Self {
        let ports = MediaPorts {
            address: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            workers: 1,
            advertised: Vec::new(),
        };
        let (sender, events) = event::stream();
        let surroundings = Surroundings {
            index: 0,
            directory: Arc::new(Directory::new(1)),
            load: Arc::default(),
            streams: Arc::default(),
            traffic: Arc::default(),
            health: Arc::default(),
            teller: Teller::new(sender),
            limits: limits(),
        };
        Self {
            ports: ports.bind().unwrap().remove(0),
            surroundings,
            events,
        }
    }

    /// The relay, once its worker has this mailbox.
    fn relay(&self) -> impl FnOnce(Mailbox, Option<JoinHandle<()>>) -> Relay + use<> {
        let addresses = self.ports.addresses.clone();
        let (streams, traffic) = (
            self.surroundings.streams.clone(),
            self.surroundings.traffic.clone(),
        );
        let health = self.surroundings.health.clone();
        let load = self.surroundings.load.clone();
        move |mailbox, thread| {
            let worker = Handle {
                mailbox,
                load,
                addresses,
                thread: Mutex::new(thread),
            };
            Relay::with(vec![worker], streams, traffic, health).unwrap()
        }
    }
}

impl Rig {
    /// To be made within a runtime.
    fn new() -> Self {
        let parts = Parts::new();
        let relay = parts.relay();
        let (mailbox, inbox) = mailbox();
        let addresses = parts.ports.addresses.clone();
        let sockets = Sockets::open(&parts.ports).unwrap();
        Self {
            relay: relay(mailbox.clone(), None),
            worker: Worker::new(parts.surroundings, addresses, inbox, sockets),
            mailbox,
            events: parts.events,
            incoming: Incoming::new(),
        }
    }

    async fn turn(&mut self) {
        let turn = self.worker.take_turn(&mut self.incoming).await;
        assert!(turn.is_ok(), "there is a mailbox");
    }

    /// A publisher and a viewer, both begun.
    async fn pair(&mut self) -> [(SessionId, Session); 2] {
        let pair = pair(&self.relay);
        self.turn().await;
        pair
    }

    /// Has a session begin ICE anew until no more such commands are taken.
    fn fill_the_queue(&self, session: SessionId) -> Vec<oneshot::Receiver<Result<(), Error>>> {
        let mut waiting = Vec::new();
        loop {
            let (done, outcome) = oneshot::channel();
            let ours = credentials();
            let restart = Command::Restart {
                session,
                theirs: IceCredentials::new("them", &ours.pass).unwrap(),
                ours,
                done,
            };
            match self.mailbox.try_send(restart) {
                Ok(()) => waiting.push(outcome),
                Err(error) => {
                    assert_eq!(error, Error::Busy);
                    return waiting;
                }
            }
        }
    }

    /// Those that have ended since the last call.
    fn ended(&mut self) -> Vec<SessionId> {
        let events = std::iter::from_fn(|| self.events.try_recv().ok());
        let ended = events.filter_map(|event| match event {
            Event::Ended { session, .. } => Some(session),
            _ => None,
        });
        ended.collect()
    }
}

/// Of which none is reached.
fn limits() -> Limits {
    Limits {
        publisher_connect: Duration::from_secs(60),
        connect: Duration::from_secs(60),
        silence: Duration::from_secs(60),
        linger: Duration::from_secs(60),
    }
}

/// A peer that knows the way, and no more than STUN.
struct Stranger {
    socket: UdpSocket,
    relay: SocketAddr,
    name: String,
    password: String,
}

impl Stranger {
    /// One that got this answer to an offer of `offer`'s credentials.
    fn new(offer: &str, answer: &Sdp) -> Self {
        let theirs = Sdp::parse(offer).unwrap().ice_credentials().remove(0);
        let ours = answer.ice_credentials().remove(0);
        let candidate = answer.as_str().lines().find_map(|line| {
            let words: Vec<&str> = line.strip_prefix("a=candidate:")?.split(' ').collect();
            Some(format!("{}:{}", words.get(4)?, words.get(5)?))
        });
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        Self {
            socket,
            relay: candidate.unwrap().parse().unwrap(),
            name: format!("{}:{}", ours.ufrag, theirs.ufrag),
            password: ours.pwd,
        }
    }

    /// Sends a check, as an ICE agent would (RFC 8445 section 7.2).
    fn check(&self) {
        let request = StunMessage::binding_request(&self.name, TransId::new(), true, 7, 100, true);
        let mut bytes = vec![0; 512];
        let length = request.to_bytes(Some(self.password.as_bytes()), &mut bytes, sha1_hmac);
        bytes.truncate(length.unwrap());
        self.socket.send_to(&bytes, self.relay).unwrap();
    }

    fn is_answered(&self) -> bool {
        self.socket.recv(&mut [0; 2000]).is_ok()
    }
}

fn sha1_hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &parts.concat());
    tag.as_ref().try_into().unwrap()
}
