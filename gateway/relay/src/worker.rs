//! One thread with its own ports and its own rooms. Nothing in it is shared with another
//! worker, so no packet waits for a lock: what others are to have goes to them by `others.rs`.

mod command;
mod events;
mod leaving;
mod links;
mod mailbox;
pub(crate) mod others;
mod pulls;
mod rooms;
mod rounds;
mod start;
#[cfg(test)]
mod tests;
mod turn;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sightline_spec::room::{RoomId, SessionId};
use str0m::net::Protocol;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, yield_now};

use crate::clock;
use crate::connection::drive::{ConnectionEvent, Sink};
use crate::connection::feedback;
use crate::connection::paths::Address;
use crate::connection::registry::Registry;
use crate::connection::stun::Transaction;
use crate::event::Teller;
use crate::health::Health;
use crate::keys::Key;
use crate::limits::Limits;
use crate::net::addresses::Addresses;
use crate::net::tcp::TcpEvent;
use crate::net::traffic::Traffic;
use crate::net::udp::{Incoming, Network, Route};
use crate::placement::{Load, Meter};
use crate::router::FULL_PAUSE;
use crate::streams::Streams;
pub(crate) use command::{Command, Newcomer};
use mailbox::Inbox;
pub(crate) use mailbox::{IsOver, Mailbox};
use others::{Directory, Others};
use rooms::Rooms;
use start::Sockets;

/// How often rooms are looked over: who is silent, which layers there are.
const LOOK: Duration = Duration::from_millis(500);

/// See the module.
pub(crate) struct Worker {
    streams: Arc<Streams>,
    traffic: Arc<Traffic>,
    health: Arc<Health>,
    teller: Teller,
    limits: Limits,
    addresses: Addresses,
    inbox: Inbox,
    network: Network,
    tcp: mpsc::Receiver<TcpEvent>,
    listeners: Vec<AbortHandle>,
    directory: Arc<Directory>,
    others: Others,
    load: Meter,
    registry: Registry,
    rooms: Rooms,
    /// What connections have told and nobody has acted on yet.
    events: Vec<(Key, ConnectionEvent)>,
    looked: Instant,
    /// Events have not been told yet.
    is_behind: bool,
    /// The session that is just being begun.
    beginning: Option<(RoomId, SessionId)>,
    /// Another worker has no room for what it is to have.
    is_held_up: bool,
}

/// What a worker shares with the HTTP side and with other workers, and how it is to work.
pub(crate) struct Surroundings {
    /// Its place among all workers.
    pub(crate) index: usize,
    pub(crate) directory: Arc<Directory>,
    pub(crate) load: Arc<Load>,
    pub(crate) streams: Arc<Streams>,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) health: Arc<Health>,
    pub(crate) teller: Teller,
    pub(crate) limits: Limits,
}

impl Worker {
    fn new(
        surroundings: Surroundings,
        addresses: Addresses,
        inbox: Inbox,
        sockets: Sockets,
    ) -> Self {
        let Surroundings {
            index,
            directory,
            load,
            streams,
            traffic,
            health,
            teller,
            limits,
        } = surroundings;
        // Whoever was in its place before is gone, and the rooms with it.
        streams.forget(index);
        Self {
            streams,
            traffic,
            health,
            teller,
            limits,
            addresses,
            inbox,
            network: sockets.network,
            tcp: sockets.tcp,
            listeners: sockets.listeners,
            others: directory.clone().open(index),
            load: Meter::new(load),
            directory,
            registry: Registry::default(),
            rooms: Rooms::default(),
            events: Vec::new(),
            looked: clock::now(),
            is_behind: false,
            beginning: None,
            is_held_up: false,
        }
    }

    /// Works until it is told to end, or the HTTP side is gone; then says goodbye.
    async fn run(&mut self) {
        let mut incoming = Incoming::new();
        while let Ok(has_more) = self.take_turn(&mut incoming).await {
            let now = clock::now();
            self.drive_due(now);
            self.flush_changed(now);
            self.is_held_up = !self.others.send();
            if self.looked + LOOK <= now {
                self.look_over(now);
            }
            if has_more {
                // Only so does the runtime find out what else has arrived.
                yield_now().await;
            }
        }
        self.leave().await;
    }

    fn wake_at(&self, now: Instant) -> Instant {
        let is_needed = !self.rooms.is_empty() || self.is_behind;
        let look = is_needed.then_some(self.looked + LOOK);
        let again = self.is_held_up.then_some(now + FULL_PAUSE);
        let all = [look, again, self.registry.next_due(), self.rooms.next_due()];
        let soonest = all.into_iter().flatten().min();
        soonest.unwrap_or(now + Duration::from_secs(60 * 60))
    }

    fn on_tcp(&mut self, event: TcpEvent, now: Instant) {
        match event {
            TcpEvent::Opened(peer, connection) => {
                self.network.tcp.insert(peer, connection);
            }
            TcpEvent::Closed(peer) => {
                self.network.tcp.remove(&peer);
                self.registry.leave((Protocol::Tcp, peer));
            }
            TcpEvent::Frame { peer, local, frame } => {
                let destination = self.addresses.local(Some(local.ip()), local);
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
        self.network.counted.packets += 1;
        if Transaction::answered_by(bytes).is_some() {
            self.take_answer((proto, source), bytes, now);
            return;
        }
        let back = Route {
            proto,
            source: destination,
            destination: source,
        };
        let Some((found, receive)) = self.registry.find(&back, bytes, now) else {
            return;
        };
        let key = found.key;
        if proto != Protocol::Udp
            && let Some(connection) = self.network.tcp.get_mut(&source)
        {
            connection.proved();
        }
        let Some(peer) = self.registry.get_mut(key) else {
            return;
        };
        peer.paths.hear((proto, source), bytes.len(), now);
        if found.is_moving {
            peer.follow(&back, now, &mut self.network);
        }
        if let Some(router) = self.rooms.get_mut(peer.room) {
            if peer.is_beside_str0m(bytes) {
                if let Some(rtcp) = peer.open_rtcp(bytes, now) {
                    router.take_feedback(key, rtcp, now);
                    let requests = feedback::requests(rtcp, now);
                    self.events.extend(requests.map(|request| (key, request)));
                    self.act_on_events(now);
                }
                return;
            }
            if !router.is_apart(key) {
                peer.expect_source(bytes, router.tracks());
                if peer.waits_with(bytes, &back, router.tracks(), now) {
                    self.registry.note(key);
                    return;
                }
            }
        }
        let mut sink = Sink {
            network: &mut self.network,
            events: &mut self.events,
            now,
        };
        peer.receive(receive, &mut sink);
        if found.is_nominated {
            peer.paths.choose(&back);
            peer.check(&back, now, &mut self.network);
        }
        self.registry.note(key);
        self.act_on_events(now);
    }

    /// The answer to a check of ours: media may go there from now on.
    fn take_answer(&mut self, from: Address, answer: &[u8], now: Instant) {
        if let Some(peer) = self.registry.answered(from, answer, now) {
            self.rooms.change(peer.room);
        }
    }

    fn drive(&mut self, key: Key, now: Instant) {
        if let Some(peer) = self.registry.get_mut(key) {
            let mut sink = Sink {
                network: &mut self.network,
                events: &mut self.events,
                now,
            };
            peer.tick(&mut sink);
            self.registry.note(key);
            self.act_on_events(now);
        }
    }

    fn drive_due(&mut self, now: Instant) {
        while let Some(key) = self.registry.pop_due(now) {
            self.drive(key, now);
        }
    }
}
