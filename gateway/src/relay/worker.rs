//! One thread with its own ports and its own rooms. Nothing in it is shared with another
//! worker, so no packet waits for a lock.

use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sightline_spec::event::Event;
use sightline_spec::room::{RoomId, SessionId};
use sightline_spec::sdp::{IceCredentials, Sdp};
use str0m::Rtc;
use str0m::change::SdpOffer;
use str0m::media::Rid;
use str0m::net::{Protocol, Receive};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep_until;

use super::addresses::Addresses;
use super::directory::Directory;
use super::feed::Feed;
use super::hub::Hub;
use super::negotiate::{Outlet, Track, on_the_wire, readable};
use super::network::{Incoming, Network};
use super::peer::{Drain, Heard, Peer, Role, Sources, Watching};
use super::peers::{Key, Peers};
use super::tcp::TcpNews;
use crate::error::Error;

/// How often rooms are looked over: who is silent, which layers there are.
const LOOK: Duration = Duration::from_millis(500);

/// Reads from one port before others get their turn.
const READS_IN_A_ROW: usize = 8;

/// A camera's own offer that the relay has taken is given back when nobody has watched
/// for so long: it costs the camera its uplink.
const UNWATCHED: Duration = Duration::from_secs(10);

/// What the HTTP side has a worker do.
pub(super) enum Command {
    Publish {
        newcomer: Newcomer,
        tracks: Vec<Track>,
    },
    View {
        newcomer: Newcomer,
        outlets: Vec<Outlet>,
    },
    /// An ICE restart: the same session with other credentials.
    Restart {
        session: SessionId,
        offer: Sdp,
        done: oneshot::Sender<Result<IceCredentials, Error>>,
    },
    /// A viewer's choice of layer; nothing leaves it to its link.
    Select {
        session: SessionId,
        rid: Option<Rid>,
    },
    End {
        session: SessionId,
    },
}

/// A connection on its way to its worker.
pub(super) struct Newcomer {
    pub(super) session: SessionId,
    pub(super) room: RoomId,
    pub(super) rtc: Rtc,
    pub(super) ufrag: String,
}

/// See the module.
pub(super) struct Worker {
    pub(super) directory: Arc<Directory>,
    pub(super) addresses: Addresses,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) tcp: mpsc::Receiver<TcpNews>,
    pub(super) network: Network,
    peers: Peers,
    hubs: HashMap<RoomId, Hub>,
    heard: Vec<Heard>,
    /// Rooms with packets that have not been sent on yet.
    dirty: HashSet<RoomId>,
    /// When a room wants to be flushed though nothing has arrived.
    flush_at: Option<Instant>,
    looked: Instant,
}

impl Worker {
    pub(super) fn new(
        directory: Arc<Directory>,
        addresses: Addresses,
        commands: mpsc::Receiver<Command>,
        tcp: mpsc::Receiver<TcpNews>,
        network: Network,
    ) -> Self {
        Self {
            directory,
            addresses,
            commands,
            tcp,
            network,
            peers: Peers::default(),
            hubs: HashMap::new(),
            heard: Vec::new(),
            dirty: HashSet::new(),
            flush_at: None,
            looked: Instant::now(),
        }
    }

    /// Works until the HTTP side is gone.
    pub(super) async fn run(mut self) {
        let mut incoming = Incoming::new();
        loop {
            let wake_at = self.wake_at();
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(command) => self.obey(command),
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
        let look = (!self.hubs.is_empty()).then_some(self.looked + LOOK);
        let all = [look, self.peers.next_due(), self.flush_at];
        let soonest = all.into_iter().flatten().min();
        soonest.unwrap_or_else(|| Instant::now() + Duration::from_secs(60 * 60))
    }

    fn obey(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Publish { newcomer, tracks } => self.add_publisher(newcomer, tracks, now),
            Command::View { newcomer, outlets } => self.add_viewer(newcomer, outlets, now),
            Command::Restart {
                session,
                offer,
                done,
            } => {
                // A client that is gone does not wait for it.
                let _ = done.send(self.restart(session, &offer, now));
            }
            Command::Select { session, rid } => {
                let viewer = self.peers.by_session(session);
                if let Some((watching, _)) = viewer.and_then(|key| self.peers.viewer(key)) {
                    watching.selected = rid;
                }
            }
            Command::End { session } => {
                if let Some(key) = self.peers.by_session(session) {
                    self.end(key, now);
                }
            }
        }
    }

    fn add_publisher(&mut self, newcomer: Newcomer, tracks: Vec<Track>, now: Instant) {
        let room = newcomer.room.clone();
        let key = self.admit(newcomer, Role::Publisher(Sources::default()), now);
        let hub = self.hub(&room, now);
        let last = hub.publisher.take();
        if let Some(last) = last {
            self.end(last, now);
        }
        let Some(hub) = self.hubs.get_mut(&room) else {
            return;
        };
        for stranded in hub.publish(key, tracks, &mut self.peers) {
            // It would see nothing, having no decoder for what comes now.
            self.tell(stranded, Event::Reconnect);
            self.end(stranded, now);
        }
    }

    fn add_viewer(&mut self, newcomer: Newcomer, outlets: Vec<Outlet>, now: Instant) {
        let room = newcomer.room.clone();
        let hub = self.hub(&room, now);
        let watching = Watching {
            feeds: outlets.into_iter().map(Feed::new).collect(),
            estimate: None,
            selected: None,
            switched_at: now,
        };
        let layers = hub.has_choice().then(|| hub.layers_for(&watching, now));
        let greeting = hub
            .is_active
            .then_some(Event::Active)
            .into_iter()
            .chain(layers);
        let greeting: Vec<Event> = greeting.collect();
        let key = self.admit(newcomer, Role::Viewer(watching), now);
        let hub = self.hub(&room, now);
        hub.viewers.push(key);
        hub.without_viewers = None;
        greeting.into_iter().for_each(|event| self.tell(key, event));
    }

    fn hub(&mut self, room: &RoomId, now: Instant) -> &mut Hub {
        self.hubs
            .entry(room.clone())
            .or_insert_with(|| Hub::new(now))
    }

    fn admit(&mut self, newcomer: Newcomer, role: Role, now: Instant) -> Key {
        let peer = Peer {
            rtc: newcomer.rtc,
            session: newcomer.session,
            room: newcomer.room,
            role,
            ufrag: newcomer.ufrag,
            created: now,
            heard_at: now,
            is_connected: false,
            next: now,
            noted: None,
        };
        self.peers.add(peer)
    }

    /// RFC 9725 section 4.3.3, as the offer that it stands for.
    fn restart(
        &mut self,
        session: SessionId,
        offer: &Sdp,
        now: Instant,
    ) -> Result<IceCredentials, Error> {
        let key = self
            .peers
            .by_session(session)
            .ok_or(Error::UnknownSession)?;
        let peer = self.peers.get_mut(key).ok_or(Error::UnknownSession)?;
        let refused = |error: &dyn std::fmt::Display| {
            tracing::debug!(%error, "an ICE restart was not accepted");
            Error::UnacceptableOffer
        };
        let offer = SdpOffer::from_sdp_string(&readable(offer)).map_err(|e| refused(&e))?;
        let answer = peer.rtc.sdp_api().accept_offer(offer);
        answer.map_err(|e| refused(&e))?;
        let credentials = peer.rtc.direct_api().local_ice_credentials();
        self.peers.rename(key, credentials.ufrag.clone());
        self.drive(key, now);
        on_the_wire(&credentials).ok_or(Error::UnknownSession)
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

    fn hear_tcp(&mut self, news: TcpNews) {
        match news {
            TcpNews::Opened(peer, frames) => {
                self.network.tcp.insert(peer, frames);
            }
            TcpNews::Closed(peer) => {
                self.network.tcp.remove(&peer);
            }
            TcpNews::Frame { peer, local, frame } => {
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
        let Ok(receive) = Receive::new(proto, source, destination, bytes) else {
            return;
        };
        let Some(key) = self.peers.find(&receive, bytes, now) else {
            return;
        };
        let Some(peer) = self.peers.get_mut(key) else {
            return;
        };
        let mut drain = Drain::new(&mut self.network, &mut self.heard);
        peer.receive(receive, now, &mut drain);
        self.peers.note(key);
        self.act_on_heard(key, now);
    }

    fn drive(&mut self, key: Key, now: Instant) {
        if let Some(peer) = self.peers.get_mut(key) {
            let mut drain = Drain::new(&mut self.network, &mut self.heard);
            peer.tick(now, &mut drain);
            self.peers.note(key);
            self.act_on_heard(key, now);
        }
    }

    fn drive_due(&mut self, now: Instant) {
        while let Some(key) = self.peers.pop_due(now) {
            self.drive(key, now);
        }
    }

    /// What a connection told while it was driven.
    fn act_on_heard(&mut self, key: Key, now: Instant) {
        if self.heard.is_empty() {
            return;
        }
        let mut heard = std::mem::take(&mut self.heard);
        for news in heard.drain(..) {
            self.act_on(key, news, now);
        }
        // Its memory serves the next time.
        self.heard = heard;
    }

    fn act_on(&mut self, key: Key, news: Heard, now: Instant) {
        let Some(peer) = self.peers.get_mut(key) else {
            return;
        };
        let room = peer.room.clone();
        match (news, &mut peer.role) {
            (Heard::Gone, _) => self.end(key, now),
            (Heard::Connected, _) => {
                peer.is_connected = true;
                tracing::debug!(?room, "a connection to the relay is up");
                self.dirty.insert(room);
            }
            (Heard::Packet(packet), Role::Publisher(_)) => self.take_in(key, *packet, now),
            (Heard::KeyframeWanted, Role::Viewer(watching)) => {
                if let Some(hub) = self.hubs.get_mut(&room) {
                    hub.keyframe_wanted(watching);
                    self.dirty.insert(room);
                }
            }
            (Heard::Estimate(estimate), Role::Viewer(watching)) => {
                watching.estimate = Some(estimate);
            }
            _ => {}
        }
    }

    fn take_in(&mut self, key: Key, packet: str0m::rtp::RtpPacket, now: Instant) {
        let Some(peer) = self.peers.get_mut(key) else {
            return;
        };
        let Some(hub) = self.hubs.get_mut(&peer.room) else {
            return;
        };
        if hub.publisher != Some(key) {
            return;
        }
        let source = packet.header.ssrc;
        let Some((track, rid)) = peer.source(source, &hub.tracks) else {
            return;
        };
        hub.tracks[track].push(rid, source, packet);
        let room = peer.room.clone();
        if hub.took_in(now) {
            self.directory.publishes(&room, true);
            self.tell_viewers(&room, &Event::Active);
        }
        self.dirty.insert(room);
    }

    fn flush_dirty(&mut self, now: Instant) {
        if self.flush_at.is_some_and(|at| at <= now) {
            self.flush_at = None;
            self.dirty.extend(self.hubs.keys().cloned());
        }
        for room in std::mem::take(&mut self.dirty) {
            let Some(hub) = self.hubs.get_mut(&room) else {
                continue;
            };
            let mut drain = Drain::new(&mut self.network, &mut self.heard);
            let again = hub.flush(&mut self.peers, now, &mut drain);
            self.flush_at = [self.flush_at, again].into_iter().flatten().min();
        }
    }

    /// Twice a second: who is gone, who is silent, what there is to choose from.
    fn look_over(&mut self, now: Instant) {
        let period = now - std::mem::replace(&mut self.looked, now);
        let limits = self.directory.limits();
        let overdue = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.is_overdue(limits, now));
        let overdue: Vec<Key> = overdue.map(|(key, _)| key).collect();
        overdue.into_iter().for_each(|key| self.end(key, now));

        let rooms: Vec<RoomId> = self.hubs.keys().cloned().collect();
        for room in rooms {
            let Some(hub) = self.hubs.get_mut(&room) else {
                continue;
            };
            hub.measure(period, &mut self.peers, now);
            if hub.has_other_layers(now) {
                self.tell_layers(&room, now);
            }
            let Some(hub) = self.hubs.get_mut(&room) else {
                continue;
            };
            if hub.has_fallen_silent(now) {
                self.directory.publishes(&room, false);
                self.tell_viewers(&room, &Event::Inactive);
            }
            self.tell_viewer_count(&room);
            self.end_deserted(&room, now);
        }
    }

    /// Ends what nobody is left for.
    fn end_deserted(&mut self, room: &RoomId, now: Instant) {
        let Some(hub) = self.hubs.get_mut(room) else {
            return;
        };
        let over = |since: Option<Instant>, limit| since.is_some_and(|since| since + limit <= now);
        let mut ended = Vec::new();
        if over(hub.without_publisher, self.directory.linger()) {
            ended.extend(hub.viewers.iter().copied());
        }
        let given_back = hub.publisher.and_then(|key| self.peers.get_mut(key));
        if let Some(publisher) = given_back
            && over(hub.without_viewers, UNWATCHED)
            && self.directory.was_taken(publisher.session)
        {
            ended.extend(hub.publisher);
        }
        if hub.publisher.is_none() && hub.viewers.is_empty() {
            self.hubs.remove(room);
        }
        ended.into_iter().for_each(|key| self.end(key, now));
    }

    /// Ends a connection, says goodbye, and lets the rest of the gateway know.
    fn end(&mut self, key: Key, now: Instant) {
        let Some(mut peer) = self.peers.remove(key) else {
            return;
        };
        // A peer that has failed has nothing to say any more.
        if peer.rtc.close().is_ok() {
            let mut drain = Drain::new(&mut self.network, &mut self.heard);
            drain.run(&mut peer.rtc);
            peer.settle(&mut drain);
            self.heard.clear();
        }
        self.directory.ended(peer.session);
        let Some(hub) = self.hubs.get_mut(&peer.room) else {
            return;
        };
        match peer.role {
            Role::Publisher(_) if hub.publisher == Some(key) => {
                hub.publisher = None;
                hub.without_publisher = Some(now);
                if std::mem::take(&mut hub.is_active) {
                    self.tell_viewers(&peer.room, &Event::Inactive);
                }
            }
            Role::Publisher(_) => {}
            Role::Viewer(_) => {
                hub.viewers.retain(|viewer| *viewer != key);
                if hub.viewers.is_empty() {
                    hub.without_viewers = Some(now);
                }
            }
        }
        tracing::debug!(room = ?peer.room, left = self.peers.len(), "a connection to the relay ended");
    }

    fn tell(&mut self, key: Key, event: Event) {
        if let Some(peer) = self.peers.get_mut(key) {
            self.directory.tell(peer.session, event);
        }
    }

    fn tell_viewers(&mut self, room: &RoomId, event: &Event) {
        let viewers = self.hubs.get(room).map(|hub| hub.viewers.clone());
        for key in viewers.unwrap_or_default() {
            self.tell(key, event.clone());
        }
    }

    fn tell_layers(&mut self, room: &RoomId, now: Instant) {
        let Some(hub) = self.hubs.get(room) else {
            return;
        };
        for key in &hub.viewers {
            if let Some((watching, _)) = self.peers.viewer(*key) {
                let layers = hub.layers_for(watching, now);
                if let Some(peer) = self.peers.get_mut(*key) {
                    self.directory.tell(peer.session, layers);
                }
            }
        }
    }

    fn tell_viewer_count(&mut self, room: &RoomId) {
        if let Some(count) = self.directory.new_viewer_count(room) {
            self.tell_viewers(room, &Event::ViewerCount(count));
        }
    }
}
