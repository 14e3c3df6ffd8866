//! A worker's connections: finding them by datagram, by session, and by what is due.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::SocketAddr;
use std::time::Instant;

use sightline_spec::room::SessionId;
use slotmap::SlotMap;
use str0m::ice::StunMessage;
use str0m::net::{Protocol, Receive};

use crate::connection::peer::{NewPeer, Peer};
use crate::keys::Key;

/// Addresses that one peer may have been seen at.
const MAX_ADDRESSES: usize = 16;

/// See the module.
#[derive(Default)]
pub(crate) struct Registry {
    peers: SlotMap<Key, Peer>,
    by_session: HashMap<SessionId, Key>,
    by_ufrag: HashMap<String, Key>,
    /// Where authenticated peers have been heard from.
    by_address: HashMap<(Protocol, SocketAddr), Key>,
    due: BinaryHeap<Reverse<(Instant, Key)>>,
}

impl Registry {
    pub(crate) fn add(&mut self, new: NewPeer, now: Instant) -> Key {
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
    /// a copy of such a request either.
    pub(crate) fn find(
        &mut self,
        receive: &Receive<'_>,
        bytes: &[u8],
        now: Instant,
    ) -> Option<Key> {
        let address = (receive.proto, receive.source);
        let is_stun = bytes.first().is_some_and(|byte| *byte < 2);
        if !is_stun {
            return self.by_address.get(&address).copied();
        }
        let message = StunMessage::parse(bytes).ok()?;
        let Some((ufrag, _)) = message.split_username() else {
            return self.by_address.get(&address).copied();
        };
        let key = *self.by_ufrag.get(ufrag)?;
        let again = Receive::new(receive.proto, receive.source, receive.destination, bytes).ok()?;
        let peer = self.peers.get_mut(key)?;
        if !peer.accepts(again, now) {
            return None;
        }
        let is_copy = peer.checks.has_seen(bytes);
        if is_copy && self.by_address.get(&address) != Some(&key) {
            return None;
        }
        if self.by_address.insert(address, key) != Some(key) {
            if peer.addresses.len() >= MAX_ADDRESSES {
                self.by_address.remove(&peer.addresses.remove(0));
            }
            peer.addresses.push(address);
        }
        Some(key)
    }

    /// Notes when a connection wants to be driven again.
    pub(crate) fn note(&mut self, key: Key) {
        let Some(peer) = self.peers.get_mut(key) else {
            return;
        };
        // A note that is too early is looked at again; only one too late would be wrong.
        if peer.noted.is_none_or(|noted| peer.next < noted) {
            peer.noted = Some(peer.next);
            self.due.push(Reverse((peer.next, key)));
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

    pub(crate) fn len(&self) -> usize {
        self.peers.len()
    }
}
