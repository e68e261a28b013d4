//! Rows of a build: what the tables say of it while it counts, and how that is taken back.
//!
//! Owns the rows that point to a build from elsewhere: where leaves, blobs and outputs are. They are made of the build's directory and head
//! alone, so that those of a build that counts again can be written again.

use alloy_primitives::{B256, Bytes};
use assay_node::store::{Batch as Commit, StoreError};
use assay_protocol::BlobRef;
use assay_protocol::data::parse_record;
use assay_protocol::objects::{Batch, Claim, Origin, Place};

use super::leaves::record_of;
use crate::context::Context;
use crate::rows::{BUILDS, BuildRow, DIRECTORY, HEADS, LEAVES, OUTPUTS, OutputRow, PlaceRow, UNDECIDED};

/// Rows of a batch.
pub struct Rows {
    pub(super) build: (u64, u32),
    pub(super) header: Batch,
    pub(super) blobs: Vec<BlobRef>,
    pub(super) head: Bytes,
    pub(super) outputs: Vec<(BlobRef, OutputRow)>,
    /// Sequence numbers and attempts.
    pub(super) leaves: Vec<(u64, u32)>,
}

impl Rows {
    /// Those of a build that was written before; `None` if it never was.
    ///
    /// # Errors
    /// If the rows can't be read.
    pub fn of(context: &Context, number: u64, build: u32) -> Result<Option<Self>, StoreError> {
        let Some(BuildRow { header, blobs, .. }) = context.store.get(&BUILDS, &(number, build))? else {
            return Ok(None);
        };
        let head = context.store.get(&HEADS, &(number, build))?.unwrap_or_default();
        let (mut outputs, mut leaves) = (Vec::new(), Vec::new());
        let records = (0..header.count).filter_map(|index| record_of(&header, &head, index));
        for (index, record) in (0..).zip(records) {
            let claim = parse_record(record, header.region, &context.domain);
            let place = Place { batch: number, index };
            if let Some(row) = output_row(context, &outputs, &claim, place)? {
                outputs.push((claim.result.output, row));
            }
            leaves.push((claim.sequence, claim.result.attempt));
        }
        Ok(Some(Self { build: (number, build), header, blobs, head, outputs, leaves }))
    }

    /// Writes a build down for the first time, with the names of the intents that post it.
    ///
    /// # Errors
    /// If a row can't be encoded, which none is.
    pub fn write(&self, intents: Vec<B256>, commit: &mut Commit) -> Result<(), StoreError> {
        let row = BuildRow { header: self.header, blobs: self.blobs.clone(), intents };
        commit.put(&BUILDS, &self.build, &row)?;
        commit.put(&HEADS, &self.build, &self.head)?;
        self.point(commit)
    }

    /// Has the tables say that this build counts. What was said of the number before is overwritten.
    ///
    /// # Errors
    /// If a row can't be encoded, which none is.
    pub fn point(&self, commit: &mut Commit) -> Result<(), StoreError> {
        let (number, _) = self.build;
        commit.put(&UNDECIDED, &number, &())?;
        for (index, blob) in (0..).zip(&self.blobs) {
            commit.put(&DIRECTORY, &(blob.root, blob.length), &PlaceRow(Place { batch: number, index }))?;
        }
        for (blob, row) in &self.outputs {
            commit.put(&OUTPUTS, &(blob.root, blob.length), row)?;
        }
        for (index, leaf) in (0..).zip(&self.leaves) {
            commit.put(&LEAVES, leaf, &PlaceRow(Place { batch: number, index }))?;
        }
        Ok(())
    }

    /// Takes back what the tables say of this build. The build itself stays: it may be posted after all.
    pub fn unpoint(&self, commit: &mut Commit) {
        commit.delete(&UNDECIDED, &self.build.0);
        self.blobs.iter().for_each(|blob| commit.delete(&DIRECTORY, &(blob.root, blob.length)));
        self.outputs.iter().for_each(|(blob, _)| commit.delete(&OUTPUTS, &(blob.root, blob.length)));
        self.leaves.iter().for_each(|leaf| commit.delete(&LEAVES, leaf));
    }
}

/// What is remembered of a leaf's output, if it is too long to be posted when it becomes an input. `before` are those of the same batch.
///
/// # Errors
/// If the rows can't be read.
pub(super) fn output_row(
    context: &Context,
    before: &[(BlobRef, OutputRow)],
    claim: &Claim,
    place: Place,
) -> Result<Option<OutputRow>, StoreError> {
    let (input, output) = (claim.request.input, claim.result.output);
    if output.length <= context.config.batches.posted_input_bytes_max {
        return Ok(None);
    }
    let chain_length = match claim.input.origin() {
        Ok(Origin::Here(_) | Origin::Earlier(_)) => 1,
        Ok(Origin::Output(_)) => {
            // The row is under the input's name, which is the output there.
            let drafted = before.iter().find(|(output, _)| *output == input).map(|(_, row)| *row);
            let row = match drafted {
                Some(row) => Some(row),
                None => context.store.get(&OUTPUTS, &(input.root, input.length))?,
            };
            row.map_or(u8::MAX, |row| row.chain_length.saturating_add(1))
        }
        // Never final: nothing that hangs on it is.
        Ok(Origin::Absent) | Err(_) => return Ok(None),
    };
    Ok(Some(OutputRow { place, chain_length }))
}
