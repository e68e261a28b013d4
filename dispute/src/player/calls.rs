//! Duties made into calls of the court.
//!
//! Owns the ABI side of moves: what the strategy answers, as the court wants it shown. Every move is run through the
//! contracts' bytecode before it becomes an intent; a player never pays for one that L1 would refuse as it is.

use alloy_sol_types::{SolCall, SolValue};
use assay_machine::memory::Region;
use assay_machine::record::Record;
use assay_protocol::contracts::Court::{self, Opening, Reply};
use assay_protocol::{B256, keccak256};
use revm::primitives::{Address, Bytes, U256};
use thiserror::Error;

use super::Intent;
use super::board::{GameState, Phase, Turn};
use super::case::{Case, salt};
use super::duty::{Duty, Task};
use crate::game::{self, Answer, Dissection, Evidence, NoAnswer};
use crate::preflight::{CourtPreflight, PreflightError};

/// Why a duty has no call.
#[derive(Debug, Error)]
pub enum PlayError<E> {
    /// The board has moved on.
    #[error("game {game} is not where this move belongs")]
    Stale {
        /// The game.
        game: B256,
    },
    /// The opponent is right; the game is lost.
    #[error("game {game} can't be won: {reason}")]
    Hopeless {
        /// The game.
        game: B256,
        /// Why.
        reason: String,
    },
    /// The evidence is not to be had now.
    #[error("no evidence: {0}")]
    Evidence(E),
    /// L1 would not take the move: a fault of ours.
    #[error("the contracts do not take the move: {0}")]
    Preflight(#[from] PreflightError),
    /// The verifier takes the step to another state than the machine: a fault of ours.
    #[error("the verifier steps to {verifier}, the machine to {machine}")]
    Disagreement {
        /// The verifier's state; zero if the court tells of no step.
        verifier: B256,
        /// The machine's state.
        machine: B256,
    },
}

/// Who commits to a challenge, where, and with how much.
#[derive(Clone, Copy, Debug)]
pub struct Stakes {
    /// The court.
    pub court: Address,
    /// EIP-155 id of the chain.
    pub chain_id: u64,
    /// The sender.
    pub challenger: Address,
    /// Secret of the sender's key that salts its commitments.
    pub secret: B256,
    /// Wei to lock.
    pub bond: U256,
    /// Whether to hold all open claims of the executor.
    pub is_stay: bool,
    /// How many games the sender has had on the leaf before.
    pub round: u32,
}

/// The commitment against a claim, or nothing if the claim is true. `window_end` is the last L1 time at which it can be made.
///
/// # Errors
/// If the evidence is not to be had.
pub fn challenge<E: Evidence>(
    case: &Case,
    evidence: &E,
    stakes: &Stakes,
    window_end: u64,
) -> Result<Option<Intent>, E::Error> {
    let Some(opening) = game::open(&case.claimed, evidence)? else { return Ok(None) };
    let salt = salt(&stakes.secret, stakes.court, case.batch_hash, case.proof.index, stakes.round);
    let (head, memory_root) = halves(&opening.record);
    let commitment = keccak256(
        (
            keccak256("assay.court.commitment.v1"),
            U256::from(stakes.chain_id),
            stakes.court,
            case.batch_hash,
            case.proof.index,
            stakes.challenger,
            opening.dissection.tree().root(),
            head,
            memory_root,
            salt,
        )
            .abi_encode(),
    );
    let call = Court::commitCall { proof: case.proof.clone(), commitment, stay: stakes.is_stay };
    Ok(Some(Intent {
        id: keccak256((case.batch_hash, case.proof.index, commitment).abi_encode()),
        to: stakes.court,
        value: stakes.bond,
        data: call.abi_encode().into(),
        valid_until: window_end,
    }))
}

/// What a side plays a game with.
pub struct Hand<'a, E> {
    /// The game as it stands.
    pub game: &'a GameState,
    /// The court that it is played in.
    pub court: Address,
    /// The claim that it is about.
    pub case: &'a Case,
    /// The run, as this side knows it.
    pub evidence: &'a E,
    /// Secret of the sender's key that salts its commitments.
    pub secret: &'a B256,
    /// How many games its challenger has had on the leaf before this one. Only a reveal asks for it.
    pub round: u32,
}

impl<E: Evidence> Hand<'_, E> {
    /// The call that does a duty. Moves and steps have been tried.
    ///
    /// # Errors
    /// [`PlayError`]: nothing is to be sent.
    pub fn play(&self, duty: &Duty, preflight: &CourtPreflight) -> Result<Intent, PlayError<E::Error>> {
        let (intent, outcome) = self.make(duty)?;
        if matches!(duty.task, Task::Reveal | Task::Answer(_)) {
            let logs = preflight.check(self.game, &intent.data)?;
            if let Some(machine) = outcome {
                let verifier = CourtPreflight::outcome(&logs).unwrap_or_default();
                if verifier != machine {
                    return Err(PlayError::Disagreement { verifier, machine });
                }
            }
        }
        Ok(intent)
    }

    /// As [`Hand::play`], and nothing was tried: for who means to be refused.
    ///
    /// # Errors
    /// [`PlayError`], but those of the preflight.
    pub fn play_untried(&self, duty: &Duty) -> Result<Intent, PlayError<E::Error>> {
        Ok(self.make(duty)?.0)
    }

    /// The call, and if it is a step, the state that the machine takes it to.
    fn make(&self, duty: &Duty) -> Result<(Intent, Option<B256>), PlayError<E::Error>> {
        let mut outcome = None;
        let (state, data) = match (duty.task, &self.game.phase) {
            (Task::Reveal, Phase::Committed) => (duty.game, self.reveal()?),
            (Task::Answer(side), Phase::Played(turn)) if turn.mover == side => {
                let answer = answer(self.game, turn, self.evidence)?;
                outcome = answer.outcome;
                (turn.state, answer.data)
            }
            (Task::Timeout, _) => (B256::ZERO, Court::timeoutCall { id: duty.game }.abi_encode()),
            (Task::Settle, _) => (B256::ZERO, Court::settleCall { id: duty.game }.abi_encode()),
            _ => return Err(PlayError::Stale { game: duty.game }),
        };
        let intent = Intent {
            id: keccak256((duty.game, state, keccak256(&data[..4])).abi_encode()),
            to: self.court,
            value: U256::ZERO,
            data: Bytes::from(data),
            valid_until: duty.until,
        };
        Ok((intent, outcome))
    }

    fn reveal(&self) -> Result<Vec<u8>, PlayError<E::Error>> {
        let (game, case) = (self.game, self.case);
        let opening = game::open(&case.claimed, self.evidence).map_err(PlayError::Evidence)?;
        let Some(opening) = opening else {
            return Err(PlayError::Hopeless { game: game.id, reason: "the claim is true".into() });
        };
        let (head, memory_root) = halves(&opening.record);
        let mut output = vec![opening.regions.get(Region::OUTPUT)];
        opening.regions.siblings(Region::OUTPUT, &mut output);
        let boot = &opening.boot_leaf;
        let masked = |level: usize| boot.mask >> level & 1 == 1;
        let below_root = boot.siblings.iter().enumerate().take(Region::SYSTEM.kind().depth() as usize);
        let siblings = below_root.filter(|(level, _)| !masked(*level)).map(|(_, sibling)| *sibling).collect();
        let call = Court::revealCall {
            id: game.id,
            opening: Opening {
                batchHash: case.batch_hash,
                region: case.proof.batch.region,
                index: case.proof.index,
                record: case.proof.record.clone(),
                salt: salt(self.secret, self.court, case.batch_hash, case.proof.index, self.round),
                descriptor: case.descriptor.clone(),
                systemLeaf: keccak256(&boot.bytes),
                systemMask: boot.mask,
                systemSiblings: siblings,
                head,
                memoryRoot: memory_root,
                output,
            },
            hashes: opening.dissection.hashes().to_vec(),
        };
        Ok(call.abi_encode())
    }
}

/// A move as calldata, and if it is a step, the state that the machine takes it to.
struct Move {
    data: Vec<u8>,
    outcome: Option<B256>,
}

fn answer<E: Evidence>(game: &GameState, turn: &Turn, evidence: &E) -> Result<Move, PlayError<E::Error>> {
    let answer = game::answer(&turn.dissection, evidence).map_err(|error| match error {
        NoAnswer::NothingToDispute(reason) => PlayError::Hopeless { game: game.id, reason: reason.to_string() },
        NoAnswer::Evidence(error) => PlayError::Evidence(error),
    })?;
    let position = turn.position.clone();
    match answer {
        Answer::Dissect { part, dissection } => {
            let hashes = dissection.hashes().to_vec();
            let call = Court::moveCall { id: game.id, position, reply: reply(&turn.dissection, part), hashes };
            Ok(Move { data: call.abi_encode(), outcome: None })
        }
        Answer::Step { part, proof } => {
            let (head, memory_root) = halves(&proof.before);
            let call = Court::stepCall {
                id: game.id,
                position,
                reply: reply(&turn.dissection, part),
                head,
                memoryRoot: memory_root,
                witness: proof.witness.into(),
            };
            Ok(Move { data: call.abi_encode(), outcome: Some(proof.after.hash()) })
        }
    }
}

/// Names a part of a dissection and opens both of its ends.
fn reply(dissection: &Dissection, part: u64) -> Reply {
    let tree = dissection.tree();
    let accepted_siblings = if part > 1 { tree.siblings(part as usize - 2) } else { Vec::new() };
    Reply {
        j: u16::try_from(part).expect("a dissection has at most 64 parts"),
        accepted: dissection.hash(part - 1),
        acceptedSiblings: accepted_siblings,
        disputed: dissection.hash(part),
        disputedSiblings: tree.siblings(part as usize - 1),
    }
}

/// The two words of a record.
fn halves(record: &Record) -> (B256, B256) {
    (B256::from_slice(&record.to_bytes()[..32]), record.memory_root)
}
