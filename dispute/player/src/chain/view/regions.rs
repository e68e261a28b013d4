//! Regions and their batches, as the events of the contract Batches have them (specs/12-batches.md).
//!
//! Owns headers and times. The bytes of a batch are in the store.

use std::collections::BTreeMap;

use alloy_primitives::Address;
use assay_protocol::B256;
use assay_protocol::contracts::Batches::{self, BatchesEvents};
use assay_protocol::objects::Batch;

use crate::chain::error::FoldError;

/// A region: whose it is, and what was posted to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// The owner of the stake behind its batches.
    pub sequencer: Address,
    /// The name that it was opened under.
    pub name: B256,
    /// Its batches; batch `number` stands at that index.
    pub batches: Vec<BatchState>,
}

/// A batch that was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchState {
    /// Its header.
    pub header: Batch,
    /// The header's hash.
    pub hash: B256,
    /// L1 time of the posting.
    pub posted_at: u64,
    /// The block of the posting.
    pub block: u64,
    /// L1 time since which it is void by a proven fault.
    pub voided_at: Option<u64>,
}

/// All regions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Regions {
    regions: BTreeMap<B256, Region>,
    by_hash: BTreeMap<B256, (B256, u64)>,
}

impl Regions {
    pub(super) fn iter(&self) -> impl Iterator<Item = (B256, &Region)> {
        self.regions.iter().map(|(id, region)| (*id, region))
    }

    pub(super) fn get(&self, region: B256) -> Option<&Region> {
        self.regions.get(&region)
    }

    pub(super) fn of_hash(&self, hash: B256) -> Option<(B256, u64)> {
        self.by_hash.get(&hash).copied()
    }

    pub(super) fn take(&mut self, block: u64, time: u64, event: &BatchesEvents) -> Result<(), FoldError> {
        match event {
            BatchesEvents::RegionOpened(event) => {
                let region = Region { sequencer: event.sequencer, name: event.name, batches: Vec::new() };
                self.regions.insert(event.region, region);
            }
            BatchesEvents::BatchPosted(event) => self.posted(block, time, event)?,
            BatchesEvents::BatchVoided(event) => {
                let (region, got) = (event.region, event.number);
                let batches = &mut self.region(region)?.batches;
                let wanted = (batches.len() as u64).saturating_sub(1);
                let batch = usize::try_from(got).ok().and_then(|number| batches.get_mut(number));
                batch.ok_or(FoldError::Number { region, got, wanted })?.voided_at = Some(time);
            }
            // Bytes are the store's matter.
            _ => {}
        }
        Ok(())
    }

    fn posted(&mut self, block: u64, time: u64, event: &Batches::BatchPosted) -> Result<(), FoldError> {
        let (region, number, got) = (event.region, event.number, event.batchHash);
        let header = header(&event.batch);
        let wanted = header.hash();
        if (got, header.region, header.number) != (wanted, region, number) {
            return Err(FoldError::Hash { region, number, got, wanted });
        }
        let batches = &mut self.region(region)?.batches;
        let next = batches.len() as u64;
        if number != next {
            return Err(FoldError::Number { region, got: number, wanted: next });
        }
        batches.push(BatchState { header, hash: wanted, posted_at: time, block, voided_at: None });
        self.by_hash.insert(wanted, (region, number));
        Ok(())
    }

    fn region(&mut self, region: B256) -> Result<&mut Region, FoldError> {
        self.regions.get_mut(&region).ok_or(FoldError::UnknownRegion { region })
    }
}

/// The header of a contract's binding.
pub fn header(batch: &Batches::Batch) -> Batch {
    Batch {
        region: batch.region,
        number: batch.number,
        parent: batch.parent,
        first_sequence: batch.firstSequence,
        leaf_root: batch.leafRoot,
        count: batch.count,
        data_root: batch.dataRoot,
        data_length: batch.dataLength,
        blob_count: batch.blobCount,
        as_of: batch.asOf,
        min_deadline: batch.minDeadline,
    }
}
