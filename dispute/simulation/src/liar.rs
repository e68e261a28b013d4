//! Corrupted evidence: what dishonest players believe, or pretend to.
//!
//! One strategy plays both sides, honest or not; a liar is the same player with other evidence.

use std::convert::Infallible;
use std::sync::Arc;

use assay_dispute::evidence::TraceEvidence;
use assay_dispute::game::Evidence;
use assay_machine::interpreter::StepProof;
use assay_machine::memory::{ChunkProof, RegionRoots};
use assay_machine::record::Record;
use assay_protocol::{B256, keccak256};

/// What is false, from a step on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corruption {
    /// A unit of fuel too many.
    Fuel,
    /// Another memory.
    Memory,
    /// Another place in the code, or another code at the end.
    Pc,
    /// A state that is still running.
    Running,
    /// A status byte that no run has.
    Illegal,
    /// Hashes of nothing.
    Noise,
    /// Hashes that are all zero.
    Zero,
    /// The same hash over and over.
    Repeat,
}

impl Corruption {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Fuel, Self::Memory, Self::Pc, Self::Running, Self::Illegal, Self::Noise, Self::Zero, Self::Repeat];
}

/// A run as a liar tells it.
#[derive(Clone)]
pub struct Liar {
    /// What is true.
    pub truth: Arc<TraceEvidence>,
    /// First false step.
    pub from: u64,
    /// What is false.
    pub corruption: Corruption,
    /// The step whose record can be asked for, so that its hash is that of a record.
    pub end: u64,
}

impl Liar {
    fn record(&self, step: u64) -> Record {
        let Ok((mut record, _)) = self.truth.regions(step);
        if step < self.from {
            return record;
        }
        match self.corruption {
            Corruption::Fuel => record.fuel ^= 1,
            Corruption::Memory => record.memory_root = keccak256(record.memory_root),
            Corruption::Pc => record.pc_or_code ^= 1,
            Corruption::Running => record.status = u8::from(record.status == 0),
            Corruption::Illegal | Corruption::Noise | Corruption::Zero | Corruption::Repeat => record.status = 200,
        }
        record
    }
}

impl Evidence for Liar {
    type Error = Infallible;

    fn state_hashes(&self, steps: &[u64]) -> Result<Vec<B256>, Infallible> {
        let hash = |step: u64| match self.corruption {
            _ if step < self.from || step == self.end => self.record(step).hash(),
            Corruption::Noise => keccak256(step.to_be_bytes()),
            Corruption::Zero => B256::ZERO,
            Corruption::Repeat => self.record(self.end).hash(),
            _ => self.record(step).hash(),
        };
        Ok(steps.iter().map(|step| hash(*step)).collect())
    }

    fn step_proof(&self, step: u64) -> Result<StepProof, Infallible> {
        self.truth.step_proof(step)
    }

    fn regions(&self, step: u64) -> Result<(Record, RegionRoots), Infallible> {
        let Ok((_, regions)) = self.truth.regions(step);
        Ok((self.record(step), regions))
    }

    fn boot_leaf(&self) -> Result<ChunkProof, Infallible> {
        self.truth.boot_leaf()
    }
}
