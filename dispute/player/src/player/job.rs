//! What an account wants done now, from the view alone.
//!
//! Owns the rules of when, beyond those of `assay-dispute`'s duties: commitments that were asked for, and money that is worth
//! fetching. Pure. Every job has a name that follows from what it does and from the state that it does it in.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256, keccak256};
use alloy_sol_types::SolValue;
use assay_dispute::game::Side;
use assay_dispute::player::{Account, Duty, GameState, Phase, Task, duties};
use assay_protocol::B256;
use assay_protocol::objects::Role;
use assay_protocol::presets::Parameters;

use super::rows::ChallengeRow;
use crate::chain::{LeafId, View};

/// Something to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Commit to a challenge.
    Commit {
        /// Of this leaf's claim.
        leaf: LeafId,
        /// Whether to hold all claims of the executor.
        is_stay: bool,
        /// The last L1 time at which it can be made.
        until: u64,
    },
    /// Do what a game asks for.
    Play {
        /// What, in which game.
        duty: Duty,
        /// The leaf that the game is about.
        leaf: LeafId,
    },
    /// Fetch what a contract owes.
    Withdraw {
        /// The contract.
        contract: Address,
    },
}

/// A job with its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The same for the same job in the same state, and for no other.
    pub name: B256,
    /// The job.
    pub job: Job,
}

/// A challenge that was asked for, with the executor whose claim it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// What was asked for.
    pub row: ChallengeRow,
    /// The owner of the stake behind the claim.
    pub executor: Address,
}

/// What an account, whose transactions come from `sender`, wants done at L1 time `now`: moves and timeouts first, then commitments, then what
/// has no clock, each by its time. `balance` is the sender's wei, as far as they are known.
#[must_use]
#[allow(clippy::too_many_arguments, reason = "each is one thing that the answer follows from")]
pub fn wanted(
    view: &View,
    account: &Account,
    sender: Address,
    challenges: &BTreeMap<LeafId, Challenge>,
    parameters: &Parameters,
    withdraw_from: Option<U256>,
    balance: Option<U256>,
    now: u64,
) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = duties(view.board(), account, now)
        .into_iter()
        .filter_map(|duty| {
            let game = view.board().game(duty.game)?;
            Some(Wanted { name: duty_name(game, &duty), job: Job::Play { duty, leaf: view.leaf_of(game)? } })
        })
        .collect();
    if account.challenger == Some(sender) {
        let open = Open { view, sender, parameters, balance, now };
        wanted.extend(open.commits(challenges));
    }
    wanted.sort_by_key(|wanted| match wanted.job {
        Job::Play { duty, .. } if duty.until < u64::MAX => (0, duty.until),
        Job::Commit { until, .. } => (1, until),
        Job::Play { .. } | Job::Withdraw { .. } => (2, u64::MAX),
    });
    wanted.extend(withdrawals(view, sender, withdraw_from));
    wanted
}

/// Challenges that can still be opened.
///
/// One stake stands behind all claims of an executor, and one conviction takes it. So the first lie is challenged by a game; when there is
/// another, whose window may end before that game does, by a stay, which holds all claims whose windows end later; and what a stay holds is not
/// challenged again. Without the money for a stay each lie is challenged by a game of its own.
struct Open<'a> {
    view: &'a View,
    sender: Address,
    parameters: &'a Parameters,
    balance: Option<U256>,
    now: u64,
}

/// What the sender has going against an executor.
#[derive(Clone, Copy, Default)]
struct Going {
    has_games: bool,
    /// L1 time of the oldest own stay's commitment.
    stayed_from: Option<u64>,
}

impl Open<'_> {
    /// Commitments that are to be made now.
    fn commits(&self, challenges: &BTreeMap<LeafId, Challenge>) -> Vec<Wanted> {
        let going = self.going();
        let mut by_executor: BTreeMap<Address, Vec<(u64, LeafId, ChallengeRow)>> = BTreeMap::new();
        for (leaf, Challenge { row, executor }) in challenges {
            let Some(until) = self.until(*leaf) else { continue };
            let going = going.get(executor).copied().unwrap_or_default();
            if self.view.conviction(*executor).is_none() && going.stayed_from.is_none_or(|from| until < from) {
                by_executor.entry(*executor).or_default().push((until, *leaf, *row));
            }
        }
        let mut wanted = Vec::new();
        for (executor, mut open) in by_executor {
            open.sort_by_key(|(until, leaf, _)| (*until, *leaf));
            let going = going.get(&executor).copied().unwrap_or_default();
            let is_stay = going.has_games && self.affords_stay(executor);
            // The next ones follow when this one is on L1, as far as they are not held then.
            let count = if !going.has_games || is_stay { 1 } else { open.len() };
            let these = open.into_iter().take(count);
            wanted.extend(these.map(|(until, leaf, row)| self.commit(leaf, row.is_stay || is_stay, until)));
        }
        wanted
    }

    /// Own games that run, by executor.
    fn going(&self) -> BTreeMap<Address, Going> {
        let mut going: BTreeMap<Address, Going> = BTreeMap::new();
        let own = |game: &&GameState| game.challenge.challenger == self.sender && game.is_running();
        for game in self.view.board().games().filter(own) {
            let entry = going.entry(game.executor).or_default();
            entry.has_games = true;
            if game.challenge.isStay {
                let from = entry.stayed_from.map_or(game.committed_at, |from| from.min(game.committed_at));
                entry.stayed_from = Some(from);
            }
        }
        going
    }

    /// The last time at which a challenge can be opened; none if it can't, or there is one already.
    fn until(&self, leaf: LeafId) -> Option<u64> {
        let batch = self.view.batch(leaf.region, leaf.batch)?;
        let until = batch.posted_at + self.parameters.window;
        // It lands in a later block than the newest.
        let is_open = self.now < until && batch.voided_at.is_none() && mine(self.view, self.sender, leaf).is_none();
        is_open.then_some(until)
    }

    /// Whether the sender has a stay's bond, and a game's besides for the gas.
    fn affords_stay(&self, executor: Address) -> bool {
        let bond = stay_bond(self.view, executor, self.parameters);
        self.balance.is_some_and(|balance| balance >= bond.saturating_add(self.parameters.challenge_bond))
    }

    fn commit(&self, leaf: LeafId, is_stay: bool, until: u64) -> Wanted {
        let hash = self.view.batch(leaf.region, leaf.batch).map(|batch| batch.hash).unwrap_or_default();
        let name = keccak256((B256::from(keccak256("commit")), hash, leaf.index, self.sender).abi_encode());
        Wanted { name, job: Job::Commit { leaf, is_stay, until } }
    }
}

/// What a stay of an executor's claims is to be sent: its stake, and an eighth more, which is credited back, for it may have grown when the
/// commitment lands.
pub fn stay_bond(view: &View, executor: Address, parameters: &Parameters) -> U256 {
    let stake = view.stakes().registration(Role::Executor, executor).map_or(U256::ZERO, |owner| owner.stake);
    stake.saturating_add(stake / U256::from(8)).max(parameters.challenge_bond)
}

/// The game of a challenger on a leaf's claim.
pub fn mine(view: &View, challenger: Address, leaf: LeafId) -> Option<&GameState> {
    view.games_on(leaf.claim()).find(|game| game.challenge.challenger == challenger)
}

fn withdrawals(view: &View, sender: Address, from: Option<U256>) -> impl Iterator<Item = Wanted> {
    let least = from.unwrap_or(U256::MAX);
    view.creditors().into_iter().filter_map(move |contract| {
        let credit = view.credit(contract, sender);
        let name = keccak256((keccak256("withdraw"), contract, sender, credit.withdrawals).abi_encode());
        (from.is_some() && credit.owed >= least).then_some(Wanted { name, job: Job::Withdraw { contract } })
    })
}

/// The name of a duty in the state that its game is in.
fn duty_name(game: &GameState, duty: &Duty) -> B256 {
    let state = match &game.phase {
        Phase::Played(turn) => turn.state,
        _ => game.id,
    };
    let (task, state) = match duty.task {
        Task::Reveal => (0_u64, state),
        Task::Answer(Side::Challenger) => (1, state),
        Task::Answer(Side::Executor) => (2, state),
        // Whatever the state: they end the game.
        Task::Timeout => (3, B256::ZERO),
        Task::Settle => (4, B256::ZERO),
    };
    keccak256((keccak256("duty"), game.id, task, state).abi_encode())
}
