//! Who has a stake and since when, and which keys sign for it, over time (specs/14-bonds.md).
//!
//! Owns the answers of the contract Bonds to questions about past times, from its events.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256};
use assay_protocol::contracts::Bonds::BondsEvents;
use assay_protocol::objects::Role;

use crate::chain::error::FoldError;

/// Of what has no end yet, as the contract has it.
const OPEN: u64 = u64::MAX;

/// An owner in a role: registered from `from` until, and not at, `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration {
    /// L1 time of the registration.
    pub from: u64,
    /// L1 time of its end; 2^64 - 1 if none is announced.
    pub until: u64,
    /// Wei.
    pub stake: U256,
}

/// A key of an owner in a role: valid from `from` until, and not at, `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Whose it is.
    pub owner: Address,
    /// L1 time of the authorisation.
    pub from: u64,
    /// L1 time of its end; 2^64 - 1 if it is not revoked.
    pub until: u64,
}

/// All registrations and keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stakes {
    owners: BTreeMap<(Role, Address), Registration>,
    keys: BTreeMap<(Role, Address), Key>,
}

impl Stakes {
    /// An owner's registration, if it ever began.
    #[must_use]
    pub fn registration(&self, role: Role, owner: Address) -> Option<&Registration> {
        self.owners.get(&(role, owner))
    }

    /// All owners of a role.
    pub fn owners(&self, role: Role) -> impl Iterator<Item = (Address, &Registration)> {
        let of_role = self.owners.iter().filter(move |((of, _), _)| *of == role);
        of_role.map(|((_, owner), registration)| (*owner, registration))
    }

    /// A key that was ever authorised.
    #[must_use]
    pub fn key(&self, role: Role, key: Address) -> Option<&Key> {
        self.keys.get(&(role, key))
    }

    /// Whether an owner is registered at a time.
    #[must_use]
    pub fn is_registered(&self, role: Role, owner: Address, time: u64) -> bool {
        self.registration(role, owner).is_some_and(|asked| asked.from <= time && time < asked.until)
    }

    /// Whether a key signs for an owner at a time. An owner is its own key from its registration on, for ever.
    #[must_use]
    pub fn is_key(&self, role: Role, owner: Address, key: Address, time: u64) -> bool {
        if key == owner {
            return self.registration(role, owner).is_some_and(|asked| asked.from <= time);
        }
        self.key(role, key).is_some_and(|asked| asked.owner == owner && asked.from <= time && time < asked.until)
    }

    pub(super) fn take(&mut self, time: u64, event: &BondsEvents) -> Result<(), FoldError> {
        match event {
            BondsEvents::Registered(event) => {
                let registration = Registration { from: time, until: OPEN, stake: event.stake };
                self.owners.insert((role(event.role)?, event.owner), registration);
            }
            BondsEvents::Deposited(event) => self.owner(event.role, event.owner, |owner| owner.stake = event.stake)?,
            BondsEvents::ExitAnnounced(event) => {
                self.owner(event.role, event.owner, |owner| owner.until = event.registeredUntil)?;
            }
            BondsEvents::StakeWithdrawn(event) => {
                self.owner(event.role, event.owner, |owner| owner.stake = U256::ZERO)?;
            }
            BondsEvents::Slashed(event) => self.owner(event.role, event.owner, |owner| {
                owner.stake = U256::ZERO;
                owner.until = owner.until.min(time);
            })?,
            BondsEvents::KeyAuthorised(event) => {
                let key = Key { owner: event.owner, from: time, until: OPEN };
                self.keys.insert((role(event.role)?, event.key), key);
            }
            BondsEvents::KeyRevoked(event) => {
                if let Some(key) = self.keys.get_mut(&(role(event.role)?, event.key)) {
                    key.until = event.validUntil;
                }
            }
            // Credits are the view's own matter.
            _ => {}
        }
        Ok(())
    }

    fn owner(&mut self, of: u8, owner: Address, change: impl FnOnce(&mut Registration)) -> Result<(), FoldError> {
        if let Some(owner) = self.owners.get_mut(&(role(of)?, owner)) {
            change(owner);
        }
        Ok(())
    }
}

fn role(got: u8) -> Result<Role, FoldError> {
    match got {
        0 => Ok(Role::Executor),
        1 => Ok(Role::Sequencer),
        got => Err(FoldError::Role { got }),
    }
}
