//! What a player keeps: challenges that it was asked for, and attempts at its jobs. By account, for several may share a store.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use assay_node::store::{Record, Schema, Store, StoreError, Table};
use assay_protocol::B256;
use serde::{Deserialize, Serialize};

use crate::chain::LeafId;

/// Key of a challenge: who, and which leaf.
pub type ChallengeKey = (Address, (B256, (u64, u32)));

/// Challenges that were asked for.
pub const CHALLENGES: Table<ChallengeKey, ChallengeRow> = Table::new("player_challenges");

/// Jobs that an intent was submitted for, by account and name.
pub const WORKS: Table<(Address, B256), WorkRow> = Table::new("player_works");

/// Adds the player's tables to a schema.
#[must_use]
pub fn schema(schema: Schema) -> Schema {
    schema.table(&CHALLENGES).table(&WORKS)
}

/// A challenge that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeRow {
    /// Whether to hold all claims of the executor.
    pub is_stay: bool,
}

impl Record for ChallengeRow {
    const VERSION: u8 = 1;
}

/// The newest attempt at a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkRow {
    /// Its number, from 0.
    pub attempt: u32,
    /// L1 time of the head by which it was made.
    pub made_at: u64,
    /// That head's block.
    pub block: u64,
    /// The game that it is about, if it is about one.
    pub game: Option<B256>,
}

impl Record for WorkRow {
    const VERSION: u8 = 1;
}

/// The key of a challenge.
#[must_use]
pub fn challenge_key(account: Address, leaf: LeafId) -> ChallengeKey {
    (account, (leaf.region, (leaf.batch, leaf.index)))
}

/// All challenges of an account.
///
/// # Errors
/// [`StoreError`].
pub fn challenges(store: &Store, account: Address) -> Result<BTreeMap<LeafId, ChallengeRow>, StoreError> {
    let row = |row: Result<(ChallengeKey, ChallengeRow), StoreError>| {
        let ((_, (region, (batch, index))), row) = row?;
        Ok((LeafId { region, batch, index }, row))
    };
    store.prefix(&CHALLENGES, &account).map(row).collect()
}
