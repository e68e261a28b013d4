//! What an account wants done now, from the view alone.
//!
//! Owns the rules of when, beyond those of `assay-dispute`'s duties: the order of moves, commitments that were asked for, of which [`choose`]
//! takes those whose turn it is, and money that is worth fetching. Pure. Every job has a name that follows from what it does and from the state
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

/// Parts of a clock. Moves that are due within one of them are made in the order of the run: one pass over it serves them all, where
/// there is no room for a checkpoint in each game.
const PARTS_OF_CLOCK: u64 = 8;

/// What an account, whose transactions come from `sender`, wants done at L1 time `now`: moves first, then commitments, then what has
/// no clock (timeouts, settlements, withdrawals), each by its time. `stands` says by name how commitments stand, `purse` what there is for more.
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
    let mut wanted: Vec<(Wanted, u64)> = duties(view.board(), account, now)
        .into_iter()
        .filter_map(|duty| {
            let game = view.board().game(duty.game)?;
            let job = Job::Play { duty, leaf: view.leaf_of(game)? };
            Some((Wanted { name: duty_name(game, &duty), job }, first_step(game)))
        })
        .collect();
    if account.challenger == Some(sender) {
        let commits = commits(view, sender, challenges, parameters, stands, purse, now);
        wanted.extend(commits.into_iter().map(|commit| (commit, 0)));
    }
    wanted.sort_by_key(|(wanted, step)| order(&wanted.job, *step, parameters.clock));
    wanted.into_iter().map(|(wanted, _)| wanted).chain(withdrawals(view, sender, withdraw_from)).collect()
}

/// The step with which the part of the run begins that a game's next move is about.
fn first_step(game: &GameState) -> u64 {
    match &game.phase {
        Phase::Played(turn) => turn.dissection.segment().start,
        _ => 0,
    }
}

/// What a job is ordered by: its kind, and among moves what part of a clock they are due in, the claim, and where they are about in its run.
fn order(job: &Job, first_step: u64, clock: u64) -> (u8, u64, Option<LeafId>, u64) {
    match *job {
        Job::Play { duty, leaf } if duty.until < u64::MAX => {
            (0, duty.until / (clock / PARTS_OF_CLOCK).max(1), Some(leaf), first_step)
        }
        Job::Commit { until, .. } => (1, until, None, 0),
        Job::Play { .. } | Job::Withdraw { .. } => (2, u64::MAX, None, 0),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn play(until: u64, leaf: u32) -> Job {
        let duty = Duty { game: B256::ZERO, task: Task::Answer(Side::Executor), until };
        Job::Play { duty, leaf: LeafId { region: B256::ZERO, batch: 1, index: leaf } }
    }

    /// Hundreds of games on one run, begun within a few blocks, must not send the player back and forth in it.
    #[test]
    fn moves_that_are_due_about_the_same_time_are_made_in_the_order_of_the_run() {
        let commit =
            Job::Commit { leaf: LeafId { region: B256::ZERO, batch: 1, index: 0 }, is_stay: false, until: 1, round: 0 };
        let in_order = [
            (play(99, 2), 900),
            (play(107, 1), 5),
            (play(100, 1), 70),
            (play(104, 1), 800),
            (play(100, 2), 3),
            (play(110, 1), 1),
            (commit, 0),
            (play(u64::MAX, 1), 2),
        ];
        let keys = in_order.map(|(job, step)| order(&job, step, 80));
        assert!(keys.is_sorted(), "{keys:?}");
        assert!(
            order(&play(3, 1), 9, 0) < order(&play(4, 1), 1, 0),
            "a clock shorter than its parts is ordered by time"
        );
    }
}
