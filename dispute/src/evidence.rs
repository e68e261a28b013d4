//! Evidence about one run, shared by all games on its claim.
//!
//! Owns the trace and what it has answered. One pass over the run answers the opening level of every game; where many games
//! are expected, the same pass answers the level below, so that games that name different parts cost no passes of their
//! own. What lies deeper starts at a checkpoint. Answers do not depend on the order of questions.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};

use assay_machine::interpreter::StepProof;
use assay_machine::memory::{ChunkProof, RegionRoots};
use assay_machine::record::Record;
use assay_machine::trace::{CheckpointLimits, Trace};
use assay_protocol::B256;

use crate::game::{ARITY, Evidence, Segment};

/// State hashes that are remembered: two whole levels, and some.
const HASHES_MAX: usize = 1 << 18;
/// Last states and steps that are remembered: a player asks again until its move is mined.
const ANSWERS_MAX: usize = 1 << 10;
/// Steps between hashes of one question from which on each has a checkpoint: some hundredths of a second.
const STRIDE_MIN: u64 = 1 << 22;
/// Steps that a question spans from which on it leaves a checkpoint where it begins, for those below it.
const SPAN_MIN: u64 = 1 << 12;
/// Checkpoints of a trace that many games ask: those of a fine pass, and one or two for each of some hundred games.
const CHECKPOINTS_MAX: usize = 3 << 10;
/// Of a fine pass: checkpoints that are kept in each part of the run.
const CHECKPOINTS_PER_PART: u64 = (2 << 10) / ARITY;

/// How many games the first pass over a run prepares for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowd {
    /// A few: the pass hashes one level.
    Few,
    /// Any number: the pass hashes two levels, 4,096 states.
    Many,
}

/// What a trace may keep that many games ask.
#[must_use]
pub fn checkpoint_limits() -> CheckpointLimits {
    CheckpointLimits { count_max: CHECKPOINTS_MAX, ..CheckpointLimits::default() }
}

/// The evidence that a trace gives.
pub struct TraceEvidence {
    inner: Mutex<Inner>,
}

struct Inner {
    trace: Trace,
    hashes: BTreeMap<u64, B256>,
    regions: BTreeMap<u64, (Record, RegionRoots)>,
    proofs: BTreeMap<u64, StepProof>,
}

impl TraceEvidence {
    /// Evidence about a run, nothing of it known yet.
    #[must_use]
    pub fn new(trace: Trace) -> Self {
        let (hashes, regions, proofs) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { inner: Mutex::new(Inner { trace, hashes, regions, proofs }) }
    }

    /// Makes the first pass over the run of a claim. For many games the trace should be one of [`checkpoint_limits`]: with
    /// fewer checkpoints the answers are the same and cost more steps.
    pub fn survey(&self, run: Segment, crowd: Crowd) {
        let mut inner = self.inner();
        let parts = run.parts();
        let (finer, kept) = match crowd {
            Crowd::Many if parts == ARITY => (run.part(1).parts(), CHECKPOINTS_PER_PART.min(run.part(1).parts())),
            _ => (1, 1),
        };
        let stride = run.length / parts / finer;
        for boundary in 1..=parts * finer {
            let keep = boundary % (finer / kept) == 0;
            inner.hash(run.start + boundary * stride, keep);
        }
    }

    /// Steps interpreted so far, over all questions.
    pub fn interpreted_steps(&self) -> u64 {
        self.inner().trace.interpreted_steps()
    }

    /// Bytes of all checkpoints.
    pub fn checkpoints_bytes(&self) -> u64 {
        self.inner().trace.checkpoints_bytes()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A panic leaves the trace between two states, and each of them can be asked about.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn hash(&mut self, step: u64, keep: bool) -> B256 {
        if let Some(hash) = self.hashes.get(&step) {
            return *hash;
        }
        let hash = match keep {
            true => self.trace.state_hashes_kept(&[step])[0],
            false => self.trace.state_hashes(&[step])[0],
        };
        if self.hashes.len() < HASHES_MAX {
            self.hashes.insert(step, hash);
        }
        hash
    }
}

impl Evidence for TraceEvidence {
    type Error = Infallible;

    fn state_hashes(&self, steps: &[u64]) -> Result<Vec<B256>, Infallible> {
        let mut inner = self.inner();
        // A checkpoint where the new part of the question begins; more only where running on from there would take long.
        let stride = steps.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        let span = steps.last().zip(steps.first()).map_or(0, |(last, first)| last - first);
        let mut is_first = span >= SPAN_MIN;
        let hash = |step: &u64| {
            let is_new = !inner.hashes.contains_key(step);
            let keep = is_new && (std::mem::replace(&mut is_first, false) || stride >= STRIDE_MIN);
            inner.hash(*step, keep)
        };
        Ok(steps.iter().map(hash).collect())
    }

    fn step_proof(&self, step: u64) -> Result<StepProof, Infallible> {
        let Inner { trace, proofs, .. } = &mut *self.inner();
        Ok(remembered(proofs, step, || trace.prove(step)))
    }

    fn regions(&self, step: u64) -> Result<(Record, RegionRoots), Infallible> {
        let Inner { trace, regions, .. } = &mut *self.inner();
        Ok(remembered(regions, step, || (trace.record_at(step), trace.region_roots_at(step))))
    }

    fn boot_leaf(&self) -> Result<ChunkProof, Infallible> {
        // No lowering puts anything there (specs/05-lowering.md).
        let leaf = self.inner().trace.open_at(0, 0);
        Ok(ChunkProof { bytes: vec![0; leaf.bytes.len()], ..leaf })
    }
}

/// The answer for a step, from memory if it was given before.
fn remembered<T: Clone>(answers: &mut BTreeMap<u64, T>, step: u64, make: impl FnOnce() -> T) -> T {
    if let Some(answer) = answers.get(&step) {
        return answer.clone();
    }
    let answer = make();
    if answers.len() == ANSWERS_MAX {
        // Which one goes matters little: it can be made again.
        answers.pop_first();
    }
    answers.insert(step, answer.clone());
    answer
}

#[cfg(test)]
mod tests;
