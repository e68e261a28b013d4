//! The view: what the events of all contracts fold into.
//!
//! Owns nothing that is not in events, and knows no block but by what it emitted. It is undone by folding again without the events
//! that are gone. Every answer follows from events alone, as L1 itself would give it at the same block.

mod fate;
mod regions;
mod stakes;

use std::collections::BTreeMap;

use alloy_primitives::{Address, Log, U256};
use alloy_sol_types::SolEventInterface;
use assay_dispute::player::{Board, GameState};
use assay_machine::program::Descriptor;
use assay_protocol::contracts::Batches::BatchesEvents;
use assay_protocol::contracts::Bonds::BondsEvents;
use assay_protocol::contracts::Court::{self, CourtEvents};
use assay_protocol::contracts::Programs::{self, ProgramsEvents};
use assay_protocol::deployment::Contracts;
use assay_protocol::{B256, BlobRef};

use super::error::FoldError;
use super::leaf::LeafId;
use regions::Regions;

pub use fate::{Fate, Standing, earliest};
pub use regions::{BatchState, Region, header};
pub use stakes::{Key, Registration, Stakes};

/// A registered program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// What it is.
    pub descriptor: Descriptor,
    /// L1 time of the registration.
    pub registered_at: u64,
}

/// An executor's conviction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conviction {
    /// L1 time of it.
    pub at: u64,
    /// Claims whose windows end at this time or later are void.
    pub void_from: u64,
    /// The game that it lost.
    pub game: B256,
}

/// What a contract owes an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credit {
    /// Wei.
    pub owed: U256,
    /// How often it has withdrawn.
    pub withdrawals: u64,
}

/// What all events up to some block say.
#[derive(Clone, Debug)]
pub struct View {
    contracts: Contracts,
    regions: Regions,
    programs: BTreeMap<B256, Program>,
    stakes: Stakes,
    board: Board,
    /// Games by claim, in the order of their commitments.
    games_on: BTreeMap<B256, Vec<B256>>,
    /// Stays by executor, the same.
    stays_of: BTreeMap<Address, Vec<B256>>,
    convictions: BTreeMap<Address, Conviction>,
    credits: BTreeMap<(Address, Address), Credit>,
    /// What the challenger of a settled game was credited beyond its bond.
    rewards: BTreeMap<B256, U256>,
}

impl View {
    /// The view before the first event.
    #[must_use]
    pub fn new(contracts: Contracts) -> Self {
        let board = Board::new(contracts.court);
        Self {
            contracts,
            board,
            regions: Regions::default(),
            programs: BTreeMap::new(),
            stakes: Stakes::default(),
            games_on: BTreeMap::new(),
            stays_of: BTreeMap::new(),
            convictions: BTreeMap::new(),
            credits: BTreeMap::new(),
            rewards: BTreeMap::new(),
        }
    }

    /// Takes a log of block `block`, whose time is `time`. Logs come in the chain's order, each once; those of other contracts change
    /// nothing.
    ///
    /// # Errors
    /// [`FoldError`]: the view is of no use any more.
    pub fn apply(&mut self, block: u64, time: u64, log: &Log) -> Result<(), FoldError> {
        let contract = log.address;
        let unread = |reason| FoldError::Log { contract, reason };
        if contract == self.contracts.batches {
            let event = BatchesEvents::decode_log(log).map_err(unread)?.data;
            self.regions.take(block, time, &event)?;
        } else if contract == self.contracts.programs {
            let ProgramsEvents::ProgramRegistered(event) = ProgramsEvents::decode_log(log).map_err(unread)?.data;
            let program = Program { descriptor: descriptor(&event.descriptor), registered_at: time };
            self.programs.insert(event.program, program);
        } else if contract == self.contracts.bonds {
            let event = BondsEvents::decode_log(log).map_err(unread)?.data;
            self.stakes.take(time, &event)?;
            match event {
                BondsEvents::Credited(event) => self.credited(contract, event.account, event.amount),
                BondsEvents::CreditWithdrawn(event) => self.withdrawn(contract, event.account),
                _ => {}
            }
        } else if contract == self.contracts.court {
            self.court(block, time, log)?;
        } else if contract == self.contracts.faults {
            self.faults(log);
        }
        Ok(())
    }

    /// All regions, by id.
    pub fn regions(&self) -> impl Iterator<Item = (B256, &Region)> {
        self.regions.iter()
    }

    /// A region.
    #[must_use]
    pub fn region(&self, region: B256) -> Option<&Region> {
        self.regions.get(region)
    }

    /// A batch.
    #[must_use]
    pub fn batch(&self, region: B256, number: u64) -> Option<&BatchState> {
        self.regions.get(region)?.batches.get(usize::try_from(number).ok()?)
    }

    /// Region and number of a batch.
    #[must_use]
    pub fn batch_of_hash(&self, hash: B256) -> Option<(B256, u64)> {
        self.regions.of_hash(hash)
    }

    /// A registered program.
    #[must_use]
    pub fn program(&self, program: B256) -> Option<&Program> {
        self.programs.get(&program)
    }

    /// Registrations and keys.
    #[must_use]
    pub fn stakes(&self) -> &Stakes {
        &self.stakes
    }

    /// Games.
    #[must_use]
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Games on a claim, in the order of their commitments.
    pub fn games_on(&self, claim: B256) -> impl Iterator<Item = &GameState> {
        let ids = self.games_on.get(&claim).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.board.game(*id))
    }

    /// Games against an executor that hold all its claims, in the order of their commitments.
    pub fn stays_of(&self, executor: Address) -> impl Iterator<Item = &GameState> {
        let ids = self.stays_of.get(&executor).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.board.game(*id))
    }

    /// The leaf that a game is about.
    #[must_use]
    pub fn leaf_of(&self, game: &GameState) -> Option<LeafId> {
        let (region, batch) = self.batch_of_hash(game.challenge.batchHash)?;
        Some(LeafId { region, batch, index: game.challenge.index })
    }

    /// An executor's conviction.
    #[must_use]
    pub fn conviction(&self, executor: Address) -> Option<&Conviction> {
        self.convictions.get(&executor)
    }

    /// What a contract owes an account.
    #[must_use]
    pub fn credit(&self, contract: Address, account: Address) -> Credit {
        self.credits.get(&(contract, account)).copied().unwrap_or_default()
    }

    /// What the challenger of a game was credited beyond its bond, once the game is settled.
    #[must_use]
    pub fn reward(&self, game: B256) -> Option<U256> {
        self.rewards.get(&game).copied()
    }

    /// The contracts that may owe somebody.
    #[must_use]
    pub fn creditors(&self) -> [Address; 3] {
        [self.contracts.court, self.contracts.bonds, self.contracts.faults]
    }

    fn court(&mut self, block: u64, time: u64, log: &Log) -> Result<(), FoldError> {
        self.board.apply(block, time, log)?;
        // What is undone is folded anew, so that the board need not remember how.
        self.board.finalise(block);
        let contract = log.address;
        let event = CourtEvents::decode_log(log).map_err(|reason| FoldError::Log { contract, reason })?.data;
        match event {
            CourtEvents::Committed(event) => {
                self.games_on.entry(event.claim).or_default().push(event.game);
                if let Some(game) = self.board.game(event.game).filter(|game| game.challenge.isStay) {
                    self.stays_of.entry(game.executor).or_default().push(event.game);
                }
            }
            CourtEvents::Convicted(event) => {
                let conviction = Conviction { at: time, void_from: event.voidFrom, game: event.game };
                self.convictions.insert(event.executor, conviction);
            }
            CourtEvents::Settled(event) => drop(self.rewards.insert(event.game, event.reward)),
            CourtEvents::Credited(event) => self.credited(contract, event.account, event.amount),
            CourtEvents::CreditWithdrawn(event) => self.withdrawn(contract, event.account),
            _ => {}
        }
        Ok(())
    }

    /// Of the contract of faults only credits matter here, which are those of every contract that owes.
    fn faults(&mut self, log: &Log) {
        use alloy_sol_types::SolEvent;
        if let Ok(event) = Court::Credited::decode_log(log) {
            self.credited(log.address, event.account, event.amount);
        } else if let Ok(event) = Court::CreditWithdrawn::decode_log(log) {
            self.withdrawn(log.address, event.account);
        }
    }

    fn credited(&mut self, contract: Address, account: Address, amount: U256) {
        let credit = self.credits.entry((contract, account)).or_default();
        credit.owed = credit.owed.saturating_add(amount);
    }

    fn withdrawn(&mut self, contract: Address, account: Address) {
        let credit = self.credits.entry((contract, account)).or_default();
        *credit = Credit { owed: U256::ZERO, withdrawals: credit.withdrawals + 1 };
    }
}

/// The descriptor of a contract's binding.
fn descriptor(given: &Programs::Descriptor) -> Descriptor {
    Descriptor {
        version: given.version,
        mounts: given.mounts.iter().map(|mount| (mount.region, mount.root)).collect(),
        entry_pc: given.entryPc,
        memory_pages: given.memoryPages,
        memory_pages_max: given.memoryPagesMax,
        wasm: BlobRef { root: given.wasm.root, length: given.wasm.length },
    }
}
