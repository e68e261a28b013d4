//! What an executor claims of a run, and whether a state implies it.
//!
//! Owns the predicate only. It is total: every record and every claim have an answer, as on L1.

use assay_machine::memory::{Region, RegionRoots, mount_blob};
use assay_machine::record::Record;
use assay_protocol::{BlobRef, Status};

use super::Segment;

/// The part of a signed result that a game is about, with the limit that it is to be read with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// How the run ended, as a byte: EXIT, TRAP or OUT_OF_FUEL, or the claim has a fault on its face.
    pub status: u8,
    /// Exit code or trap code.
    pub code: u32,
    /// Fuel used, at most the limit.
    pub fuel_used: u64,
    /// Fuel limit of the task.
    pub fuel_limit: u64,
    /// The output.
    pub output: BlobRef,
}

impl Claimed {
    /// The run that the claim is about.
    #[must_use]
    pub fn segment(&self) -> Segment {
        Segment::of_claim(self.fuel_used)
    }

    /// Whether a state is halted and implies the claim. `regions` are the roots below the record's memory root.
    #[must_use]
    pub fn is_implied_by(&self, record: &Record, regions: &RegionRoots) -> bool {
        let ended = matches!(Status::from_byte(record.status), Some(Status::Exit | Status::Trap | Status::OutOfFuel));
        ended
            && record.status == self.status
            && record.pc_or_code == self.code
            && self.fuel_limit.checked_sub(self.fuel_used) == Some(record.fuel)
            && record.output_length == self.output.length
            && (record.status == Status::OutOfFuel as u8 || regions.get(Region::OUTPUT) == mount_blob(&self.output))
    }
}
