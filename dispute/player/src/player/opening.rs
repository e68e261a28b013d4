//! Challenges that L1 would take, from the view alone.
//!
//! Owns what bars one: a window that is over, a void batch, a conviction, an own game or stay that holds the claim. And it owns the numbers
//! of a challenger's games on a leaf, which their salts and names follow from. Pure.

use std::collections::BTreeMap;

use alloy_primitives::{Address, U256, keccak256};
use alloy_sol_types::SolValue;
use assay_dispute::player::{GameState, Phase};
use assay_protocol::B256;
use assay_protocol::objects::Role;
use assay_protocol::presets::Parameters;

use super::rows::ChallengeRow;
use crate::chain::{LeafId, View};

/// Most games of a challenger on one leaf. Those before were lost to steps that L1 has made: this host computes wrongly, or did then, or
/// another has played with its key. More bonds than that are not put on it.
pub const ROUNDS_MAX: u32 = 3;

/// A challenge that was asked for, with the executor whose claim it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// What was asked for.
    pub row: ChallengeRow,
    /// The owner of the stake behind the claim.
    pub executor: Address,
}

/// A challenge that L1 would take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The commitment's name: one leaf's are the same in a game and in a stay, for L1 takes one of them.
    pub name: B256,
    /// Of this claim.
    pub leaf: LeafId,
    /// Whose claim it is.
    pub executor: Address,
    /// Whether the sender has games against the executor that run.
    pub has_games: bool,
    /// The last L1 time for it.
    pub until: u64,
    /// Which of the sender's games on the leaf it would be, from 0.
    pub round: u32,
    /// Whether a stay was asked for.
    pub is_stay: bool,
}

/// Challenges that can be opened at L1 time `now`: those of open windows that no game or stay of the sender holds.
#[must_use]
pub fn openings(
    view: &View,
    sender: Address,
    challenges: &BTreeMap<LeafId, Challenge>,
    parameters: &Parameters,
    now: u64,
) -> BTreeMap<LeafId, Opening> {
    let going = going(view, sender);
    let opening = |(leaf, challenge): (&LeafId, &Challenge)| {
        let (leaf, executor, is_stay) = (*leaf, challenge.executor, challenge.row.is_stay);
        let batch = view.batch(leaf.region, leaf.batch)?;
        let until = batch.posted_at + parameters.window;
        let Going { has_games, stayed_from } = going.get(&executor).copied().unwrap_or_default();
        let is_held = stayed_from.is_some_and(|from| from <= until);
        // It lands in a later block than the newest.
        let is_open = now < until && batch.voided_at.is_none() && view.conviction(executor).is_none() && !is_held;
        let round = next_round(view, sender, leaf).filter(|_| is_open)?;
        let name = commit_name(batch.hash, leaf, sender, round);
        Some((leaf, Opening { name, leaf, executor, has_games, until, round, is_stay }))
    };
    challenges.iter().filter_map(opening).collect()
}

/// Challenges that have served at L1 time `now`: no game on their claims can be open any more. A conviction alone is no reason to forget
/// one, for L1 may take it back, and then the claim stands again.
pub fn spent<'a>(
    view: &View,
    asked: impl Iterator<Item = &'a LeafId>,
    parameters: &Parameters,
    now: u64,
) -> Vec<LeafId> {
    let is_over = |leaf: &&LeafId| {
        let batch = view.batch(leaf.region, leaf.batch);
        batch.is_some_and(|batch| now > batch.posted_at + parameters.dispute_span())
    };
    asked.filter(is_over).copied().collect()
}

/// What the sender has going against an executor.
#[derive(Clone, Copy, Default)]
struct Going {
    has_games: bool,
    /// L1 time of the oldest own stay's commitment.
    stayed_from: Option<u64>,
}

/// Own games that run, by executor.
fn going(view: &View, sender: Address) -> BTreeMap<Address, Going> {
    let mut going: BTreeMap<Address, Going> = BTreeMap::new();
    let own = |game: &&GameState| game.challenge.challenger == sender && game.is_running();
    for game in view.board().games().filter(own) {
        let entry = going.entry(game.executor).or_default();
        entry.has_games = true;
        if game.challenge.isStay {
            let from = entry.stayed_from.map_or(game.committed_at, |from| from.min(game.committed_at));
            entry.stayed_from = Some(from);
        }
    }
    going
}

/// What a stay of an executor's claims is to be sent: its stake, and an eighth more, which is credited back, for it may have grown when
/// the commitment lands.
pub fn stay_bond(view: &View, executor: Address, parameters: &Parameters) -> U256 {
    let stake = view.stakes().registration(Role::Executor, executor).map_or(U256::ZERO, |owner| owner.stake);
    stake.saturating_add(stake / U256::from(8)).max(parameters.challenge_bond)
}

/// Which of a challenger's games on a leaf's claim another one would be, from 0; none while one stands, and when so many were lost that
/// no more are opened. After a reorganisation a game has the number again that its salt follows from: the sender's commitments on a leaf
/// land in their order.
pub fn next_round(view: &View, challenger: Address, leaf: LeafId) -> Option<u32> {
    let mut round = 0;
    for game in own_games(view, challenger, leaf.claim()) {
        if game.phase != Phase::Lost {
            return None;
        }
        round += 1;
    }
    (round < ROUNDS_MAX).then_some(round)
}

/// Which of its challenger's games on its claim a game is, from 0.
pub fn round_of(view: &View, game: &GameState) -> u32 {
    let before = own_games(view, game.challenge.challenger, game.claim).take_while(|own| own.id != game.id);
    before.fold(0, |round, _| round + 1)
}

fn own_games(view: &View, challenger: Address, claim: B256) -> impl Iterator<Item = &GameState> {
    view.games_on(claim).filter(move |game| game.challenge.challenger == challenger)
}

/// The name of a commitment: the same for a game and for a stay.
fn commit_name(batch_hash: B256, leaf: LeafId, sender: Address, round: u32) -> B256 {
    let what: B256 = keccak256("commit");
    match round {
        0 => keccak256((what, batch_hash, leaf.index, sender).abi_encode()),
        _ => keccak256((what, batch_hash, leaf.index, sender, round).abi_encode()),
    }
}

#[cfg(test)]
mod tests;
