//! Who may do what: executors, their keys, programs.
//!
//! Owns answers about times past, as the contract of bonds gives them. Assumes facts in the chain's order.

use std::collections::HashMap;

use alloy_primitives::{Address, B256};
use assay_protocol::objects::Role;

use super::Fact;

/// A time that never comes.
const NEVER: u64 = u64::MAX;

/// An interval of L1 times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    from: u64,
    until: u64,
}

impl Interval {
    fn holds(&self, time: u64) -> bool {
        self.from <= time && time < self.until
    }
}

/// An owner of a stake.
#[derive(Clone, Debug, Default)]
pub struct Executor {
    registered: Option<Interval>,
    keys: HashMap<Address, Interval>,
}

/// Owners and programs.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    executors: HashMap<Address, Executor>,
    sequencers: HashMap<Address, Executor>,
    programs: HashMap<B256, u64>,
}

impl Registry {
    /// Whether an owner was registered at a time.
    pub fn is_registered(&self, role: Role, owner: Address, time: u64) -> bool {
        let registered = self.owners(role).get(&owner).and_then(|owner| owner.registered);
        registered.is_some_and(|interval| interval.holds(time))
    }

    /// Whether a key could sign for an owner at a time. An owner is its own key from its registration on.
    pub fn is_key(&self, role: Role, owner: Address, key: Address, time: u64) -> bool {
        let Some(known) = self.owners(role).get(&owner) else { return false };
        if key == owner {
            return known.registered.is_some_and(|interval| interval.from <= time);
        }
        known.keys.get(&key).is_some_and(|interval| interval.holds(time))
    }

    /// When a program was registered.
    pub fn program(&self, program: &B256) -> Option<u64> {
        self.programs.get(program).copied()
    }

    /// Takes a fact in; whether it was about somebody or something here.
    pub(super) fn apply(&mut self, fact: &Fact, time: u64) -> bool {
        match *fact {
            Fact::Registered { role, owner } => {
                self.owner(role, owner).registered = Some(Interval { from: time, until: NEVER });
            }
            Fact::KeyAuthorised { role, owner, key } => {
                self.owner(role, owner).keys.insert(key, Interval { from: time, until: NEVER });
            }
            Fact::KeyRevoked { role, owner, key, valid_until } => {
                if let Some(interval) = self.owner(role, owner).keys.get_mut(&key) {
                    interval.until = valid_until;
                }
            }
            Fact::ExitAnnounced { role, owner, registered_until } => self.end(role, owner, registered_until),
            Fact::Slashed { role, owner } => self.end(role, owner, time),
            Fact::Program { program } => {
                self.programs.entry(program).or_insert(time);
            }
            _ => return false,
        }
        true
    }

    fn end(&mut self, role: u8, owner: Address, until: u64) {
        if let Some(interval) = &mut self.owner(role, owner).registered {
            interval.until = interval.until.min(until);
        }
    }

    fn owner(&mut self, role: u8, owner: Address) -> &mut Executor {
        let owners = if role == Role::Executor as u8 { &mut self.executors } else { &mut self.sequencers };
        owners.entry(owner).or_default()
    }

    fn owners(&self, role: Role) -> &HashMap<Address, Executor> {
        match role {
            Role::Executor => &self.executors,
            Role::Sequencer => &self.sequencers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_contract() {
        let (owner, key, mut registry) = (Address::repeat_byte(1), Address::repeat_byte(2), Registry::default());
        registry.apply(&Fact::Registered { role: 0, owner }, 100);
        registry.apply(&Fact::KeyAuthorised { role: 0, owner, key }, 110);
        registry.apply(&Fact::KeyRevoked { role: 0, owner, key, valid_until: 150 }, 140);
        registry.apply(&Fact::ExitAnnounced { role: 0, owner, registered_until: 200 }, 190);
        for (time, registered, is_own_key, is_key) in [
            (99, false, false, false),
            (100, true, true, false),
            (110, true, true, true),
            (149, true, true, true),
            (150, true, true, false),
            (199, true, true, false),
            (200, false, true, false),
        ] {
            assert_eq!(registry.is_registered(Role::Executor, owner, time), registered, "{time}");
            assert_eq!(registry.is_key(Role::Executor, owner, owner, time), is_own_key, "{time}");
            assert_eq!(registry.is_key(Role::Executor, owner, key, time), is_key, "{time}");
            assert!(!registry.is_registered(Role::Sequencer, owner, time));
        }
        registry.apply(&Fact::Slashed { role: 0, owner }, 195);
        assert!(
            !registry.is_registered(Role::Executor, owner, 195) && registry.is_registered(Role::Executor, owner, 194)
        );
        registry.apply(&Fact::Program { program: B256::ZERO }, 120);
        registry.apply(&Fact::Program { program: B256::ZERO }, 130);
        assert_eq!(registry.program(&B256::ZERO), Some(120));
    }
}
