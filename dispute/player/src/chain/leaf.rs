//! The name of a leaf among all regions, and of the claim that it makes before the court.

use alloy_primitives::keccak256;
use alloy_sol_types::SolValue;
use assay_protocol::B256;
use assay_protocol::objects::Place;
use serde::{Deserialize, Serialize};

/// A leaf of a region's batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LeafId {
    /// Whose batch.
    pub region: B256,
    /// Number of the batch.
    pub batch: u64,
    /// Index of the leaf.
    pub index: u32,
}

impl LeafId {
    /// The leaf at a place of a region.
    #[must_use]
    pub fn new(region: B256, place: Place) -> Self {
        Self { region, batch: place.batch, index: place.index }
    }

    /// Its place within its region.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { batch: self.batch, index: self.index }
    }

    /// keccak256(abi.encode(region, batch number, leaf index)): what the court calls the claim.
    #[must_use]
    pub fn claim(&self) -> B256 {
        keccak256((self.region, self.batch, self.index).abi_encode())
    }
}

impl std::fmt::Display for LeafId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "leaf {} of batch {} of region {}", self.index, self.batch, self.region)
    }
}
