//! Events of the contracts, reduced to what a sequencer needs.
//!
//! Owns the list of events that are read. Data of batches are not among them: a sequencer has its own.

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolEvent;
use assay_node::l1::Log;
use assay_protocol::contracts::{Batches, Bonds, Court, Programs};
use assay_protocol::deployment::Contracts;
use serde::{Deserialize, Serialize};

/// Something that L1 has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fact {
    /// A stake stands behind an executor (role 0) or a sequencer (role 1).
    Registered { role: u8, owner: Address },
    /// A key may sign for an owner.
    KeyAuthorised { role: u8, owner: Address, key: Address },
    /// It may no more from a time on.
    KeyRevoked { role: u8, owner: Address, key: Address, valid_until: u64 },
    /// A registration ends at a time.
    ExitAnnounced { role: u8, owner: Address, registered_until: u64 },
    /// A registration has ended.
    Slashed { role: u8, owner: Address },
    /// A program is registered.
    Program { program: B256 },
    /// The region is open.
    RegionOpened,
    /// A batch of the region is posted.
    Posted { number: u64, hash: B256 },
    /// A batch of the region is void.
    Voided { number: u64 },
    /// A game on a claim has begun.
    GameBegun { game: B256, claim: B256, executor: Address, is_stay: bool },
    /// Its challenger has lost it.
    GameLost { game: B256 },
    /// An executor is convicted: its leaves whose windows end at or after a time are void.
    Convicted { executor: Address, void_from: u64 },
}

/// The contracts that are read.
pub fn addresses(contracts: &Contracts) -> Vec<Address> {
    vec![contracts.bonds, contracts.programs, contracts.batches, contracts.court]
}

/// The events that are read.
pub fn topics() -> Vec<B256> {
    vec![
        Bonds::Registered::SIGNATURE_HASH,
        Bonds::KeyAuthorised::SIGNATURE_HASH,
        Bonds::KeyRevoked::SIGNATURE_HASH,
        Bonds::ExitAnnounced::SIGNATURE_HASH,
        Bonds::Slashed::SIGNATURE_HASH,
        Programs::ProgramRegistered::SIGNATURE_HASH,
        Batches::RegionOpened::SIGNATURE_HASH,
        Batches::BatchPosted::SIGNATURE_HASH,
        Batches::BatchVoided::SIGNATURE_HASH,
        Court::Committed::SIGNATURE_HASH,
        Court::ChallengeLost::SIGNATURE_HASH,
        Court::Convicted::SIGNATURE_HASH,
    ]
}

/// What a log says, if it is about this region or about everybody. The reader has checked that it is of one of the contracts.
pub fn decode(log: &Log, contracts: &Contracts, region: B256) -> Option<Fact> {
    let (address, log) = (log.address(), &log.inner);
    if address == contracts.bonds {
        return bonds(log);
    }
    if address == contracts.programs {
        let event = Programs::ProgramRegistered::decode_log(log).ok()?;
        return Some(Fact::Program { program: event.program });
    }
    if address == contracts.court {
        return court(log);
    }
    batches(log, region)
}

fn bonds(log: &alloy_primitives::Log) -> Option<Fact> {
    let topic = *log.topics().first()?;
    match topic {
        Bonds::Registered::SIGNATURE_HASH => {
            let event = Bonds::Registered::decode_log(log).ok()?;
            Some(Fact::Registered { role: event.role, owner: event.owner })
        }
        Bonds::KeyAuthorised::SIGNATURE_HASH => {
            let event = Bonds::KeyAuthorised::decode_log(log).ok()?;
            Some(Fact::KeyAuthorised { role: event.role, owner: event.owner, key: event.key })
        }
        Bonds::KeyRevoked::SIGNATURE_HASH => {
            let event = Bonds::KeyRevoked::decode_log(log).ok()?;
            let (role, valid_until) = (event.role, event.validUntil);
            Some(Fact::KeyRevoked { role, owner: event.owner, key: event.key, valid_until })
        }
        Bonds::ExitAnnounced::SIGNATURE_HASH => {
            let event = Bonds::ExitAnnounced::decode_log(log).ok()?;
            let (role, registered_until) = (event.role, event.registeredUntil);
            Some(Fact::ExitAnnounced { role, owner: event.owner, registered_until })
        }
        Bonds::Slashed::SIGNATURE_HASH => {
            let event = Bonds::Slashed::decode_log(log).ok()?;
            Some(Fact::Slashed { role: event.role, owner: event.owner })
        }
        _ => None,
    }
}

fn court(log: &alloy_primitives::Log) -> Option<Fact> {
    match *log.topics().first()? {
        Court::Committed::SIGNATURE_HASH => {
            let event = Court::Committed::decode_log(log).ok()?;
            let (game, claim, executor) = (event.game, event.claim, event.executor);
            Some(Fact::GameBegun { game, claim, executor, is_stay: event.challenge.isStay })
        }
        Court::ChallengeLost::SIGNATURE_HASH => {
            Court::ChallengeLost::decode_log(log).ok().map(|event| Fact::GameLost { game: event.game })
        }
        Court::Convicted::SIGNATURE_HASH => {
            let event = Court::Convicted::decode_log(log).ok()?;
            Some(Fact::Convicted { executor: event.executor, void_from: event.voidFrom })
        }
        _ => None,
    }
}

fn batches(log: &alloy_primitives::Log, region: B256) -> Option<Fact> {
    if *log.topics().get(1)? != region {
        return None;
    }
    match *log.topics().first()? {
        Batches::RegionOpened::SIGNATURE_HASH => Some(Fact::RegionOpened),
        Batches::BatchPosted::SIGNATURE_HASH => {
            let event = Batches::BatchPosted::decode_log(log).ok()?;
            Some(Fact::Posted { number: event.number, hash: event.batchHash })
        }
        Batches::BatchVoided::SIGNATURE_HASH => {
            Batches::BatchVoided::decode_log(log).ok().map(|event| Fact::Voided { number: event.number })
        }
        _ => None,
    }
}
