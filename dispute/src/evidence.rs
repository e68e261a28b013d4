//! Evidence about one run, shared by all games on every claim of it.
//!
//! Owns the trace and what it has answered. One pass over the run answers the opening level of every game, and the levels below where
//! that costs no more than the pass, so that games that name different parts cost no passes of their own. What lies deeper starts at a
//! checkpoint. Answers do not depend on the order of questions. They outlive the trace: evidence that is at rest has let it go, and asks
//! nothing twice of the next one. [`runs`] holds the evidence of many runs within bounds.

pub mod runs;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use assay_machine::interpreter::StepProof;
use assay_machine::memory::{ChunkProof, RegionRoots};
use assay_machine::record::Record;
use assay_machine::trace::{CheckpointLimits, Keep, Trace};
use assay_protocol::B256;

use crate::game::{ARITY, Evidence, Segment};

/// State hashes that are remembered: three whole levels, and as many again.
const HASHES_MAX: usize = 1 << 19;
/// Last states and steps that are remembered: a player asks again until its move is mined.
const ANSWERS_MAX: usize = 1 << 10;
/// Bytes that a remembered hash, and the keys and ends of another answer, take at most.
const ENTRY_BYTES: u64 = 1 << 7;
/// Bytes that a machine takes beside what it counts: the stack, flags, tables of the allocator.
const MACHINE_BYTES: u64 = 4 << 20;
/// Steps between hashes of one question from which on each has a checkpoint: some hundredths of a second.
const STRIDE_MIN: u64 = 1 << 22;
/// Hashes of another question between which it leaves checkpoints.
const GROUP: usize = ARITY as usize / 4;
/// Steps that a question spans from which on it leaves a checkpoint where it begins, for those below it.
const SPAN_MIN: u64 = 1 << 12;
/// Checkpoints of a trace that many games ask: those of a survey, and as many again for games.
const CHECKPOINTS_MAX: usize = 2 * (ARITY * ARITY) as usize;
/// Levels that a survey hashes within the parts of the opening level.
const LEVELS_BELOW: u32 = 2;
/// Steps between states from which on a survey hashes those of its lowest level: they take almost twice as long as to hash a state that
/// changed little.
const STRIDE_LOWEST: u64 = 1 << 15;
/// Steps of the run that take about as long as to hash or to copy a page. A survey does so with no more pages than its steps pay for, those
/// of the opening level aside.
const STEPS_PER_PAGE: u64 = 1 << 9;
/// Pages that a survey may hash and copy however short the run is: some hundredths of a second.
const PAGES_MIN: u64 = 1 << 10;

/// What a trace may keep that many games ask.
#[must_use]
pub fn checkpoint_limits() -> CheckpointLimits {
    CheckpointLimits { count_max: CHECKPOINTS_MAX, ..CheckpointLimits::default() }
}

/// The evidence that a trace gives.
pub struct TraceEvidence {
    inner: Mutex<Inner>,
    /// What is held and what was interpreted, as of the last answer: to be read while another one is made.
    held_bytes: AtomicU64,
    steps: AtomicU64,
}

struct Inner {
    /// None at rest.
    trace: Option<Trace>,
    /// Steps that traces interpreted which were let go.
    steps_before: u64,
    known: BTreeMap<u64, B256>,
    regions: BTreeMap<u64, (Record, RegionRoots)>,
    proofs: BTreeMap<u64, StepProof>,
    boot_leaf: Option<ChunkProof>,
}

impl TraceEvidence {
    /// Evidence about a run, nothing of it known yet.
    #[must_use]
    pub fn new(trace: Trace) -> Self {
        let (known, regions, proofs) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let inner = Inner { trace: Some(trace), steps_before: 0, known, regions, proofs, boot_leaf: None };
        Self { inner: Mutex::new(inner), held_bytes: AtomicU64::default(), steps: AtomicU64::default() }
    }

    /// Makes the first pass over the run of a claim, for however many games: it hashes the opening level, and in each part of it the level
    /// below, 4,096 states in all, where that takes no longer than the steps; of a long run also the level below that, 2^18 states in all.
    /// The trace should be one of [`checkpoint_limits`]: with fewer checkpoints the answers are the same and cost more steps.
    pub fn survey(&self, run: Segment) {
        self.survey_watched(run, || {});
    }

    /// As [`TraceEvidence::survey`]; after each part of the run `watch` may look at what is held.
    pub fn survey_watched(&self, run: Segment, mut watch: impl FnMut()) {
        let mut inner = self.inner();
        let begun = inner.trace().page_work() + PAGES_MIN;
        for part in (1..=run.parts()).map(|part| run.part(part)) {
            let end = part.start + part.length;
            let work_max = begun + (end - run.start) / STEPS_PER_PAGE;
            inner.survey_within(part, LEVELS_BELOW, work_max);
            let is_affordable = inner.trace().page_work() <= work_max;
            inner.hash(end, if is_affordable { Keep::Always } else { Keep::Nothing });
            self.take_stock(&mut inner);
            watch();
        }
    }

    /// Steps interpreted so far, over all questions that have been answered.
    pub fn interpreted_steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Bytes that are held: the run with what it has written, its checkpoints, answers. As of the last answer.
    pub fn held_bytes(&self) -> u64 {
        self.held_bytes.load(Ordering::Relaxed)
    }

    /// Whether the trace was let go: nothing may be asked until there is another.
    pub fn is_at_rest(&self) -> bool {
        self.inner().trace.is_none()
    }

    /// Lets the trace go, and keeps the answers. What is returned is for the caller to drop, which takes a while.
    pub fn rest(&self) -> Option<Trace> {
        let mut inner = self.inner();
        let trace = inner.trace.take();
        inner.steps_before += trace.as_ref().map_or(0, Trace::interpreted_steps);
        self.take_stock(&mut inner);
        trace
    }

    /// Goes on with another trace of the same run.
    pub fn resume(&self, trace: Trace) {
        let mut inner = self.inner();
        inner.trace = Some(trace);
        self.take_stock(&mut inner);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A panic leaves the trace between two states, and each of them can be asked about.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what is held and what was interpreted.
    fn take_stock(&self, inner: &mut Inner) {
        let machine = inner.trace.as_mut().map_or(0, |trace| trace.held_bytes() + MACHINE_BYTES);
        let bytes = inner.answers_bytes() + machine;
        let steps = inner.steps_before + inner.trace.as_ref().map_or(0, Trace::interpreted_steps);
        self.held_bytes.store(bytes, Ordering::Relaxed);
        self.steps.store(steps, Ordering::Relaxed);
    }
}

impl Inner {
    fn trace(&mut self) -> &mut Trace {
        self.trace.as_mut().expect(HELD)
    }

    fn hash(&mut self, step: u64, keep: Keep) -> B256 {
        self.hashes(&[step], keep)[0]
    }

    /// What is not known is asked of the trace at once: it hashes each state while the run is on its way to the next.
    fn hashes(&mut self, steps: &[u64], keep: Keep) -> Vec<B256> {
        let mut new: Vec<u64> = steps.iter().copied().filter(|step| !self.known.contains_key(step)).collect();
        new.dedup();
        let made = if new.is_empty() { Vec::new() } else { self.trace().state_hashes_keeping(&new, keep) };
        let answer = |step: &u64| new.binary_search(step).map_or_else(|_| self.known[step], |index| made[index]);
        let answers = steps.iter().map(answer).collect();
        let room = HASHES_MAX - self.known.len();
        self.known.extend(new.into_iter().zip(made).take(room));
        answers
    }

    /// As [`Inner::hashes`]; leaves a checkpoint at the last of them, if there is room.
    fn hash_group(&mut self, steps: &[u64]) -> Vec<B256> {
        let Some((last, others)) = steps.split_last() else { return Vec::new() };
        let mut hashes = self.hashes(others, Keep::Nothing);
        hashes.push(self.hash(*last, Keep::IfSpare));
        hashes
    }

    /// Hashes the states within a segment, so many levels of them, as long as no more than so many pages are hashed and copied in all.
    /// Says whether that was enough for the first level.
    fn survey_within(&mut self, segment: Segment, levels: u32, work_max: u64) -> bool {
        let (begun, count) = (self.trace().page_work(), segment.parts());
        // The lowest level is asked least: it takes no more than half, and leaves no checkpoints.
        let lower_max = begun + work_max.saturating_sub(begun) / 2;
        let mut has_lower = levels > 1 && segment.length / (count * ARITY) >= STRIDE_LOWEST;
        let keep = if levels > 1 { Keep::Always } else { Keep::Nothing };
        let mut own = 0;
        for (number, step) in (1..count).zip(segment.boundaries()) {
            has_lower = has_lower && self.survey_within(segment.part(number), levels - 1, lower_max);
            let work = self.trace().page_work();
            // All of them are needed, or none is of use: what the first has taken says what the others will.
            let expected = if number == 2 { own * count } else { 0 };
            if work + expected > work_max {
                return false;
            }
            self.hash(step, keep);
            own += self.trace().page_work() - work;
        }
        if has_lower {
            self.survey_within(segment.part(count), levels - 1, lower_max);
        }
        true
    }

    fn answers_bytes(&self) -> u64 {
        let entries = (self.known.len() + self.proofs.len()) as u64 * ENTRY_BYTES;
        let regions = self.regions.len() as u64 * (ENTRY_BYTES + size_of::<RegionRoots>() as u64);
        entries + regions + self.proofs.values().map(|proof| proof.witness.len() as u64).sum::<u64>()
    }
}

impl Evidence for TraceEvidence {
    type Error = Infallible;

    fn state_hashes(&self, steps: &[u64]) -> Result<Vec<B256>, Infallible> {
        let mut inner = self.inner();
        let stride = steps.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        let span = steps.last().zip(steps.first()).map_or(0, |(last, first)| last - first);
        // A checkpoint where the question's segment begins, for the questions below it, whichever part they are about; more only where there
        // is room and running on from there would take long.
        let new = steps.iter().position(|step| !inner.known.contains_key(step)).filter(|_| span >= SPAN_MIN);
        if let Some(new) = new {
            let start = if new == 0 { steps[0].saturating_sub(stride) } else { steps[0] };
            inner.trace().keep_on_the_way(start, steps[new]);
        }
        let hashes = match (stride, span) {
            (STRIDE_MIN.., _) => inner.hashes(steps, Keep::IfSpare),
            (_, SPAN_MIN..) => steps.chunks(GROUP).flat_map(|group| inner.hash_group(group)).collect(),
            _ => inner.hashes(steps, Keep::Nothing),
        };
        self.take_stock(&mut inner);
        Ok(hashes)
    }

    fn step_proof(&self, step: u64) -> Result<StepProof, Infallible> {
        let mut inner = self.inner();
        let Inner { trace, proofs, .. } = &mut *inner;
        let proof = remembered(proofs, trace, step, |trace| trace.prove(step));
        self.take_stock(&mut inner);
        Ok(proof)
    }

    fn regions(&self, step: u64) -> Result<(Record, RegionRoots), Infallible> {
        let mut inner = self.inner();
        let Inner { trace, regions, .. } = &mut *inner;
        let state = remembered(regions, trace, step, |trace| (trace.record_at(step), trace.region_roots_at(step)));
        self.take_stock(&mut inner);
        Ok(state)
    }

    fn boot_leaf(&self) -> Result<ChunkProof, Infallible> {
        let mut inner = self.inner();
        if let Some(leaf) = &inner.boot_leaf {
            return Ok(leaf.clone());
        }
        // No lowering puts anything there (specs/05-lowering.md).
        let leaf = inner.trace().open_at(0, 0);
        let leaf = ChunkProof { bytes: vec![0; leaf.bytes.len()], ..leaf };
        inner.boot_leaf = Some(leaf.clone());
        self.take_stock(&mut inner);
        Ok(leaf)
    }
}

/// Why there is a trace.
const HELD: &str = "whoever asks evidence holds it, and what is held does not rest";

/// The answer for a step, from memory if it was given before.
fn remembered<T: Clone>(
    answers: &mut BTreeMap<u64, T>,
    trace: &mut Option<Trace>,
    step: u64,
    make: impl FnOnce(&mut Trace) -> T,
) -> T {
    if let Some(answer) = answers.get(&step) {
        return answer.clone();
    }
    let answer = make(trace.as_mut().expect(HELD));
    if answers.len() == ANSWERS_MAX {
        // Which one goes matters little: it can be made again.
        answers.pop_first();
    }
    answers.insert(step, answer.clone());
    answer
}

#[cfg(test)]
mod tests;
