//! A worker's connections: finding them by datagram, by session, and by what is due.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sightline_spec::room::SessionId;
use slotmap::SlotMap;
use str0m::ice::StunMessage;
use str0m::net::{Protocol, Receive};

use crate::connection::paths::Address;
use crate::connection::peer::{NewPeer, Peer};
use crate::connection::share::Kind;
use crate::keys::Key;
use crate::net::udp::Route;
use crate::publisher::budget::Budget;

/// Addresses that one peer may have been seen at.
const MAX_ADDRESSES: usize = 16;

/// TCP connections that are one peer's at one time. An agent makes one for each pair of
/// addresses, and keeps one.
const MAX_BY_TCP: usize = 8;

/// What is due for those that can wait is due for all of them at once, so often: a timer that
/// wakes the worker for one of them costs as much as some packets.
const TOGETHER: Duration = Duration::from_millis(100);

/// How often it is looked for whose a datagram from nowhere is: at worst all viewers' keys are
/// tried.
const SEARCHES: Budget = Budget::new(16, Duration::from_millis(20));

/// Addresses at which somebody seems to be, and is asked.
const MOST_MOVING: usize = 16;

/// Whose a datagram is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) key: Key,
    /// It is a check by which the peer says that it wants to be reached there.
    pub(crate) is_nominated: bool,
    /// The peer sends from there, and has not said so.
    pub(crate) is_moving: bool,
}

/// See the module.
pub(crate) struct Registry {
    peers: SlotMap<Key, Peer>,
    by_session: HashMap<SessionId, Key>,
    by_ufrag: HashMap<String, Key>,
    /// Where authenticated peers have been heard from.
    by_address: HashMap<Address, Key>,
    /// Who says that it is where another has proved to be. It has the address when it has
    /// proved the same.
    contenders: HashMap<Address, Key>,
    /// Who seems to have moved where, the oldest first.
    moving: VecDeque<(Address, Key)>,
    searches: Budget,
    due: BinaryHeap<Reverse<(Instant, Key)>>,
    /// When the first connection came.
    start: Option<Instant>,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            peers: SlotMap::default(),
            by_session: HashMap::default(),
            by_ufrag: HashMap::default(),
            by_address: HashMap::default(),
            contenders: HashMap::default(),
            moving: VecDeque::default(),
            searches: SEARCHES,
            due: BinaryHeap::default(),
            start: None,
        }
    }
}

impl Registry {
    pub(crate) fn add(&mut self, new: NewPeer, now: Instant) -> Key {
        self.start.get_or_insert(now);
        let (session, ufrag) = (new.session, new.ufrag.clone());
        let key = self.peers.insert_with_key(|key| Peer::new(key, new, now));
        self.by_session.insert(session, key);
        self.by_ufrag.insert(ufrag, key);
        self.note(key);
        key
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<Peer> {
        let peer = self.peers.remove(key)?;
        self.by_session.remove(&peer.session);
        self.by_ufrag.remove(&peer.ufrag);
        for address in &peer.addresses {
            // It may be another peer's by now.
            if self.by_address.get(address) == Some(&key) {
                self.by_address.remove(address);
                self.contenders.remove(address);
            }
        }
        Some(peer)
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Peer> {
        self.peers.get_mut(key)
    }

    pub(crate) fn by_session(&self, session: SessionId) -> Option<Key> {
        self.by_session.get(&session).copied()
    }

    /// The connection has another name from now on: an ICE restart.
    pub(crate) fn rename(&mut self, key: Key, ufrag: String) {
        let Some(peer) = self.peers.get_mut(key) else {
            return;
        };
        let old = std::mem::replace(&mut peer.ufrag, ufrag.clone());
        self.by_ufrag.remove(&old);
        self.by_ufrag.insert(ufrag, key);
    }

    /// Whose datagram this is.
    ///
    /// An address counts only once its peer has proved, by a STUN request under the
    /// password that we gave it, that it is there: nobody can take another's place, not by
    /// a copy of such a request either. And an address at which one peer has proved to
    /// receive is not another's before it has proved that as well.
    ///
    /// What is more than its peer's share is nobody's: before it is read, let alone verified.
    pub(crate) fn find<'a>(
        &mut self,
        back: &Route,
        bytes: &'a [u8],
        now: Instant,
    ) -> Option<(Found, Receive<'a>)> {
        let address = back.address();
        let owner = self.by_address.get(&address).copied();
        let kind = Kind::of(bytes)?;
        if kind != Kind::Check {
            let key = owner.or_else(|| self.moved(address, kind, bytes, now))?;
            let mut found = self.of_owner(key, kind, now)?;
            found.is_moving = owner.is_none();
            return Some((found, read(back, bytes)?));
        }
        let of_owner = owner.and_then(|owner| self.peers.get(owner));
        if of_owner.is_some_and(|peer| !peer.has_left(kind, now)) {
            return None;
        }
        let message = StunMessage::parse(bytes).ok()?;
        let Some((ufrag, _)) = message.split_username() else {
            return self.of_owner(owner?, kind, now).zip(read(back, bytes));
        };
        let key = *self.by_ufrag.get(ufrag)?;
        let kind = match owner == Some(key) {
            true => Kind::Check,
            false => Kind::CheckFromElsewhere,
        };
        let peer = self.peers.get_mut(key)?;
        if !peer.takes(kind, now) || !peer.accepts(read(back, bytes)?, now) {
            return None;
        }
        let is_new_by_tcp = back.proto != Protocol::Udp && owner != Some(key);
        if is_new_by_tcp && by_tcp(peer).count() >= MAX_BY_TCP {
            return None;
        }
        let is_copy = peer.checks.has_seen(bytes);
        if is_copy && owner != Some(key) {
            return None;
        }
        let other = owner.filter(|owner| *owner != key);
        match other.and_then(|other| self.peers.get(other)) {
            Some(other) if has_proved(other, address, now) => {
                self.contenders.insert(address, key);
            }
            _ => self.place(key, address),
        }
        let found = Found {
            key,
            is_nominated: message.use_candidate(),
            is_moving: false,
        };
        Some((found, read(back, bytes)?))
    }

    /// Who seems to have moved to where a datagram has come from, where nobody has been heard from.
    ///
    /// A NAT that has forgotten a connection gives it another port with its next packet. Neither
    /// side is told, and the peer's next check is up to some seconds away (libwebrtc: 2.5 s).
    fn moved(&mut self, to: Address, kind: Kind, bytes: &[u8], now: Instant) -> Option<Key> {
        if to.0 != Protocol::Udp || !matches!(kind, Kind::Media | Kind::Report) {
            return None;
        }
        let is_this = |(address, _): &(Address, Key)| *address == to;
        if let Some((_, key)) = self.moving.iter().copied().find(is_this)
            && let Some(peer) = self.peers.get_mut(key)
            && peer.may_have_sent(kind, bytes)
        {
            return Some(key);
        }
        if !self.searches.take(now) {
            return None;
        }
        let mut peers = self.peers.iter_mut();
        let key = peers.find_map(|(key, peer)| peer.may_have_sent(kind, bytes).then_some(key))?;
        self.moving.retain(|moving| !is_this(moving));
        if self.moving.len() >= MOST_MOVING {
            self.moving.pop_front();
        }
        self.moving.push_back((to, key));
        Some(key)
    }

    /// A datagram that has only its address to tell whose it is.
    fn of_owner(&mut self, key: Key, kind: Kind, now: Instant) -> Option<Found> {
        let found = Found {
            key,
            is_nominated: false,
            is_moving: false,
        };
        let peer = self.peers.get_mut(key)?;
        peer.takes(kind, now).then_some(found)
    }

    /// Takes the answer to one of our checks. Returns who it is that has proved to be there.
    pub(crate) fn answered(&mut self, from: Address, answer: &[u8], now: Instant) -> Option<&Peer> {
        let moving = self.moving.iter().find(|(address, _)| *address == from);
        let candidates = [
            self.by_address.get(&from),
            self.contenders.get(&from),
            moving.map(|(_, key)| key),
        ];
        let key = candidates.into_iter().flatten().copied().find(|key| {
            let peer = self.peers.get_mut(*key);
            peer.is_some_and(|peer| peer.answered(from, answer, now))
        })?;
        self.place(key, from);
        self.peers.get(key)
    }

    /// Nothing comes from this address any more.
    pub(crate) fn leave(&mut self, address: Address) {
        let peer = self.by_address.remove(&address);
        if let Some(peer) = peer.and_then(|key| self.peers.get_mut(key)) {
            peer.addresses.retain(|other| *other != address);
        }
    }

    /// The TCP connections that were only this peer's, which is not here any more.
    pub(crate) fn left_by(&self, peer: &Peer) -> Vec<SocketAddr> {
        by_tcp(peer)
            .filter(|address| !self.by_address.contains_key(&(Protocol::Tcp, *address)))
            .collect()
    }

    /// What comes from this address is this peer's.
    fn place(&mut self, key: Key, address: Address) {
        let Some(peer) = self.peers.get_mut(key) else {
            return;
        };
        if self.by_address.insert(address, key) == Some(key) {
            return;
        }
        self.contenders.remove(&address);
        if peer.addresses.len() >= MAX_ADDRESSES {
            let oldest = peer.addresses.remove(0);
            if self.by_address.get(&oldest) == Some(&key) {
                self.by_address.remove(&oldest);
            }
        }
        if !peer.addresses.contains(&address) {
            peer.addresses.push(address);
        }
    }

    /// Notes when a connection wants to be driven again.
    pub(crate) fn note(&mut self, key: Key) {
        let Some(peer) = self.peers.get_mut(key) else {
            return;
        };
        let at = match self.start.filter(|_| peer.can_wait()) {
            Some(start) => together(start, peer.next),
            None => peer.next,
        };
        // A note that is too early is looked at again; only one too late would be wrong.
        if peer.noted.is_none_or(|noted| at < noted) {
            peer.noted = Some(at);
            self.due.push(Reverse((at, key)));
        }
    }

    /// When the next connection wants to be driven.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// A connection that is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Key> {
        loop {
            let Reverse((at, key)) = *self.due.peek().filter(|Reverse((at, _))| *at <= now)?;
            self.due.pop();
            let Some(peer) = self.peers.get_mut(key) else {
                continue;
            };
            if peer.noted != Some(at) {
                continue;
            }
            peer.noted = None;
            if peer.next <= now {
                return Some(key);
            }
            self.note(key);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &Peer)> {
        self.peers.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (Key, &mut Peer)> {
        self.peers.iter_mut()
    }

    pub(crate) fn len(&self) -> usize {
        self.peers.len()
    }
}

/// The next time, from then on, at which those are driven that can wait.
fn together(start: Instant, next: Instant) -> Instant {
    let since = next.saturating_duration_since(start);
    let rounds = since.as_nanos().div_ceil(TOGETHER.as_nanos());
    let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
    next.max(start + TOGETHER * rounds)
}

fn by_tcp(peer: &Peer) -> impl Iterator<Item = SocketAddr> {
    let addresses = peer.addresses.iter();
    addresses.filter_map(|(proto, address)| (*proto != Protocol::Udp).then_some(*address))
}

fn read<'a>(back: &Route, bytes: &'a [u8]) -> Option<Receive<'a>> {
    Receive::new(back.proto, back.destination, back.source, bytes).ok()
}

/// Whether nobody else may say that this address is its own. Of a TCP connection there is
/// only one.
fn has_proved(peer: &Peer, address: Address, now: Instant) -> bool {
    address.0 == Protocol::Udp && peer.paths.has_proved(address, now)
}

#[cfg(test)]
mod tests;
