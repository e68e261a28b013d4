//! A bout: players on a stage until nobody has anything left to do, and the account of who has what.
//!
//! Owns the loop and what must be true after every bout: the honest side has won, nobody honest is poorer than the rules
//! leave it, and the contracts hold exactly what they owe.

use assay_dispute::game::Side;
use assay_dispute::player::{Board, Phase};
use assay_dispute::preflight::Preflight;
use assay_protocol::contracts::{Batches, Bonds, Court};
use assay_protocol::{Address, B256};
use revm::primitives::U256;
use thiserror::Error;

use crate::actor::Actor;
use crate::stage::{Stage, claim_id, purse};

/// What a bout came to.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Games that were begun.
    pub games: u32,
    /// Games that the executor lost, or that ended with its conviction.
    pub won_by_challengers: u32,
    /// Most dissections of a game, the opening included.
    pub dissections_max: u32,
    /// Longest game, in seconds.
    pub duration_max: u64,
    /// Gas of all players.
    pub gas: u64,
    /// Transactions that reverted.
    pub reverted: u32,
}

/// What must not happen.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Broken {
    /// A true claim fell, or a false one stood against an honest challenger.
    #[error("case {case}: {what}")]
    Lost {
        /// The case.
        case: usize,
        /// What happened.
        what: &'static str,
    },
    /// An honest player has less than it should.
    #[error("an honest player {who} has {got} wei less than it began with, gas aside; at most {most} is right")]
    Poorer {
        /// Who.
        who: Address,
        /// Wei missing.
        got: U256,
        /// Wei that may be missing.
        most: U256,
    },
    /// The contracts do not hold what they owe.
    #[error("{contract} holds {holds} wei and owes {owes}")]
    Insolvent {
        /// Which.
        contract: &'static str,
        /// What it has.
        holds: U256,
        /// What it owes.
        owes: U256,
    },
    /// A game outlasted both clocks.
    #[error("game {game} took {seconds} s, at most {most} is right")]
    TooLong {
        /// The game.
        game: B256,
        /// Its duration.
        seconds: u64,
        /// The bound.
        most: u64,
    },
    /// Something still goes on when everything should have ended.
    #[error("games go on after every clock has run out")]
    Endless,
}

/// Plays a bout with steps of `pace` seconds. `is_true[i]` says whether case i's claim is true.
///
/// # Errors
/// [`Broken`] names what must not happen and did.
pub fn play(mut stage: Stage, mut actors: Vec<Actor>, is_true: &[bool], pace: u64) -> Result<Report, Broken> {
    let deployment = stage.deployment.clone();
    let parameters = &deployment.parameters;
    let until = stage.window_end();
    let mut preflight = Preflight::new();
    let mut board = Board::new(deployment.court);
    for actor in &actors {
        let has = stage.world.balance(actor.address());
        if has.is_zero() {
            stage.world.fund(actor.address(), purse());
        }
    }
    let before: Vec<U256> = actors.iter().map(|actor| worth(&mut stage, actor.address())).collect();
    let mut seen = 0;
    let mut ended_at: Vec<(B256, u64)> = Vec::new();
    // Past every window and every clock there is nothing to do; one pace more for the calls that say so.
    let last = until + 2 * parameters.clock + 4 * pace + 2;
    loop {
        stage.world.advance(pace);
        for actor in &mut actors {
            let case = &stage.cases[actor.case];
            let bond = if actor.is_stay { parameters.executor_stake } else { parameters.challenge_bond };
            actor.act(&mut stage.world, &board, case, bond, until, pace, &mut preflight);
        }
        let blocks = stage.world.blocks();
        for block in &blocks[seen..] {
            for log in &block.logs {
                board.apply(block.number, block.time, log).expect("the board takes what the court emits");
            }
        }
        seen = blocks.len();
        let now = stage.world.head().time;
        for game in board.games().filter(|game| !game.is_running()) {
            if !ended_at.iter().any(|(id, _)| *id == game.id) {
                ended_at.push((game.id, now));
            }
        }
        let is_over = board.games().all(|game| !game.is_running());
        if now > until && is_over {
            break;
        }
        if now > last {
            return Err(Broken::Endless);
        }
    }
    let report = report(&board, &actors, &ended_at);
    check_outcome(&mut stage, &actors, is_true)?;
    check_times(&board, &ended_at, 2 * parameters.clock + 2 * pace)?;
    withdraw_all(&mut stage, &actors);
    check_money(&mut stage, &actors, &before)?;
    Ok(report)
}

fn report(board: &Board, actors: &[Actor], ended_at: &[(B256, u64)]) -> Report {
    let duration = |id: &B256, end: u64| end - board.game(*id).map_or(end, |game| game.committed_at);
    Report {
        games: board.games().count() as u32,
        won_by_challengers: board.games().filter(|game| game.phase == Phase::Settled).count() as u32,
        dissections_max: board.games().map(|game| game.dissections).max().unwrap_or(0),
        duration_max: ended_at.iter().map(|(id, end)| duration(id, *end)).max().unwrap_or(0),
        gas: actors.iter().map(|actor| actor.gas).sum(),
        reverted: actors.iter().map(|actor| actor.reverted).sum(),
    }
}

/// A true claim with an honest executor stands; a false one with an honest challenger is void.
fn check_outcome(stage: &mut Stage, actors: &[Actor], is_true: &[bool]) -> Result<(), Broken> {
    for (index, case) in stage.cases.clone().iter().enumerate() {
        let honest =
            |side: Side| actors.iter().any(|actor| actor.case == index && actor.side == side && actor.is_honest());
        let claim = stage.deployment.court;
        let executor = executor_of(case);
        let call = Court::standingOfCall { claim: claim_id(case), executor, postedAt: stage.posted_at };
        let standing = stage.world.view(claim, &call).expect("the court answers");
        let is_void = standing._0 == 2;
        let lost = |what| Err(Broken::Lost { case: index, what });
        if is_true[index] && honest(Side::Executor) && is_void {
            return lost("a true claim fell, with an honest executor");
        }
        if !is_true[index] && honest(Side::Challenger) && !is_void {
            return lost("a false claim stands, against an honest challenger");
        }
        let call = Batches::fateOfCall { chain: vec![batches_proof(case)] };
        let fate = stage.world.view(stage.deployment.batches, &call).expect("a leaf has a fate");
        let expected = if is_void { 2 } else { 4 };
        if fate != expected {
            return lost("its fate is not what the court says");
        }
    }
    Ok(())
}

fn check_times(board: &Board, ended_at: &[(B256, u64)], most: u64) -> Result<(), Broken> {
    for (id, end) in ended_at {
        let game = board.game(*id).expect("games are not forgotten");
        let seconds = end - game.committed_at;
        if seconds > most {
            return Err(Broken::TooLong { game: *id, seconds, most });
        }
    }
    Ok(())
}

/// Everybody takes out what is theirs.
fn withdraw_all(stage: &mut Stage, actors: &[Actor]) {
    let treasury = stage.deployment.parameters.treasury;
    let court = stage.deployment.court;
    // What this costs is no part of the game.
    stage.world.set_base_fee(0);
    for who in actors.iter().map(Actor::address).chain([treasury]) {
        // Fails where there is nothing to take.
        let _ = stage.world.call(who, court, U256::ZERO, &Court::withdrawCall { to: who });
        let _ = stage.world.call(who, stage.deployment.bonds, U256::ZERO, &Bonds::withdrawCall { to: who });
    }
}

/// What is left to honest players, and in the contracts.
fn check_money(stage: &mut Stage, actors: &[Actor], before: &[U256]) -> Result<(), Broken> {
    // Every game is over, and everybody has taken what is theirs.
    let holds = stage.world.balance(stage.deployment.court);
    if !holds.is_zero() {
        return Err(Broken::Insolvent { contract: "Court", holds, owes: U256::ZERO });
    }
    let executors: Vec<Address> = stage.cases.iter().map(executor_of).collect();
    let mut owes = stage.deployment.parameters.sequencer_stake;
    let mut counted: Vec<Address> = Vec::new();
    for owner in executors {
        if !counted.contains(&owner) {
            owes += stage.world.view(stage.deployment.bonds, &Bonds::stakeOfCall { role: 0, owner }).expect("a view");
            counted.push(owner);
        }
    }
    let holds = stage.world.balance(stage.deployment.bonds);
    if holds != owes {
        return Err(Broken::Insolvent { contract: "Bonds", holds, owes });
    }
    for (actor, before) in actors.iter().zip(before) {
        if !actor.is_honest() {
            continue;
        }
        let after = worth(stage, actor.address());
        let least = *before - actor.gas_cost;
        if after < least {
            return Err(Broken::Poorer { who: actor.address(), got: least - after, most: U256::ZERO });
        }
    }
    Ok(())
}

/// What a player has in its account and at stake.
fn worth(stage: &mut Stage, who: Address) -> U256 {
    let stake = Bonds::stakeOfCall { role: 0, owner: who };
    stage.world.balance(who) + stage.world.view(stage.deployment.bonds, &stake).expect("a view")
}

/// The executor that a record names.
fn executor_of(case: &assay_dispute::player::Case) -> Address {
    // Offset of the field: specs/12-batches.md, "Records".
    Address::from_slice(&case.proof.record[217..237])
}

/// The proof as the contract of batches takes it.
fn batches_proof(case: &assay_dispute::player::Case) -> Batches::LeafProof {
    let batch = &case.proof.batch;
    Batches::LeafProof {
        batch: crate::stage::abi_batch_of(batch),
        index: case.proof.index,
        record: case.proof.record.clone(),
        siblings: case.proof.siblings.clone(),
    }
}
