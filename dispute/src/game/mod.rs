//! The dispute game as its two players see it (specs/13-game.md): what lies between an accepted and a disputed state, and
//! what to answer.
//!
//! Owns segments, dissections and the strategy, which is one for both sides. It does no I/O, has no clock and never sees
//! a transaction: `(dissection, evidence) -> answer`.

mod claimed;
mod strategy;
mod tree;

use assay_protocol::B256;
use thiserror::Error;

pub use claimed::Claimed;
pub use strategy::{Answer, Evidence, NoAnswer, NothingToDispute, Opening, answer, dissect, open};
pub use tree::DissectionTree;

/// Most parts of one dissection. A power of two, and that of the deployed court.
pub const ARITY: u64 = 64;

/// Steps by which a run of a lowered program may be longer than its fuel (specs/06-fuel.md, "Steps and fuel").
pub const UNPAID_STEPS: u64 = 1;

/// The two players of a game.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// Says that the claim is wrong.
    Challenger,
    /// Made the claim.
    Executor,
}

impl Side {
    /// The other one.
    #[must_use]
    pub fn opponent(self) -> Self {
        match self {
            Self::Challenger => Self::Executor,
            Self::Executor => Self::Challenger,
        }
    }
}

/// A part of a run: both sides accept its first state, and one disputes its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Number of the first state.
    pub start: u64,
    /// Number of steps, a power of two.
    pub length: u64,
}

impl Segment {
    /// The whole run that a claim with this much fuel used is about: its last state must be halted.
    ///
    /// # Panics
    /// If `fuel_used` is above 2^62, which no limit admits.
    #[must_use]
    pub fn of_claim(fuel_used: u64) -> Self {
        assert!(fuel_used <= 1 << 62, "fuel used is at most the largest fuel limit");
        Self { start: 0, length: (fuel_used + UNPAID_STEPS).next_power_of_two() }
    }

    /// Number of parts that a dissection of it has.
    #[must_use]
    pub fn parts(&self) -> u64 {
        self.length.min(ARITY)
    }

    /// Part `part`, counted from 1.
    ///
    /// # Panics
    /// If there is no such part.
    #[must_use]
    pub fn part(&self, part: u64) -> Self {
        assert!((1..=self.parts()).contains(&part), "parts are counted from 1 to {}", self.parts());
        let length = self.length / self.parts();
        Self { start: self.start + (part - 1) * length, length }
    }

    /// The numbers of the states whose hashes a dissection of it shows, ascending.
    pub fn boundaries(&self) -> impl ExactSizeIterator<Item = u64> + use<> {
        let (start, length, parts) = (self.start, self.length / self.parts(), self.parts());
        (1..parts as usize + 1).map(move |part| start + part as u64 * length)
    }
}

/// A segment with the hashes of its first state and of the last state of each part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dissection {
    segment: Segment,
    start_hash: B256,
    hashes: Vec<B256>,
}

/// A dissection with another number of hashes than its segment has parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a dissection of {length} steps has {wanted} hashes, got {got}")]
pub struct WrongNumberOfHashes {
    /// Steps of the segment.
    pub length: u64,
    /// Hashes given.
    pub got: usize,
    /// Parts of the segment.
    pub wanted: u64,
}

impl Dissection {
    /// A dissection of a segment.
    ///
    /// # Errors
    /// [`WrongNumberOfHashes`].
    pub fn new(segment: Segment, start_hash: B256, hashes: Vec<B256>) -> Result<Self, WrongNumberOfHashes> {
        if hashes.len() as u64 != segment.parts() {
            return Err(WrongNumberOfHashes { length: segment.length, got: hashes.len(), wanted: segment.parts() });
        }
        Ok(Self { segment, start_hash, hashes })
    }

    /// What is dissected.
    #[must_use]
    pub fn segment(&self) -> Segment {
        self.segment
    }

    /// The hashes of the last states of all parts.
    #[must_use]
    pub fn hashes(&self) -> &[B256] {
        &self.hashes
    }

    /// The hash of state `index` of the dissection: 0 is the segment's first state, `part` the last state of that part.
    ///
    /// # Panics
    /// If there is no such part.
    #[must_use]
    pub fn hash(&self, index: u64) -> B256 {
        if index == 0 { self.start_hash } else { self.hashes[index as usize - 1] }
    }

    /// The tree over the hashes.
    #[must_use]
    pub fn tree(&self) -> DissectionTree {
        DissectionTree::new(&self.hashes)
    }
}

#[cfg(test)]
mod tests;
