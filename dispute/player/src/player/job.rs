//! What an account wants done now, from the view alone.
//!
//! Owns the rules of when, beyond those of `assay-dispute`'s duties: commitments that were asked for, of which [`choose`] takes those
//! whose turn it is, and money that is worth fetching. Pure. Every job has a name that follows from what it does and from the state
//! that it does it in.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256, keccak256};
use alloy_sol_types::SolValue;
use assay_dispute::game::Side;
use assay_dispute::player::{Account, Duty, GameState, Phase, Task, duties};
use assay_protocol::B256;
use assay_protocol::presets::Parameters;

use super::choice::{Accused, Chosen, Lie, Purse, Stand, Terms, choose};
use super::opening::{Challenge, Opening, openings, stay_bond};
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
        /// Which of the sender's games on the leaf it is, from 0.
        round: u32,
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

/// What an account, whose transactions come from `sender`, wants done at L1 time `now`: moves and timeouts first, then commitments, then
/// what has no clock, each by its time. `stands` says by name how commitments stand, `purse` what there is for more.
#[must_use]
#[allow(clippy::too_many_arguments, reason = "each is one thing that the answer follows from")]
pub fn wanted(
    view: &View,
    account: &Account,
    sender: Address,
    challenges: &BTreeMap<LeafId, Challenge>,
    parameters: &Parameters,
    withdraw_from: Option<U256>,
    stands: &BTreeMap<B256, Stand>,
    purse: Purse,
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
        wanted.extend(commits(view, sender, challenges, parameters, stands, purse, now));
    }
    wanted.sort_by_key(|wanted| match wanted.job {
        Job::Play { duty, .. } if duty.until < u64::MAX => (0, duty.until),
        Job::Commit { until, .. } => (1, until),
        Job::Play { .. } | Job::Withdraw { .. } => (2, u64::MAX),
    });
    wanted.extend(withdrawals(view, sender, withdraw_from));
    wanted
}

/// Commitments that are to be made or seen through at L1 time `now`, in no order. `stands` says by name how those of [`openings`] stand.
fn commits(
    view: &View,
    sender: Address,
    challenges: &BTreeMap<LeafId, Challenge>,
    parameters: &Parameters,
    stands: &BTreeMap<B256, Stand>,
    purse: Purse,
    now: u64,
) -> Vec<Wanted> {
    let openings = openings(view, sender, challenges, parameters, now);
    let mut accused: BTreeMap<Address, Accused> = BTreeMap::new();
    for opening in openings.values() {
        let Opening { name, leaf, executor, has_games, until, is_stay, .. } = *opening;
        let stand = stands.get(&name).copied().unwrap_or(Stand::Fresh);
        let entry = accused.entry(executor).or_insert_with(|| {
            let stay_bond = stay_bond(view, executor, parameters);
            Accused { executor, has_games, stay_bond, lies: Vec::new() }
        });
        entry.lies.push(Lie { leaf, until, is_stay, stand });
    }
    let terms = Terms { bond: parameters.challenge_bond, window: parameters.window, now };
    let chosen = choose(accused.into_values().collect(), purse, &terms);
    let wanted = |Chosen { leaf, until, is_stay }| {
        let Opening { name, round, .. } = *openings.get(&leaf)?;
        Some(Wanted { name, job: Job::Commit { leaf, is_stay, until, round } })
    };
    chosen.into_iter().filter_map(wanted).collect()
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
