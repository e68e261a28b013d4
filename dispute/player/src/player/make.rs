//! Jobs made into calls, on a worker thread.
//!
//! Owns the order of work: look at the view once more, open the case, ask the strategy, preflight. It holds no lock while it computes.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use assay_dispute::player::{Duty, GameState, Hand, PlayError, Stakes, Task, challenge};
use assay_protocol::Levels;
use assay_protocol::contracts::Court;
use thiserror::Error;

use super::Shared;
use super::job::Job;
use super::opening::{next_round, round_of, stay_bond};
use crate::chain::{LeafId, SourceMissing};

/// A call that does a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The contract.
    pub to: Address,
    /// Wei to send along.
    pub value: U256,
    /// Calldata.
    pub data: Bytes,
    /// The last L1 time at which it is of use.
    pub until: u64,
}

/// What came of making a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// A call to be sent.
    Call(Call),
    /// L1 has moved on: there is nothing to be done any more.
    Nothing,
    /// What was sent for it was taken back, for something else to be sent.
    TakenBack,
    /// The claim is true: there is nothing to challenge.
    True,
    /// The opponent is right, by what L1 is said to have: there is nothing to answer.
    Hopeless {
        /// Why.
        reason: String,
    },
}

/// Why a job can't be made now.
#[derive(Debug, Error)]
pub enum MakeError {
    /// Bytes of the run are not to be had.
    #[error(transparent)]
    Source(#[from] SourceMissing),
    /// Its leaf was shown by others, and what opens it was not posted: nobody who has only L1 can open a game on it.
    #[error("{0} can't be opened by what was posted")]
    Unopened(LeafId),
    /// A fault of ours: L1 would not take the move, or not as the machine does.
    #[error("the move was not sent: {0}")]
    Preflight(String),
}

/// Makes a job.
pub(super) fn make(shared: &Shared, job: &Job) -> Result<Made, MakeError> {
    match job {
        Job::Commit { leaf, is_stay, until, round } => commit(shared, *leaf, *is_stay, *until, *round),
        Job::Play { duty, leaf } => play(shared, duty, *leaf),
        Job::Withdraw { contract } => {
            // Every contract that owes has the same function.
            let data = Court::withdrawCall { to: shared.sender.account() }.abi_encode().into();
            Ok(Made::Call(Call { to: *contract, value: U256::ZERO, data, until: u64::MAX }))
        }
    }
}

fn commit(shared: &Shared, leaf: LeafId, is_stay: bool, until: u64, round: u32) -> Result<Made, MakeError> {
    let (chain, challenger) = (&shared.chain, shared.sender.account());
    let Some(claim) = chain.claim(leaf).map_err(SourceMissing::from)? else { return Ok(Made::Nothing) };
    let executor = claim.result.executor;
    let bond = {
        let view = chain.view();
        if view.conviction(executor).is_some() || next_round(&view, challenger, leaf) != Some(round) {
            return Ok(Made::Nothing);
        }
        let parameters = chain.parameters();
        if is_stay { stay_bond(&view, executor, parameters) } else { parameters.challenge_bond }
    };
    let opened = shared.cases.open(leaf)?;
    if opened.case.proof.siblings.len() != Levels::new(opened.case.proof.batch.count.into()).depth() as usize {
        return Err(MakeError::Unopened(leaf));
    }
    let stakes = Stakes {
        court: chain.deployment().contracts.court,
        chain_id: chain.deployment().chain_id,
        challenger,
        secret: shared.secret,
        bond,
        is_stay,
        round,
    };
    let Ok(intent) = challenge(&opened.case, &opened.evidence, &stakes, until);
    Ok(intent
        .map_or(Made::True, |intent| Made::Call(Call { to: intent.to, value: intent.value, data: intent.data, until })))
}

fn play(shared: &Shared, duty: &Duty, leaf: LeafId) -> Result<Made, MakeError> {
    let court = shared.chain.deployment().contracts.court;
    let call = |data: Vec<u8>| Made::Call(Call { to: court, value: U256::ZERO, data: data.into(), until: duty.until });
    match duty.task {
        Task::Timeout => return Ok(call(Court::timeoutCall { id: duty.game }.abi_encode())),
        Task::Settle => return Ok(call(Court::settleCall { id: duty.game }.abi_encode())),
        Task::Reveal | Task::Answer(_) => {}
    }
    let found: Option<(GameState, u32)> = {
        let view = shared.chain.view();
        view.board().game(duty.game).map(|game| (game.clone(), round_of(&view, game)))
    };
    let Some((game, round)) = found else { return Ok(Made::Nothing) };
    let opened = shared.cases.open(leaf)?;
    let (case, evidence) = (&opened.case, &opened.evidence);
    let hand = Hand { game: &game, court, case, evidence, secret: &shared.secret, round };
    match hand.play(duty, &shared.preflight) {
        Ok(intent) => Ok(call(intent.data.to_vec())),
        Err(PlayError::Stale { .. }) => Ok(Made::Nothing),
        Err(PlayError::Hopeless { reason, .. }) => Ok(Made::Hopeless { reason }),
        Err(PlayError::Evidence(never)) => match never {},
        Err(error) => Err(MakeError::Preflight(error.to_string())),
    }
}
