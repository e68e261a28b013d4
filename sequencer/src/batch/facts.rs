//! The facts of L1 that the check of a batch leans on, from the tables and the view.
//!
//! Owns no decisions. What it says of earlier batches is of the builds that count, and of those that stand on L1.

use std::cell::RefCell;
use std::collections::HashMap;

use alloy_primitives::{Address, B256};
use assay_node::store::StoreError;
use assay_protocol::BlobRef;
use assay_protocol::faults::{Facts, LeafFacts, ProgramFacts};
use assay_protocol::objects::{Place, Role};

use super::leaves::{Undecided, claim_id, leaves_of, newest_build};
use crate::context::Context;
use crate::l1::{Standing, View};
use crate::rows::{LEAVES, PROGRAMS, SEQUENCES};

/// Facts as this sequencer knows them.
pub struct Known<'a> {
    /// Names and tables.
    pub context: &'a Context,
    /// L1.
    pub view: &'a View,
    /// Batches that were read for this check.
    read: RefCell<HashMap<u64, Option<Undecided>>>,
}

impl<'a> Known<'a> {
    /// Facts of a moment.
    pub fn new(context: &'a Context, view: &'a View) -> Self {
        Self { context, view, read: RefCell::default() }
    }
}

impl Facts for Known<'_> {
    type Error = StoreError;

    fn is_registered(&self, executor: Address, time: u64) -> Result<bool, StoreError> {
        Ok(self.view.registry.is_registered(Role::Executor, executor, time))
    }

    fn is_key(&self, executor: Address, key: Address, time: u64) -> Result<bool, StoreError> {
        Ok(self.view.registry.is_key(Role::Executor, executor, key, time))
    }

    fn program(&self, program: B256) -> Result<Option<ProgramFacts>, StoreError> {
        let Some(registered_at) = self.view.registry.program(&program) else { return Ok(None) };
        let row = self.context.store.get(&PROGRAMS, &program)?;
        Ok(row.map(|row| ProgramFacts { registered_at, wasm: row.wasm }))
    }

    fn leaf(&self, place: Place) -> Result<Option<LeafFacts>, StoreError> {
        let mut read = self.read.borrow_mut();
        if let std::collections::hash_map::Entry::Vacant(entry) = read.entry(place.batch) {
            entry.insert(leaves_of(&self.context.store, &self.context.domain, place.batch)?);
        }
        let batch = read.get(&place.batch).and_then(Option::as_ref);
        let Some((batch, leaf)) = batch.and_then(|batch| Some((batch, batch.leaves.get(place.index as usize)?))) else {
            return Ok(None);
        };
        let Some(posting) = self.view.posting(place.batch).filter(|posting| posting.hash == batch.hash) else {
            return Ok(None);
        };
        let claim = claim_id(self.context.region, place.batch, place.index);
        let window_end = posting.posted_at + self.context.parameters.window;
        let convicted_at = match self.view.standing(&claim, leaf.executor, window_end) {
            Standing::Void(at) => Some(at),
            Standing::Clear | Standing::Held => None,
        };
        let voided_at = posting.voided_at.or(convicted_at);
        Ok(Some(LeafFacts { task: leaf.task, attempt: leaf.attempt, output: leaf.blobs[1], voided_at }))
    }

    fn entry(&self, batch: u64, index: u32) -> Result<Option<BlobRef>, StoreError> {
        let build = newest_build(&self.context.store, batch)?;
        Ok(build.and_then(|(_, row)| row.blobs.get(index as usize).copied()))
    }

    fn attempt(&self, task: B256, attempt: u32, number: u64) -> Result<Option<Place>, StoreError> {
        let Some(sequence) = self.context.store.get(&SEQUENCES, &task)? else { return Ok(None) };
        let place = self.context.store.get(&LEAVES, &(sequence, attempt))?;
        Ok(place.map(|row| row.0).filter(|place| place.batch < number))
    }
}
