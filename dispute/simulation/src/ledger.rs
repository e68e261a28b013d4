//! The money of a bout as chapter 14 has it, computed a second time: from the transactions of the chain alone.
//!
//! Owns the schedule as a table of its own and the formulas; it reads what was sent, and holds each payment that the court
//! reports to what it should be.

use std::collections::BTreeMap;

use alloy_sol_types::{SolEventInterface, SolInterface};
use assay_dispute::game::{DissectionTree, Side};
use assay_protocol::contracts::Bonds::BondsCalls;
use assay_protocol::contracts::Court::{CourtCalls, CourtEvents};
use assay_protocol::presets::Parameters;
use assay_protocol::{Address, B256};
use revm::primitives::U256;
use thiserror::Error;

use crate::deployment::Deployment;
use crate::world::{Block, Transaction};

/// Gas of the schedule: a base, and what each hash or byte of a witness adds.
const COMMIT: u64 = 180_000;
const REVEAL: (u64, u64) = (120_000, 380);
const CHALLENGER_MOVE: (u64, u64) = (30_000, 380);
const CHALLENGER_STEP: (u64, u64) = (150_000, 10);
const CHALLENGER_TIMEOUT: u64 = 60_000;
const EXECUTOR_MOVE: (u64, u64) = (70_000, 1_300);
const EXECUTOR_STEP: (u64, u64) = (380_000, 20);
const EXECUTOR_TIMEOUT: u64 = 140_000;
const WITNESS_BYTES_MAX: u64 = 10_240;

/// A payment that is not the one of the rules.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("game {game}: {what} is {got} wei, by the rules {wanted}")]
pub struct WrongPayment {
    /// The game.
    pub game: B256,
    /// Which payment.
    pub what: &'static str,
    /// What the court says.
    pub got: U256,
    /// What the rules say.
    pub wanted: U256,
}

#[derive(Clone, Debug)]
struct Account {
    executor: Address,
    claim: B256,
    challenger: Address,
    bond: U256,
    committed_at: u64,
    opening: Option<B256>,
    mover: Side,
    costs: [U256; 2],
    is_lost: bool,
}

/// What everybody has won or lost in games, gas aside.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Owners by the keys that move for them.
    keys: BTreeMap<Address, Address>,
    /// What executors have deposited beyond the least stake, with which they have all registered.
    deposits: BTreeMap<Address, U256>,
    games: BTreeMap<B256, Account>,
    /// What of challengers' scheduled gas a pot did not reach.
    short: BTreeMap<Address, U256>,
    first_reveals: BTreeMap<(B256, B256), u64>,
    convictions: BTreeMap<Address, Conviction>,
    won: BTreeMap<Address, U256>,
    lost: BTreeMap<Address, U256>,
}

#[derive(Clone, Debug)]
struct Conviction {
    opening: Option<(B256, B256)>,
    /// All costs, and what is paid of them.
    costs: U256,
    paid: U256,
    share: U256,
}

impl Ledger {
    /// The books over a chain. `keys` names the owner of each key that moves for one.
    ///
    /// # Errors
    /// [`WrongPayment`].
    pub fn of(
        blocks: &[Block],
        deployment: &Deployment,
        keys: BTreeMap<Address, Address>,
    ) -> Result<Self, WrongPayment> {
        let mut ledger = Self { keys, ..Self::default() };
        for block in blocks {
            let price = price(block, &deployment.parameters);
            for transaction in block.transactions.iter().filter(|sent| sent.is_taken) {
                if transaction.to == Some(deployment.bonds) {
                    ledger.deposit(transaction);
                }
                // Games that are begun through a contract are known by their events; nothing else is done that way.
                if transaction.to == Some(deployment.court) {
                    ledger.charge(block.time, transaction, price);
                }
                for log in transaction.logs.iter().filter(|log| log.address == deployment.court) {
                    let Ok(event) = CourtEvents::decode_log(log) else { continue };
                    ledger.note(block.time, &event.data, &deployment.parameters, price)?;
                }
            }
        }
        Ok(ledger)
    }

    /// What an account has won, and lost.
    #[must_use]
    pub fn result_of(&self, who: Address) -> (U256, U256) {
        (self.won.get(&who).copied().unwrap_or_default(), self.lost.get(&who).copied().unwrap_or_default())
    }

    /// Wei of a challenger's scheduled gas that no pot has reached.
    #[must_use]
    pub fn short_of(&self, who: Address) -> U256 {
        self.short.get(&who).copied().unwrap_or_default()
    }

    fn deposit(&mut self, transaction: &Transaction) {
        if let Ok(BondsCalls::deposit(call)) = BondsCalls::abi_decode(&transaction.data)
            && call.role == 0
        {
            *self.deposits.entry(transaction.from).or_default() += transaction.value;
        }
    }

    fn stake(&self, executor: Address, parameters: &Parameters) -> U256 {
        parameters.executor_stake + self.deposits.get(&executor).copied().unwrap_or_default()
    }

    /// Adds the scheduled gas of a call to its sender's side.
    fn charge(&mut self, time: u64, transaction: &Transaction, price: U256) {
        let Ok(call) = CourtCalls::abi_decode(&transaction.data) else { return };
        match call {
            CourtCalls::reveal(call) => {
                let root = DissectionTree::new(&call.hashes).root();
                let game = self.game(call.id);
                game.opening = Some(root);
                game.mover = Side::Executor;
                game.costs[0] += units(REVEAL, call.hashes.len() as u64) * price;
                let key = (game.claim, root);
                self.first_reveals.entry(key).or_insert(time);
            }
            CourtCalls::r#move(call) => {
                let game = self.game(call.id);
                let (mover, hashes) = (game.mover, call.hashes.len() as u64);
                game.mover = mover.opponent();
                game.spend(mover, by(mover, units(CHALLENGER_MOVE, hashes), units(EXECUTOR_MOVE, hashes)) * price);
            }
            CourtCalls::step(call) => {
                let game = self.game(call.id);
                let (mover, bytes) = (game.mover, call.witness.len() as u64);
                let executor = units(EXECUTOR_STEP, bytes.min(WITNESS_BYTES_MAX));
                game.spend(mover, by(mover, units(CHALLENGER_STEP, bytes), executor) * price);
            }
            CourtCalls::timeout(call) => {
                let caller = self.keys.get(&transaction.from).copied().unwrap_or(transaction.from);
                let game = self.game(call.id);
                let winner = game.mover.opponent();
                if caller == by(winner, game.challenger, game.executor) {
                    let gas = by(winner, CHALLENGER_TIMEOUT, EXECUTOR_TIMEOUT);
                    game.spend(winner, U256::from(gas) * price);
                }
            }
            _ => {}
        }
    }

    fn note(
        &mut self,
        time: u64,
        event: &CourtEvents,
        parameters: &Parameters,
        price: U256,
    ) -> Result<(), WrongPayment> {
        match event {
            CourtEvents::Committed(event) => {
                let account = Account {
                    executor: event.executor,
                    claim: event.claim,
                    challenger: event.challenge.challenger,
                    bond: event.challenge.bond,
                    committed_at: time,
                    opening: None,
                    mover: Side::Challenger,
                    costs: [U256::from(COMMIT) * price, U256::ZERO],
                    is_lost: false,
                };
                self.games.insert(event.game, account);
            }
            CourtEvents::ChallengeLost(event) => {
                let game = self.game(event.game);
                game.is_lost = true;
                let margin = U256::from(10_000 + u64::from(parameters.gas_margin_bps));
                let due = (game.costs[1] * margin / U256::from(10_000)).min(game.bond);
                let (challenger, executor, bond) = (game.challenger, game.executor, game.bond);
                check(event.game, "what a losing challenger pays", event.toExecutor, due)?;
                check(event.game, "what is burned of a bond", event.burned, bond - due)?;
                *self.lost.entry(challenger).or_default() += bond;
                *self.won.entry(executor).or_default() += due;
            }
            CourtEvents::Convicted(event) => {
                let convict = self.conviction(event.game, parameters);
                let stake = self.stake(event.executor, parameters);
                let pot = stake - stake * U256::from(parameters.burn_share_bps) / U256::from(10_000);
                check(event.game, "a pot", event.pot, pot)?;
                check(event.game, "the gas paid out of a pot", event.costPaid, convict.paid)?;
                check(event.game, "a winner's share", event.share, convict.share)?;
                *self.lost.entry(event.executor).or_default() += stake;
                self.convictions.insert(event.executor, convict);
            }
            CourtEvents::Settled(event) => {
                let game = self.games[&event.game].clone();
                let convict = &self.convictions[&game.executor];
                let mut due = game.costs[0];
                if convict.paid < convict.costs {
                    due = due * convict.paid / convict.costs;
                }
                *self.short.entry(game.challenger).or_default() += game.costs[0] - due;
                if self.is_candidate(&game) && game.key() == convict.opening {
                    due += convict.share;
                }
                check(event.game, "a challenger's reward", event.reward, due)?;
                *self.won.entry(game.challenger).or_default() += due;
            }
            _ => {}
        }
        Ok(())
    }

    /// How the pot of the executor that loses this game is divided.
    fn conviction(&self, id: B256, parameters: &Parameters) -> Conviction {
        let game = &self.games[&id];
        let stake = self.stake(game.executor, parameters);
        let pot = stake - stake * U256::from(parameters.burn_share_bps) / U256::from(10_000);
        let against = || self.games.values().filter(|other| other.executor == game.executor && !other.is_lost);
        let costs: U256 = against().fold(U256::ZERO, |sum, other| sum + other.costs[0]);
        let opening = game.key();
        let winners = against().filter(|other| other.key() == opening && self.is_candidate(other)).count();
        let paid = costs.min(pot);
        let share = if winners == 0 { U256::ZERO } else { (pot - paid) / U256::from(winners) };
        Conviction { opening, costs, paid, share }
    }

    /// Whether a game was committed before anybody could see its opening.
    fn is_candidate(&self, game: &Account) -> bool {
        let first = game.key().and_then(|key| self.first_reveals.get(&key));
        first.is_some_and(|first| game.committed_at < *first)
    }

    fn game(&mut self, id: B256) -> &mut Account {
        self.games.get_mut(&id).expect("a game that was moved in was begun")
    }
}

impl Account {
    fn key(&self) -> Option<(B256, B256)> {
        self.opening.map(|opening| (self.claim, opening))
    }

    fn spend(&mut self, side: Side, wei: U256) {
        self.costs[usize::from(side == Side::Executor)] += wei;
    }
}

/// What the court pays for a unit of scheduled gas of a block.
pub fn price(block: &Block, parameters: &Parameters) -> U256 {
    U256::from(block.base_fee).min(parameters.base_fee_max)
}

fn units((base, each): (u64, u64), count: u64) -> U256 {
    U256::from(base + each * count)
}

fn by<T>(side: Side, challenger: T, executor: T) -> T {
    if side == Side::Challenger { challenger } else { executor }
}

fn check(game: B256, what: &'static str, got: U256, wanted: U256) -> Result<(), WrongPayment> {
    if got == wanted { Ok(()) } else { Err(WrongPayment { game, what, got, wanted }) }
}
