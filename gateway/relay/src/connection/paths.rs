//! Where a peer is reached, and what may be sent there before it is proved that it receives.
//!
//! Whoever knows a connection's password can send a check from an address that is not its
//! own, and a lite agent sends media to where such a check came from. So media goes to an
//! address only when what was sent to it has come back
//! (`docs/decisions/return-routability.md`): our own check was answered, or the handshake was
//! completed through it. A TCP connection has shown it by being there.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sightline_spec::sdp::IceCredentials;
use str0m::net::{Protocol, Transmit};

use crate::connection::stun::{self, Transaction};
use crate::net::udp::Route;

/// Where a peer sends from.
pub(crate) type Address = (Protocol, SocketAddr);

/// How long a proof holds: what RFC 7675 section 5.1 calls the expiry of consent.
const PROOF: Duration = Duration::from_secs(30);

/// How old a proof is when it is asked for anew (RFC 7675 section 5.1).
const RENEWAL: Duration = Duration::from_secs(5);

/// Between two checks to one address; a lost one is repeated with the peer's own, or with
/// the worker's rounds.
const PAUSE: Duration = Duration::from_millis(100);

/// Proofs, addresses without one, and checks without an answer that are remembered.
const MOST_PROVED: usize = 16;
const MOST_OPEN: usize = 16;
const MOST_ASKED: usize = 8;

/// Bytes of STUN that are sent to an unproved address for each that came from there. It is
/// enough for an answer to every check and one of our own, which are no longer than the peer's.
const STUN_FACTOR: usize = 2;

/// The same for the handshake, so that there are never more than three for one (RFC 9000
/// section 8.1), but for those that are sent in advance: a peer that cannot answer checks has
/// sent one of 100 bytes when it needs our client hello, 200 bytes, and maybe four times, as
/// FFmpeg drops the first. They are sent once in the life of a connection, and it took an
/// offer of about as many to make it.
const DTLS_FACTOR: usize = 1;
const IN_ADVANCE: usize = 2048;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    /// What our checks are made with.
    credentials: Option<Credentials>,
    /// The pair of addresses that ICE chose.
    nominated: Option<Route>,
    /// The last one that it chose and that was proved.
    route: Option<Route>,
    moving: Option<Moving>,
    /// The oldest proof first.
    proved: Vec<(Address, Instant)>,
    asked: VecDeque<Asked>,
    flights: Flights,
    /// Addresses that are not proved, the one that is there longest first.
    open: VecDeque<Open>,
    in_advance: usize,
}

#[derive(Debug)]
struct Credentials {
    name: String,
    theirs: IceCredentials,
}

/// What the peer sends comes from another address than the one that ICE chose, as of a NAT that
/// has given it another port: it has not noticed, and chooses again only with its next check.
#[derive(Debug)]
struct Moving {
    from: Address,
    /// Where it has proved to be.
    to: Option<Route>,
    /// Where it is asked.
    next: Route,
}

/// An address that is not proved, and the bytes from it and to it.
#[derive(Debug)]
struct Open {
    address: Address,
    received: usize,
    sent: usize,
    sent_for_handshake: usize,
    stun_factor: usize,
}

/// A check without an answer.
#[derive(Debug)]
struct Asked {
    transaction: Transaction,
    address: Address,
    at: Instant,
}

/// Where our side of the handshake has gone so far, but for client hellos, which nothing has
/// to be known of to go on.
#[derive(Debug, Default, PartialEq, Eq)]
enum Flights {
    #[default]
    Nowhere,
    To(Address),
    /// Nobody can say which of them the peer has read.
    ToSeveral,
    Done,
}

impl Paths {
    /// Our checks are made with these from now on.
    pub(crate) fn identify(&mut self, our_name: &str, theirs: Option<IceCredentials>) {
        // RFC 8445 section 7.2.2: the other side's name first.
        self.credentials = theirs.map(|theirs| Credentials {
            name: format!("{}:{our_name}", theirs.ufrag),
            theirs,
        });
        self.asked.clear();
    }

    /// Where media goes; nothing as long as no address is proved.
    pub(crate) fn route(&self) -> Option<&Route> {
        self.route.as_ref()
    }

    /// So much has come from there.
    pub(crate) fn hear(&mut self, from: Address, length: usize, now: Instant) {
        if self.has_proved(from, now) {
            return;
        }
        if let Some(open) = self.open.iter_mut().find(|open| open.address == from) {
            open.received += length;
            return;
        }
        if self.open.len() >= MOST_OPEN {
            self.open.pop_front();
        }
        self.open.push_back(Open {
            address: from,
            received: length,
            sent: 0,
            sent_for_handshake: 0,
            stun_factor: STUN_FACTOR,
        });
    }

    /// The way of a datagram of str0m's; nothing if it may not be sent.
    pub(crate) fn way(&mut self, transmit: &Transmit, now: Instant) -> Option<Route> {
        // RFC 7983: what a datagram is, by its first byte.
        let first = transmit.contents.first().copied().unwrap_or_default();
        let is_stun = first < 20;
        let wanted = Route::of(transmit);
        if !is_stun {
            self.nominated = Some(wanted);
            self.settle(now);
        }
        let way = match self.route {
            Some(route) if !is_stun => route,
            _ => wanted,
        };
        // Nothing is encrypted before there are keys, and those may not be used blindly.
        let may_be_blind = first < 64;
        let may_be_sent = self.has_proved(way.address(), now)
            || may_be_blind && self.spend(way.address(), transmit.contents.len(), is_stun);
        if may_be_sent && is_flight(&transmit.contents) {
            self.flights = match self.flights {
                Flights::Nowhere => Flights::To(way.address()),
                Flights::To(address) if address != way.address() => Flights::ToSeveral,
                _ => return Some(way),
            };
        }
        may_be_sent.then_some(way)
    }

    /// What the peer sends comes from there: media follows it when it has proved that it receives.
    pub(crate) fn follow(&mut self, next: Route) {
        self.move_to(next);
        // There is no handshake any more. A report of 50 bytes is all that a viewer sends in a
        // second to which nothing comes, and a check is 128.
        let mut open = self.open.iter_mut();
        if let Some(open) = open.find(|open| open.address == next.address()) {
            open.stun_factor = STUN_FACTOR + DTLS_FACTOR;
        }
    }

    /// Media goes there when it has been proved that the peer receives there.
    fn move_to(&mut self, next: Route) {
        let Some(nominated) = &self.nominated else {
            return;
        };
        let from = nominated.address();
        let before = self.moving.take().filter(|moving| moving.from == from);
        self.moving = Some(Moving {
            from,
            to: before.and_then(|moving| moving.to),
            next,
        });
    }

    /// The peer has chosen, just now, to be reached there: its latest choice counts. str0m stays
    /// with the pair that it has for as long as that seems to work.
    pub(crate) fn choose(&mut self, route: &Route) {
        let is_there = |nominated: Route| nominated.address() == route.address();
        match self.nominated.is_some_and(is_there) {
            true => self.moving = None,
            false => self.move_to(*route),
        }
    }

    /// Where the peer is that ICE chose to reach.
    fn wanted(&self) -> Option<Route> {
        let nominated = self.nominated?;
        let moving = self.moving.as_ref();
        let moving = moving.filter(|moving| moving.from == nominated.address());
        moving.and_then(|moving| moving.to).or(Some(nominated))
    }

    /// The handshake is complete: what we sent for it has been read.
    pub(crate) fn shaken_hands(&mut self, now: Instant) {
        if let Flights::To(address) = std::mem::replace(&mut self.flights, Flights::Done) {
            self.prove(address, now);
        }
    }

    /// A check of our own to where the peer wants to be reached; nothing if there is no need
    /// of one now.
    pub(crate) fn check(&mut self, route: &Route, now: Instant) -> Option<Vec<u8>> {
        let address = route.address();
        let is_asked = |asked: &Asked| asked.address == address && now < asked.at + PAUSE;
        if self.is_fresh(address, now) || self.asked.iter().any(is_asked) {
            return None;
        }
        let Credentials { name, theirs } = self.credentials.as_ref()?;
        let transaction = Transaction::random()?;
        let check = stun::check(transaction, name, &theirs.pwd);
        if !self.has_proved(address, now) && !self.spend(address, check.len(), true) {
            return None;
        }
        if self.asked.len() >= MOST_ASKED {
            self.asked.pop_front();
        }
        self.asked.push_back(Asked {
            transaction,
            address,
            at: now,
        });
        Some(check)
    }

    /// Where a check is due though nothing has come: to what is not proved yet, or, if proofs
    /// are to be `renewed`, to where media goes.
    pub(crate) fn due(&self, is_renewed: bool, now: Instant) -> Option<Route> {
        let is_open = |route: &Route| !self.has_proved(route.address(), now);
        let open = self.wanted().filter(is_open);
        open.or(self.route.filter(|_| is_renewed))
    }

    /// Takes the answer to a check of ours. Says whether it is one, and from where it was sent to.
    pub(crate) fn answered(&mut self, from: Address, answer: &[u8], now: Instant) -> bool {
        let Some(transaction) = Transaction::answered_by(answer) else {
            return false;
        };
        let is_this = |asked: &Asked| asked.transaction == transaction && asked.address == from;
        let Some(index) = self.asked.iter().position(is_this) else {
            return false;
        };
        let password = self.credentials.as_ref().map(|c| c.theirs.pwd.as_str());
        if !password.is_some_and(|password| stun::is_signed(answer, password)) {
            return false;
        }
        self.asked.remove(index);
        if let Some(moving) = &mut self.moving
            && moving.next.address() == from
        {
            moving.to = Some(moving.next);
        }
        self.prove(from, now);
        true
    }

    /// Whether it is known that this address receives.
    pub(crate) fn has_proved(&self, address: Address, now: Instant) -> bool {
        let is_route = self.route.is_some_and(|route| route.address() == address);
        is_route || self.age(address, now).is_some_and(|age| age < PROOF)
    }

    /// Whether the address where media goes has not proved anything for too long.
    pub(crate) fn is_lost(&self, now: Instant) -> bool {
        let age = |route: &Route| self.age(route.address(), now);
        self.route
            .as_ref()
            .is_some_and(|route| age(route).is_none_or(|age| age >= PROOF))
    }

    fn is_fresh(&self, address: Address, now: Instant) -> bool {
        self.age(address, now).is_some_and(|age| age < RENEWAL)
    }

    /// How old the last proof is.
    fn age(&self, address: Address, now: Instant) -> Option<Duration> {
        if address.0 != Protocol::Udp {
            return Some(Duration::ZERO);
        }
        let mut proved = self.proved.iter();
        let (_, at) = proved.find(|(proved, _)| *proved == address)?;
        Some(now.saturating_duration_since(*at))
    }

    fn prove(&mut self, address: Address, now: Instant) {
        self.proved.retain(|(proved, _)| *proved != address);
        if self.proved.len() >= MOST_PROVED {
            self.proved.remove(0);
        }
        self.proved.push((address, now));
        self.open.retain(|open| open.address != address);
        self.settle(now);
    }

    /// Media goes where ICE wants it, if it may; until then where it went before.
    fn settle(&mut self, now: Instant) {
        let may_be = |route: &Route| self.has_proved(route.address(), now);
        self.route = self.wanted().filter(may_be).or(self.route);
    }

    /// Whether so much more may be sent to an address that is not proved. It is, then.
    fn spend(&mut self, address: Address, length: usize, is_stun: bool) -> bool {
        let mut nothing = 0;
        let open = self.open.iter_mut().find(|open| open.address == address);
        let (sent, most) = match open {
            Some(open) if is_stun => (&mut open.sent, open.stun_factor * open.received),
            Some(open) => (&mut open.sent_for_handshake, DTLS_FACTOR * open.received),
            None => (&mut nothing, 0),
        };
        let earned = length.min(most - *sent);
        let in_advance = self.in_advance + length - earned;
        if in_advance > IN_ADVANCE || is_stun && earned < length {
            return false;
        }
        *sent += earned;
        self.in_advance = in_advance;
        true
    }
}

/// Whether a datagram is of a handshake, and more than a client hello (RFC 6347 sections 4.1
/// and 4.2.2): 13 bytes of record, and then its kind.
fn is_flight(datagram: &[u8]) -> bool {
    const HANDSHAKE: u8 = 22;
    const CLIENT_HELLO: u8 = 1;
    let is_hello = datagram.first() == Some(&HANDSHAKE) && datagram.get(13) == Some(&CLIENT_HELLO);
    matches!(datagram.first(), Some(20..=63)) && !is_hello
}

#[cfg(test)]
mod tests;
