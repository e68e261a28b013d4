//! Questions about a run: state hashes at any steps, and the proof of any step.
//!
//! One pass answers an ascending list of questions. The pass leaves checkpoints where it is asked to, so that a later,
//! narrower question costs its own span only: the levels of a dispute are one pass together, not one each. In a pass the pages of one
//! state are hashed by a thread while the run goes on to the next, where the host has two processors.
//! Owns the checkpoints, their number and their bytes; the run is the interpreter's. Where the host lacks the memory for a run's output, what
//! returns no error panics.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use std::sync::{Mutex, PoisonError};
use std::thread;

use assay_protocol::B256;

use crate::interpreter::{Checkpoint, Interpreter, StepProof};
use crate::memory::proof::ChunkProof;
use crate::memory::top::RegionRoots;
use crate::memory::tree::Tree;
use crate::memory::{Deferred, Memory, OutputRefused};
use crate::record::Record;

/// What a trace may keep. Answers do not depend on it, only what they cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointLimits {
    /// Checkpoints, besides that of the first state.
    pub count_max: usize,
    /// Bytes of all checkpoints, that of the first state included, which is kept whatever it takes.
    pub bytes_max: u64,
    /// Bytes that they may come to where a few of them, which share nothing, need more than `bytes_max`: a run that writes much memory
    /// would have none otherwise, and every question would begin at the first state.
    pub stretched_bytes_max: u64,
}

impl Default for CheckpointLimits {
    /// 1024 checkpoints, 1 GiB.
    fn default() -> Self {
        Self { count_max: 1024, bytes_max: 1 << 30, stretched_bytes_max: 1 << 30 }
    }
}

/// Checkpoints that share nothing, for which the bytes of a trace are stretched.
const STRETCHED_CHECKPOINTS: u64 = 2;

/// Which of the states that it hashes a question leaves checkpoints at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// None.
    Nothing,
    /// Those for which there is room beside the checkpoints that are there.
    IfSpare,
    /// Each; others make room.
    Always,
}

/// A run that can be asked about any of its states.
pub struct Trace {
    run: Interpreter,
    checkpoints: BTreeMap<u64, Checkpoint>,
    limits: CheckpointLimits,
    /// The step at which the run halted, once it is known.
    halted_at: Option<u64>,
    /// Bytes of the first state's checkpoint.
    first_bytes: u64,
    /// Steps that were interpreted to answer, in all.
    interpreted: u64,
    /// Whether a thread may hash beside the run.
    has_helper: bool,
}

/// A state of a pass whose hash is not known yet.
struct Passed {
    record: Record,
    /// What is left to hash.
    deferred: Option<Deferred>,
    /// To be kept once it has its root.
    checkpoint: Option<Checkpoint>,
}

impl Trace {
    /// The trace of a run at its first state.
    pub fn new(run: Interpreter) -> Self {
        Self::with_limits(run, CheckpointLimits::default())
    }

    /// The trace of a run at its first state, which keeps so many checkpoints at most.
    pub fn with_limits(mut run: Interpreter, limits: CheckpointLimits) -> Self {
        let checkpoints = BTreeMap::from([(run.steps(), run.checkpoint())]);
        let first_bytes = run.checkpoints_bytes();
        let has_helper = thread::available_parallelism().is_ok_and(|count| count.get() > 1);
        Self { run, checkpoints, limits, halted_at: None, first_bytes, interpreted: 0, has_helper }
    }

    /// The state at a step; steps after the halt have the halted state.
    pub fn record_at(&mut self, step: u64) -> Record {
        self.seek(step);
        self.run.commit()
    }

    /// The state hashes at ascending steps, in one pass.
    ///
    /// # Panics
    /// If the steps descend, or the host does not give the memory that the output needs.
    pub fn state_hashes(&mut self, steps: &[u64]) -> Vec<B256> {
        self.state_hashes_keeping(steps, Keep::Nothing)
    }

    /// As [`Trace::state_hashes`].
    ///
    /// # Errors
    /// [`OutputRefused`] if the host does not give the memory that the output needs.
    ///
    /// # Panics
    /// If the steps descend.
    pub fn try_state_hashes(&mut self, steps: &[u64]) -> Result<Vec<B256>, OutputRefused> {
        self.hash_all(steps, Keep::Nothing)
    }

    /// As [`Trace::state_hashes`], and leaves a checkpoint at each of these steps: for steps between which the next questions
    /// will lie. A checkpoint costs the pages that changed since the one before, in time and memory.
    ///
    /// # Panics
    /// If the steps descend.
    pub fn state_hashes_kept(&mut self, steps: &[u64]) -> Vec<B256> {
        self.state_hashes_keeping(steps, Keep::Always)
    }

    /// Leaves a checkpoint at a step if the run comes by there on its way to `later`, a step that will be asked for next.
    pub fn keep_on_the_way(&mut self, step: u64, later: u64) {
        let from = self.origin(later).unwrap_or(self.run.steps());
        if from <= step && self.halted_at.is_none_or(|halted_at| step < halted_at) {
            self.state_hashes_kept(&[step]);
        }
    }

    /// The step from state `step` to its successor, with its proof.
    pub fn prove(&mut self, step: u64) -> StepProof {
        self.seek(step);
        self.run.prove_one()
    }

    /// The roots of the sixteen regions at a step, over which the record's memory root stands.
    pub fn region_roots_at(&mut self, step: u64) -> RegionRoots {
        self.seek(step);
        self.run.commit();
        self.run.memory().region_roots().clone()
    }

    /// The chunk that holds `address`, opened in the memory at a step.
    pub fn open_at(&mut self, step: u64, address: u64) -> ChunkProof {
        self.seek(step);
        self.run.commit();
        self.run.memory().chunk_proof(address)
    }

    /// The step at which the run halts; runs it to its end if that is not known yet.
    pub fn halt_step(&mut self) -> u64 {
        if self.halted_at.is_none() {
            self.seek(u64::MAX);
        }
        self.halted_at.expect("a run with bounded fuel halts")
    }

    /// The output at the halted state; runs to the end first.
    ///
    /// # Errors
    /// [`OutputRefused`] if the host does not give the memory that it needs.
    pub fn output(&mut self) -> Result<&[u8], OutputRefused> {
        self.try_seek(u64::MAX)?;
        Ok(self.run.output())
    }

    /// Steps interpreted so far, over all questions.
    pub fn interpreted_steps(&self) -> u64 {
        self.interpreted
    }

    /// Pages that were hashed or copied so far, over all questions.
    pub fn page_work(&self) -> u64 {
        self.run.page_work()
    }

    /// Bytes that the run and its checkpoints take ([`Interpreter::resident_bytes`]).
    pub fn held_bytes(&mut self) -> u64 {
        self.run.resident_bytes() + self.run.checkpoints_bytes()
    }

    /// As [`Trace::state_hashes`], and leaves checkpoints. Each state is hashed while the run is on its way to the next.
    ///
    /// # Panics
    /// As [`Trace::state_hashes`].
    pub fn state_hashes_keeping(&mut self, steps: &[u64], keep: Keep) -> Vec<B256> {
        self.hash_all(steps, keep).unwrap_or_else(|refused| panic!("{refused}"))
    }

    fn hash_all(&mut self, steps: &[u64], keep: Keep) -> Result<Vec<B256>, OutputRefused> {
        assert!(steps.is_sorted(), "state hashes are asked for in ascending order");
        let mut hashes = Vec::with_capacity(steps.len());
        let mut before: Option<Passed> = None;
        for step in steps {
            // To go back to a checkpoint, or ahead to one, takes the roots.
            if self.origin(*step).is_some() {
                hashes.extend(before.take().map(|passed| self.settle(passed)));
                self.try_seek(*step)?;
            } else {
                hashes.extend(self.advance_beside(*step, before.take())?);
            }
            before = Some(self.pass(keep));
        }
        hashes.extend(before.map(|passed| self.settle(passed)));
        Ok(hashes)
    }

    /// Commits the state here, as far as that is not left for later.
    fn pass(&mut self, keep: Keep) -> Passed {
        let deferred = if self.has_helper {
            self.run.commit_ahead()
        } else {
            self.run.commit();
            None
        };
        let is_new = self.limits.count_max > 0 && !self.checkpoints.contains_key(&self.run.steps());
        let has_room = is_new
            && match keep {
                Keep::Nothing => false,
                Keep::IfSpare => self.has_spare_room(),
                Keep::Always => self.make_room(),
            };
        Passed { record: *self.run.record(), deferred, checkpoint: has_room.then(|| self.run.checkpoint_ahead()) }
    }

    /// Runs on to a step; what is left of the state before is hashed meanwhile, and its hash returned.
    fn advance_beside(&mut self, step: u64, before: Option<Passed>) -> Result<Option<B256>, OutputRefused> {
        let Some(mut before) = before else {
            self.advance(step)?;
            return Ok(None);
        };
        let Some(deferred) = before.deferred.take() else {
            let hash = self.join(before, None);
            self.advance(step)?;
            return Ok(Some(hash));
        };
        let waiting = Mutex::new(Some(deferred));
        let work = || waiting.lock().unwrap_or_else(PoisonError::into_inner).take().map(Deferred::hash);
        let (advanced, tree) = thread::scope(|scope| {
            let helper = thread::Builder::new().spawn_scoped(scope, work);
            let advanced = self.advance(step);
            let tree = match helper {
                Ok(helper) => helper.join().expect("hashing does not panic"),
                // The host has no thread to give.
                Err(_) => work(),
            };
            (advanced, tree)
        });
        // Given back whatever became of the run: a memory without its tree has no root.
        let hash = self.join(before, tree);
        advanced?;
        Ok(Some(hash))
    }

    /// Hashes what is left of a state, and returns its hash.
    fn settle(&mut self, mut passed: Passed) -> B256 {
        let tree = passed.deferred.take().map(Deferred::hash);
        self.join(passed, tree)
    }

    /// Gives the memory back what was deferred of a state, keeps its checkpoint, and returns its hash.
    fn join(&mut self, passed: Passed, tree: Option<Tree>) -> B256 {
        let record = Record { memory_root: self.run.rejoin(tree), ..passed.record };
        if let Some(mut checkpoint) = passed.checkpoint {
            checkpoint.complete(record);
            self.insert(checkpoint);
        }
        record.hash()
    }

    /// Brings the run to a step, from the nearest state before it that is at hand.
    fn seek(&mut self, step: u64) {
        self.try_seek(step).unwrap_or_else(|refused| panic!("{refused}"));
    }

    fn try_seek(&mut self, step: u64) -> Result<(), OutputRefused> {
        if let Some(origin) = self.origin(step) {
            self.run.restore(&self.checkpoints[&origin]);
        }
        self.advance(step)
    }

    /// The checkpoint from which the run comes to a step, unless it goes on from where it is.
    fn origin(&self, step: u64) -> Option<u64> {
        let step = self.bounded(step);
        let here = self.run.steps();
        let nearest = self.checkpoints.range(..=step).next_back().map(|(at, _)| *at);
        let nearest = nearest.expect("the first state is always kept");
        (here > step || here < nearest).then_some(nearest)
    }

    /// Runs on to a step.
    fn advance(&mut self, step: u64) -> Result<(), OutputRefused> {
        let start = self.run.steps();
        let ran = self.run.try_run_to(self.bounded(step));
        self.interpreted += self.run.steps() - start;
        if !self.run.record().is_running() {
            self.halted_at = Some(self.run.steps());
        }
        ran
    }

    /// Steps after the halt have the halted state.
    fn bounded(&self, step: u64) -> u64 {
        step.min(self.halted_at.unwrap_or(u64::MAX))
    }

    /// Bytes that the checkpoints hold; what they share counts once.
    pub fn checkpoints_bytes(&self) -> u64 {
        self.run.checkpoints_bytes()
    }

    /// Keeps a checkpoint, for which there is room.
    fn insert(&mut self, checkpoint: Checkpoint) {
        if self.checkpoints.len() > self.limits.count_max {
            self.drop_most_crowded();
        }
        self.checkpoints.insert(checkpoint.steps, checkpoint);
    }

    /// Bytes that the checkpoints may hold now.
    fn bytes_max(&self) -> u64 {
        let needed = self.first_bytes + STRETCHED_CHECKPOINTS * self.run.whole_checkpoint_bytes_max();
        self.limits.bytes_max.max(needed.min(self.limits.stretched_bytes_max))
    }

    /// Whether another checkpoint fits beside those that are there.
    fn has_spare_room(&mut self) -> bool {
        let added = self.run.checkpoint_bytes_max();
        self.checkpoints.len() <= self.limits.count_max && self.run.checkpoints_bytes() + added <= self.bytes_max()
    }

    /// Drops checkpoints until the bytes of another one fit. They can't where too much has changed since the first state.
    fn make_room(&mut self) -> bool {
        let added = self.run.checkpoint_bytes_max();
        let bytes_max = self.bytes_max();
        if added > bytes_max {
            return false;
        }
        let room = bytes_max - added;
        while self.run.checkpoints_bytes() > room {
            if !self.drop_most_crowded() {
                // What is left is the first state, and the run's own copy of what the last checkpoint was.
                let (_, first) = self.checkpoints.first_key_value().expect("the first state is always kept");
                self.run.forget_checkpoints_since(first);
                return self.run.checkpoints_bytes().saturating_add(self.run.checkpoint_bytes_max()) <= bytes_max;
            }
        }
        true
    }

    /// Drops the checkpoint that is most crowded out: the one whose neighbours lie closest together. The first state stays.
    fn drop_most_crowded(&mut self) -> bool {
        let steps: Vec<u64> = self.checkpoints.keys().copied().collect();
        let crowded = steps.windows(3).min_by_key(|around| around[2] - around[0]).map(|around| around[1]);
        let gone = crowded.or(steps.get(1).copied());
        gone.is_some_and(|gone| self.checkpoints.remove(&gone).is_some())
    }
}

#[cfg(test)]
mod tests;
