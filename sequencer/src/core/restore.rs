//! The core after a start: made anew from the tables.
//!
//! Owns the one reading of all that is not over. Assumes that every commit was whole: so nothing has to be repaired.

use std::collections::HashMap;
use std::sync::Arc;

use assay_protocol::objects::Place;
use tokio::sync::mpsc;

use super::batches::Batches;
use super::executors::{Executors, Terms};
use super::fates::restore_view;
use super::posted::OpenBatch;
use super::tasks::{Phase, Task, Tasks};
use super::{Core, CoreError, Parts};
use crate::batch::leaves_of;
use crate::context::now_ms;
use crate::l1::Posting;
use crate::rows::{LEAVES, LIVE, ORDERS, PROGRESS, UNDECIDED};

impl Core {
    /// Reads everything that is not over.
    ///
    /// # Errors
    /// If the tables can't be read.
    pub fn restore(parts: Parts) -> Result<Self, CoreError> {
        let store = parts.context.store.clone();
        let view = Arc::new(restore_view(&store)?);
        let next = store.last(&ORDERS)?.map_or(0, |(sequence, _)| sequence + 1);
        let mut batches = Batches { tried_at: u64::MAX, ..Batches::default() };
        for row in store.range(&UNDECIDED, ..) {
            let (number, ()) = row?;
            let Some(read) = leaves_of(&store, &parts.context.domain, number)? else { continue };
            let (leaves, mut batch) = (read.leaves.clone(), OpenBatch::from(read));
            // Those are decided whose tasks are over, or have gone on.
            for (index, leaf) in (0..).zip(&leaves) {
                let is_live = store.get(&LIVE, &leaf.sequence)?.is_some();
                let attempt = store.get(&PROGRESS, &leaf.sequence)?.map_or(0, |row| row.attempt);
                if !is_live || attempt != leaf.attempt {
                    batch.decided.insert(index);
                }
            }
            if view.posting(number).is_some_and(|posting| posting.hash == batch.hash) {
                batch.let_go();
            }
            batches.undecided.insert(number, batch);
        }
        let mut tasks = Tasks::new(next);
        for row in store.range(&LIVE, ..) {
            let (sequence, ()) = row?;
            let Some(order) = store.get(&ORDERS, &sequence)? else { continue };
            let progress = store.get(&PROGRESS, &sequence)?.unwrap_or_default();
            let place = store.get(&LEAVES, &(sequence, progress.attempt))?.map(|row| row.0);
            let batch = place.and_then(|place| batches.undecided.get(&place.batch));
            if batch.is_some_and(OpenBatch::is_posted) {
                continue;
            }
            // Only if that leaf is this one: of a build that does not count nothing is believed.
            let place = place.filter(|place| {
                let leaf = batch.and_then(|batch| batch.leaf(place.index));
                leaf.is_some_and(|leaf| (leaf.sequence, leaf.attempt) == (sequence, progress.attempt))
            });
            let phase = match (place, progress.result) {
                (Some(place), _) => Phase::Sealed(place),
                (None, Some(_)) => Phase::Ready,
                (None, None) => Phase::Queued,
            };
            let (attempt, predecessor) = (progress.attempt, progress.predecessor);
            let (id, deadline, from) = (order.task, order.request.deadline, None);
            tasks.restore(sequence, Task { id, deadline, attempt, predecessor, from, phase }, now_ms());
        }
        let dispatch = &parts.context.config.dispatch;
        let terms =
            Terms { slots_max: dispatch.slots_max, lease_ms: dispatch.lease_ms, lease_max_ms: dispatch.lease_max_ms };
        let (durable, came) = mpsc::unbounded_channel();
        let (executors, assignments) = (Executors::new(terms), HashMap::new());
        let mut core = Self { parts, tasks, executors, assignments, batches, view, is_fresh: true, durable, came };
        core.catch_up()?;
        // Goes on with a batch that was on its way: its intents are in the sender's rows.
        core.fly_again()?;
        Ok(core)
    }

    /// L1 may have a build that was given up, and the process have died before that was taken in.
    fn catch_up(&mut self) -> Result<(), CoreError> {
        // A build is given up with all behind it: what L1 has of these is at the end.
        let mut missed = Vec::new();
        for number in (0..self.view.count()).rev() {
            let Some(posting) = self.view.posting(number).copied() else { break };
            if self.is_counted(number, &posting)? {
                break;
            }
            missed.push((number, posting));
        }
        missed.into_iter().rev().try_for_each(|(number, posting)| self.posted(number, posting))
    }

    /// Whether the build that L1 has of a batch is the one that counts in the tables.
    fn is_counted(&self, number: u64, posting: &Posting) -> Result<bool, CoreError> {
        let context = &self.parts.context;
        let Some(batch) = leaves_of(&context.store, &context.domain, number)? else { return Ok(false) };
        let Some(leaf) = batch.leaves.first() else { return Ok(false) };
        let place = context.store.get(&LEAVES, &(leaf.sequence, leaf.attempt))?.map(|row| row.0);
        Ok(batch.hash == posting.hash && place == Some(Place { batch: number, index: 0 }))
    }
}
