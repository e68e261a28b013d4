//! Faults of what the records of a batch claim (specs/12-batches.md, faults 1 to 7, and 10 where it leans on L1).
//!
//! Owns the checks; the facts of L1 that they lean on come from whoever has them. Every question is about a time past, so
//! that its answer stays.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use alloy_primitives::{Address, B256};

use super::data::same_blob;
use super::{BoundError, Fault, Need, PredecessorError, SignerError, SourceError};
use crate::data::Data;
use crate::objects::{Claim, Origin, Place, Source, TaskRequest, TaskResult, TypedData};
use crate::signature::recover;
use crate::tree::EMPTY_BLOB_ROOT;
use crate::{BlobRef, Status};

/// The bounds of a deployment (specs/15-presets.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest fuel limit of a request.
    pub fuel_limit_max: u64,
    /// Largest output limit of a request.
    pub output_length_max: u64,
    /// Longest input of a request.
    pub input_length_max: u64,
    /// How many batches back a source may lie.
    pub source_horizon: u64,
}

/// What L1 knows of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgramFacts {
    /// L1 time of registration.
    pub registered_at: u64,
    /// The module, by the descriptor.
    pub wasm: BlobRef,
}

/// What L1 and the data of its batch say of an earlier leaf of the region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafFacts {
    /// Its task.
    pub task: B256,
    /// Its attempt.
    pub attempt: u32,
    /// Its output.
    pub output: BlobRef,
    /// Since when it is void, if it is.
    pub voided_at: Option<u64>,
}

/// Facts of L1 about the region of the accused batch, and about everybody.
pub trait Facts {
    /// Why a fact can't be had.
    type Error;

    /// Whether an executor was registered at a time.
    ///
    /// # Errors
    /// If it can't be said.
    fn is_registered(&self, executor: Address, time: u64) -> Result<bool, Self::Error>;

    /// Whether a key could sign for an executor at a time.
    ///
    /// # Errors
    /// If it can't be said.
    fn is_key(&self, executor: Address, key: Address, time: u64) -> Result<bool, Self::Error>;

    /// A program, if it is registered.
    ///
    /// # Errors
    /// If it can't be said.
    fn program(&self, program: B256) -> Result<Option<ProgramFacts>, Self::Error>;

    /// The leaf at a place of an earlier batch, if there is one.
    ///
    /// # Errors
    /// If it can't be said.
    fn leaf(&self, place: Place) -> Result<Option<LeafFacts>, Self::Error>;

    /// The blob of an entry of an earlier batch's directory, if there is one.
    ///
    /// # Errors
    /// If it can't be said.
    fn entry(&self, batch: u64, index: u32) -> Result<Option<BlobRef>, Self::Error>;

    /// A leaf of a batch before `number` with this attempt at this task, if there is one.
    ///
    /// # Errors
    /// If it can't be said.
    fn attempt(&self, task: B256, attempt: u32, number: u64) -> Result<Option<Place>, Self::Error>;
}

/// Every fault of the claims of a batch that was posted, or is to be, at an L1 time.
///
/// # Errors
/// If a fact can't be had.
pub fn claim_faults<F: Facts>(
    data: &Data<'_>,
    posted_at: u64,
    limits: &Limits,
    facts: &F,
) -> Result<Vec<Fault>, F::Error> {
    let batch = data.batch();
    let mut found = Vec::new();
    let mut attempts: BTreeMap<(B256, u32), u32> = BTreeMap::new();
    for (leaf, claim) in (0..).zip(data.claims()) {
        let client = signer(&claim.client_signature, &claim.result.task).and_then(|got| {
            let wanted = claim.request.client;
            if got == wanted { Ok(()) } else { Err(SignerError::Other { got, wanted }) }
        });
        found.extend(client.err().map(|cause| Fault::ClientSignature { leaf, cause }));
        let executor = executor_signature(data, &claim, facts)?;
        found.extend(executor.err().map(|cause| Fault::ExecutorSignature { leaf, cause }));
        let bound = bound_error(&claim.request, &claim.result, limits);
        found.extend(bound.map(|cause| Fault::Bound { leaf, cause }));

        let program = facts.program(claim.request.program)?;
        let registered = program.filter(|program| program.registered_at <= batch.as_of);
        if registered.is_none() {
            found.push(Fault::Program { leaf, program: claim.request.program, as_of: batch.as_of });
        }
        found.extend(repeated(data, leaf, &claim, &mut attempts, facts)?);
        let predecessor = predecessor(data, posted_at, &claim, facts)?;
        found.extend(predecessor.err().map(|cause| Fault::Predecessor { leaf, cause }));
        let (got, wanted) = (claim.request.deadline, batch.min_deadline);
        found.extend((got < wanted).then_some(Fault::Deadline { leaf, got, wanted }));

        let wasm = program.map(|program| program.wasm);
        for (need, source, blob) in
            [(Need::Input, claim.input, Some(claim.request.input)), (Need::Wasm, claim.wasm, wasm)]
        {
            let cause = source_of(data, need, source, blob, limits, facts)?.err();
            found.extend(cause.map(|cause| Fault::Source { leaf, need, cause }));
        }
    }
    Ok(found)
}

fn signer(signature: &[u8], digest: &B256) -> Result<Address, SignerError> {
    Ok(recover(signature, digest)?)
}

/// Fault 2.
fn executor_signature<F: Facts>(
    data: &Data<'_>,
    claim: &Claim,
    facts: &F,
) -> Result<Result<(), SignerError>, F::Error> {
    let (executor, as_of) = (claim.result.executor, data.batch().as_of);
    if !facts.is_registered(executor, as_of)? {
        return Ok(Err(SignerError::NotRegistered { executor, as_of }));
    }
    let key = match signer(&claim.executor_signature, &claim.result.digest(data.domain())) {
        Ok(key) => key,
        Err(cause) => return Ok(Err(cause)),
    };
    let is_key = facts.is_key(executor, key, as_of)?;
    Ok(if is_key { Ok(()) } else { Err(SignerError::Other { got: key, wanted: executor }) })
}

/// Fault 3: the first bound that a request and its result break, asked before a result is taken in as well.
#[must_use]
pub fn bound_error(request: &TaskRequest, result: &TaskResult, limits: &Limits) -> Option<BoundError> {
    let above = |got: u64, most: u64| got > most;
    let (most, got) = (limits.fuel_limit_max, request.fuel_limit);
    if above(got, most) {
        return Some(BoundError::FuelLimit { got, most });
    }
    let (most, got) = (limits.output_length_max, request.output_length_max);
    if above(got, most) {
        return Some(BoundError::OutputLengthMax { got, most });
    }
    let (most, got) = (limits.input_length_max, request.input.length);
    if above(got, most) {
        return Some(BoundError::InputLength { got, most });
    }
    let (most, got) = (request.fuel_limit, result.fuel_used);
    if above(got, most) {
        return Some(BoundError::FuelUsed { got, most });
    }
    let (most, got) = (request.output_length_max, result.output.length);
    if above(got, most) {
        return Some(BoundError::OutputLength { got, most });
    }
    match Status::from_byte(result.status) {
        Some(Status::Exit | Status::Trap) => None,
        Some(Status::OutOfFuel) => {
            let empty = BlobRef { root: EMPTY_BLOB_ROOT, length: 0 };
            let is_whole = result.code == 0 && result.fuel_used == request.fuel_limit && result.output == empty;
            (!is_whole).then_some(BoundError::OutOfFuel {
                code: result.code,
                fuel_used: result.fuel_used,
                fuel_limit: request.fuel_limit,
                output_length: result.output.length,
            })
        }
        _ => Some(BoundError::Status { got: result.status }),
    }
}

/// Fault 5: the same attempt in this batch, or in one before.
fn repeated<F: Facts>(
    data: &Data<'_>,
    leaf: u32,
    claim: &Claim,
    attempts: &mut BTreeMap<(B256, u32), u32>,
    facts: &F,
) -> Result<Option<Fault>, F::Error> {
    let (task, attempt, number) = (claim.result.task, claim.result.attempt, data.batch().number);
    if let Some(index) = attempts.get(&(task, attempt)) {
        return Ok(Some(Fault::Repeated { leaf, earlier: Place { batch: number, index: *index } }));
    }
    attempts.insert((task, attempt), leaf);
    Ok(facts.attempt(task, attempt, number)?.map(|earlier| Fault::Repeated { leaf, earlier }))
}

/// Fault 6.
fn predecessor<F: Facts>(
    data: &Data<'_>,
    posted_at: u64,
    claim: &Claim,
    facts: &F,
) -> Result<Result<(), PredecessorError>, F::Error> {
    let place = claim.predecessor;
    let Some(before) = claim.result.attempt.checked_sub(1) else {
        return Ok(if place == Place::default() { Ok(()) } else { Err(PredecessorError::First) });
    };
    let leaf = if place.batch < data.batch().number { facts.leaf(place)? } else { None };
    Ok(match leaf {
        None => Err(PredecessorError::Missing(place)),
        Some(leaf) if (leaf.task, leaf.attempt) != (claim.result.task, before) => {
            Err(PredecessorError::Other { task: leaf.task, attempt: leaf.attempt })
        }
        Some(leaf) if leaf.voided_at.is_some_and(|at| at <= posted_at) => Ok(()),
        Some(_) => Err(PredecessorError::Standing { posted_at }),
    })
}

/// Fault 10, where other batches or the program's descriptor say what is wrong.
fn source_of<F: Facts>(
    data: &Data<'_>,
    need: Need,
    source: Source,
    wanted: Option<BlobRef>,
    limits: &Limits,
    facts: &F,
) -> Result<Result<(), SourceError>, F::Error> {
    let number = data.batch().number;
    let (got, missing) = match (source.origin(), need) {
        // The data alone shows whether the input is here.
        (Ok(Origin::Here(index)), Need::Wasm) if index < data.layout().blob_count => {
            (data.entry(index).map(|entry| entry.blob), SourceError::NoEntry(Place { batch: number, index }))
        }
        (Ok(Origin::Earlier(place)), _) if place.batch < number => {
            let first = number.saturating_sub(limits.source_horizon);
            if place.batch < first {
                return Ok(Err(SourceError::Horizon { batch: place.batch, first, number }));
            }
            (facts.entry(place.batch, place.index)?, SourceError::NoEntry(place))
        }
        (Ok(Origin::Output(place)), Need::Input) if place.batch < number => {
            (facts.leaf(place)?.map(|leaf| leaf.output), SourceError::NoLeaf(place))
        }
        // Whatever else is wrong is a fault of the data.
        _ => return Ok(Ok(())),
    };
    Ok(match (got, wanted) {
        (None, _) => Err(missing),
        (Some(got), Some(wanted)) => same_blob(&got, &wanted),
        // The program is not registered, which is a fault of its own.
        (Some(_), None) => Ok(()),
    })
}
