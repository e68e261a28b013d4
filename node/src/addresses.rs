//! Places that are scarce, and how many of them each address has: connections, uploads.
//!
//! Owns counts. An address is what a peer can't change at will: one of IPv4, a network of 64 bits of IPv6. Assumes that whoever asks knows
//! the peer's address; behind a proxy all peers have the proxy's, and it is the proxy that has to bound them. Some places can be kept for
//! those who are known, so that strangers never take all; and of these no address has more than a quarter, so that nobody who is known
//! keeps the others out.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bits of an address of IPv6 that its owner chooses.
const HOST_BITS: u32 = 64;
/// Of the kept places, one address has one of so many at most.
const KEPT_SHARE: usize = 4;

/// What a peer can't change at will: its address of IPv4, or its network of IPv6.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> HOST_BITS << HOST_BITS).into(),
        address => address,
    }
}

/// Places. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Places {
    all: Arc<Semaphore>,
    kept: Arc<Semaphore>,
    kept_per_address: usize,
    per_address: usize,
    taken: Arc<Mutex<HashMap<IpAddr, Taken>>>,
}

/// What an address has.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    places: usize,
    /// Of these, kept ones.
    kept: usize,
}

/// A place that is taken, until it is dropped.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
    is_kept: bool,
    address: IpAddr,
    taken: Arc<Mutex<HashMap<IpAddr, Taken>>>,
}

impl Places {
    /// So many in all, so many of them for one address, and so many, at most half of all, kept for those who are known: each of these has
    /// a quarter of the kept ones, and one at least, beside what every address has.
    pub fn new(all: usize, per_address: usize, kept: usize) -> Self {
        let kept = kept.min(all / 2);
        Self {
            all: Arc::new(Semaphore::new(all - kept)),
            kept: Arc::new(Semaphore::new(kept)),
            kept_per_address: kept.div_ceil(KEPT_SHARE),
            per_address,
            taken: Arc::default(),
        }
    }

    /// A place, if one is free for this address.
    pub fn take(&self, address: IpAddr, is_known: bool) -> Option<Place> {
        let most = self.per_address + if is_known { self.kept_per_address } else { 0 };
        let address = network(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let has = taken.get(&address).copied().unwrap_or_default();
        if has.places >= most {
            return None;
        }
        let free = |places: &Arc<Semaphore>| places.clone().try_acquire_owned().ok();
        let (permit, is_kept) = match free(&self.all) {
            Some(permit) => (permit, false),
            None if is_known && has.kept < self.kept_per_address => (free(&self.kept)?, true),
            None => return None,
        };
        taken.insert(address, Taken { places: has.places + 1, kept: has.kept + usize::from(is_kept) });
        Some(Place { _permit: permit, is_kept, address, taken: self.taken.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(has) = taken.get_mut(&self.address) {
            has.places -= 1;
            has.kept -= usize::from(self.is_kept);
            if has.places == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("it is an address")
    }

    #[test]
    fn an_address_is_what_a_peer_cannot_change() {
        for (given, wanted) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
        ] {
            assert_eq!(network(address(given)), address(wanted), "{given}");
        }
    }

    #[test]
    fn no_address_takes_all_and_strangers_leave_some() {
        let places = Places::new(5, 2, 2);
        let [one, other, known, next] = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"].map(address);
        let mut held: Vec<Place> = (0..2).map(|_| places.take(one, false).expect("there are two")).collect();
        assert!(places.take(one, false).is_none(), "each has two");
        held.push(places.take(other, false).expect("there is a third"));
        assert!(places.take(other, false).is_none(), "the others are kept");
        held.push(places.take(known, true).expect("it is kept for it"));
        assert!(places.take(known, true).is_none(), "the other is kept for others");
        held.push(places.take(next, true).expect("as for this one"));
        assert!(places.take(next, true).is_none(), "five are all");
        drop(held);
        assert!(places.taken.lock().expect("nobody panicked").is_empty());
        held = (0..3).map(|_| places.take(known, true).expect("its own two and a kept one")).collect();
        assert!(places.take(known, true).is_none() && held.len() == 3);
    }

    /// Reported: one executor's address could take every place that was kept for executors.
    #[test]
    fn nobody_who_is_known_takes_all_that_is_kept() {
        let places = Places::new(24, 4, 8);
        let known = address("192.0.2.1");
        let strangers: Vec<Place> = (10..14_u8)
            .flat_map(|host| [host; 4])
            .map(|host| places.take(IpAddr::from([192, 0, 2, host]), false).expect("sixteen are for all"))
            .collect();
        let held: Vec<Place> = std::iter::from_fn(|| places.take(known, true)).collect();
        assert_eq!((strangers.len(), held.len()), (16, 2), "a quarter of eight");
        for host in 2..5_u8 {
            let address = IpAddr::from([192, 0, 2, host]);
            assert_eq!(std::iter::from_fn(|| places.take(address, true)).map(std::mem::forget).count(), 2, "{host}");
        }
        assert!(places.take(address("192.0.2.5"), true).is_none(), "eight are kept");
    }
}
