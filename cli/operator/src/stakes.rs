//! An owner's stakes, keys and credits, and when they are free.
//!
//! Owns the answers for people; the facts are the view's. Times are L1 time in seconds, money is wei.

use alloy_primitives::{Address, U256};
use assay_protocol::contracts::Bonds;
use assay_protocol::objects::Role;
use assay_protocol::presets::Parameters;

use crate::L1;
use crate::snapshot::Snapshot;

/// What has no end yet.
const OPEN: u64 = u64::MAX;

/// A hot key of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyStatus {
    /// The key.
    pub key: Address,
    /// Since when it signs.
    pub from: u64,
    /// Until when; none if it is not revoked.
    pub until: Option<u64>,
}

/// What keeps a stake where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Nothing: it can be withdrawn now.
    Free,
    /// There is no stake.
    NoStake,
    /// No exit was announced.
    NoExit,
    /// The time has not come.
    Until {
        /// When it comes.
        time: u64,
    },
    /// So many games against the owner are open.
    Games {
        /// How many.
        count: usize,
    },
}

/// A stake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StakeStatus {
    /// In which role.
    pub role: Role,
    /// Wei.
    pub stake: U256,
    /// Since when it is registered; none if it never was.
    pub from: Option<u64>,
    /// The end of the registration; none if none is announced.
    pub until: Option<u64>,
    /// Whether it is registered now.
    pub is_registered: bool,
    /// When its owner was convicted, if it was.
    pub convicted_at: Option<u64>,
    /// Its keys, oldest first.
    pub keys: Vec<KeyStatus>,
    /// What keeps it where it is.
    pub hold: Hold,
}

/// What a contract owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreditStatus {
    /// Its name.
    pub name: &'static str,
    /// The contract.
    pub contract: Address,
    /// Wei, to be had at any time.
    pub owed: U256,
}

/// All that L1 says of an owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerStatus {
    /// The owner.
    pub owner: Address,
    /// L1 time of the head.
    pub time: u64,
    /// Its stakes: executor, sequencer.
    pub stakes: [StakeStatus; 2],
    /// Games that it is part of and that are open: as executor, as challenger.
    pub games: (usize, usize),
    /// Wei that its open challenges lock.
    pub locked: U256,
    /// What it is owed.
    pub credits: [CreditStatus; 3],
}

/// Seconds from the end of a registration to the withdrawal of its stake: W + 2 K + margin (specs/14-bonds.md).
#[must_use]
pub fn withdrawal_delay(parameters: &Parameters) -> u64 {
    parameters.dispute_span() + parameters.withdrawal_margin
}

/// The least stake of a role.
#[must_use]
pub fn least_stake(parameters: &Parameters, role: Role) -> U256 {
    match role {
        Role::Executor => parameters.executor_stake,
        Role::Sequencer => parameters.sequencer_stake,
    }
}

/// What L1 says of an owner.
#[must_use]
pub fn status(l1: &L1, snapshot: &Snapshot, owner: Address) -> OwnerStatus {
    let view = &snapshot.view;
    let running = || view.board().games().filter(|game| game.is_running());
    let as_executor = running().filter(|game| game.executor == owner).count();
    let challenges = || running().filter(|game| game.challenge.challenger == owner);
    let contracts = &l1.deployment.contracts;
    let credit = |name, contract| CreditStatus { name, contract, owed: view.credit(contract, owner).owed };
    OwnerStatus {
        owner,
        time: snapshot.head.time,
        stakes: [Role::Executor, Role::Sequencer].map(|role| stake(l1, snapshot, owner, role, as_executor)),
        games: (as_executor, challenges().count()),
        locked: challenges().map(|game| game.challenge.bond).fold(U256::ZERO, U256::saturating_add),
        credits: [
            credit("bonds", contracts.bonds),
            credit("court", contracts.court),
            credit("faults", contracts.faults),
        ],
    }
}

fn stake(l1: &L1, snapshot: &Snapshot, owner: Address, role: Role, games: usize) -> StakeStatus {
    let (view, now) = (&snapshot.view, snapshot.head.time);
    let registration = view.stakes().registration(role, owner).copied();
    let stake = registration.map_or(U256::ZERO, |registration| registration.stake);
    let until = registration.map(|registration| registration.until).filter(|until| *until != OPEN);
    let free_from = until.map(|until| until.saturating_add(withdrawal_delay(&l1.parameters)));
    let hold = match free_from {
        _ if stake.is_zero() => Hold::NoStake,
        None => Hold::NoExit,
        Some(time) if now < time => Hold::Until { time },
        Some(_) if role == Role::Executor && games > 0 => Hold::Games { count: games },
        Some(_) => Hold::Free,
    };
    StakeStatus {
        role,
        stake,
        from: registration.map(|registration| registration.from),
        until,
        is_registered: view.stakes().is_registered(role, owner, now),
        convicted_at: view.conviction(owner).map(|conviction| conviction.at).filter(|_| role == Role::Executor),
        keys: keys(l1, snapshot, owner, role),
        hold,
    }
}

fn keys(l1: &L1, snapshot: &Snapshot, owner: Address, role: Role) -> Vec<KeyStatus> {
    let authorised = snapshot.events::<Bonds::KeyAuthorised>(l1.deployment.contracts.bonds);
    let of_owner = authorised.filter(|(_, event)| event.owner == owner && event.role == role as u8);
    let known = of_owner.filter_map(|(_, event)| {
        let key = snapshot.view.stakes().key(role, event.key)?;
        Some(KeyStatus { key: event.key, from: key.from, until: Some(key.until).filter(|until| *until != OPEN) })
    });
    known.collect()
}
