//! One thread with its own ports and its own rooms. Nothing in it is shared with another
//! worker, so no packet waits for a lock.

mod command;
mod rounds;

use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sightline_spec::room::RoomId;
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpPacket;
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use crate::connection::drive::{Drain, Heard};
use crate::connection::peer::Role;
use crate::connection::registry::{Key, Registry};
use crate::event::{Event, Teller};
use crate::net::addresses::Addresses;
use crate::net::tcp::TcpEvent;
use crate::net::traffic::Traffic;
use crate::net::udp::{Incoming, Network};
use crate::relay::Limits;
use crate::router::Router;
use crate::streams::Streams;
use crate::subscriber::layer_choice;
pub(crate) use command::{Command, Newcomer};

/// How often rooms are looked over: who is silent, which layers there are.
const LOOK: Duration = Duration::from_millis(500);

/// Reads from one port before others get their turn.
const READS_IN_A_ROW: usize = 8;

/// See the module.
pub(crate) struct Worker {
    streams: Arc<Streams>,
    traffic: Arc<Traffic>,
    teller: Teller,
    limits: Limits,
    addresses: Addresses,
    commands: mpsc::Receiver<Command>,
    tcp: mpsc::Receiver<TcpEvent>,
    network: Network,
    registry: Registry,
    routers: HashMap<RoomId, Router>,
    heard: Vec<(Key, Heard)>,
    /// Rooms with packets that have not been sent on yet.
    dirty: HashSet<RoomId>,
    /// When a room wants to be flushed though nothing has arrived.
    flush_at: Option<Instant>,
    looked: Instant,
    /// Events have not been told yet.
    is_behind: bool,
}

/// What a worker shares with the HTTP side, and how it is to work.
pub(crate) struct Surroundings {
    pub(crate) streams: Arc<Streams>,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) teller: Teller,
    pub(crate) limits: Limits,
}

impl Worker {
    pub(crate) fn new(
        surroundings: Surroundings,
        addresses: Addresses,
        commands: mpsc::Receiver<Command>,
        tcp: mpsc::Receiver<TcpEvent>,
        network: Network,
    ) -> Self {
        let Surroundings {
            streams,
            traffic,
            teller,
            limits,
        } = surroundings;
        Self {
            streams,
            traffic,
            teller,
            limits,
            addresses,
            commands,
            tcp,
            network,
            registry: Registry::default(),
            routers: HashMap::new(),
            heard: Vec::new(),
            dirty: HashSet::new(),
            flush_at: None,
            looked: Instant::now(),
            is_behind: false,
        }
    }

    /// Works until the HTTP side is gone.
    pub(crate) async fn run(mut self) {
        let mut incoming = Incoming::new();
        loop {
            let wake_at = self.wake_at();
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(command) => self.carry_out(command),
                    None => return,
                },
                port = poll_fn(|context| self.network.poll_readable(context)) => {
                    self.read(port, &mut incoming);
                }
                Some(news) = self.tcp.recv() => self.hear_tcp(news),
                () = sleep_until(wake_at.into()) => {}
            }
            let now = Instant::now();
            self.drive_due(now);
            self.flush_dirty(now);
            if self.looked + LOOK <= now {
                self.look_over(now);
            }
        }
    }

    fn wake_at(&self) -> Instant {
        let is_needed = !self.routers.is_empty() || self.is_behind;
        let look = is_needed.then_some(self.looked + LOOK);
        let all = [look, self.registry.next_due(), self.flush_at];
        let soonest = all.into_iter().flatten().min();
        soonest.unwrap_or_else(|| Instant::now() + Duration::from_secs(60 * 60))
    }

    fn read(&mut self, port: usize, incoming: &mut Incoming) {
        for _ in 0..READS_IN_A_ROW {
            let Ok(count) = self.network.port(port).receive(incoming) else {
                return;
            };
            let now = Instant::now();
            let local = self.network.port(port).address;
            for datagrams in incoming.read(count) {
                let to = datagrams.destination;
                let destination = self.addresses.local(to, local);
                for bytes in datagrams.iter() {
                    self.receive(Protocol::Udp, datagrams.source, destination, bytes, now);
                }
            }
            self.flush_dirty(now);
        }
    }

    fn hear_tcp(&mut self, news: TcpEvent) {
        match news {
            TcpEvent::Opened(peer, frames) => {
                self.network.tcp.insert(peer, frames);
            }
            TcpEvent::Closed(peer) => {
                self.network.tcp.remove(&peer);
            }
            TcpEvent::Frame { peer, local, frame } => {
                let destination = self.addresses.local(Some(local.ip()), local);
                let now = Instant::now();
                self.receive(Protocol::Tcp, peer, destination, &frame, now);
            }
        }
    }

    /// One datagram. What nobody here is waiting for is dropped without a word.
    fn receive(
        &mut self,
        proto: Protocol,
        source: SocketAddr,
        destination: SocketAddr,
        bytes: &[u8],
        now: Instant,
    ) {
        self.network.counted.received += bytes.len() as u64;
        let Ok(receive) = Receive::new(proto, source, destination, bytes) else {
            return;
        };
        let Some(key) = self.registry.find(&receive, bytes, now) else {
            return;
        };
        let Some(peer) = self.registry.get_mut(key) else {
            return;
        };
        let mut drain = Drain::new(&mut self.network, &mut self.heard);
        peer.receive(receive, now, drain.of(key));
        self.registry.note(key);
        self.act_on_heard(now);
    }

    fn drive(&mut self, key: Key, now: Instant) {
        if let Some(peer) = self.registry.get_mut(key) {
            let mut drain = Drain::new(&mut self.network, &mut self.heard);
            peer.tick(now, drain.of(key));
            self.registry.note(key);
            self.act_on_heard(now);
        }
    }

    fn drive_due(&mut self, now: Instant) {
        while let Some(key) = self.registry.pop_due(now) {
            self.drive(key, now);
        }
    }

    /// What connections told while they were driven.
    fn act_on_heard(&mut self, now: Instant) {
        if self.heard.is_empty() {
            return;
        }
        let mut heard = std::mem::take(&mut self.heard);
        for (key, news) in heard.drain(..) {
            self.act_on(key, news, now);
        }
        // Its memory serves the next time.
        self.heard = heard;
    }

    fn act_on(&mut self, key: Key, news: Heard, now: Instant) {
        let Some(peer) = self.registry.get_mut(key) else {
            return;
        };
        let room = peer.room.clone();
        match (news, &mut peer.role) {
            (Heard::Gone, _) => self.end(key, now),
            (Heard::Connected, _) => {
                peer.is_connected = true;
                if let Some(router) = self.routers.get(&room) {
                    layer_choice::begin(peer, &router.tracks, now);
                    router.provide_sent_history(peer);
                }
                tracing::debug!(?room, "a connection to the relay is up");
                self.dirty.insert(room);
            }
            (Heard::Packet(packet), Role::Publisher(_)) => self.receive_media(key, *packet, now),
            (Heard::KeyframeWanted, Role::Viewer(subscriber)) => {
                if let Some(router) = self.routers.get_mut(&room) {
                    router.keyframe_wanted(subscriber);
                    self.dirty.insert(room);
                }
            }
            (Heard::Missing(nack), Role::Viewer(_)) => {
                if let Some(router) = self.routers.get(&room) {
                    router.send_again(peer, &nack, &mut self.network);
                }
            }
            (Heard::Estimate(estimate), Role::Viewer(subscriber)) => {
                subscriber.estimate = Some(estimate);
            }
            _ => {}
        }
    }

    fn receive_media(&mut self, key: Key, packet: RtpPacket, now: Instant) {
        let Some(peer) = self.registry.get_mut(key) else {
            return;
        };
        let Some(router) = self.routers.get_mut(&peer.room) else {
            return;
        };
        if router.publisher != Some(key) {
            return;
        }
        let source = packet.header.ssrc;
        let Some((track, rid)) = peer.source(source, &router.tracks) else {
            return;
        };
        router.tracks[track].push(rid, source, packet);
        let room = peer.room.clone();
        if router.received(now) {
            self.teller.tell(Event::Sending {
                room: room.clone(),
                publisher: peer.session,
                is_sending: true,
            });
        }
        self.dirty.insert(room);
    }

    fn flush_dirty(&mut self, now: Instant) {
        if self.flush_at.is_some_and(|at| at <= now) {
            self.flush_at = None;
            self.dirty.extend(self.routers.keys().cloned());
        }
        for room in std::mem::take(&mut self.dirty) {
            let Some(router) = self.routers.get_mut(&room) else {
                continue;
            };
            let mut drain = Drain::new(&mut self.network, &mut self.heard);
            let again = router.flush(&mut self.registry, now, &mut drain);
            self.flush_at = [self.flush_at, again].into_iter().flatten().min();
            self.act_on_heard(now);
        }
    }

    /// Ends a connection, says goodbye, and tells of it.
    fn end(&mut self, key: Key, now: Instant) {
        self.end_as(key, false, now);
    }

    /// Ends it as well for a viewer that is stranded: it cannot go on with what comes now.
    fn end_as(&mut self, key: Key, is_stranded: bool, now: Instant) {
        let Some(mut peer) = self.registry.remove(key) else {
            return;
        };
        peer.close(&mut Drain::new(&mut self.network, &mut self.heard), now);
        self.streams.remove(&peer.room, peer.session);
        self.teller.tell(Event::Ended {
            session: peer.session,
            is_stranded,
        });
        let Some(router) = self.routers.get_mut(&peer.room) else {
            return;
        };
        match peer.role {
            Role::Publisher(_) if router.publisher == Some(key) => {
                router.publisher = None;
                router.without_publisher = Some(now);
                if std::mem::take(&mut router.is_active) {
                    self.teller.tell(Event::Sending {
                        room: peer.room.clone(),
                        publisher: peer.session,
                        is_sending: false,
                    });
                }
            }
            Role::Publisher(_) => {}
            Role::Viewer(_) => {
                router.viewers.retain(|viewer| *viewer != key);
                if router.viewers.is_empty() {
                    router.without_viewers = Some(now);
                }
            }
        }
        tracing::debug!(room = ?peer.room, left = self.registry.len(), "a connection to the relay ended");
    }
}
