//! Tasks that are posted: what memory keeps of them, which is next to nothing, and how they come back.
//!
//! ```text
//!            posted                     the window is over
//!   memory ──────────> tables only ─────────────────────────> over
//!     ^                    │
//!     └────────────────────┘ L1 has the batch no more, or the leaf is void
//! ```
//!
//! A window can be days, and a region that is busy has millions of tasks in it. So of a batch that is on L1 memory has its hash, its
//! executors, and which leaves are decided if not all are; the leaves are read again when something is to be decided. Assumes that rows of
//! a task that is posted are durable, long since.

use std::collections::BTreeSet;

use alloy_primitives::Address;
use assay_node::store::StoreError;
use assay_protocol::objects::Place;
use assay_protocol::rpc::TaskState;
use tracing::info;

use super::tasks::Task;
use super::{Core, CoreError, Inspection, Phase};
use crate::batch::{LeafState, Undecided, leaves_of};
use crate::context::now_ms;
use crate::l1::{Posting, Standing, View};
use crate::rows::{ENDS, LEAVES, LIVE, ORDERS, PROGRESS};

/// A batch with leaves whose fate is open.
#[derive(Clone, Debug)]
pub(super) struct OpenBatch {
    /// Which build it is.
    pub build: u32,
    /// Hash of its header.
    pub hash: alloy_primitives::B256,
    /// Whose results are in it.
    executors: BTreeSet<Address>,
    /// Leaves that are decided while others are not.
    pub decided: BTreeSet<u32>,
    /// Its window is over and leaves are held: the `court` of [`Batches`](super::batches::Batches) of that look. Until that has
    /// changed there is no use in another.
    pub held_at: Option<u64>,
    /// The leaves, as long as it is not on L1.
    leaves: Option<Vec<LeafState>>,
}

impl From<Undecided> for OpenBatch {
    /// A batch that is not on L1 yet.
    fn from(Undecided { build, hash, leaves }: Undecided) -> Self {
        let executors = leaves.iter().map(|leaf| leaf.executor).collect();
        Self { build, hash, executors, decided: BTreeSet::new(), held_at: None, leaves: Some(leaves) }
    }
}

impl OpenBatch {
    /// Whether an executor of it is convicted.
    pub fn has_convict(&self, view: &View) -> bool {
        self.executors.iter().any(|executor| view.is_convict(*executor))
    }

    /// Whether it is on L1, so that memory has neither its leaves nor their tasks.
    pub fn is_posted(&self) -> bool {
        self.leaves.is_none()
    }

    /// A leaf of a batch that is not on L1.
    pub fn leaf(&self, index: u32) -> Option<&LeafState> {
        self.leaves.as_ref()?.get(index as usize)
    }

    /// It is on L1.
    pub fn let_go(&mut self) {
        self.leaves = None;
    }
}

impl Core {
    /// The leaves of a batch that is undecided; none of another.
    pub(super) fn leaves(&self, number: u64) -> Result<Vec<LeafState>, StoreError> {
        let Some(batch) = self.batches.undecided.get(&number) else { return Ok(Vec::new()) };
        if let Some(leaves) = &batch.leaves {
            return Ok(leaves.clone());
        }
        let context = &self.parts.context;
        Ok(leaves_of(&context.store, &context.domain, number)?.map(|batch| batch.leaves).unwrap_or_default())
    }

    /// A batch is on L1.
    pub(super) fn posted(&mut self, number: u64, posting: Posting) -> Result<(), CoreError> {
        let known = self.batches.undecided.get(&number).is_some_and(|batch| batch.hash == posting.hash);
        if !known && !self.adopt(number, posting.hash)? {
            return Err(CoreError::ForeignBatch { number, got: posting.hash });
        }
        info!(number, block = posting.block, "a batch is posted");
        self.parts.metrics.batches_posted.inc();
        self.batches.in_flight.take_if(|batch| batch.number == number);
        for (index, leaf) in (0..).zip(self.leaves(number)?) {
            let place = Place { batch: number, index };
            if self.tasks.get(leaf.sequence).is_some_and(|task| task.phase == Phase::Sealed(place)) {
                self.tell(leaf.sequence, TaskState::Posted, Some(place));
                self.tasks.end(leaf.sequence);
            }
        }
        if let Some(batch) = self.batches.undecided.get_mut(&number) {
            batch.let_go();
        }
        // The one behind it may have been on its way already, before L1 was reorganised.
        self.fly_again()?;
        Ok(())
    }

    /// Brings back what L1 has no more: batches that were posted, and their tasks.
    pub(super) fn recall(&mut self) -> Result<(), StoreError> {
        let lost: Vec<u64> = self
            .batches
            .undecided
            .iter()
            .filter_map(|(number, batch)| {
                let is_lost = batch.is_posted() && self.batches.posting(&self.view, *number).is_none();
                is_lost.then_some(*number)
            })
            .collect();
        for number in lost {
            let leaves = self.leaves(number)?;
            for (index, leaf) in (0..).zip(&leaves) {
                let place = Place { batch: number, index };
                if !self.batches.undecided[&number].decided.contains(&index) {
                    self.remember(leaf, place)?;
                }
            }
            if let Some(batch) = self.batches.undecided.get_mut(&number) {
                batch.leaves = Some(leaves);
            }
        }
        Ok(())
    }

    /// Has memory know the task of a leaf again, if it is not over and not there.
    pub(super) fn remember(&mut self, leaf: &LeafState, place: Place) -> Result<(), StoreError> {
        let store = &self.parts.context.store;
        if self.tasks.get(leaf.sequence).is_some() || store.get(&LIVE, &leaf.sequence)?.is_none() {
            return Ok(());
        }
        let Some(order) = store.get(&ORDERS, &leaf.sequence)? else { return Ok(()) };
        let predecessor = store.get(&PROGRESS, &leaf.sequence)?.and_then(|row| row.predecessor);
        let (id, deadline, attempt) = (leaf.task, order.request.deadline, leaf.attempt);
        let task = Task { id, deadline, attempt, predecessor, from: None, phase: Phase::Sealed(place) };
        self.tasks.restore(leaf.sequence, task, now_ms());
        Ok(())
    }

    /// How far a task has come that memory does not have: it is posted, or over.
    pub(super) fn inspect_posted(&self, sequence: u64) -> Result<Option<Inspection>, StoreError> {
        let store = &self.parts.context.store;
        if store.get(&ENDS, &sequence)?.is_some() {
            return Ok(None);
        }
        let Some(progress) = store.get(&PROGRESS, &sequence)? else { return Ok(None) };
        let attempt = progress.attempt;
        let Some(place) = store.get(&LEAVES, &(sequence, attempt))?.map(|row| row.0) else { return Ok(None) };
        let is_open = |batch: &OpenBatch| !batch.decided.contains(&place.index);
        let posting = self.batches.posting(&self.view, place.batch);
        let (Some(posting), true) = (posting, self.batches.undecided.get(&place.batch).is_some_and(is_open)) else {
            return Ok(None);
        };
        let executor = progress.result.map(|(result, _)| result.executor);
        let is_held = executor.is_some_and(|executor| self.standing(executor, place, posting) == Standing::Held);
        let state = if is_held { TaskState::Challenged } else { TaskState::Posted };
        Ok(Some(Inspection { state, attempt, place: Some(place) }))
    }
}
