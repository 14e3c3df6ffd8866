//! What everybody's requests and sessions have together, such as memory: who has as much of it as
//! is still free is given no more.
//!
//! So one alone can have half of it and twenty a twenty-first each, and there is always as much
//! left for the next one as each of them has. Many behind one address have what they need as long
//! as others do not need it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sightline_spec::room::RoomId;

use crate::throttle::Neighbourhood;

/// See the module.
#[derive(Debug)]
pub(crate) struct Shares {
    most: usize,
    /// Guards the counts; held for a look-up, never across an await.
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Of each that has anything.
    by: HashMap<Owner, usize>,
}

/// Whose a part of it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    /// Everybody's at this address, unless it is this machine.
    Address(Neighbourhood),
    /// Everybody's in this room.
    Room(RoomId),
}

/// Why no more is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spent {
    /// There is no more.
    All,
    /// This address has its share.
    Address,
    /// This room has its share.
    Room,
}

/// A part of it, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    shares: Arc<Shares>,
    owners: Vec<Owner>,
    amount: usize,
}

impl Shares {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        let taken = Mutex::default();
        Arc::new(Self { most, taken })
    }

    /// Takes so much for all of these.
    pub(crate) fn take(
        self: &Arc<Self>,
        owners: impl IntoIterator<Item = Owner>,
        amount: usize,
    ) -> Result<Share, Spent> {
        let is_counted = |owner: &Owner| match owner {
            Owner::Address(address) => !address.is_this_machine(),
            Owner::Room(_) => true,
        };
        let mut share = Share {
            shares: self.clone(),
            owners: owners.into_iter().filter(is_counted).collect(),
            amount: 0,
        };
        share.grow(amount)?;
        Ok(share)
    }

    /// How much is taken.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn taken(&self) -> usize {
        self.counts().all
    }

    fn counts(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Takes more; if that is refused it is what it was.
    pub(crate) fn grow(&mut self, more: usize) -> Result<(), Spent> {
        if more == 0 {
            return Ok(());
        }
        let mut taken = self.shares.counts();
        let free = self.shares.most.saturating_sub(taken.all);
        if more > free {
            return Err(Spent::All);
        }
        for owner in &self.owners {
            let has = taken.by.get(owner).copied().unwrap_or_default();
            if has + more > free {
                return Err(match owner {
                    Owner::Address(_) => Spent::Address,
                    Owner::Room(_) => Spent::Room,
                });
            }
        }
        taken.all += more;
        for owner in &self.owners {
            *taken.by.entry(owner.clone()).or_default() += more;
        }
        drop(taken);
        self.amount += more;
        Ok(())
    }

    /// Gives all of it back.
    pub(crate) fn clear(&mut self) {
        let amount = std::mem::take(&mut self.amount);
        let mut taken = self.shares.counts();
        taken.all -= amount;
        for owner in &self.owners {
            if let Some(has) = taken.by.get_mut(owner) {
                *has -= amount;
                if *has == 0 {
                    taken.by.remove(owner);
                }
            }
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u8) -> Owner {
        Owner::Address(Neighbourhood::of([192, 0, 2, number].into()))
    }

    /// As many as it is given.
    fn all_of(shares: &Arc<Shares>, owner: &Owner) -> Vec<Share> {
        let taken = std::iter::from_fn(|| shares.take([owner.clone()], 1).ok());
        taken.collect()
    }

    #[test]
    fn one_has_half_of_it_and_twenty_leave_as_much_as_each_has() {
        let shares = Shares::new(20_000);
        let one = all_of(&shares, &address(1));
        assert_eq!(one.len(), 10_000);
        drop(one);
        let mut held: Vec<Vec<Share>> = (0..20).map(|_| Vec::new()).collect();
        // All at once, each as often as the others.
        let mut before = usize::MAX;
        while std::mem::replace(&mut before, shares.taken()) != shares.taken() {
            for (who, held) in (0..).zip(&mut held) {
                held.extend(shares.take([address(who)], 1).ok());
            }
        }
        let least = held.iter().map(Vec::len).min().unwrap();
        let free = 20_000 - shares.taken();
        assert!(least >= 951 && free >= 950, "{least} each, {free} free");
        assert!(all_of(&shares, &address(21)).len() >= 400);
    }

    #[test]
    fn what_is_refused_takes_nothing_and_what_is_dropped_is_free() {
        let shares = Shares::new(10);
        let room = Owner::Room("garage".parse().unwrap());
        let mut share = shares.take([address(1), room.clone()], 3).unwrap();
        assert_eq!(share.grow(5), Err(Spent::Address));
        assert_eq!(shares.take([address(2), room], 5).unwrap_err(), Spent::Room);
        assert_eq!(shares.take([], 8).unwrap_err(), Spent::All);
        assert_eq!((share.amount, shares.taken()), (3, 3));
        assert_eq!(share.grow(2), Ok(()));
        share.clear();
        assert_eq!((share.amount, shares.taken()), (0, 0));
        assert_eq!(share.grow(5), Ok(()));
        drop(share);
        assert_eq!(shares.taken(), 0);
        assert!(shares.counts().by.is_empty(), "nothing is left behind");
    }

    #[test]
    fn who_asks_for_nothing_more_is_not_refused() {
        let shares = Shares::new(10);
        let _most = shares.take([address(1)], 8).unwrap();
        assert_eq!(shares.take([address(1)], 1).unwrap_err(), Spent::Address);
        assert!(shares.take([address(1)], 0).is_ok());
    }

    #[test]
    fn this_machine_may_have_all_of_it() {
        let shares = Shares::new(10);
        let loopback = Owner::Address(Neighbourhood::of([127, 0, 0, 1].into()));
        assert_eq!(all_of(&shares, &loopback).len(), 10);
    }
}
