//! Who may have a TCP connection: few from one network before they are known to be a peer's,
//! and the oldest of those who have the most makes room for a newcomer.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// How many connections there may be at one time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) all: usize,
    /// Of one address, or of one IPv6 network of 64 bits (RFC 6177 section 2), as for HTTP.
    pub(crate) of_one: usize,
    /// Of those, such as have not proved that they are a peer's.
    pub(crate) unproved: usize,
    pub(crate) unproved_of_one: usize,
}

/// See the module. Cheap to clone; every clone is the same one.
#[derive(Debug, Clone)]
pub(crate) struct Places(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    bounds: Bounds,
    /// Guards the lists; never held across an await.
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    last: u64,
    by_number: HashMap<u64, Entry>,
    by_network: HashMap<IpAddr, Network>,
    unproved: usize,
}

#[derive(Debug)]
struct Entry {
    network: IpAddr,
    /// Dropping it ends the connection.
    _hold: oneshot::Sender<()>,
}

#[derive(Debug, Default)]
struct Network {
    /// The oldest first.
    unproved: VecDeque<u64>,
    all: usize,
}

/// A connection's place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Places,
    number: u64,
    /// Ends when the place is another's.
    pub(crate) lost: oneshot::Receiver<()>,
}

impl Places {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let taken = Mutex::default();
        Self(Arc::new(Shared { bounds, taken }))
    }

    /// A place for a connection from there; nothing if it is one too many.
    pub(crate) fn admit(&self, address: IpAddr) -> Option<Place> {
        let (bounds, network) = (&self.0.bounds, network_of(address));
        let mut taken = self.taken();
        let leaves = taken.who_leaves(network, bounds)?;
        if let Some(number) = leaves {
            taken.remove(number);
        }
        let (hold, lost) = oneshot::channel();
        taken.last += 1;
        taken.unproved += 1;
        let number = taken.last;
        let entry = Entry {
            network,
            _hold: hold,
        };
        taken.by_number.insert(number, entry);
        let of_network = taken.by_network.entry(network).or_default();
        of_network.all += 1;
        of_network.unproved.push_back(number);
        Some(Place {
            places: self.clone(),
            number,
            lost,
        })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        let taken = &self.0.taken;
        // Counts that a panic has left behind are still bounds.
        taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Its connection is a peer's: nobody takes it any more.
    pub(crate) fn proved(&self) {
        self.places.taken().prove(self.number);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken().remove(self.number);
    }
}

impl Taken {
    /// Who has to leave for a newcomer of this network, if anybody has to; nothing if there
    /// is no place.
    fn who_leaves(&self, network: IpAddr, bounds: &Bounds) -> Option<Option<u64>> {
        let own = self.by_network.get(&network);
        let (all, own_unproved) = own.map_or((0, 0), |own| (own.all, own.unproved.len()));
        if all >= bounds.of_one || own_unproved >= bounds.unproved_of_one {
            return own?.unproved.front().map(|oldest| Some(*oldest));
        }
        if self.by_number.len() < bounds.all && self.unproved < bounds.unproved {
            return Some(None);
        }
        let others = self.by_network.values().filter_map(|other| {
            let oldest = *other.unproved.front()?;
            Some((other.unproved.len(), Reverse(oldest)))
        });
        let (count, Reverse(oldest)) = others.max()?;
        (count > own_unproved).then_some(Some(oldest))
    }

    fn prove(&mut self, number: u64) {
        let network = self.by_number.get(&number).map(|entry| entry.network);
        if let Some(own) = network.and_then(|network| self.by_network.get_mut(&network)) {
            let before = own.unproved.len();
            own.unproved.retain(|other| *other != number);
            self.unproved -= before - own.unproved.len();
        }
    }

    fn remove(&mut self, number: u64) {
        self.prove(number);
        let Some(Entry { network, .. }) = self.by_number.remove(&number) else {
            return;
        };
        if let Some(own) = self.by_network.get_mut(&network) {
            own.all -= 1;
            if own.all == 0 {
                self.by_network.remove(&network);
            }
        }
    }
}

fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << 64);
            Ipv6Addr::from(network).into()
        }
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        all: 8,
        of_one: 5,
        unproved: 6,
        unproved_of_one: 3,
    };

    fn admit(places: &Places, from: &str) -> Option<Place> {
        places.admit(from.parse().unwrap())
    }

    fn is_there(place: &mut Place) -> bool {
        place.lost.try_recv() == Err(oneshot::error::TryRecvError::Empty)
    }

    #[test]
    fn one_network_s_newcomer_takes_the_place_of_its_own_oldest() {
        let places = Places::new(BOUNDS);
        for from in [
            ["192.0.2.1", "::ffff:192.0.2.1"],
            ["2001:db8::1", "2001:db8::ffff:2"],
        ] {
            let mut held: Vec<Place> = (0..9)
                .map(|number| admit(&places, from[number % 2]).unwrap())
                .collect();
            let there = held.iter_mut().map(is_there);
            let there: Vec<bool> = there.collect();
            assert_eq!(there.iter().filter(|there| **there).count(), 3);
            assert!(there[6..].iter().all(|there| *there), "the last three");
        }
    }

    #[test]
    fn what_is_proved_is_nobody_else_s_and_bounded_as_well() {
        let places = Places::new(BOUNDS);
        let mut peers: Vec<Place> = (0..5)
            .map(|_| {
                let place = admit(&places, "192.0.2.1").unwrap();
                place.proved();
                place
            })
            .collect();
        assert!(admit(&places, "192.0.2.1").is_none());
        assert!(admit(&places, "192.0.2.2").is_some());
        assert!(peers.iter_mut().all(is_there));
        drop(peers.pop());
        assert!(admit(&places, "192.0.2.1").is_some());
    }

    #[test]
    fn when_all_is_full_the_oldest_of_who_has_most_makes_room() {
        let places = Places::new(BOUNDS);
        let mut greedy: Vec<Place> = (0..3)
            .map(|_| admit(&places, "192.0.2.1").unwrap())
            .collect();
        let mut modest = admit(&places, "192.0.2.2").unwrap();
        let mut others: Vec<Place> = (0..2)
            .map(|_| admit(&places, "192.0.2.3").unwrap())
            .collect();
        let mut late = admit(&places, "192.0.2.4").unwrap();
        assert!(!is_there(&mut greedy[0]));
        assert!(is_there(&mut greedy[1]) && is_there(&mut modest) && is_there(&mut late));
        // Who has as many as anybody else is not let in for another.
        let more = admit(&places, "192.0.2.3");
        assert!(more.is_none(), "{more:?}");
        assert!(others.iter_mut().all(is_there));
    }

    #[test]
    fn nothing_makes_room_where_all_are_peers() {
        let places = Places::new(BOUNDS);
        let mut peers: Vec<Place> = (0..8)
            .map(|number| {
                let place = admit(&places, &format!("192.0.2.{number}")).unwrap();
                place.proved();
                place
            })
            .collect();
        assert!(admit(&places, "192.0.2.99").is_none());
        assert!(peers.iter_mut().all(is_there));
    }

    #[test]
    fn nothing_is_left_behind() {
        let places = Places::new(BOUNDS);
        for number in 0..100_u8 {
            let place = admit(&places, &format!("192.0.2.{number}")).unwrap();
            if number % 2 == 0 {
                place.proved();
            }
        }
        let taken = places.taken();
        assert!(taken.by_number.is_empty() && taken.by_network.is_empty());
        assert_eq!(taken.unproved, 0);
    }
}
