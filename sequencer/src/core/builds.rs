//! Which build of a batch counts: one is given up when its posting can't land any more, and taken up again if L1 has it after all
//! (specs/18-sequencer.md, "Never two for one number").
//!
//! Owns the change from one build to another, in the tables and in memory. Each is one commit: after a crash the tables say of every task
//! that it is in the build that counts, or in none.

use alloy_primitives::B256;
use assay_node::store::{Batch as Commit, StoreError};
use assay_protocol::objects::Place;
use assay_protocol::rpc::TaskState;
use tracing::warn;

use super::{Core, CoreError, Phase};
use crate::batch::{Rows, leaves_of};
use crate::context::now_ms;
use crate::l1::VANISHED_BLOCKS;
use crate::rows::{BUILDS, HEADS};

impl Core {
    /// L1 has a build of a batch that was given up: it counts after all. Whether there is such a build.
    pub(super) fn adopt(&mut self, number: u64, hash: B256) -> Result<bool, CoreError> {
        let context = self.parts.context.clone();
        let builds: Vec<_> =
            context.store.range(&BUILDS, (number, 0)..=(number, u32::MAX)).collect::<Result<_, _>>()?;
        let Some(build) = builds.iter().find(|(_, row)| row.header.hash() == hash).map(|((_, build), _)| *build) else {
            return Ok(false);
        };
        let Some(rows) = Rows::of(&context, number, build)? else { return Ok(false) };
        warn!(number, build, "a batch that was given up is on L1 after all");
        let mut commit = context.store.batch();
        // Those behind it name another as their parent.
        let numbers = self.unpoint_from(number, &mut commit)?;
        for ((_, other), _) in builds.iter().filter(|((_, other), _)| *other > build) {
            if let Some(newer) = Rows::of(&context, number, *other)? {
                newer.unpoint(&mut commit);
            }
            commit.delete(&BUILDS, &(number, *other));
            commit.delete(&HEADS, &(number, *other));
        }
        rows.point(&mut commit)?;
        commit.commit()?;
        numbers.into_iter().for_each(|number| self.unseal(number));
        let Some(batch) = leaves_of(&context.store, &context.domain, number)? else { return Ok(false) };
        for (index, leaf) in (0..).zip(&batch.leaves) {
            if self.tasks.get(leaf.sequence).is_some_and(|task| task.attempt == leaf.attempt) {
                self.executors.forget(leaf.sequence);
                self.tasks.set(leaf.sequence, Phase::Sealed(Place { batch: number, index }), now_ms());
            }
        }
        self.batches.undecided.insert(number, batch.into());
        Ok(true)
    }

    /// Gives the batch in flight up when its posting can't land any more.
    pub(super) async fn give_up(&mut self) -> Result<(), CoreError> {
        let Some(tip) = self.view.tip().map(|tip| tip.number) else { return Ok(()) };
        let Some(batch) = &mut self.batches.in_flight else { return Ok(()) };
        let Some((is_done, heard_at)) = &mut batch.settled else { return Ok(()) };
        if *heard_at == 0 {
            *heard_at = tip;
        }
        // Done, and not seen yet: what counts here lags behind. Done, and never seen: L1 was reorganised deeper than anybody waits.
        let waits = if *is_done { VANISHED_BLOCKS + self.parts.context.config.chain.settled_confirmations } else { 0 };
        // What failed may have failed because the batch was there already: it is seen with the block in which it failed.
        let waits = waits.max(self.parts.context.config.chain.confirmations + 1);
        if tip < *heard_at + waits {
            return Ok(());
        }
        let (number, build) = (batch.number, batch.build);
        warn!(number, build, "a batch can't land any more, its results are built anew");
        let mut commit = self.parts.context.store.batch();
        // Those behind it, which a deep reorganisation can have left, name it as their parent: they go with it.
        let numbers = self.unpoint_from(number, &mut commit)?;
        commit.commit_async().await?;
        numbers.into_iter().for_each(|number| self.unseal(number));
        self.batches.in_flight = None;
        Ok(())
    }

    /// Takes back what the tables say of a batch and of all behind it; their numbers.
    fn unpoint_from(&self, number: u64, commit: &mut Commit) -> Result<Vec<u64>, StoreError> {
        let mut numbers = Vec::new();
        for (number, batch) in self.batches.undecided.range(number..) {
            if let Some(rows) = Rows::of(&self.parts.context, *number, batch.build)? {
                rows.unpoint(commit);
            }
            numbers.push(*number);
        }
        Ok(numbers)
    }

    /// The leaves of a batch that does not count wait again.
    fn unseal(&mut self, number: u64) {
        let Some(batch) = self.batches.undecided.remove(&number) else { return };
        for leaf in (0..).map_while(|index| batch.leaf(index)) {
            let task = self.tasks.get(leaf.sequence);
            if task.is_some_and(|task| matches!(task.phase, Phase::Sealed(place) if place.batch == number)) {
                self.tasks.set(leaf.sequence, Phase::Ready, now_ms());
                self.tell(leaf.sequence, TaskState::Executed, None);
            }
        }
    }
}
