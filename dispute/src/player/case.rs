//! A case: what a player knows of one claim, whichever side it plays.
//!
//! Owns the claim as L1 is shown it, and what it says of the run. The evidence is somebody else's: it is shared by all games
//! on the claim.

use assay_protocol::contracts::Court::{Descriptor, LeafProof};
use assay_protocol::{B256, keccak256};
use revm::primitives::Address;

use crate::game::Claimed;

/// A claim with what L1 has to be shown of it.
#[derive(Clone, Debug)]
pub struct Case {
    /// The claim's leaf, opened in its batch.
    pub proof: LeafProof,
    /// Hash of that batch.
    pub batch_hash: B256,
    /// The leaf.
    pub leaf: B256,
    /// The program of the task.
    pub descriptor: Descriptor,
    /// What is claimed of the run.
    pub claimed: Claimed,
}

/// What hides the opening in a commitment until it is revealed. It follows from a secret of the challenger's key, so that
/// it is at hand when everything else is lost.
#[must_use]
pub fn salt(secret: &B256, court: Address, batch_hash: B256, index: u32) -> B256 {
    keccak256([secret.as_slice(), court.as_slice(), batch_hash.as_slice(), &index.to_be_bytes()].concat())
}
