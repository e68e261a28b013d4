//! The core after a start: made anew from the tables.
//!
//! Owns the one reading of all that is not over. Assumes that every commit was whole: so nothing has to be repaired.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::batches::{Batches, InFlight};
use super::executors::Executors;
use super::fates::restore_view;
use super::tasks::{Phase, Task, Tasks};
use super::{Core, CoreError, Parts};
use crate::batch::{leaves_of, newest_build};
use crate::context::now_ms;
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
            if let Some(batch) = leaves_of(&store, &parts.context.domain, number)? {
                batches.undecided.insert(number, batch);
            }
        }
        let mut tasks = Tasks::new(next);
        for row in store.range(&LIVE, ..) {
            let (sequence, ()) = row?;
            let Some(order) = store.get(&ORDERS, &sequence)? else { continue };
            let progress = store.get(&PROGRESS, &sequence)?.unwrap_or_default();
            let place = store.get(&LEAVES, &(sequence, progress.attempt))?.map(|row| row.0);
            let place = place.filter(|place| batches.undecided.contains_key(&place.batch));
            let phase = match (place, progress.result) {
                (Some(place), _) => Phase::Sealed(place),
                (None, Some(_)) => Phase::Ready,
                (None, None) => Phase::Queued,
            };
            let (attempt, predecessor) = (progress.attempt, progress.predecessor);
            let task = Task { id: order.task, deadline: order.request.deadline, attempt, predecessor, phase };
            tasks.restore(sequence, task, now_ms());
        }
        // Of a batch that is decided in part, those leaves are decided whose tasks have gone on.
        for (number, batch) in &mut batches.undecided {
            for (index, leaf) in (0..).zip(&mut batch.leaves) {
                let here = Phase::Sealed(assay_protocol::objects::Place { batch: *number, index });
                leaf.is_decided = tasks.get(leaf.sequence).is_none_or(|task| task.phase != here);
            }
        }
        let (durable, came) = mpsc::unbounded_channel();
        let (executors, assignments) = (Executors::default(), HashMap::new());
        let mut core = Self { parts, tasks, executors, assignments, batches, view, durable, came };
        core.resume_posting()?;
        Ok(core)
    }

    /// Goes on with a batch that was on its way: its intents are in the sender's rows.
    fn resume_posting(&mut self) -> Result<(), CoreError> {
        let number = self.view.count();
        let Some((build, row)) = newest_build(&self.parts.context.store, number)? else { return Ok(()) };
        if !self.batches.undecided.contains_key(&number) {
            return Ok(());
        }
        self.batches.in_flight = Some(InFlight { number, build, settled: None });
        self.wait_for(number, build, row.intents);
        Ok(())
    }
}
