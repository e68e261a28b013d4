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
use assay_machine::trace::Trace;
use assay_protocol::B256;

use crate::game::{ARITY, Evidence, Segment};

/// State hashes that are remembered: two whole levels, and some.
const HASHES_MAX: usize = 1 << 18;
/// Of a fine pass: checkpoints that are kept in each part of the run.
const CHECKPOINTS_PER_PART: u64 = 64;

/// How many games the first pass over a run prepares for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowd {
    /// A few: the pass hashes one level.
    Few,
    /// Any number: the pass hashes two levels, 4,096 states.
    Many,
}

/// The evidence that a trace gives.
pub struct TraceEvidence {
    inner: Mutex<Inner>,
}

struct Inner {
    trace: Trace,
    hashes: BTreeMap<u64, B256>,
}

impl TraceEvidence {
    /// Evidence about a run, nothing of it known yet.
    #[must_use]
    pub fn new(trace: Trace) -> Self {
        Self { inner: Mutex::new(Inner { trace, hashes: BTreeMap::new() }) }
    }

    /// Makes the first pass over the run of a claim.
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
        Ok(steps.iter().map(|step| inner.hash(*step, true)).collect())
    }

    fn step_proof(&self, step: u64) -> Result<StepProof, Infallible> {
        Ok(self.inner().trace.prove(step))
    }

    fn regions(&self, step: u64) -> Result<(Record, RegionRoots), Infallible> {
        let mut inner = self.inner();
        Ok((inner.trace.record_at(step), inner.trace.region_roots_at(step)))
    }

    fn boot_leaf(&self) -> Result<ChunkProof, Infallible> {
        // No lowering puts anything there (specs/05-lowering.md).
        let leaf = self.inner().trace.open_at(0, 0);
        Ok(ChunkProof { bytes: vec![0; leaf.bytes.len()], ..leaf })
    }
}
