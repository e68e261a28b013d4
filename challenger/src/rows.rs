//! What a challenger keeps: how far it has come with each batch, verdicts within windows, and tallies by executor.
//!
//! Owns the shapes of rows. A verdict, what it adds to a tally, and what follows from it are one commit: a restart repeats nothing that
//! is written, and misses nothing that is not.
//!
//! ```text
//! BATCHES   (region, batch)         -> hash and posting, what its face showed, whether all chosen leaves have verdicts
//! VERDICTS  (region, (batch, leaf)) -> what running it again came to; kept while its batch is under way, and of lies for ever
//! TALLIES   executor                -> sums of verdicts
//! TOTALS    ()                      -> sums over all
//! KEPT      (time, (region, (batch, leaf))) -> blobs of a run that is disputed, pinned until no game on it can be open any more
//! KEY       ()                      -> the sampling key of a watcher without an account
//! ```

use alloy_primitives::Address;
use assay_node::store::{Record, Schema, Table};
use assay_protocol::B256;
use serde::{Deserialize, Serialize};

use crate::teller::ALARMS;

/// Key of a leaf's row.
pub type LeafKey = (B256, (u64, u32));

/// Batches by region and number.
pub const BATCHES: Table<(B256, u64), BatchRow> = Table::new("challenger_batches");
/// Verdicts by leaf.
pub const VERDICTS: Table<LeafKey, VerdictRow> = Table::new("challenger_verdicts");
/// Tallies by executor.
pub const TALLIES: Table<Address, Tally> = Table::new("challenger_tallies");
/// Roots and lengths of what runs need that are disputed, by the time until which it is kept.
pub const KEPT: Table<(u64, LeafKey), KeptRow> = Table::new("challenger_kept");
/// Sums over all.
pub const TOTALS: Table<(), Totals> = Table::new("challenger_totals");
/// The sampling key of a watcher without an account.
pub const KEY: Table<(), B256> = Table::new("challenger_key");

/// Adds the challenger's tables to a schema.
#[must_use]
pub fn schema(schema: Schema) -> Schema {
    schema.table(&BATCHES).table(&VERDICTS).table(&TALLIES).table(&TOTALS).table(&KEPT).table(&KEY).table(&ALARMS)
}

/// What a batch's face showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Face {
    /// Its window was over before it was looked at.
    Skipped,
    /// Nothing is wrong with it.
    Clean,
    /// Something is wrong with it, and is being proven.
    Faulty {
        /// Faults found.
        count: u32,
        /// Attempts that came to nothing. They go through the faults in turn.
        proving: u32,
    },
}

/// How far a batch has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchRow {
    /// Its hash: another batch of the same number is another.
    pub hash: B256,
    /// L1 time of its posting.
    pub posted_at: u64,
    /// Its leaves.
    pub leaves: u32,
    /// What its face showed.
    pub face: Face,
    /// Whether nothing is left to be done about it.
    pub is_done: bool,
}

impl Record for BatchRow {
    const VERSION: u8 = 1;
}

/// What running a leaf again came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The same result.
    Agreed,
    /// Another result.
    Wrong,
    /// Bytes of the run were not to be had.
    Unavailable,
    /// This host has no result, or nobody can have one by the module that L1 names.
    Declined,
    /// There was no time left to run it.
    Missed,
}

/// A leaf's verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictRow {
    /// Hash of its batch.
    pub batch: B256,
    /// The verdict.
    pub verdict: Verdict,
    /// Whose claim it is.
    pub executor: Address,
}

impl Record for VerdictRow {
    const VERSION: u8 = 1;
}

/// Blobs that are pinned for a leaf's sake: roots and lengths.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRow(pub Vec<(B256, u64)>);

impl Record for KeptRow {
    const VERSION: u8 = 1;
}

/// Verdicts about one executor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Leaves that were chosen and came to a verdict.
    pub sampled: u64,
    /// Of these, the same result.
    pub agreed: u64,
    /// Another result.
    pub wrong: u64,
    /// Bytes not to be had.
    pub unavailable: u64,
    /// No result here.
    pub declined: u64,
    /// No time left.
    pub missed: u64,
}

impl Record for Tally {
    const VERSION: u8 = 1;
}

impl Tally {
    /// Adds a verdict.
    pub fn add(&mut self, verdict: Verdict) {
        self.sampled += 1;
        *match verdict {
            Verdict::Agreed => &mut self.agreed,
            Verdict::Wrong => &mut self.wrong,
            Verdict::Unavailable => &mut self.unavailable,
            Verdict::Declined => &mut self.declined,
            Verdict::Missed => &mut self.missed,
        } += 1;
    }
}

/// Sums over all batches; one that L1 drops is taken off again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Batches whose faces were looked at.
    pub batches: u64,
    /// Their leaves.
    pub leaves: u64,
    /// Batches whose windows were over before.
    pub batches_skipped: u64,
    /// Their leaves.
    pub leaves_skipped: u64,
    /// Batches with a face fault.
    pub batches_faulty: u64,
}

impl Record for Totals {
    const VERSION: u8 = 1;
}

impl Totals {
    /// Counts a batch.
    pub fn add(&mut self, row: &BatchRow) {
        self.change(row, |sum, by| *sum += by);
    }

    /// Takes a batch off that was counted.
    pub fn take_off(&mut self, row: &BatchRow) {
        self.change(row, |sum, by| *sum = sum.saturating_sub(by));
    }

    fn change(&mut self, row: &BatchRow, change: impl Fn(&mut u64, u64)) {
        let (batches, leaves) = match row.face {
            Face::Skipped => (&mut self.batches_skipped, &mut self.leaves_skipped),
            Face::Clean | Face::Faulty { .. } => (&mut self.batches, &mut self.leaves),
        };
        change(batches, 1);
        change(leaves, row.leaves.into());
        if matches!(row.face, Face::Faulty { .. }) {
            change(&mut self.batches_faulty, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch that L1 drops and takes again counts once.
    #[test]
    fn what_is_taken_off_is_what_was_added() {
        let row = |face| BatchRow { hash: B256::ZERO, posted_at: 1, leaves: 5, face, is_done: false };
        let mut totals = Totals::default();
        let faulty = row(Face::Faulty { count: 2, proving: 0 });
        for row in [&row(Face::Clean), &faulty, &row(Face::Skipped)] {
            totals.add(row);
        }
        let all = Totals { batches: 2, leaves: 10, batches_skipped: 1, leaves_skipped: 5, batches_faulty: 1 };
        assert_eq!(totals, all);
        totals.take_off(&faulty);
        assert_eq!((totals.batches, totals.leaves, totals.batches_faulty), (1, 5, 0));
        totals.add(&faulty);
        assert_eq!(totals, all);
    }
}
