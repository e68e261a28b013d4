//! Honest calls, garbled: each must be refused with the error that names the cause, by the chain as by the players' preflight, and
//! the call itself must be taken until the last second of its clock and not after.
//!
//! Owns the table of what can be wrong with a call. Nothing is sent: each is tried on a copy of the chain.

use alloy_sol_types::{SolCall, SolInterface};
use assay_dispute::game::Dissection;
use assay_dispute::player::{Board, Phase};
use assay_dispute::preflight::CourtPreflight;
use assay_protocol::contracts::Court::{CourtCalls, Position, Reply, moveCall, revealCall, stepCall};
use assay_protocol::contracts::errors;
use assay_protocol::{Address, B256, keccak256};
use revm::primitives::{Bytes, U256};
use thiserror::Error;

use crate::actor::Wish;
use crate::world::{Failure, World};

/// A call that was not refused as it should be, or an honest one that was not taken as it should be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{what}: wanted {wanted}, got {got}")]
pub struct Accepted {
    /// What was wrong with the call.
    pub what: &'static str,
    /// What should have come of it.
    pub wanted: String,
    /// What came of it.
    pub got: String,
}

/// A garbled call, and the errors that name what is wrong with it.
struct Garbled {
    what: &'static str,
    data: Vec<u8>,
    errors: &'static [&'static str],
}

const WRONG_STATE: &[&str] = &["WrongState(bytes32,bytes32)"];
const WRONG_GAME: &[&str] = &["WrongGame(bytes32,bytes32)"];
const NOT_IN: &[&str] = &["NotInDissection(bytes32,bytes32)"];
const RANGE: &[&str] = &["IndexOutOfRange(uint256,uint256)"];
const SIBLINGS: &[&str] = &["SiblingCount(uint256,uint256)"];
const HASHES: &[&str] = &["HashCount(uint256,uint256)"];
const SYSTEM_SIBLINGS: &[&str] = &["SystemSiblings(uint256,uint256)"];
const LEAF_SIBLINGS: &[&str] = &["LeafSiblings(uint256,uint256)"];
const LEAF_ELSEWHERE: &[&str] = &["LeafNotInBatch(bytes32,bytes32)"];
const LEAF_RANGE: &[&str] = &["LeafIndexOutOfRange(uint256,uint256)"];
const RECORD_LENGTH: &[&str] = &["RecordLength(uint256,uint256)"];
const TRUNCATED: &[&str] = &["WitnessTruncated(uint256,uint256)"];
/// A byte behind the last chunk begins another one, which is cut short, or one more than any step touches.
const ANOTHER_CHUNK: &[&str] = &["WitnessTruncated(uint256,uint256)", "TooManyChunks(uint256)"];
/// What a call comes to that was mined once already.
const AGAIN: &[&str] =
    &["NotYourMove(address)", "WrongPhase(uint8)", "ExecutorIsConvicted(address,uint64)", "AlreadyCommitted(bytes32)"];

/// Tries an honest call in all its wrong forms, in the open block of a chain. Returns how many there were.
///
/// # Errors
/// [`Accepted`].
pub fn probe(world: &World, board: &Board, wish: &Wish, preflight: &CourtPreflight) -> Result<u32, Accepted> {
    let mut fork = world.clone();
    let Ok(call) = CourtCalls::abi_decode(&wish.intent.data) else { return Ok(0) };
    let game = wish.duty.and_then(|duty| board.game(duty.game));
    let is_principal = game.is_none_or(|game| [game.executor, game.challenge.challenger].contains(&wish.from));
    // A reorganisation may have brought forward the end of a delegated key; then all its calls are a stranger's.
    if !is_principal && attempt(&mut fork, wish.from, wish, &wish.intent.data).is_err() {
        return Ok(0);
    }
    let turn = wish.duty.and_then(|duty| board.game(duty.game)).and_then(|game| match &game.phase {
        Phase::Played(turn) => Some(&turn.dissection),
        _ => None,
    });
    let garbled = match &call {
        CourtCalls::reveal(call) => reveals(call),
        CourtCalls::r#move(call) => moves(call, turn.expect("a move answers a dissection")),
        CourtCalls::step(call) => steps(call, turn.expect("a step answers a dissection")),
        CourtCalls::commit(call) => {
            let mut longer = call.clone();
            longer.proof.siblings.push(B256::ZERO);
            let mut elsewhere = call.clone();
            elsewhere.proof.index += 1;
            let is_there = elsewhere.proof.index < elsewhere.proof.batch.count;
            let at_index = if is_there { LEAF_ELSEWHERE } else { LEAF_RANGE };
            vec![
                wrong("a leaf's path with an extra sibling", &longer, LEAF_SIBLINGS),
                wrong("a leaf at another index", &elsewhere, at_index),
            ]
        }
        _ => Vec::new(),
    };
    for garbled in &garbled {
        let result = attempt(&mut fork, wish.from, wish, &garbled.data);
        if let (Some(game), Err(failure)) = (game, &result) {
            let tried = preflight.check(game, &garbled.data);
            let (wanted, got) = (name(failure), tried.map_or_else(|error| error.to_string(), |_| "taken".into()));
            if !got.ends_with(&wanted) {
                return Err(accepted(garbled.what, wanted, got));
            }
        }
        expect(garbled.what, garbled.errors, result)?;
    }
    let mut count = garbled.len() as u32;
    if wish.duty.is_some_and(|duty| duty.until != u64::MAX) {
        let stranger = attempt(&mut fork, Address::repeat_byte(0x5a), wish, &wish.intent.data);
        expect("a stranger's move", &["NotYourMove(address)"], stranger)?;
        count += 1;
    }
    // A delegated key may not be valid any more at the end of a clock.
    if let Some(duty) = wish.duty.filter(|duty| duty.until != u64::MAX && is_principal) {
        let mut late = world.clone();
        late.advance(duty.until - late.head().time);
        let in_time = attempt(&mut late, wish.from, wish, &wish.intent.data);
        if let Err(failure) = in_time {
            return Err(accepted("the last second of a clock", "taken".into(), name(&failure)));
        }
        late.advance(1);
        let result = attempt(&mut late, wish.from, wish, &wish.intent.data);
        expect("a second too late", &["ClockExpired(uint64,uint256)"], result)?;
        count += 2;
    }
    let to = revm::primitives::TxKind::Call(wish.intent.to);
    if fork.send(wish.from, to, wish.intent.value, wish.intent.data.clone()).is_ok() {
        let result = attempt(&mut fork, wish.from, wish, &wish.intent.data);
        expect("the same once more", AGAIN, result)?;
        count += 1;
    }
    Ok(count)
}

fn attempt(world: &mut World, from: Address, wish: &Wish, data: &[u8]) -> Result<(), Failure> {
    let value = if from == wish.from { wish.intent.value } else { U256::ZERO };
    world.attempt(from, wish.intent.to, value, Bytes::copy_from_slice(data))
}

fn expect(what: &'static str, errors: &[&str], result: Result<(), Failure>) -> Result<(), Accepted> {
    let wanted = || errors.join(" or ");
    let Err(failure) = result else { return Err(accepted(what, wanted(), "taken".into())) };
    let Failure::Reverted { output, .. } = &failure else { return Err(accepted(what, wanted(), name(&failure))) };
    let is_named = |error: &&str| output.get(..4) == keccak256(error.as_bytes()).get(..4);
    if errors.iter().any(is_named) {
        return Ok(());
    }
    Err(accepted(what, wanted(), name(&failure)))
}

fn accepted(what: &'static str, wanted: String, got: String) -> Accepted {
    Accepted { what, wanted, got }
}

fn name(failure: &Failure) -> String {
    match failure {
        Failure::Reverted { output, .. } => errors::words(output).unwrap_or_else(|| output.to_string()),
        other => other.to_string(),
    }
}

fn wrong<C: SolCall + Clone>(what: &'static str, call: &C, errors: &'static [&'static str]) -> Garbled {
    Garbled { what, data: call.abi_encode(), errors }
}

fn reveals(call: &revealCall) -> Vec<Garbled> {
    let with = |what, change: &dyn Fn(&mut revealCall), errors| {
        let mut call = call.clone();
        change(&mut call);
        wrong(what, &call, errors)
    };
    let mut garbled = vec![
        with("a hash missing", &|call| shorten(&mut call.hashes), HASHES),
        with("a hash too many", &|call| call.hashes.push(B256::ZERO), HASHES),
        with("another salt", &|call| flip(&mut call.opening.salt), WRONG_GAME),
        with("another batch", &|call| flip(&mut call.opening.batchHash), WRONG_GAME),
        with("another index", &|call| call.opening.index += 1, WRONG_GAME),
        with("another game", &|call| flip(&mut call.id), &["WrongPhase(uint8)"]),
        with("another record of the last state", &|call| call.opening.head.0[2] ^= 1, WRONG_GAME),
        with("another program", &|call| call.opening.descriptor.entryPc ^= 1, &["WrongProgram(bytes32,bytes32)"]),
        with("another first leaf", &|call| flip(&mut call.opening.systemLeaf), &["NotSystemRoot(bytes32,bytes32)"]),
        with("a mask too long", &|call| call.opening.systemMask |= 1 << 31, &["SystemMask(uint256,uint32)"]),
        with("a sibling too many", &|call| call.opening.systemSiblings.push(B256::ZERO), SYSTEM_SIBLINGS),
        with("a record cut short", &|call| cut(&mut call.opening.record), RECORD_LENGTH),
    ];
    if call.hashes.len() > 1 && call.hashes[0] != call.hashes[1] {
        garbled.push(with("two hashes swapped", &|call| call.hashes.swap(0, 1), WRONG_GAME));
    }
    if !call.opening.systemSiblings.is_empty() {
        garbled.push(with("a sibling missing", &|call| shorten(&mut call.opening.systemSiblings), SYSTEM_SIBLINGS));
    }
    garbled
}

fn moves(call: &moveCall, answered: &Dissection) -> Vec<Garbled> {
    let with = |what, change: &dyn Fn(&mut moveCall), errors| {
        let mut call = call.clone();
        change(&mut call);
        wrong(what, &call, errors)
    };
    let disputed = call.reply.disputed;
    let mut garbled = vec![
        with("a hash missing", &|call| shorten(&mut call.hashes), HASHES),
        with("a hash too many", &|call| call.hashes.push(B256::ZERO), HASHES),
        with(
            "an end that is not disputed",
            &|call| *call.hashes.last_mut().expect("one at least") = disputed,
            &["NothingDisputed(bytes32)"],
        ),
        with("another game", &|call| flip(&mut call.id), &["WrongPhase(uint8)"]),
    ];
    let as_step = stepCall {
        id: call.id,
        position: call.position.clone(),
        reply: call.reply.clone(),
        head: B256::ZERO,
        memoryRoot: B256::ZERO,
        witness: Bytes::new(),
    };
    garbled.push(wrong("a step where a dissection is due", &as_step, &["MoreThanOneStep(uint8)"]));
    garbled.extend(
        replies(&call.position, &call.reply, answered)
            .into_iter()
            .map(|(what, position, reply, errors)| wrong(what, &moveCall { position, reply, ..call.clone() }, errors)),
    );
    garbled
}

fn steps(call: &stepCall, answered: &Dissection) -> Vec<Garbled> {
    let with = |what, change: &dyn Fn(&mut stepCall), errors| {
        let mut call = call.clone();
        change(&mut call);
        wrong(what, &call, errors)
    };
    let mut garbled = vec![
        with("another record", &|call| flip(&mut call.head), &["WrongRecord(bytes32,bytes32)"]),
        with("another memory", &|call| flip(&mut call.memoryRoot), &["WrongRecord(bytes32,bytes32)"]),
        with("another game", &|call| flip(&mut call.id), &["WrongPhase(uint8)"]),
        with(
            "a witness with a byte too many",
            &|call| call.witness = [&call.witness, &[0][..]].concat().into(),
            ANOTHER_CHUNK,
        ),
    ];
    if !call.witness.is_empty() {
        garbled.push(with("a witness cut short", &|call| cut(&mut call.witness), TRUNCATED));
    }
    let (position, reply) = (call.position.clone(), call.reply.clone());
    let as_move = moveCall { id: call.id, position, reply, hashes: vec![B256::ZERO] };
    garbled.push(wrong("a dissection where a step is due", &as_move, &["OneStepLeft()"]));
    garbled.extend(
        replies(&call.position, &call.reply, answered)
            .into_iter()
            .map(|(what, position, reply, errors)| wrong(what, &stepCall { position, reply, ..call.clone() }, errors)),
    );
    garbled
}

type Change<'a> = &'a dyn Fn(&mut Position, &mut Reply);

/// What can be wrong with the position that is answered and with the part that is named.
fn replies(
    position: &Position,
    reply: &Reply,
    answered: &Dissection,
) -> Vec<(&'static str, Position, Reply, &'static [&'static str])> {
    let parts = answered.segment().parts();
    let is_first = reply.j == 1;
    let accepted: &[&str] = if is_first { &["WrongAccepted(bytes32,bytes32)"] } else { NOT_IN };
    let beyond = |_: &mut Position, reply: &mut Reply| reply.j = parts as u16 + 1;
    let elsewhere = |_: &mut Position, reply: &mut Reply| reply.j = reply.j % parts as u16 + 1;
    let mut changes: Vec<(&'static str, Change<'_>, &'static [&'static str])> = vec![
        ("an answer to an old state", &|position, _| flip(&mut position.previous), WRONG_STATE),
        ("a segment elsewhere", &|position, _| position.start ^= 1, WRONG_STATE),
        ("another dissection", &|position, _| flip(&mut position.root), WRONG_STATE),
        ("part 0", &|_, reply| reply.j = 0, RANGE),
        ("a part too many", &beyond, RANGE),
        ("another disputed hash", &|_, reply| flip(&mut reply.disputed), NOT_IN),
        ("another accepted hash", &|_, reply| flip(&mut reply.accepted), accepted),
        ("a sibling too many", &|_, reply| reply.disputedSiblings.push(B256::ZERO), SIBLINGS),
        ("an accepted sibling too many", &|_, reply| reply.acceptedSiblings.push(B256::ZERO), SIBLINGS),
    ];
    if parts > 1 {
        changes.push(("a sibling missing", &|_, reply| shorten(&mut reply.disputedSiblings), SIBLINGS));
    }
    if parts > 2 {
        changes.push(("two siblings swapped", &|_, reply| reply.disputedSiblings.swap(0, 1), NOT_IN));
    }
    let next = u64::from(reply.j) % parts + 1;
    if answered.hash(next) != reply.disputed {
        changes.push(("another part", &elsewhere, NOT_IN));
    }
    let made = changes.into_iter().map(|(what, change, errors)| {
        let (mut position, mut reply) = (position.clone(), reply.clone());
        change(&mut position, &mut reply);
        (what, position, reply, errors)
    });
    made.collect()
}

fn flip(hash: &mut B256) {
    hash.0[31] ^= 1;
}

fn shorten(hashes: &mut Vec<B256>) {
    hashes.pop();
}

fn cut(bytes: &mut Bytes) {
    *bytes = bytes.slice(..bytes.len() - 1);
}
