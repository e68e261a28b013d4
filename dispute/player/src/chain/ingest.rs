//! What a delivery of the reader changes in the store: rows written for new blocks, rows deleted of dropped ones.
//!
//! Owns the writes of derivation; whoever calls adds the reader's mark and commits. Rows of events are written as they came; what is
//! derived from them, bytes of parts and the two indexes, is written and deleted with them, so that it holds at every commit.

use std::collections::BTreeMap;
use std::ops::RangeBounds;

use alloy_primitives::{Bytes, Log};
use alloy_sol_types::SolEvent;
use assay_node::store::{Batch, Store};
use assay_protocol::contracts::Batches;
use assay_protocol::data::Data;
use assay_protocol::data::layout::PART_SIZE;
use assay_protocol::deployment::Deployment;
use assay_protocol::faults::data_faults;
use assay_protocol::objects::{self, Place};

use super::error::{ChainError, FoldError};
use super::rows::{
    ATTEMPTS, AttemptKey, BLOBS, BlobKey, BlobRow, EVENTS, EventRow, LogPlace, PARTS, PartKey, RESETTING, attempt_key,
    is_part,
};
use super::view::{View, header};

/// Deletions in one batch of a reset.
const RESET_ROWS: usize = 4096;

/// A log with where and when it was emitted.
#[derive(Clone, Debug)]
pub struct Placed {
    /// Block and index.
    pub place: LogPlace,
    /// L1 time of the block.
    pub time: u64,
    /// The log.
    pub log: Log,
}

/// Writes what logs of new blocks say.
pub fn write(batch: &mut Batch, deployment: &Deployment, logs: &[Placed]) -> Result<(), ChainError> {
    let mut parts: BTreeMap<PartKey, Bytes> = BTreeMap::new();
    for Placed { place, time, log } in logs {
        let is_of_batches = log.address == deployment.contracts.batches;
        if is_of_batches && is_part(log) {
            let event = decode::<Batches::DataPosted>(log)?;
            let (region, number, part) = (event.region, event.number, event.part);
            let key = ((region, number), (part, *place));
            batch.put(&PARTS, &key, &event.data)?;
            batch.put(&EVENTS, place, &EventRow::Part { region, number, part })?;
            parts.insert(key, event.data);
            continue;
        }
        batch.put(&EVENTS, place, &EventRow::of(*time, log))?;
        if is_of_batches && log.data.topics().first() == Some(&Batches::BatchPosted::SIGNATURE_HASH) {
            let posted = header(&decode::<Batches::BatchPosted>(log)?.batch);
            let derived = derive(deployment, &posted, batch.store(), &parts)?;
            for key in &derived.attempts {
                batch.put(&ATTEMPTS, key, &())?;
            }
            for (key, row) in &derived.blobs {
                batch.put(&BLOBS, key, row)?;
            }
        }
    }
    Ok(())
}

/// Deletes all that came from blocks from `void_from` on.
pub fn delete(batch: &mut Batch, deployment: &Deployment, void_from: u64) -> Result<(), ChainError> {
    let store = batch.store().clone();
    for row in store.range(&EVENTS, (void_from, 0)..) {
        let (place, row) = row?;
        batch.delete(&EVENTS, &place);
        let (time, log) = match row {
            EventRow::Part { region, number, part } => {
                batch.delete(&PARTS, &((region, number), (part, place)));
                continue;
            }
            log @ EventRow::Log { .. } => log.log().expect("it is a log"),
        };
        let _ = time;
        let is_posting = log.data.topics().first() == Some(&Batches::BatchPosted::SIGNATURE_HASH);
        if log.address == deployment.contracts.batches && is_posting {
            let posted = header(&decode::<Batches::BatchPosted>(&log)?.batch);
            // The parts are still all there: nothing of this batch is committed yet.
            let derived = derive(deployment, &posted, &store, &BTreeMap::new())?;
            derived.attempts.iter().for_each(|key| batch.delete(&ATTEMPTS, key));
            derived.blobs.iter().for_each(|(key, _)| batch.delete(&BLOBS, key));
        }
    }
    Ok(())
}

/// Takes the rows of these places into a view that has all before them.
pub fn take(store: &Store, view: &mut View, places: impl RangeBounds<LogPlace>) -> Result<(), ChainError> {
    for row in store.range(&EVENTS, places) {
        let ((block, _), row) = row?;
        if let Some((time, log)) = row.log() {
            view.apply(block, time, &log)?;
        }
    }
    Ok(())
}

/// Throws all rows away, and where the reader stands. A crash in between is seen to by [`finish_reset`].
pub fn reset(store: &Store, stream: u8) -> Result<(), ChainError> {
    let mut batch = store.batch();
    batch.put(&RESETTING, &(), &())?;
    assay_node::l1::forget(&mut batch, stream);
    batch.commit()?;
    finish_reset(store)
}

/// Goes on with a reset that was begun, if one was.
pub fn finish_reset(store: &Store) -> Result<(), ChainError> {
    if store.get(&RESETTING, &())?.is_none() {
        return Ok(());
    }
    clear(store, &EVENTS)?;
    clear(store, &PARTS)?;
    clear(store, &ATTEMPTS)?;
    clear(store, &BLOBS)?;
    let mut batch = store.batch();
    batch.delete(&RESETTING, &());
    Ok(batch.commit()?)
}

fn clear<K: assay_node::store::Key, V: assay_node::store::Record>(
    store: &Store,
    table: &assay_node::store::Table<K, V>,
) -> Result<(), ChainError> {
    loop {
        let mut batch = store.batch();
        for row in store.range(table, ..).take(RESET_ROWS) {
            batch.delete(table, &row?.0);
        }
        if batch.is_empty() {
            return Ok(());
        }
        batch.commit_lazily()?;
    }
}

/// What follows from a batch's bytes.
struct Derived {
    attempts: Vec<AttemptKey>,
    blobs: Vec<(BlobKey, BlobRow)>,
}

/// Reads a batch's bytes, holds them against its header, and lists its attempts and, if nothing is wrong with the bytes, its blobs.
/// `fresh` are parts that are not committed yet.
fn derive(
    deployment: &Deployment,
    posted: &objects::Batch,
    store: &Store,
    fresh: &BTreeMap<PartKey, Bytes>,
) -> Result<Derived, ChainError> {
    let (region, number) = (posted.region, posted.number);
    let mut bytes = Vec::with_capacity(posted.data_length as usize);
    for part in 0..(posted.data_length as usize).div_ceil(PART_SIZE) as u32 {
        let (first, last) = ((part, (0, 0)), (part, (u64::MAX, u64::MAX)));
        let range = ((region, number), first)..=((region, number), last);
        let newest = match fresh.range(range.clone()).next_back() {
            Some((_, bytes)) => Some(bytes.clone()),
            None => store.range_back(&PARTS, range).next().transpose()?.map(|(_, bytes)| bytes),
        };
        bytes.extend_from_slice(&newest.ok_or(ChainError::Part { region, number, part })?);
    }
    let domain = deployment.domain();
    let wrong = |reason| ChainError::Data { region, number, reason };
    let data = Data::open(posted, &domain, &bytes).map_err(wrong)?;
    let place = |index| Place { batch: number, index };
    let attempt = |(index, claim): (u32, objects::Claim)| {
        attempt_key(region, claim.result.task, claim.result.attempt, place(index))
    };
    let attempts = (0..).zip(data.claims()).map(attempt).collect();
    let mut blobs: Vec<(BlobKey, BlobRow)> = Vec::new();
    // Of well-formed bytes alone: then each entry's blob lies where it says, and the work is linear in the bytes.
    if data_faults(&data).is_empty() {
        for (index, entry) in (0..posted.blob_count).filter_map(|index| Some((index, data.entry(index)?))) {
            blobs.push(((entry.blob.root, (region, (number, index))), BlobRow { length: entry.blob.length }));
        }
    }
    Ok(Derived { attempts, blobs })
}

fn decode<E: SolEvent>(log: &Log) -> Result<E, FoldError> {
    let contract = log.address;
    Ok(E::decode_log(log).map_err(|reason| FoldError::Log { contract, reason })?.data)
}

/// Newest block that has rows.
pub fn newest(store: &Store) -> Result<Option<u64>, ChainError> {
    Ok(store.last(&EVENTS)?.map(|((block, _), _)| block))
}

#[cfg(test)]
pub fn count(store: &Store, hash: assay_protocol::B256) -> usize {
    store.prefix(&ATTEMPTS, &hash).count()
}
