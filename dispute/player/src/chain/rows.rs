//! The tables of derivation: events by where they stand, bytes of batches, and two indexes over those.
//!
//! Owns the shapes of rows and their keys. Every row follows from a log, and goes with it when L1 drops its block.
//!
//! ```text
//! EVENTS     (block, log index)                            -> the event, a part of data without its bytes
//! PARTS      ((region, batch), (part, (block, log index))) -> bytes of the part; the last in key order counts
//! ATTEMPTS   (hash of region, task and attempt, place)     -> a leaf of this task and attempt
//! BLOBS      (root, (region, (batch, entry)))              -> length of a blob that lies there, checked against its root
//! RESETTING  ()                                            -> all of these are about to be thrown away
//! ```

use alloy_primitives::{Address, Bytes, LogData, keccak256};
use alloy_sol_types::SolEvent;
use assay_node::store::{Record, Schema, Table};
use assay_protocol::B256;
use assay_protocol::contracts::Batches;
use assay_protocol::objects::Place;
use serde::{Deserialize, Serialize};

/// Where a log stands: block and index in it.
pub type LogPlace = (u64, u64);

/// Key of a part: of which batch, which, and where it was posted.
pub type PartKey = ((B256, u64), (u32, LogPlace));

/// Key of an attempt: what it is of, and where it stands.
pub type AttemptKey = (B256, (u64, u32));

/// Key of a blob: its root, and the entry that has it.
pub type BlobKey = (B256, (B256, (u64, u32)));

pub const EVENTS: Table<LogPlace, EventRow> = Table::new("chain_events");
pub const PARTS: Table<PartKey, Bytes> = Table::new("chain_parts");
pub const ATTEMPTS: Table<AttemptKey, ()> = Table::new("chain_attempts");
pub const BLOBS: Table<BlobKey, BlobRow> = Table::new("chain_blobs");
pub const RESETTING: Table<(), ()> = Table::new("chain_resetting");

/// Adds the tables of derivation to a schema.
#[must_use]
pub fn schema(schema: Schema) -> Schema {
    schema.table(&EVENTS).table(&PARTS).table(&ATTEMPTS).table(&BLOBS).table(&RESETTING)
}

/// An event as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventRow {
    /// A part of a batch's data, whose bytes are in [`PARTS`].
    Part {
        /// Whose.
        region: B256,
        /// Of which batch.
        number: u64,
        /// Which part.
        part: u32,
    },
    /// Any other event, as the contract emitted it.
    Log {
        /// L1 time of its block.
        time: u64,
        /// The contract.
        address: Address,
        /// Its topics.
        topics: Vec<B256>,
        /// Its data.
        data: Bytes,
    },
}

impl Record for EventRow {
    const VERSION: u8 = 1;
}

/// Length in bytes of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRow {
    /// Bytes.
    pub length: u64,
}

impl Record for BlobRow {
    const VERSION: u8 = 1;
}

impl EventRow {
    /// The row of a log that is no part of data.
    pub fn of(time: u64, log: &alloy_primitives::Log) -> Self {
        let topics = log.data.topics().to_vec();
        Self::Log { time, address: log.address, topics, data: log.data.data.clone() }
    }

    /// Time and log, unless it is a part of data, which changes nothing in the view.
    pub fn log(self) -> Option<(u64, alloy_primitives::Log)> {
        match self {
            Self::Part { .. } => None,
            Self::Log { time, address, topics, data } => {
                Some((time, alloy_primitives::Log { address, data: LogData::new_unchecked(topics, data) }))
            }
        }
    }
}

/// Whether a log of the contract of batches is a part of data.
pub fn is_part(log: &alloy_primitives::Log) -> bool {
    log.data.topics().first() == Some(&Batches::DataPosted::SIGNATURE_HASH)
}

/// What attempts at a task have in common.
pub fn attempt_hash(region: B256, task: B256, attempt: u32) -> B256 {
    keccak256([region.as_slice(), task.as_slice(), &attempt.to_be_bytes()].concat())
}

/// The key of an attempt.
pub fn attempt_key(region: B256, task: B256, attempt: u32, place: Place) -> AttemptKey {
    (attempt_hash(region, task, attempt), (place.batch, place.index))
}
