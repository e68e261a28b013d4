//! Questions about a run: state hashes at any steps, and the proof of any step.
//!
//! One pass answers an ascending list of questions. The pass leaves checkpoints where it is asked to, so that a later,
//! narrower question costs its own span only: the levels of a dispute are one pass together, not one each.
//! Owns the checkpoints, their number and their bytes; the run is the interpreter's.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use assay_protocol::B256;

use crate::interpreter::{Checkpoint, Interpreter, StepProof};
use crate::memory::Memory;
use crate::memory::proof::ChunkProof;
use crate::memory::top::RegionRoots;
use crate::record::Record;

/// What a trace may keep. Answers do not depend on it, only what they cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckpointLimits {
    /// Checkpoints, besides that of the first state.
    pub count_max: usize,
    /// Bytes of all checkpoints, that of the first state included, which is kept whatever it takes.
    pub bytes_max: u64,
}

impl Default for CheckpointLimits {
    /// 1024 checkpoints, 1 GiB.
    fn default() -> Self {
        Self { count_max: 1024, bytes_max: 1 << 30 }
    }
}

/// A run that can be asked about any of its states.
pub struct Trace {
    run: Interpreter,
    checkpoints: BTreeMap<u64, Checkpoint>,
    limits: CheckpointLimits,
    /// The step at which the run halted, once it is known.
    halted_at: Option<u64>,
    /// Steps that were interpreted to answer, in all.
    interpreted: u64,
}

impl Trace {
    /// The trace of a run at its first state.
    pub fn new(run: Interpreter) -> Self {
        Self::with_limits(run, CheckpointLimits::default())
    }

    /// The trace of a run at its first state, which keeps so many checkpoints at most.
    pub fn with_limits(mut run: Interpreter, limits: CheckpointLimits) -> Self {
        let checkpoints = BTreeMap::from([(run.steps(), run.checkpoint())]);
        Self { run, checkpoints, limits, halted_at: None, interpreted: 0 }
    }

    /// The state at a step; steps after the halt have the halted state.
    pub fn record_at(&mut self, step: u64) -> Record {
        self.seek(step);
        self.run.commit()
    }

    /// The state hashes at ascending steps, in one pass.
    ///
    /// # Panics
    /// If the steps descend.
    pub fn state_hashes(&mut self, steps: &[u64]) -> Vec<B256> {
        self.hashes(steps, |_| ())
    }

    /// As [`Trace::state_hashes`], and leaves a checkpoint at each of these steps: for steps between which the next questions
    /// will lie. A checkpoint costs the pages that changed since the one before, in time and memory.
    ///
    /// # Panics
    /// If the steps descend.
    pub fn state_hashes_kept(&mut self, steps: &[u64]) -> Vec<B256> {
        self.hashes(steps, Self::keep)
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
    pub fn output(&mut self) -> &[u8] {
        self.seek(u64::MAX);
        self.run.output()
    }

    /// Steps interpreted so far, over all questions.
    pub fn interpreted_steps(&self) -> u64 {
        self.interpreted
    }

    /// Hashes the states at ascending steps; does something more at each.
    fn hashes(&mut self, steps: &[u64], at_each: fn(&mut Self)) -> Vec<B256> {
        assert!(steps.is_sorted(), "state hashes are asked for in ascending order");
        let hash_at = |step: &u64| {
            let hash = self.record_at(*step).hash();
            at_each(self);
            hash
        };
        steps.iter().map(hash_at).collect()
    }

    /// Brings the run to a step, from the nearest state before it that is at hand.
    fn seek(&mut self, step: u64) {
        let step = step.min(self.halted_at.unwrap_or(u64::MAX));
        let here = self.run.steps();
        let nearest = self.checkpoints.range(..=step).next_back().map(|(at, _)| *at);
        let nearest = nearest.expect("the first state is always kept");
        if here > step || here < nearest {
            self.run.restore(&self.checkpoints[&nearest]);
        }
        let start = self.run.steps();
        self.run.run_to(step);
        self.interpreted += self.run.steps() - start;
        if !self.run.record().is_running() {
            self.halted_at = Some(self.run.steps());
        }
    }

    /// Bytes that the checkpoints hold; what they share counts once.
    pub fn checkpoints_bytes(&self) -> u64 {
        self.run.checkpoints_bytes()
    }

    /// Keeps a checkpoint here, if there can be room for it.
    fn keep(&mut self) {
        let at = self.run.steps();
        if self.limits.count_max == 0 || self.checkpoints.contains_key(&at) {
            return;
        }
        if self.checkpoints.len() > self.limits.count_max {
            self.drop_most_crowded();
        }
        if self.make_room() {
            self.checkpoints.insert(at, self.run.checkpoint());
        }
    }

    /// Drops checkpoints until the bytes of another one fit. They can't where too much has changed since the first state.
    fn make_room(&mut self) -> bool {
        let added = self.run.checkpoint_bytes_max();
        if added > self.limits.bytes_max {
            return false;
        }
        let room = self.limits.bytes_max - added;
        while self.run.checkpoints_bytes() > room {
            if !self.drop_most_crowded() {
                // What is left is the first state, and the run's own copy of what the last checkpoint was.
                let (_, first) = self.checkpoints.first_key_value().expect("the first state is always kept");
                self.run.forget_checkpoints_since(first);
                return self.run.checkpoints_bytes().saturating_add(self.run.checkpoint_bytes_max())
                    <= self.limits.bytes_max;
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
mod tests {
    use alloc::sync::Arc;

    use super::*;
    use crate::program::{Limits, Program};
    use crate::witness::verify_step;

    fn trace(count_max: usize, bytes_max: u64) -> Trace {
        let wasm = wat::parse_str(
            r#"(module (memory 4) (func (export "_start") (local i32)
              (loop $l
                (i32.store (i32.mul (local.get 0) (i32.const 67)) (local.get 0))
                (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 2000))))))"#,
        )
        .unwrap();
        let program = Program::from_wasm(&wasm).unwrap();
        let run = program.boot(Arc::new(Vec::new()), Limits::default()).unwrap();
        Trace::with_limits(run, CheckpointLimits { count_max, bytes_max })
    }

    /// Bounds that the runs here do not come to.
    fn ample() -> Trace {
        let CheckpointLimits { count_max, bytes_max } = CheckpointLimits::default();
        trace(count_max, bytes_max)
    }

    #[test]
    fn answers_do_not_depend_on_the_order_of_questions_or_on_checkpoints() {
        let steps: Vec<u64> = (0..=40).map(|i| i * 251).collect();
        let wanted = ample().state_hashes(&steps);
        let bytes = [0, 20_000, 100_000, 300_000, u64::MAX];
        for (count_max, bytes_max) in [0, 1, 2, 7].into_iter().flat_map(|count| bytes.map(|bytes| (count, bytes))) {
            let mut trace = trace(count_max, bytes_max);
            for (step, wanted) in steps.iter().zip(&wanted).rev() {
                assert_eq!(trace.state_hashes_kept(&[*step]), [*wanted], "step {step}");
            }
            assert_eq!(trace.state_hashes(&steps), wanted);
        }
    }

    /// The run touches 33 pages of memory, a page or two between neighbouring questions.
    #[test]
    fn checkpoints_hold_no_more_bytes_than_they_may() {
        let steps: Vec<u64> = (0..=60).map(|i| i * 130).collect();
        let first = trace(0, 0).checkpoints_bytes();
        let unbounded = {
            let mut trace = ample();
            trace.state_hashes_kept(&steps);
            assert_eq!(trace.checkpoints.len(), steps.len());
            trace.checkpoints_bytes()
        };
        let mut kept = Vec::new();
        for bytes_max in [first, first + 10_000, first + 300_000, unbounded / 2, unbounded] {
            let mut trace = trace(1024, bytes_max);
            for step in &steps {
                trace.state_hashes_kept(&[*step]);
                assert!(trace.checkpoints_bytes() <= bytes_max, "{} of {bytes_max}", trace.checkpoints_bytes());
            }
            kept.push(trace.checkpoints.len());
        }
        assert_eq!(kept[0], 1, "there is no room but for the first state");
        assert!(kept.is_sorted() && kept[2] > 1 && kept[4] > kept[2], "more room keeps more: {kept:?}");
    }

    #[test]
    fn a_narrower_question_costs_its_own_span() {
        let mut trace = ample();
        let steps: Vec<u64> = (0..=8).map(|i| i * 1000).collect();
        trace.state_hashes_kept(&steps);
        let before = trace.interpreted_steps();
        trace.state_hashes(&[3100, 3200, 3300]);
        assert_eq!(trace.interpreted_steps() - before, 300);
    }

    #[test]
    fn every_proof_holds_and_leads_to_the_next_state() {
        let mut trace = ample();
        let end = trace.halt_step();
        for step in [0, 1, 5, 4000, end - 1, end, end + 7] {
            let proof = trace.prove(step);
            assert_eq!(proof.before, trace.record_at(step), "step {step}");
            assert_eq!(proof.after, trace.record_at(step + 1), "step {step}");
            assert_eq!(verify_step(proof.before, &proof.witness).unwrap(), proof.after, "step {step}");
        }
    }
}
