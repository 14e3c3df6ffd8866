//! A worker that is driven turn by turn, on a real socket.

mod turns;

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use sightline_spec::room::SessionId;
use sightline_spec::sdp::{IceCredentials, Sdp};
use str0m::ice::{StunMessage, TransId};
use tokio::sync::oneshot;

use super::mailbox::mailbox;
use super::start::Sockets;
use super::{Command, Mailbox, Surroundings, Worker};
use crate::error::Error;
use crate::event::{self, Event, Events, Teller};
use crate::limits::Limits;
use crate::net::ports::MediaPorts;
use crate::net::traffic::Traffic;
use crate::net::udp::Incoming;
use crate::relay::{Handle, Relay};
use crate::sdp::negotiate::credentials;
use crate::session::{Negotiated, Session};
use crate::streams::Streams;

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

impl Rig {
    /// To be made within a runtime.
    fn new() -> Self {
        let ports = MediaPorts {
            address: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            workers: 1,
            advertised: Vec::new(),
        };
        let ports = ports.bind().unwrap().remove(0);
        let addresses = ports.addresses.clone();
        let (streams, traffic) = <(Arc<Streams>, Arc<Traffic>)>::default();
        let (sender, events) = event::stream();
        let surroundings = Surroundings {
            streams: streams.clone(),
            traffic: traffic.clone(),
            teller: Teller::new(sender),
            limits: Limits {
                connect: Duration::from_secs(60),
                silence: Duration::from_secs(60),
                linger: Duration::from_secs(60),
            },
        };
        let (mailbox, inbox) = mailbox();
        let sockets = Sockets::open(&ports).unwrap();
        let worker = Worker::new(surroundings, addresses.clone(), inbox, sockets);
        let handle = Handle {
            mailbox: mailbox.clone(),
            addresses,
        };
        Self {
            relay: Relay::with(vec![handle], streams, traffic).unwrap(),
            worker,
            mailbox,
            events,
            incoming: Incoming::new(),
        }
    }

    async fn turn(&mut self) {
        let turn = self.worker.take_turn(&mut self.incoming).await;
        assert!(turn.is_ok(), "there is a mailbox");
    }

    fn publisher(&self) -> (SessionId, Negotiated) {
        let (room, id) = ("garage".parse().unwrap(), SessionId::random());
        let offer = Sdp::parse(PUBLISHER).unwrap();
        let negotiated = self.relay.publish(&room, id, &offer, false).unwrap();
        (id, negotiated)
    }

    fn viewer(&self) -> (SessionId, Negotiated) {
        let (room, id) = ("garage".parse().unwrap(), SessionId::random());
        let offer = Sdp::parse(VIEWER).unwrap();
        (id, self.relay.view(&room, id, &offer).unwrap())
    }

    /// A publisher and a viewer, both begun.
    async fn pair(&mut self) -> [(SessionId, Session); 2] {
        let (publisher, negotiated) = self.publisher();
        let first = negotiated.session.clone();
        negotiated.begin().unwrap();
        let (viewer, negotiated) = self.viewer();
        let second = negotiated.session.clone();
        negotiated.begin().unwrap();
        self.turn().await;
        [(publisher, first), (viewer, second)]
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
