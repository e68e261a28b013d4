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

/// What an account, whose transactions come from `sender`, wants done at L1 time `now`: most urgent first.
#[must_use]
pub fn wanted(
    view: &View,
    account: &Account,
    sender: Address,
    challenges: &BTreeMap<LeafId, ChallengeRow>,
    parameters: &Parameters,
    withdraw_from: Option<U256>,
    now: u64,
) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = duties(view.board(), account, now)
        .into_iter()
        .filter_map(|duty| {
            let game = view.board().game(duty.game)?;
            Some(Wanted { name: duty_name(game, &duty), job: Job::Play { duty, leaf: view.leaf_of(game)? } })
        })
        .collect();
    let commits = challenges.iter().filter(|_| account.challenger == Some(sender));
    wanted.extend(commits.filter_map(|(leaf, row)| commit(view, sender, *leaf, row, parameters.window, now)));
    // A stable sort: what has no clock stays behind what has.
    wanted.sort_by_key(|wanted| match wanted.job {
        Job::Commit { until, .. } => until,
        Job::Play { duty, .. } => duty.until,
        Job::Withdraw { .. } => u64::MAX,
    });
    wanted.extend(withdrawals(view, sender, withdraw_from));
    wanted
}

/// The commitment of a challenge, while it can be made and is of use.
fn commit(view: &View, sender: Address, leaf: LeafId, row: &ChallengeRow, window: u64, now: u64) -> Option<Wanted> {
    let batch = view.batch(leaf.region, leaf.batch)?;
    let until = batch.posted_at + window;
    // It lands in a later block than the newest.
    if now >= until || batch.voided_at.is_some() || mine(view, sender, leaf).is_some() {
        return None;
    }
    let name = keccak256((B256::from(keccak256("commit")), batch.hash, leaf.index, sender).abi_encode());
    Some(Wanted { name, job: Job::Commit { leaf, is_stay: row.is_stay, until } })
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
