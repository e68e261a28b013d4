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
/// it is at hand when everything else is lost. `round` counts the challenger's games on the leaf from 0: the court takes the
/// same commitment once.
#[must_use]
pub fn salt(secret: &B256, court: Address, batch_hash: B256, index: u32, round: u32) -> B256 {
    let mut bytes = [secret.as_slice(), court.as_slice(), batch_hash.as_slice(), &index.to_be_bytes()].concat();
    if round > 0 {
        bytes.extend(round.to_be_bytes());
    }
    keccak256(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_have_salts_of_their_own() {
        let salt = |round| salt(&B256::repeat_byte(1), Address::repeat_byte(2), B256::repeat_byte(3), 4, round);
        let first = [&[1_u8; 32][..], &[2; 20], &[3; 32], &[0, 0, 0, 4]].concat();
        assert_eq!(salt(0), keccak256(first), "keccak256(secret, court, batch hash, leaf index)");
        assert!(salt(0) != salt(1) && salt(1) != salt(2));
    }
}
