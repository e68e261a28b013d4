//! Places that are scarce, and how many of them each address has: connections, uploads.
//!
//! Owns counts. An address is what a peer can't change at will: one of IPv4, a network of 64 bits of IPv6. Assumes that whoever asks knows
//! the peer's address; behind a proxy all peers have the proxy's, and it is the proxy that has to bound them. Some places can be kept for
//! those who are known, so that strangers never take all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bits of an address of IPv6 that its owner chooses.
const HOST_BITS: u32 = 64;

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
    kept_count: usize,
    per_address: usize,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A place that is taken, until it is dropped.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
    address: IpAddr,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Places {
    /// So many in all, so many of them for one address, and so many, at most half of all, kept for those who are known: these have them
    /// beside what every address has.
    pub fn new(all: usize, per_address: usize, kept: usize) -> Self {
        let kept = kept.min(all / 2);
        Self {
            all: Arc::new(Semaphore::new(all - kept)),
            kept: Arc::new(Semaphore::new(kept)),
            kept_count: kept,
            per_address,
            taken: Arc::default(),
        }
    }

    /// A place, if one is free for this address.
    pub fn take(&self, address: IpAddr, is_known: bool) -> Option<Place> {
        let most = self.per_address + if is_known { self.kept_count } else { 0 };
        let address = network(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let has = taken.get(&address).copied().unwrap_or(0);
        if has >= most {
            return None;
        }
        let free = |places: &Arc<Semaphore>| places.clone().try_acquire_owned().ok();
        let permit = free(&self.all).or_else(|| if is_known { free(&self.kept) } else { None })?;
        taken.insert(address, has + 1);
        Some(Place { _permit: permit, address, taken: self.taken.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
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
        let [one, other, known] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(address);
        let mut held: Vec<Place> = (0..2).map(|_| places.take(one, false).expect("there are two")).collect();
        assert!(places.take(one, false).is_none(), "each has two");
        held.push(places.take(other, false).expect("there is a third"));
        assert!(places.take(other, false).is_none(), "the others are kept");
        held.extend((0..2).map(|_| places.take(known, true).expect("they are kept for it")));
        assert!(places.take(known, true).is_none(), "five are all");
        drop(held);
        assert!(places.taken.lock().expect("nobody panicked").is_empty());
        held = (0..4).map(|_| places.take(known, true).expect("its own two and the kept ones")).collect();
        assert!(places.take(known, true).is_none() && held.len() == 4);
    }
}
