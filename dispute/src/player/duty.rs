//! What an account has to do now, from the board alone.
//!
//! Owns the rules of when; what the move is needs evidence and is made by [`super::play`]. Assumes that `now` is the time of
//! the block that is to be built on: a transaction lands in a later one.

use assay_protocol::B256;
use revm::primitives::Address;

use super::board::{Board, GameState, Phase};
use crate::game::Side;

/// Who plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Plays its own challenges.
    pub challenger: Option<Address>,
    /// Defends the claims of this owner's stake, with its key or one that it delegated.
    pub executor: Option<Address>,
}

impl Account {
    /// The sides of a game that this account plays.
    fn plays(&self, game: &GameState, side: Side) -> bool {
        match side {
            Side::Challenger => self.challenger == Some(game.challenge.challenger),
            Side::Executor => self.executor == Some(game.executor),
        }
    }
}

/// What is to be done in a game.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Task {
    /// Show the first dissection.
    Reveal,
    /// Answer the opponent's dissection, as this side.
    Answer(Side),
    /// End it: the opponent's clock has run out.
    Timeout,
    /// Collect from a convict.
    Settle,
}

/// Something to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duty {
    /// The game.
    pub game: B256,
    /// What.
    pub task: Task,
    /// L1 time in seconds after which it is too late; never for what has no clock.
    pub until: u64,
}

/// What an account has to do at L1 time `now`, most urgent first.
#[must_use]
pub fn duties(board: &Board, account: &Account, now: u64) -> Vec<Duty> {
    let mut duties: Vec<Duty> = board.games().filter_map(|game| duty(board, account, game, now)).collect();
    duties.sort_by_key(|duty| (duty.until, duty.game));
    duties
}

fn duty(board: &Board, account: &Account, game: &GameState, now: u64) -> Option<Duty> {
    let mover = game.mover()?;
    let due = |task, until| Some(Duty { game: game.id, task, until });
    if board.convicted_at(game.executor).is_some() {
        return if account.plays(game, Side::Challenger) { due(Task::Settle, u64::MAX) } else { None };
    }
    if now > game.expiry {
        return if account.plays(game, mover.opponent()) { due(Task::Timeout, u64::MAX) } else { None };
    }
    if !account.plays(game, mover) {
        return None;
    }
    match game.phase {
        Phase::Committed if now >= game.committed_at => due(Task::Reveal, game.expiry),
        Phase::Played(_) => due(Task::Answer(mover), game.expiry),
        _ => None,
    }
}
