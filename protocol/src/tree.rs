//! Binary trees of keccak hashes: over the leaves of a batch, the pages of its data, the pages of a blob.
//!
//! Owns their one shape: bottom nodes, padded on the right up to a power of two; a tree over one node is that node. A tree
//! that is posted (specs/12-batches.md, "Trees") is its levels without the root, each padded to an even width, so that the
//! padding beyond is implied. It hashes no data: the bottom nodes are given.

use alloc::vec::Vec;

use alloy_primitives::{B256, b256, keccak256};
use thiserror::Error;

/// How a parent follows from its children, and what pads the bottom.
#[derive(Clone, Copy, Debug)]
pub struct Tree {
    node: fn(&B256, &B256) -> B256,
    zero: B256,
}

/// The tree over the leaves of a batch: tagged nodes, so that none is ever taken for a leaf.
pub const LEAF_TREE: Tree = Tree { node: leaf_node, zero: B256::ZERO };
/// The tree over the keccak hashes of the pages of a batch's data.
pub const PAGE_TREE: Tree = Tree { node: plain_node, zero: B256::ZERO };
/// The tree over the BLAKE3 hashes of a blob's pages (specs/02-memory.md, "Blobs").
pub const BLOB_TREE: Tree = Tree { node: plain_node, zero: EMPTY_BLOB_ROOT };

/// BLAKE3 of the zero page: root of the empty blob, and `zero_bulk[0]` of specs/02-memory.md.
pub const EMPTY_BLOB_ROOT: B256 = b256!("b6fb73fc46938c981e2b0b4b1ef282adcfc89854d01bfe3972fdc4785b41b2c7");

/// Domain tag of nodes over leaves.
const NODE_TAG: &[u8] = b"assay.batch.node.v1";

/// Why siblings do not show that something stands in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ProofError {
    /// No such place in the tree.
    #[error("index {got} in a tree over {count}")]
    Index {
        /// The index.
        got: u64,
        /// How many there are.
        count: u64,
    },
    /// A proof has one sibling for each level.
    #[error("{got} siblings, wanted {wanted}")]
    Length {
        /// Siblings given.
        got: usize,
        /// Depth of the tree.
        wanted: usize,
    },
    /// The siblings lead elsewhere.
    #[error("the proof leads to root {got}, wanted {wanted}")]
    Root {
        /// Where the proof leads.
        got: B256,
        /// The tree's root.
        wanted: B256,
    },
}

impl Tree {
    /// The parent of two nodes.
    #[must_use]
    pub fn node(&self, left: &B256, right: &B256) -> B256 {
        (self.node)(left, right)
    }

    /// What pads a level: the root of a subtree of this height over padding alone.
    #[must_use]
    pub fn zero(&self, level: u32) -> B256 {
        (0..level).fold(self.zero, |zero, _| self.node(&zero, &zero))
    }

    /// All levels, bottom-up, the last being the root alone; each other is padded to an even width.
    #[must_use]
    pub fn levels(&self, mut bottom: Vec<B256>) -> Vec<Vec<B256>> {
        if bottom.is_empty() {
            bottom.push(self.zero);
        }
        let (mut levels, mut zero) = (Vec::new(), self.zero);
        while bottom.len() > 1 {
            if bottom.len() % 2 == 1 {
                bottom.push(zero);
            }
            zero = self.node(&zero, &zero);
            let above = bottom.as_chunks().0.iter().map(|[left, right]| self.node(left, right)).collect();
            levels.push(core::mem::replace(&mut bottom, above));
        }
        levels.push(bottom);
        levels
    }

    /// The root over bottom nodes; over none it is the padding itself.
    #[must_use]
    pub fn root(&self, bottom: Vec<B256>) -> B256 {
        self.levels(bottom).last().expect("a tree has a root")[0]
    }

    /// Siblings of a bottom node, bottom-up.
    ///
    /// # Panics
    /// If there is no such node.
    #[must_use]
    pub fn proof(&self, bottom: Vec<B256>, index: usize) -> Vec<B256> {
        assert!(index < bottom.len(), "node {index} of {}", bottom.len());
        let levels = self.levels(bottom);
        levels[..levels.len() - 1].iter().enumerate().map(|(level, nodes)| nodes[(index >> level) ^ 1]).collect()
    }

    /// Checks that `bottom` stands at `index` of a tree over `count` nodes.
    ///
    /// # Errors
    /// [`ProofError`] says what is wrong: the index, the number of siblings, or where they lead.
    pub fn verify(
        &self,
        root: &B256,
        count: u64,
        index: u64,
        bottom: &B256,
        siblings: &[B256],
    ) -> Result<(), ProofError> {
        if index >= count {
            return Err(ProofError::Index { got: index, count });
        }
        let wanted = Levels::new(count).depth() as usize;
        if siblings.len() != wanted {
            return Err(ProofError::Length { got: siblings.len(), wanted });
        }
        let got = siblings.iter().enumerate().fold(*bottom, |node, (level, sibling)| match (index >> level) & 1 {
            0 => self.node(&node, sibling),
            _ => self.node(sibling, &node),
        });
        if got == *root { Ok(()) } else { Err(ProofError::Root { got, wanted: *root }) }
    }
}

/// Where the nodes of a posted tree over `count` bottom nodes lie: level after level, without the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    count: u64,
}

impl Levels {
    /// The tree over `count` nodes; over none it is taken as over one.
    #[must_use]
    pub const fn new(count: u64) -> Self {
        Self { count: if count == 0 { 1 } else { count } }
    }

    /// Levels below the root: ceil(log2 count).
    #[must_use]
    pub const fn depth(&self) -> u32 {
        u64::BITS - (self.count - 1).leading_zeros()
    }

    /// Nodes of a level that stand over something; those behind them are padding.
    #[must_use]
    pub const fn width(&self, level: u32) -> u64 {
        self.count.div_ceil(1 << level)
    }

    /// Nodes of a level as it is posted: even but for the root.
    #[must_use]
    pub const fn padded_width(&self, level: u32) -> u64 {
        let width = self.width(level);
        if width == 1 { 1 } else { width.next_multiple_of(2) }
    }

    /// Number of the level's first node among all that are posted.
    #[must_use]
    pub fn first(&self, level: u32) -> u64 {
        (0..level).map(|below| self.padded_width(below)).sum()
    }

    /// Nodes that are posted.
    #[must_use]
    pub fn posted(&self) -> u64 {
        self.first(self.depth())
    }
}

/// `keccak256(left || right)`.
fn plain_node(left: &B256, right: &B256) -> B256 {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(left.as_slice());
    bytes[32..].copy_from_slice(right.as_slice());
    keccak256(bytes)
}

/// `keccak256(tag || left || right)`.
fn leaf_node(left: &B256, right: &B256) -> B256 {
    let mut bytes = [0; 96];
    bytes[..32].copy_from_slice(keccak256(NODE_TAG).as_slice());
    bytes[32..64].copy_from_slice(left.as_slice());
    bytes[64..].copy_from_slice(right.as_slice());
    keccak256(bytes)
}
