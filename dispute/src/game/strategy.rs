//! The strategy of an honest player, the same for both sides.
//!
//! Invariant, before its move: the opponent's last dissection starts at a true state and ends at a false one. So it has a
//! first false hash; the state before that is true. Naming that part and answering with its true dissection keeps the
//! invariant, and a part of one step is decided by the step itself (specs/13-game.md, "Why the honest side wins").

use std::sync::Arc;

use assay_machine::interpreter::StepProof;
use assay_machine::memory::{ChunkProof, RegionRoots};
use assay_machine::record::Record;
use assay_protocol::B256;
use thiserror::Error;

use super::{Claimed, Dissection, Segment};

/// What is true of a run. Steps after the halt have the halted state.
pub trait Evidence {
    /// Why there is no answer.
    type Error;

    /// State hashes at ascending steps.
    ///
    /// # Errors
    /// If this host can't answer.
    fn state_hashes(&self, steps: &[u64]) -> Result<Vec<B256>, Self::Error>;

    /// The step from a state to its successor, with its proof.
    ///
    /// # Errors
    /// If this host can't answer.
    fn step_proof(&self, step: u64) -> Result<StepProof, Self::Error>;

    /// The record at a step, and the region roots below its memory root.
    ///
    /// # Errors
    /// If this host can't answer.
    fn regions(&self, step: u64) -> Result<(Record, RegionRoots), Self::Error>;

    /// The first leaf of SYSTEM as the program's image has it, with its path. L1 replaces it by the boot leaf, so that the
    /// path is that of the state at step 0 too.
    ///
    /// # Errors
    /// If this host can't answer.
    fn boot_leaf(&self) -> Result<ChunkProof, Self::Error>;
}

impl<E: Evidence + ?Sized> Evidence for Arc<E> {
    type Error = E::Error;

    fn state_hashes(&self, steps: &[u64]) -> Result<Vec<B256>, E::Error> {
        (**self).state_hashes(steps)
    }

    fn step_proof(&self, step: u64) -> Result<StepProof, E::Error> {
        (**self).step_proof(step)
    }

    fn regions(&self, step: u64) -> Result<(Record, RegionRoots), E::Error> {
        (**self).regions(step)
    }

    fn boot_leaf(&self) -> Result<ChunkProof, E::Error> {
        (**self).boot_leaf()
    }
}

/// The first move of a challenger: the whole run dissected, and its last state opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The dissection of the whole run.
    pub dissection: Dissection,
    /// The state at its end.
    pub record: Record,
    /// What its memory root stands over.
    pub regions: RegionRoots,
    /// The first leaf of SYSTEM in the program's image, in whose place L1 puts the boot leaf to compute the first state.
    pub boot_leaf: ChunkProof,
}

/// What answers a dissection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The named part, dissected.
    Dissect {
        /// Counted from 1.
        part: u64,
        /// Of that part; its last hash differs from the one that is answered.
        dissection: Dissection,
    },
    /// The named part is one step, and this is how it goes.
    Step {
        /// Counted from 1.
        part: u64,
        /// The step with its witness.
        proof: StepProof,
    },
}

/// Every hash of the opponent's dissection is true: whoever has to answer it is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the dissection of {length} steps from step {start} is true: there is nothing to dispute")]
pub struct NothingToDispute {
    /// First state of the segment.
    pub start: u64,
    /// Its number of steps.
    pub length: u64,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoAnswer<E> {
    /// The opponent is right.
    #[error(transparent)]
    NothingToDispute(#[from] NothingToDispute),
    /// The evidence is not to be had.
    #[error("no evidence: {0}")]
    Evidence(E),
}

/// The states whose hashes a dissection of a segment shows, with a true first hash.
///
/// # Errors
/// If the evidence is not to be had.
pub fn dissect<E: Evidence>(segment: Segment, evidence: &E) -> Result<Dissection, E::Error> {
    let steps: Vec<u64> = core::iter::once(segment.start).chain(segment.boundaries()).collect();
    let mut hashes = evidence.state_hashes(&steps)?;
    let start_hash = hashes.remove(0);
    Ok(Dissection::new(segment, start_hash, hashes).expect("there is one hash for each part"))
}

/// The opening against a claim, or nothing if the claim is true.
///
/// # Errors
/// If the evidence is not to be had.
pub fn open<E: Evidence>(claimed: &Claimed, evidence: &E) -> Result<Option<Opening>, E::Error> {
    let segment = claimed.segment();
    let dissection = dissect(segment, evidence)?;
    let (record, regions) = evidence.regions(segment.length)?;
    if claimed.is_implied_by(&record, &regions) {
        return Ok(None);
    }
    Ok(Some(Opening { dissection, record, regions, boot_leaf: evidence.boot_leaf()? }))
}

/// The answer to an opponent's dissection.
///
/// # Errors
/// [`NoAnswer::NothingToDispute`] if all of it is true.
pub fn answer<E: Evidence>(dissection: &Dissection, evidence: &E) -> Result<Answer, NoAnswer<E::Error>> {
    let segment = dissection.segment();
    let steps: Vec<u64> = segment.boundaries().collect();
    let truth = evidence.state_hashes(&steps).map_err(NoAnswer::Evidence)?;
    let first_false = dissection.hashes().iter().zip(&truth).position(|(claimed, truth)| claimed != truth);
    let Some(index) = first_false else {
        return Err(NothingToDispute { start: segment.start, length: segment.length }.into());
    };
    let part = index as u64 + 1;
    let disputed = segment.part(part);
    if disputed.length == 1 {
        let proof = evidence.step_proof(disputed.start).map_err(NoAnswer::Evidence)?;
        return Ok(Answer::Step { part, proof });
    }
    Ok(Answer::Dissect { part, dissection: dissect(disputed, evidence).map_err(NoAnswer::Evidence)? })
}
