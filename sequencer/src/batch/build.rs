//! Results to a batch.
//!
//! Owns the choice of sources, the bounds of a batch, and the check of its face: what would be a fault is left out and named, so that an
//! honest sequencer never posts one. Takes a moment of a processor for each leaf: it runs on a worker.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use alloy_primitives::{B256, Bytes};
use assay_node::blobs::BlobError;
use assay_node::store::StoreError;
use assay_protocol::data::layout::{Area, ENTRY_SIZE, Layout, PAGE_SIZE, RECORD_SIZE};
use assay_protocol::data::{Data, DataError, EncodeError, Encoded, encode};
use assay_protocol::faults::{Fault, faults};
use assay_protocol::objects::{Batch, Claim, Origin, Place, Role, Source};
use assay_protocol::signature::SIGNATURE_LENGTH;
use assay_protocol::{BLOB_TREE, BlobRef};
use thiserror::Error;
use tracing::error;

use super::facts::Known;
use super::leaves::{claim_id, newest_build};
use super::written::{Rows, output_row};
use crate::context::Context;
use crate::l1::{Standing, View};
use crate::rows::{DIRECTORY, ORDERS, OUTPUTS, OutputRow, PROGRAMS, PROGRESS};

/// How often a batch is built anew because a leaf was left out.
const ROUNDS_MAX: usize = 8;

/// A result that waits for a batch.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// Number of its task.
    pub sequence: u64,
    /// The attempt.
    pub attempt: u32,
    /// The void leaf of the attempt before.
    pub predecessor: Option<Place>,
}

/// What is to be built.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The number.
    pub number: u64,
    /// Which build of it.
    pub build: u32,
    /// Hash of the batch before.
    pub parent: B256,
    /// The time by which it is judged.
    pub as_of: u64,
    /// Results, by ascending number.
    pub candidates: Vec<Candidate>,
    /// Batches on their way, by number and hash: L1 takes this one behind them or not at all.
    pub on_their_way: Vec<(u64, B256)>,
    /// L1 at this moment.
    pub view: Arc<View>,
}

/// Why a result is not in the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// L1 does not have its program, not yet or no more: later.
    Program(B256),
    /// Its executor can't stand behind it, or what it says is a fault: the attempt is run again.
    Result(String),
    /// There was no room: the next batch.
    Room,
}

/// A batch.
pub struct Built {
    /// The header.
    pub header: Batch,
    /// The data.
    pub data: Vec<u8>,
    /// Which task each leaf is of.
    pub leaves: Vec<Candidate>,
    /// Rows to be written with the intents.
    pub rows: Rows,
}

/// Why there is no batch.
#[derive(Debug, Error)]
pub enum BuildError {
    /// Tables can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Blobs can't be read.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// What was chosen makes no batch.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// What was written can't be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A bug of ours.
    #[error("building panicked")]
    Panicked,
    /// A fault that is of no leaf: a bug, so nothing is posted.
    #[error("the batch would be at fault: {0}")]
    Fault(Fault),
}

/// A batch, if there is one, and what keeps candidates out of it, by their sequence numbers.
pub type Attempt = (Option<Built>, Vec<(u64, Blocked)>);

/// Builds a batch of as many of the candidates as fit. None, if none can be in it now.
///
/// # Errors
/// [`BuildError`].
pub fn build(context: &Context, plan: &Plan) -> Result<Attempt, BuildError> {
    let mut blocked: BTreeMap<u64, Blocked> = BTreeMap::new();
    for _ in 0..ROUNDS_MAX {
        let mut draft = Draft::new(context, plan);
        for candidate in &plan.candidates {
            if blocked.contains_key(&candidate.sequence) {
                continue;
            }
            if let Some(cause) = draft.add(candidate)? {
                let is_full = cause == Blocked::Room;
                blocked.insert(candidate.sequence, cause);
                if is_full {
                    break;
                }
            }
        }
        if draft.claims.is_empty() {
            return Ok((None, blocked.into_iter().collect()));
        }
        let (encoded, header) = draft.encode()?;
        let data = Data::open(&header, &context.domain, &encoded.data)?;
        let known = Known::new(context, &plan.view);
        let found = faults(&data, plan.view.time(), &context.parameters.limits(), &known)?;
        if found.is_empty() {
            return Ok((Some(draft.finish(encoded, header)), blocked.into_iter().collect()));
        }
        for fault in found {
            let Some(leaf) = leaf_of(&fault) else { return Err(BuildError::Fault(fault)) };
            let sequence = draft.leaves[leaf as usize].sequence;
            blocked.insert(sequence, Blocked::Result(fault.to_string()));
        }
    }
    Ok((None, blocked.into_iter().collect()))
}

/// The leaf that a fault is about, if leaving it out helps.
fn leaf_of(fault: &Fault) -> Option<u32> {
    match *fault {
        Fault::ClientSignature { leaf, .. }
        | Fault::ExecutorSignature { leaf, .. }
        | Fault::Bound { leaf, .. }
        | Fault::Program { leaf, .. }
        | Fault::Repeated { leaf, .. }
        | Fault::Predecessor { leaf, .. }
        | Fault::Source { leaf, .. } => Some(leaf),
        _ => None,
    }
}

/// A batch in the making.
struct Draft<'a> {
    context: &'a Context,
    plan: &'a Plan,
    claims: Vec<Claim>,
    leaves: Vec<Candidate>,
    /// Blobs of the directory in order; the empty one, if it is needed, is brought to the front at the end.
    blobs: Vec<(BlobRef, Bytes)>,
    places: HashMap<BlobRef, u32>,
    /// Blobs that were found in earlier directories.
    earlier: HashMap<BlobRef, Place>,
    /// Bytes of all areas, at most.
    area_bytes: u64,
    outputs: Vec<(BlobRef, OutputRow)>,
}

impl<'a> Draft<'a> {
    fn new(context: &'a Context, plan: &'a Plan) -> Self {
        let (claims, leaves, blobs, outputs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (places, earlier) = (HashMap::new(), HashMap::new());
        let mut draft = Self { context, plan, claims, leaves, blobs, places, earlier, area_bytes: 0, outputs };
        // An empty blob stands first or not at all. As an entry it takes 48 bytes; so it is always there.
        draft.insert(BlobRef { root: BLOB_TREE.zero(0), length: 0 }, Bytes::new());
        draft
    }

    /// Adds a result, or says why not.
    fn add(&mut self, candidate: &Candidate) -> Result<Option<Blocked>, BuildError> {
        let store = &self.context.store;
        let sequence = candidate.sequence;
        let (Some(order), Some(progress)) = (store.get(&ORDERS, &sequence)?, store.get(&PROGRESS, &sequence)?) else {
            return Ok(Some(Blocked::Result("its rows are gone".into())));
        };
        let Some((result, signature)) = progress.result.filter(|(result, _)| result.attempt == candidate.attempt)
        else {
            return Ok(Some(Blocked::Result("there is no result of this attempt".into())));
        };
        let registry = &self.plan.view.registry;
        if registry.program(&order.request.program).is_none_or(|at| at > self.plan.as_of) {
            return Ok(Some(Blocked::Program(order.request.program)));
        }
        if !registry.is_registered(Role::Executor, result.executor, self.plan.as_of) {
            return Ok(Some(Blocked::Result(format!("executor {} is not registered", result.executor))));
        }
        let Some(program) = store.get(&PROGRAMS, &order.request.program)? else {
            return Ok(Some(Blocked::Program(order.request.program)));
        };
        let (Some(client), Some(executor)) = (signature_of(&order.client_signature), signature_of(&signature)) else {
            return Ok(Some(Blocked::Result("a signature has another length".into())));
        };
        if self.claims.len() == self.context.config.batches.leaves_max.min(COUNT_MAX) {
            return Ok(Some(Blocked::Room));
        }
        let before = (self.blobs.len(), self.area_bytes);
        let wasm = self.source(&program.wasm, u64::MAX, sequence)?;
        let input = self.source(&order.request.input, self.context.config.batches.posted_input_bytes_max, sequence)?;
        if !self.claims.is_empty() && self.bytes(self.claims.len() + 1) > self.context.config.batches.bytes_max {
            self.cut(before);
            return Ok(Some(Blocked::Room));
        }
        let claim = Claim {
            sequence,
            request: order.request,
            client_signature: client,
            result,
            executor_signature: executor,
            input: Source::from(input),
            wasm: Source::from(wasm),
            predecessor: candidate.predecessor.unwrap_or_default(),
        };
        let place = Place { batch: self.plan.number, index: self.claims.len() as u32 };
        let output = output_row(self.context, &self.outputs, &claim, place)?;
        self.outputs.extend(output.map(|row| (claim.result.output, row)));
        self.claims.push(claim);
        self.leaves.push(*candidate);
        Ok(None)
    }

    /// Where the bytes of a blob are, or will be: in this batch or an earlier one; else an output of a leaf; else nowhere.
    fn source(&mut self, blob: &BlobRef, posted_max: u64, sequence: u64) -> Result<Origin, BuildError> {
        if let Some(index) = self.places.get(blob) {
            return Ok(Origin::Here(*index));
        }
        if let Some(place) = self.earlier.get(blob) {
            return Ok(Origin::Earlier(*place));
        }
        if let Some(place) = self.context.store.get(&DIRECTORY, &(blob.root, blob.length))?.map(|row| row.0)
            && self.is_usable(place)?
        {
            self.earlier.insert(*blob, place);
            return Ok(Origin::Earlier(place));
        }
        if blob.length <= posted_max {
            match self.context.blobs.read_all(blob, u64::MAX)? {
                Some(bytes) => return Ok(Origin::Here(self.insert(*blob, bytes))),
                // It was pinned: an operator should know. The result can still be attested.
                None => error!(root = %blob.root, sequence, "a blob that a task needs is gone"),
            }
        }
        let drafted = self.outputs.iter().find(|(output, _)| output == blob).map(|(_, row)| *row);
        let output = match drafted {
            Some(row) => Some(row),
            None => self.context.store.get(&OUTPUTS, &(blob.root, blob.length))?,
        };
        let longest = self.context.parameters.chain_length_max;
        match output.filter(|row| row.chain_length < longest) {
            Some(row) if drafted.is_some() || self.stands(row.place)? => Ok(Origin::Output(row.place)),
            _ => Ok(Origin::Absent),
        }
    }

    /// Whether a directory can be pointed to: within the horizon, and on L1 and not void, or there before this batch.
    fn is_usable(&self, place: Place) -> Result<bool, BuildError> {
        let first = self.plan.number.saturating_sub(self.context.parameters.source_horizon);
        if place.batch < first || place.batch >= self.plan.number {
            return Ok(false);
        }
        let Some((_, row)) = newest_build(&self.context.store, place.batch)? else { return Ok(false) };
        let hash = row.header.hash();
        let posting = self.plan.view.posting(place.batch);
        let stands = posting.is_some_and(|posting| posting.voided_at.is_none() && posting.hash == hash);
        Ok(stands || self.plan.on_their_way.contains(&(place.batch, hash)))
    }

    /// Whether a leaf is on L1 and nothing speaks against it.
    fn stands(&self, place: Place) -> Result<bool, BuildError> {
        if place.batch >= self.plan.number || !self.is_posted(place.batch)? {
            return Ok(false);
        }
        let known = super::leaves::leaves_of(&self.context.store, &self.context.domain, place.batch)?;
        let Some(leaf) = known.and_then(|batch| batch.leaves.get(place.index as usize).copied()) else {
            return Ok(false);
        };
        let Some(posting) = self.plan.view.posting(place.batch) else { return Ok(false) };
        let claim = claim_id(self.context.region, place.batch, place.index);
        let window_end = posting.posted_at + self.context.parameters.window;
        Ok(self.plan.view.standing(&claim, leaf.executor, window_end) == Standing::Clear)
    }

    fn is_posted(&self, number: u64) -> Result<bool, BuildError> {
        let Some((_, row)) = newest_build(&self.context.store, number)? else { return Ok(false) };
        let posting = self.plan.view.posting(number);
        Ok(posting.is_some_and(|posting| posting.voided_at.is_none() && posting.hash == row.header.hash()))
    }

    fn insert(&mut self, blob: BlobRef, bytes: Bytes) -> u32 {
        let index = self.blobs.len() as u32;
        self.places.insert(blob, index);
        // An area begins on a page, so that one takes whole pages from the next.
        self.area_bytes += Area { start: 0, length: blob.length }.end().next_multiple_of(PAGE_SIZE as u64);
        self.blobs.push((blob, bytes));
        index
    }

    /// Takes back what was inserted since.
    fn cut(&mut self, (blobs, area_bytes): (usize, u64)) {
        for (blob, _) in self.blobs.drain(blobs..) {
            self.places.remove(&blob);
        }
        self.area_bytes = area_bytes;
    }

    /// Bytes of the data with so many leaves, at most.
    fn bytes(&self, leaves: usize) -> u64 {
        let layout = Layout { count: leaves as u32, blob_count: self.blobs.len() as u32 };
        debug_assert!(layout.head_length() >= RECORD_SIZE * leaves as u64 + ENTRY_SIZE);
        layout.head_length().next_multiple_of(PAGE_SIZE as u64) + self.area_bytes
    }

    fn encode(&self) -> Result<(Encoded, Batch), BuildError> {
        let blobs: Vec<&[u8]> = self.blobs.iter().map(|(_, bytes)| bytes.as_ref()).collect();
        let encoded = encode(self.context.region, &self.context.domain, &self.claims, &blobs)?;
        let header = encoded.batch(self.context.region, self.plan.number, self.plan.parent, self.plan.as_of);
        Ok((encoded, header))
    }

    fn finish(self, encoded: Encoded, header: Batch) -> Built {
        let layout = Layout { count: header.count, blob_count: header.blob_count };
        let head = Bytes::copy_from_slice(&encoded.data[..layout.head_length() as usize]);
        let rows = Rows {
            build: (header.number, self.plan.build),
            header,
            blobs: encoded.blobs,
            head,
            outputs: self.outputs,
            leaves: self.leaves.iter().map(|leaf| (leaf.sequence, leaf.attempt)).collect(),
        };
        Built { header, data: encoded.data, leaves: self.leaves, rows }
    }
}

/// Most leaves that L1 takes.
const COUNT_MAX: usize = 8192;

fn signature_of(bytes: &Bytes) -> Option<[u8; SIGNATURE_LENGTH]> {
    bytes.as_ref().try_into().ok()
}
