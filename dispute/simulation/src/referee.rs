//! What must be true after every bout: the honest side has won in time, nobody has more or less than the rules say, and the
//! contracts hold exactly what they owe.
//!
//! Owns the judgement. Fates and payments are computed here from the chain, and compared with what the contracts say.

use std::collections::{BTreeMap, BTreeSet};

use alloy_sol_types::SolCall;
use assay_dispute::game::Side;
use assay_dispute::player::{Board, Case, Phase};
use assay_protocol::contracts::{Batches, Bonds, Court};
use assay_protocol::{Address, B256};
use revm::primitives::{TxKind, U256};
use thiserror::Error;

use crate::actor::{Actor, Habit, Helpless};
use crate::bout::{Bout, Report};
use crate::ledger::{Ledger, WrongPayment};
use crate::purse::{outlays, winners};
use crate::rider::batch;
use crate::stage::{Stage, abi_batch_of, claim_id, executor_of, program_of};
use crate::tamper::Accepted;
use crate::world::Transaction;

/// Addresses of contracts that nobody should send money to, and their code: one reverts, one burns all gas, one returns a
/// megabyte.
const RECEIVERS: [(u8, &[u8]); 3] =
    [(0xa1, &[0x5f, 0x5f, 0xfd]), (0xa2, &[0x5b, 0x5f, 0x56]), (0xa3, &[0x62, 0x10, 0x00, 0x00, 0x5f, 0xf3])];
/// The fates of `Batches`.
const VOID: u8 = 2;
const FINAL: u8 = 4;

/// What must not happen.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Broken {
    /// A true claim fell, a false one stood against an honest challenger, or a claim has another fate than the rules say.
    #[error("case {case}: {what}")]
    Lost {
        /// The case.
        case: usize,
        /// What happened.
        what: &'static str,
    },
    /// Somebody has another sum than the rules leave it.
    #[error("player {who} has {got} wei, by the rules {wanted}")]
    Sum {
        /// Who.
        who: Address,
        /// Wei that it has.
        got: U256,
        /// Wei that it should have.
        wanted: U256,
    },
    /// An honest player is out of pocket by more than its own transactions cost beyond the schedule, and what a pot was short of; or in
    /// a quiet bout, having won, by more than what the schedule gives nothing for.
    #[error("honest player {who} has {got} wei, at least {least} should be left to it")]
    Poorer {
        /// Who.
        who: Address,
        /// Wei that it has.
        got: U256,
        /// The least that it should have.
        least: U256,
    },
    /// Joining a conviction was a gain.
    #[error("free rider {who} has {got} wei, {before} before")]
    Ridden {
        /// Who.
        who: Address,
        /// Wei that it has.
        got: U256,
        /// Wei that it had.
        before: U256,
    },
    /// A payment is not the one of the rules.
    #[error(transparent)]
    Payment(#[from] WrongPayment),
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
    /// An honest player lost a game.
    #[error("an honest {side:?} lost game {game}")]
    HonestLost {
        /// The game.
        game: B256,
        /// On which side.
        side: Side,
    },
    /// An honest player had a duty and no move.
    #[error("an honest player is helpless: {0}")]
    Helpless(String),
    /// A garbled call was not refused as it should be.
    #[error(transparent)]
    Tampering(#[from] Accepted),
    /// A board that was rolled back is not the board of the chain.
    #[error("after a reorganisation of depth {depth} the board is not that of the chain")]
    Board {
        /// Blocks that were taken back.
        depth: usize,
    },
    /// Something still goes on when everything should have ended.
    #[error("games go on after every clock has run out")]
    Endless,
}

impl From<Helpless> for Broken {
    fn from(helpless: Helpless) -> Self {
        Self::Helpless(helpless.reason)
    }
}

/// Knows what everybody had before.
pub struct Referee {
    worth: BTreeMap<Address, U256>,
    /// Blocks that were there before the bout.
    first: usize,
}

impl Referee {
    /// Takes down what everybody has.
    pub fn new(stage: &mut Stage, actors: &[Actor]) -> Self {
        let worth = actors.iter().map(|actor| (actor.address(), worth(stage, actor))).collect();
        Self { worth, first: stage.world.blocks().len() }
    }

    /// Judges a bout that is over.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn judge(&self, bout: Bout, board: &Board) -> Result<Report, Broken> {
        let is_quiet = bout.is_quiet();
        let Bout { mut stage, actors, is_true, pace, .. } = bout;
        let parameters = stage.deployment.parameters.clone();
        let ended = ends(&stage, board);
        let duration_bound = 2 * parameters.clock + 2 * pace;
        let mut report = self.report(&stage, board, &ended, &actors);
        report.duration_bound = duration_bound;
        check_games(board, &stage, &actors, &is_true)?;
        check_times(board, &ended, duration_bound)?;
        check_fates(&mut stage, board, &ended, &actors, &is_true)?;
        let delegates =
            actors.iter().filter_map(|actor| actor.delegate.as_ref().map(|key| (key.key.address(), actor.address())));
        let ledger = Ledger::of(stage.world.blocks(), &stage.deployment, delegates.collect())?;
        let gas = self.gas(&stage, &actors);
        let outlays = outlays(&stage.world.blocks()[self.first..], &actors, &parameters);
        let winners = winners(&stage, board);
        check_receivers(&stage, &actors)?;
        withdraw_all(&mut stage, &actors);
        check_solvency(&mut stage)?;
        for actor in &actors {
            let (got, before) = (worth(&mut stage, actor), self.worth[&actor.address()]);
            let who = actor.address();
            let (mut won, mut lost) = ledger.result_of(who);
            for (more_won, more_lost) in actor.batcher.iter().map(|batcher| ledger.result_of(*batcher)) {
                (won, lost) = (won + more_won, lost + more_lost);
            }
            let wanted = before + won - lost - gas[&who];
            if got != wanted {
                return Err(Broken::Sum { who, got, wanted });
            }
            let outlay = outlays[&who];
            let has_won = actor.side == Side::Executor || winners.contains(&who);
            let short = ledger.short_of(who);
            let is_covered = is_quiet && has_won && short.is_zero();
            let loss = if is_covered { outlay.unscheduled } else { outlay.shortfall + short };
            if actor.is_honest() && got + loss < before {
                return Err(Broken::Poorer { who, got, least: before - loss });
            }
            if matches!(actor.habit, Habit::FreeRide { .. }) && got > before {
                return Err(Broken::Ridden { who, got, before });
            }
            if actor.is_honest() && !won.is_zero() {
                let net = i128::try_from(got).unwrap_or(i128::MAX) - i128::try_from(before).unwrap_or(i128::MAX);
                report.profits.push((actor.side == Side::Executor, net));
            }
        }
        Ok(report)
    }

    fn report(&self, stage: &Stage, board: &Board, ended: &BTreeMap<B256, u64>, actors: &[Actor]) -> Report {
        let sent = || stage.world.blocks()[self.first..].iter().flat_map(|block| &block.transactions);
        let riders: BTreeSet<Address> = actors.iter().filter_map(|actor| actor.batcher).collect();
        let is_deposit = |sent: &&Transaction| sent.is_taken && sent.data.starts_with(&Bonds::depositCall::SELECTOR);
        let durations = board.games().map(|game| ended[&game.id] - game.committed_at);
        Report {
            games: board.games().count() as u32,
            won_by_challengers: board.games().filter(|game| game.phase == Phase::Settled).count() as u32,
            dissections_max: board.games().map(|game| game.dissections).max().unwrap_or(0),
            duration_max: durations.max().unwrap_or(0),
            gas: sent().map(|transaction| transaction.gas).sum(),
            reverted: sent().filter(|transaction| !transaction.is_taken).count() as u32,
            ridden: board.games().filter(|game| riders.contains(&game.challenge.challenger)).count() as u32,
            deposits: sent().filter(is_deposit).count() as u32,
            ..Report::default()
        }
    }

    /// Wei that each player has paid for gas, with its keys.
    fn gas(&self, stage: &Stage, actors: &[Actor]) -> BTreeMap<Address, U256> {
        let sent = || stage.world.blocks()[self.first..].iter().flat_map(|block| &block.transactions);
        let of =
            |actor: &Actor| sent().filter(|sent| actor.sends(sent.from)).fold(U256::ZERO, |sum, sent| sum + sent.cost);
        actors.iter().map(|actor| (actor.address(), of(actor))).collect()
    }
}

/// When each game was over: at its own end, or at its executor's conviction.
fn ends(stage: &Stage, board: &Board) -> BTreeMap<B256, u64> {
    let mut replayed = Board::new(stage.deployment.court);
    let mut ended = BTreeMap::new();
    for block in stage.world.blocks() {
        for log in block.logs() {
            replayed.apply(block.number, block.time, log).expect("the board takes what the court emits");
        }
        for game in replayed.games() {
            if !game.is_running() || replayed.convicted_at(game.executor).is_some() {
                ended.entry(game.id).or_insert(block.time);
            }
        }
    }
    assert_eq!(ended.len(), board.games().count(), "every game is over");
    ended
}

/// No honest player has lost a game: its opponent's word was false, and it played in time.
fn check_games(board: &Board, stage: &Stage, actors: &[Actor], is_true: &[bool]) -> Result<(), Broken> {
    for game in board.games() {
        let Some(case) = stage.case_of(game.claim) else { continue };
        let is_honest = |side: Side, who: Address| {
            let plays =
                |actor: &&Actor| actor.side == side && actor.address() == who && actor.beliefs.contains_key(&case);
            actors.iter().find(plays).is_some_and(Actor::is_honest)
        };
        let lost = |side| Err(Broken::HonestLost { game: game.id, side });
        if game.phase == Phase::Lost && is_honest(Side::Challenger, game.challenge.challenger) {
            return lost(Side::Challenger);
        }
        if is_true[case] && is_honest(Side::Executor, game.executor) && board.convicted_at(game.executor).is_some() {
            return lost(Side::Executor);
        }
    }
    Ok(())
}

fn check_times(board: &Board, ended: &BTreeMap<B256, u64>, most: u64) -> Result<(), Broken> {
    for game in board.games() {
        let seconds = ended[&game.id] - game.committed_at;
        if seconds > most {
            return Err(Broken::TooLong { game: game.id, seconds, most });
        }
    }
    Ok(())
}

/// Each claim has the fate of chapter 13; true ones with an honest executor stand, false ones with an honest challenger fall.
fn check_fates(
    stage: &mut Stage,
    board: &Board,
    ended: &BTreeMap<B256, u64>,
    actors: &[Actor],
    is_true: &[bool],
) -> Result<(), Broken> {
    for (index, case) in stage.cases.clone().iter().enumerate() {
        let lost = |what| Err(Broken::Lost { case: index, what });
        let is_void = is_void(stage, board, ended, case, index);
        let call = Batches::fateOfCall { chain: vec![batches_proof(case)], programs: vec![program_of(case)] };
        let fate = stage.world.view(stage.deployment.batches, &call).expect("a leaf has a fate");
        if fate != if is_void { VOID } else { FINAL } {
            return lost("its fate is not that of the rules");
        }
        let executor = executor_of(case);
        let honest = |side: Side| {
            let plays = |actor: &&Actor| {
                let is_right = side == Side::Challenger || actor.address() == executor;
                actor.side == side && is_right && actor.is_honest() && actor.beliefs.contains_key(&index)
            };
            actors.iter().any(|actor| plays(&actor))
        };
        if is_true[index] && honest(Side::Executor) && is_void {
            return lost("a true claim fell, with an honest executor");
        }
        if !is_true[index] && honest(Side::Challenger) && !is_void {
            return lost("a false claim stands, against an honest challenger");
        }
    }
    Ok(())
}

/// Whether the rules make a claim void (chapter 13, "Conviction and fate").
fn is_void(stage: &Stage, board: &Board, ended: &BTreeMap<B256, u64>, case: &Case, index: usize) -> bool {
    let executor = executor_of(case);
    let Some(convicted) = board.convicted_at(executor) else { return false };
    let is_open = |game: &&assay_dispute::player::GameState| {
        game.executor == executor
            && game.committed_at <= convicted
            && ended[&game.id] >= convicted
            && game.phase != Phase::Lost
    };
    let open: Vec<_> = board.games().filter(is_open).collect();
    let stayed = open.iter().filter(|game| game.challenge.isStay).map(|game| game.committed_at).min();
    let void_from = stayed.map_or(convicted, |stayed| stayed.min(convicted));
    stage.window_end(index) >= void_from || open.iter().any(|game| game.claim == claim_id(case))
}

/// What dishonest players withdraw to, hurts nobody else: on a chain beside this one.
fn check_receivers(stage: &Stage, actors: &[Actor]) -> Result<(), Broken> {
    let mut stage = stage.clone();
    for (index, actor) in actors.iter().filter(|actor| !actor.is_honest()).enumerate() {
        let (address, code) = RECEIVERS[index % RECEIVERS.len()];
        let to = Address::repeat_byte(address);
        stage.world.install(to, code);
        let _ = stage.world.call(actor.address(), stage.deployment.court, U256::ZERO, &Court::withdrawCall { to });
    }
    withdraw_all(&mut stage, actors);
    check_solvency(&mut stage)
}

/// Everybody takes out what is theirs.
fn withdraw_all(stage: &mut Stage, actors: &[Actor]) {
    let (treasury, court, bonds) =
        (stage.deployment.parameters.treasury, stage.deployment.court, stage.deployment.bonds);
    // What this costs is no part of the game.
    stage.world.set_base_fee(0);
    for who in actors.iter().map(Actor::address).chain([treasury]) {
        // Fails where there is nothing to take.
        let _ = stage.world.call(who, court, U256::ZERO, &Court::withdrawCall { to: who });
        let _ = stage.world.call(who, bonds, U256::ZERO, &Bonds::withdrawCall { to: who });
    }
    for (who, batcher) in actors.iter().filter_map(|actor| Some((actor.address(), actor.batcher?))) {
        let calls = [Court::withdrawCall { to: who }.abi_encode()];
        let _ = stage.world.send(who, TxKind::Call(batcher), U256::ZERO, batch(court, U256::ZERO, &calls));
    }
}

/// Every game is over, and everybody has taken what is theirs: the court is empty, and Bonds has the stakes.
fn check_solvency(stage: &mut Stage) -> Result<(), Broken> {
    let holds = stage.world.balance(stage.deployment.court);
    if !holds.is_zero() {
        return Err(Broken::Insolvent { contract: "Court", holds, owes: U256::ZERO });
    }
    let mut owes = stage.deployment.parameters.sequencer_stake;
    let executors: BTreeSet<Address> = stage.cases.iter().map(executor_of).collect();
    for owner in executors {
        owes += stake_of(stage, owner);
    }
    let holds = stage.world.balance(stage.deployment.bonds);
    if holds != owes {
        return Err(Broken::Insolvent { contract: "Bonds", holds, owes });
    }
    Ok(())
}

/// What a player has in its accounts and at stake.
fn worth(stage: &mut Stage, actor: &Actor) -> U256 {
    let delegate = actor.delegate.as_ref().map_or(U256::ZERO, |delegate| stage.world.balance(delegate.key.address()));
    let batcher = actor.batcher.map_or(U256::ZERO, |batcher| stage.world.balance(batcher));
    stage.world.balance(actor.address()) + delegate + batcher + stake_of(stage, actor.address())
}

fn stake_of(stage: &mut Stage, owner: Address) -> U256 {
    stage.world.view(stage.deployment.bonds, &Bonds::stakeOfCall { role: 0, owner }).expect("a view")
}

/// The proof as the contract of batches takes it.
fn batches_proof(case: &Case) -> Batches::LeafProof {
    Batches::LeafProof {
        batch: abi_batch_of(&case.proof.batch),
        index: case.proof.index,
        record: case.proof.record.clone(),
        siblings: case.proof.siblings.clone(),
    }
}
