//! Addresses of which an executor has shown who it is: some places are kept for them, so that strangers never keep executors out.
//!
//! Owns a bounded list in memory. After a restart it is empty, and executors come in as everybody does.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use assay_node::addresses::network;

/// How long an address is known after it was used.
const KNOWN_TIME: Duration = Duration::from_secs(3600);
/// Most addresses. The one that was used longest ago is forgotten for the next.
const ADDRESSES_MAX: usize = 1024;

/// The addresses.
#[derive(Debug, Default)]
pub struct Known {
    used_at: Mutex<HashMap<IpAddr, Instant>>,
}

impl Known {
    /// An executor has used its session from an address.
    pub fn note(&self, address: IpAddr) {
        let mut used_at = self.used_at.lock().unwrap_or_else(PoisonError::into_inner);
        let address = network(address);
        if used_at.len() >= ADDRESSES_MAX && !used_at.contains_key(&address) {
            let oldest = used_at.iter().min_by_key(|(_, used_at)| **used_at).map(|(address, _)| *address);
            oldest.and_then(|oldest| used_at.remove(&oldest));
        }
        used_at.insert(address, Instant::now());
    }

    /// Whether an address is known.
    pub fn has(&self, address: IpAddr) -> bool {
        let used_at = self.used_at.lock().unwrap_or_else(PoisonError::into_inner);
        used_at.get(&network(address)).is_some_and(|used_at| used_at.elapsed() < KNOWN_TIME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_known() {
        let known = Known::default();
        let address = |number: usize| IpAddr::from([10, 0, (number >> 8) as u8, number as u8]);
        for number in 0..=ADDRESSES_MAX {
            assert!(!known.has(address(number)));
            known.note(address(number));
            known.note(address(number.min(1)));
        }
        let forgotten = (0..=ADDRESSES_MAX).filter(|number| !known.has(address(*number))).count();
        assert_eq!(forgotten, 1, "one had to go");
        assert!(known.has(address(1)) && known.has(address(ADDRESSES_MAX)), "not one that was used since");
    }
}
