//! What a batch that was built says, from its rows.
//!
//! Owns the reading of heads. Assumes that rows are whole: they were written in one commit.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolValue;
use assay_node::store::{Store, StoreError};
use assay_protocol::BlobRef;
use assay_protocol::data::layout::{Layout, RECORD_SIZE};
use assay_protocol::data::{Record, parse_record};
use assay_protocol::objects::{Batch, Claim, Domain, Origin};

use crate::rows::{BUILDS, BuildRow, HEADS};

/// A leaf whose fate may be open.
#[derive(Clone, Copy, Debug)]
pub struct LeafState {
    /// Number of its task.
    pub sequence: u64,
    /// The attempt.
    pub attempt: u32,
    /// The task.
    pub task: B256,
    /// Whose stake is behind it.
    pub executor: Address,
    /// Where its input is.
    pub input: Origin,
    /// Where its program's module is.
    pub wasm: Origin,
    /// Its input and output.
    pub blobs: [BlobRef; 2],
}

/// The leaves of a batch.
#[derive(Clone, Debug)]
pub struct Undecided {
    /// Which build it is.
    pub build: u32,
    /// Hash of its header.
    pub hash: B256,
    /// The leaves.
    pub leaves: Vec<LeafState>,
}

/// The build of a batch that counts: the newest.
///
/// # Errors
/// If the rows can't be read.
pub fn newest_build(store: &Store, number: u64) -> Result<Option<(u32, BuildRow)>, StoreError> {
    let newest = store.range_back(&BUILDS, (number, 0)..=(number, u32::MAX)).next().transpose()?;
    Ok(newest.map(|((_, build), row)| (build, row)))
}

/// A record of a batch.
pub fn record_of<'a>(header: &Batch, head: &'a Bytes, index: u32) -> Option<&'a Record> {
    let layout = Layout { count: header.count, blob_count: header.blob_count };
    let at = layout.record(index);
    head.get(at.start as usize..at.end as usize)
        .filter(|_| index < header.count)?
        .as_array::<{ RECORD_SIZE as usize }>()
}

/// Every leaf of the build that counts.
///
/// # Errors
/// If the rows can't be read.
pub fn leaves_of(store: &Store, domain: &Domain, number: u64) -> Result<Option<Undecided>, StoreError> {
    let Some((build, row)) = newest_build(store, number)? else { return Ok(None) };
    let head = store.get(&HEADS, &(number, build))?.unwrap_or_default();
    let leaf = |claim: Claim| LeafState {
        sequence: claim.sequence,
        attempt: claim.result.attempt,
        task: claim.result.task,
        executor: claim.result.executor,
        input: claim.input.origin().unwrap_or(Origin::Absent),
        wasm: claim.wasm.origin().unwrap_or(Origin::Absent),
        blobs: [claim.request.input, claim.result.output],
    };
    let header = row.header;
    let records = (0..header.count).filter_map(|index| record_of(&header, &head, index));
    let leaves = records.map(|record| leaf(parse_record(record, header.region, domain))).collect();
    Ok(Some(Undecided { build, hash: header.hash(), leaves }))
}

/// The name of a leaf before the court.
pub fn claim_id(region: B256, number: u64, index: u32) -> B256 {
    keccak256((region, U256::from(number), U256::from(index)).abi_encode())
}
