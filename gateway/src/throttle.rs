//! How often somebody may ask for something, and how many connections somebody may have.
//!
//! Memory is bounded whoever comes: budgets are shared by those whose keys fall together,
//! which are few, and nobody can tell who.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;
use sightline_spec::room::{RoomId, SessionId};

use crate::error::Error;
use crate::session::Side;

/// Requests in a minute; nothing is no bound.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rates {
    /// POSTs of offers from one address.
    pub(crate) address: Option<NonZero<u32>>,
    /// The same of one side of one room.
    pub(crate) room: Option<NonZero<u32>>,
    /// Requests about sessions from one address.
    pub(crate) requests: Option<NonZero<u32>>,
    /// Requests about one session.
    pub(crate) session: Option<NonZero<u32>>,
}

/// Says when it is too often.
pub(crate) struct Throttle {
    addresses: Option<Budgets>,
    rooms: Option<Budgets>,
    requests: Option<Budgets>,
    sessions: Option<Budgets>,
}

impl Throttle {
    pub(crate) fn new(rates: Rates) -> Self {
        Self {
            addresses: rates.address.map(Budgets::new),
            rooms: rates.room.map(Budgets::new),
            requests: rates.requests.map(Budgets::new),
            sessions: rates.session.map(Budgets::new),
        }
    }

    /// Whether a POST from this address is one too many.
    pub(crate) fn address(&self, address: IpAddr) -> Result<(), Error> {
        match &self.addresses {
            Some(budgets) if !address.is_loopback() => budgets.spend(Neighbourhood::of(address)),
            _ => Ok(()),
        }
    }

    /// Whether a POST on this side of a room is one too many, wherever it comes from.
    ///
    /// To be asked of those only who may be in the room: a stranger is not to spend what is
    /// its camera's.
    pub(crate) fn room(&self, room: &RoomId, side: Side, address: IpAddr) -> Result<(), Error> {
        match &self.rooms {
            Some(budgets) if !address.is_loopback() => budgets.spend((room, side)),
            _ => Ok(()),
        }
    }

    /// Whether a request about a session from this address is one too many, whether or not
    /// there is such a session.
    pub(crate) fn request(&self, address: IpAddr) -> Result<(), Error> {
        match &self.requests {
            Some(budgets) if !address.is_loopback() => budgets.spend(Neighbourhood::of(address)),
            _ => Ok(()),
        }
    }

    /// Whether a request about this session is one too many, wherever it comes from: what it
    /// costs others does not depend on that.
    pub(crate) fn session(&self, session: SessionId) -> Result<(), Error> {
        match &self.sessions {
            Some(budgets) => budgets.spend(session),
            None => Ok(()),
        }
    }
}

/// An address, or the IPv6 network that a subscriber has all of: RFC 6177 section 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Neighbourhood(IpAddr);

impl Neighbourhood {
    /// Whether it is this machine, which is not counted.
    pub(crate) fn is_this_machine(self) -> bool {
        self.0.is_loopback()
    }

    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) & (u128::MAX << 64);
                Ipv6Addr::from(network).into()
            }
            four => four,
        })
    }
}

/// 65,536 budgets at most.
struct Budgets {
    limiter: DefaultKeyedRateLimiter<u16>,
    clock: DefaultClock,
    /// Has a secret, so nobody can choose whose budget to share.
    hasher: RandomState,
}

impl Budgets {
    fn new(in_a_minute: NonZero<u32>) -> Self {
        Self {
            limiter: RateLimiter::keyed(Quota::per_minute(in_a_minute)),
            clock: DefaultClock::default(),
            hasher: RandomState::new(),
        }
    }

    fn spend(&self, key: impl Hash) -> Result<(), Error> {
        let key = self.hasher.hash_one(key) as u16;
        self.limiter.check_key(&key).map_err(|spent| {
            let wait = spent.wait_time_from(self.clock.now());
            let retry_after = Duration::from_secs(wait.as_secs() + 1);
            Error::TooOften { retry_after }
        })
    }
}

/// Counts the connections of each address.
#[derive(Debug)]
pub(crate) struct Crowd {
    /// Nothing is no bound.
    most: Option<NonZero<usize>>,
    /// Proxies, which have the connections of many.
    exempt: Vec<IpNet>,
    /// Guards the counts. Has as many entries as there are connections, at most.
    counts: Mutex<HashMap<Neighbourhood, usize>>,
}

/// One connection, until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    crowd: Arc<Crowd>,
    from: Neighbourhood,
}

impl Crowd {
    pub(crate) fn new(most: Option<NonZero<usize>>, exempt: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Self {
            most,
            exempt,
            counts: Mutex::default(),
        })
    }

    /// Counts a connection from this address; nothing if it is one too many.
    pub(crate) fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Counted> {
        let address = address.to_canonical();
        let from = Neighbourhood::of(address);
        let is_exempt =
            address.is_loopback() || self.exempt.iter().any(|net| net.contains(&address));
        let most = self.most.filter(|_| !is_exempt);
        let mut counts = self.counts();
        let count = counts.entry(from).or_default();
        if most.is_some_and(|most| *count >= most.get()) {
            return None;
        }
        *count += 1;
        drop(counts);
        let crowd = self.clone();
        Some(Counted { crowd, from })
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Neighbourhood, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.crowd.counts();
        if let Some(count) = counts.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle(address: u32, room: u32) -> Throttle {
        Throttle::new(Rates {
            address: NonZero::new(address),
            room: NonZero::new(room),
            ..Rates::default()
        })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_address_has_a_budget_and_ipv6_by_network() {
        let throttle = throttle(2, 0);
        for (mine, too, other) in [
            ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
            ("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"),
        ] {
            assert_eq!(throttle.address(ip(mine)), Ok(()));
            assert_eq!(throttle.address(ip(too)), Ok(()));
            let Err(Error::TooOften { retry_after }) = throttle.address(ip(mine)) else {
                panic!("the budget of {mine} is spent");
            };
            // Two in a minute is one in half of one.
            assert!((1..=31).contains(&retry_after.as_secs()), "{retry_after:?}");
            assert_eq!(throttle.address(ip(other)), Ok(()));
        }
    }

    #[test]
    fn a_room_s_cameras_and_viewers_have_budgets_of_their_own() {
        let throttle = throttle(0, 1);
        let spend = |room: &str, side, from| throttle.room(&room.parse().unwrap(), side, ip(from));
        assert!(spend("garage", Side::Viewer, "192.0.2.1").is_ok());
        assert!(spend("garage", Side::Viewer, "192.0.2.2").is_err());
        assert!(spend("garage", Side::Camera, "192.0.2.2").is_ok());
        assert!(spend("garden", Side::Viewer, "192.0.2.2").is_ok());
    }

    #[test]
    fn this_machine_is_not_throttled_and_without_rates_nobody_is() {
        for (throttle, from) in [(throttle(1, 1), "127.0.0.1"), (throttle(0, 0), "192.0.2.1")] {
            for _ in 0..5 {
                assert_eq!(throttle.address(ip(from)), Ok(()));
                let room = "garage".parse().unwrap();
                assert_eq!(throttle.room(&room, Side::Viewer, ip(from)), Ok(()));
            }
        }
    }

    #[test]
    fn memory_is_bounded_whoever_comes() {
        let throttle = throttle(1, 0);
        for address in 0..200_000_u32 {
            let _ = throttle.address(IpAddr::V4((0x0a00_0000 + address).into()));
        }
        assert!(throttle.addresses.unwrap().limiter.len() <= 1 << 16);
    }

    #[test]
    fn an_address_has_so_many_connections_and_no_more() {
        let crowd = Crowd::new(NonZero::new(2), vec!["10.0.0.0/8".parse().unwrap()]);
        let held: Vec<_> = [
            "192.0.2.1",
            "::ffff:192.0.2.1",
            "2001:db8::1",
            "2001:db8::2",
        ]
        .map(|address| crowd.admit(ip(address)).unwrap())
        .into();
        assert!(crowd.admit(ip("192.0.2.1")).is_none());
        assert!(crowd.admit(ip("2001:db8::3")).is_none());
        for exempt in ["10.1.1.1", "127.0.0.1"] {
            let many: Vec<_> = (0..9).map(|_| crowd.admit(ip(exempt)).unwrap()).collect();
            drop(many);
        }
        drop(held);
        assert!(crowd.admit(ip("192.0.2.1")).is_some());
        assert!(crowd.counts().is_empty(), "nothing is left behind");
    }
}
