//! The tree over the hashes of a dissection: what L1 keeps of a move.
//!
//! Owns its shape only: binary, keccak256(left || right), as many leaves as hashes, a power of two.

use assay_protocol::{B256, keccak256};

/// All levels of the tree, leaves first.
pub struct DissectionTree {
    levels: Vec<Vec<B256>>,
}

impl DissectionTree {
    /// The tree over these hashes.
    ///
    /// # Panics
    /// If their number is not a power of two.
    #[must_use]
    pub fn new(hashes: &[B256]) -> Self {
        assert!(hashes.len().is_power_of_two(), "segments are divided into a power of two");
        let mut levels = vec![hashes.to_vec()];
        while levels[levels.len() - 1].len() > 1 {
            let nodes = levels[levels.len() - 1].chunks(2).map(|pair| keccak256(pair.concat())).collect();
            levels.push(nodes);
        }
        Self { levels }
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.levels[self.levels.len() - 1][0]
    }

    /// The siblings of leaf `index`, counted from 0, bottom-up.
    ///
    /// # Panics
    /// If there is no such leaf.
    #[must_use]
    pub fn siblings(&self, index: usize) -> Vec<B256> {
        let below_root = &self.levels[..self.levels.len() - 1];
        below_root.iter().enumerate().map(|(height, level)| level[(index >> height) ^ 1]).collect()
    }
}
