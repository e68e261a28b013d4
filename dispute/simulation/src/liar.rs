//! Corrupted evidence: what dishonest players believe, or pretend to.
//!
//! One strategy plays both sides, honest or not; a liar is the same player with other evidence.

use assay_dispute::game::{Evidence, Segment};
use assay_machine::interpreter::StepProof;
use assay_machine::memory::{ChunkProof, Region, RegionRoots};
use assay_machine::record::Record;
use assay_protocol::{B256, keccak256};
use std::convert::Infallible;

use crate::job::Truth;

/// What is false, from a step on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corruption {
    /// A unit of fuel too many.
    Fuel,
    /// Another memory.
    Memory,
    /// Another output, in a memory that is made for it.
    Output,
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
    pub const ALL: [Self; 9] = [
        Self::Fuel,
        Self::Memory,
        Self::Output,
        Self::Pc,
        Self::Running,
        Self::Illegal,
        Self::Noise,
        Self::Zero,
        Self::Repeat,
    ];
}

/// How a liar changes its story with what it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// Not at all.
    Steady,
    /// It agrees as late as possible: with all that it is shown but the last state.
    Late,
    /// It begins to lie at some other state of what it is shown, each time anew.
    Fickle,
}

/// A run as a liar tells it.
#[derive(Clone)]
pub struct Liar {
    /// What is true.
    pub truth: Truth,
    /// First false step.
    pub from: u64,
    /// Whether that changes.
    pub story: Story,
    /// What is false.
    pub corruption: Corruption,
    /// The step whose record can be asked for, so that its hash is that of a record.
    pub end: u64,
}

impl Liar {
    /// What it says to a dissection of this segment.
    #[must_use]
    pub fn about(&self, segment: Segment) -> Self {
        let from = match self.story {
            Story::Steady => self.from,
            Story::Late => segment.start + segment.length,
            Story::Fickle => {
                let hash = keccak256([self.from, segment.start, segment.length].map(u64::to_be_bytes).concat());
                segment.start + 1 + u64::from_be_bytes(hash[..8].try_into().expect("eight bytes")) % segment.length
            }
        };
        Self { from, ..self.clone() }
    }

    fn record(&self, step: u64) -> Record {
        self.state(step).0
    }

    fn state(&self, step: u64) -> (Record, RegionRoots) {
        let Ok((mut record, mut regions)) = self.truth.regions(step);
        if step < self.from {
            return (record, regions);
        }
        match self.corruption {
            Corruption::Fuel => record.fuel ^= 1,
            Corruption::Memory => record.memory_root = keccak256(record.memory_root),
            Corruption::Output => {
                regions.set(Region::OUTPUT, keccak256(regions.get(Region::OUTPUT)));
                record.memory_root = regions.root();
            }
            Corruption::Pc => record.pc_or_code ^= 1,
            Corruption::Running => record.status = u8::from(record.status == 0),
            Corruption::Illegal | Corruption::Noise | Corruption::Zero | Corruption::Repeat => record.status = 200,
        }
        (record, regions)
    }
}

impl Evidence for Liar {
    type Error = Infallible;

    fn state_hashes(&self, steps: &[u64]) -> Result<Vec<B256>, Infallible> {
        let Ok(truth) = self.truth.state_hashes(steps);
        // A state that nobody opens is known by its hash alone.
        let told = |(step, hash): (&u64, B256)| match self.corruption {
            _ if *step < self.from => hash,
            _ if *step == self.end => self.record(self.end).hash(),
            Corruption::Zero => B256::ZERO,
            Corruption::Repeat => self.record(self.end).hash(),
            _ => keccak256(hash),
        };
        Ok(steps.iter().zip(truth).map(told).collect())
    }

    fn step_proof(&self, step: u64) -> Result<StepProof, Infallible> {
        self.truth.step_proof(step)
    }

    fn regions(&self, step: u64) -> Result<(Record, RegionRoots), Infallible> {
        Ok(self.state(step))
    }

    fn boot_leaf(&self) -> Result<ChunkProof, Infallible> {
        self.truth.boot_leaf()
    }
}
