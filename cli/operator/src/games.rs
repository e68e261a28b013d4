//! A game as L1 shows it: who plays, whose turn it is, what is left on the clocks, who is ahead, what was done, and what it is about.
//!
//! Owns the answers for people; the facts are the board's. L1 does not know who is right until a game is over: who is ahead is who would
//! win if nobody moved any more.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolEvent;
use assay_dispute::game::Side;
use assay_dispute::player::{GameState, Phase};
use assay_player::chain::LeafId;
use assay_protocol::contracts::Court;

use crate::L1;
use crate::snapshot::Snapshot;

/// Where a game stands, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The challenger has to reveal its first dissection.
    Committed,
    /// A side has to answer a dissection.
    Played,
    /// The executor is convicted; the challenger can collect.
    Convicted,
    /// The challenger has lost.
    Lost,
    /// The executor was convicted and the challenger has collected.
    Settled,
}

/// A game.
#[derive(Clone, Debug)]
pub struct GameStatus {
    /// Its id.
    pub id: B256,
    /// The leaf that it is about; none if its batch is not known.
    pub leaf: Option<LeafId>,
    /// Who made the claim.
    pub executor: Address,
    /// Who disputes it.
    pub challenger: Address,
    /// Where it stands.
    pub stage: Stage,
    /// Whose turn it is; none if it is over.
    pub mover: Option<Side>,
    /// Seconds that the mover has left; 0 if its clock has run out.
    pub mover_left: Option<u64>,
    /// Seconds on the clock of the other side.
    pub other_left: Option<u64>,
    /// Whether the mover's clock has run out, so that the other side can end it.
    pub is_overdue: bool,
    /// Who would win if nobody moved any more, or has won.
    pub ahead: Side,
    /// Wei that the challenger locked.
    pub bond: U256,
    /// Whether it holds all open claims of the executor.
    pub is_stay: bool,
    /// L1 time of the commitment.
    pub committed_at: u64,
    /// Dissections so far.
    pub dissections: u32,
    /// What is disputed now: first state and number of steps.
    pub segment: Option<(u64, u64)>,
}

/// Something that was done in a game.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its block.
    pub block: u64,
    /// L1 time of it.
    pub time: u64,
    /// Its transaction.
    pub transaction: B256,
    /// Who did it; none where anybody could.
    pub by: Option<Side>,
    /// What.
    pub what: What,
}

/// What was done.
#[derive(Clone, Debug)]
pub enum What {
    /// The bond was locked.
    Committed {
        /// Wei.
        bond: U256,
    },
    /// Hashes of states in a segment were shown.
    Dissected {
        /// First state of the segment.
        start: u64,
        /// Steps of the segment.
        steps: u64,
        /// Hashes.
        hashes: usize,
    },
    /// L1 executed a step.
    Stepped {
        /// Number of the step.
        step: u64,
        /// The state that it led to.
        outcome: B256,
    },
    /// The challenger lost its bond.
    ChallengeLost {
        /// Wei for the executor.
        to_executor: U256,
        /// Wei burned.
        burned: U256,
    },
    /// The executor's stake was taken.
    Convicted {
        /// Wei for the challengers.
        pot: U256,
        /// Games that share it.
        winners: U256,
    },
    /// The challenger was credited.
    Settled {
        /// The bond, in wei.
        bond: U256,
        /// What it gained, in wei.
        reward: U256,
    },
}

/// All games: those under way first, the most urgent of them first; then the others, newest first.
#[must_use]
pub fn all(snapshot: &Snapshot) -> Vec<GameStatus> {
    let mut games: Vec<GameStatus> = snapshot.view.board().games().map(|game| status(snapshot, game)).collect();
    games.sort_by_key(|game| (game.mover.is_none(), game.mover_left, u64::MAX - game.committed_at, game.id));
    games
}

/// How a game stands at the head.
#[must_use]
pub fn status(snapshot: &Snapshot, game: &GameState) -> GameStatus {
    let (view, now) = (&snapshot.view, snapshot.head.time);
    let is_convicted = view.conviction(game.executor).is_some();
    let stage = match &game.phase {
        Phase::Lost => Stage::Lost,
        Phase::Settled => Stage::Settled,
        _ if is_convicted => Stage::Convicted,
        Phase::Committed => Stage::Committed,
        Phase::Played(_) => Stage::Played,
    };
    let mover = game.mover().filter(|_| !is_convicted);
    let ahead = match stage {
        Stage::Lost => Side::Executor,
        Stage::Settled | Stage::Convicted => Side::Challenger,
        Stage::Committed | Stage::Played => mover.map_or(Side::Executor, Side::opponent),
    };
    let segment = match &game.phase {
        Phase::Played(turn) => Some((turn.position.start, 1 << turn.position.lengthLog2)),
        _ => None,
    };
    GameStatus {
        id: game.id,
        leaf: view.leaf_of(game),
        executor: game.executor,
        challenger: game.challenge.challenger,
        stage,
        mover,
        // The mover may still move in the very second of its expiry.
        mover_left: mover.map(|_| game.expiry.saturating_sub(now)),
        other_left: mover.map(|_| game.other_left),
        is_overdue: mover.is_some() && now > game.expiry,
        ahead,
        bond: game.challenge.bond,
        is_stay: game.challenge.isStay,
        committed_at: game.committed_at,
        dissections: game.dissections,
        segment,
    }
}

/// What was done in a game, oldest first.
#[must_use]
pub fn history(l1: &L1, snapshot: &Snapshot, game: B256) -> Vec<Event> {
    let court = l1.deployment.contracts.court;
    let of_court = snapshot.logs.iter().filter(|seen| seen.log.address == court);
    let told = of_court.filter_map(|seen| {
        let (by, what) = told(&seen.log, game)?;
        Some(Event { block: seen.block, time: seen.time, transaction: seen.transaction, by, what })
    });
    told.collect()
}

/// What a log of the court says of a game.
fn told(log: &alloy_primitives::Log, game: B256) -> Option<(Option<Side>, What)> {
    if let Ok(event) = Court::Committed::decode_log(log) {
        return (event.game == game).then(|| (Some(Side::Challenger), What::Committed { bond: event.challenge.bond }));
    }
    if let Ok(event) = Court::Dissected::decode_log(log) {
        // The phase says who has to answer.
        let by = if event.phase == 2 { Side::Challenger } else { Side::Executor };
        let what = What::Dissected {
            start: event.position.start,
            steps: 1 << event.position.lengthLog2,
            hashes: event.hashes.len(),
        };
        return (event.game == game).then_some((Some(by), what));
    }
    if let Ok(event) = Court::Stepped::decode_log(log) {
        let what = What::Stepped { step: event.step, outcome: event.outcome };
        return (event.game == game).then_some((None, what));
    }
    if let Ok(event) = Court::ChallengeLost::decode_log(log) {
        let what = What::ChallengeLost { to_executor: event.toExecutor, burned: event.burned };
        return (event.game == game).then_some((None, what));
    }
    if let Ok(event) = Court::Convicted::decode_log(log) {
        let what = What::Convicted { pot: event.pot, winners: event.winners };
        return (event.game == game).then_some((None, what));
    }
    let event = Court::Settled::decode_log(log).ok()?;
    (event.game == game).then_some((None, What::Settled { bond: event.bond, reward: event.reward }))
}

#[cfg(test)]
mod tests;
