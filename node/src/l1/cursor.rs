//! Where a reader stands, as it is written down.
//!
//! Owns the row of a reader and its checks. Assumes that it is written in the batch of the delivery that it follows. It is written
//! whole each time, some kilobytes, so that a role that leaves out a mark only reads more again.

use super::{BlockRef, Chain, L1Error};
use crate::store::{Batch, Record, Schema, Table};
use alloy_primitives::{Address, B256, Keccak256};
use serde::{Deserialize, Serialize};

/// One row for each reader of a process, by its number.
pub const CURSORS: Table<u8, Cursor> = Table::new("l1_cursors");

/// Adds the reader's table to a schema.
pub fn schema(schema: Schema) -> Schema {
    schema.table(&CURSORS)
}

/// Forgets where a reader stands: it will read from its start again. For the batch in which a role throws its own rows away.
pub fn forget(batch: &mut Batch, stream: u8) {
    batch.delete(&CURSORS, &stream);
}

/// Where a reader stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Chain id and hash of block 0: an id alone is shared by every development chain.
    pub chain: (u64, B256),
    /// Fingerprint of the addresses and topics that were asked for.
    pub filter: B256,
    /// The first block that was to be read at all.
    pub start: u64,
    /// The first block that was not delivered.
    pub next: u64,
    /// Blocks that may still be taken back, oldest first.
    pub blocks: Vec<BlockRef>,
}

impl Record for Cursor {
    const VERSION: u8 = 1;
}

impl Cursor {
    /// The row for a chain as it stands.
    pub(super) fn of(chain: &Chain, identity: (u64, B256), filter: B256) -> Self {
        let blocks = chain.blocks().copied().collect();
        Cursor { chain: identity, filter, start: chain.start(), next: chain.next(), blocks }
    }

    /// The chain that the row describes, when it was written for the same events.
    pub(super) fn restore(self, stream: u8, start: u64, filter: B256, depth_max: u64) -> Result<Chain, L1Error> {
        let other = |what, got: String, wanted: String| Err(L1Error::AnotherFilter { stream, what, got, wanted });
        if self.start != start {
            return other("first block", self.start.to_string(), start.to_string());
        }
        if self.filter != filter {
            return other("addresses or topics", self.filter.to_string(), filter.to_string());
        }
        Chain::restore(self.start, self.next, depth_max, self.blocks).ok_or(L1Error::BrokenCursor { stream })
    }
}

/// Fingerprint of what is asked for. Order does not matter.
pub(super) fn fingerprint(addresses: &[Address], topics: &[B256]) -> B256 {
    let (mut addresses, mut topics) = (addresses.to_vec(), topics.to_vec());
    addresses.sort_unstable();
    topics.sort_unstable();
    let mut hasher = Keccak256::new();
    hasher.update((addresses.len() as u64).to_be_bytes());
    addresses.iter().for_each(|address| hasher.update(address));
    topics.iter().for_each(|topic| hasher.update(topic));
    hasher.finalize()
}
