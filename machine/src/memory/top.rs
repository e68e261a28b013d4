//! The four levels above the regions: sixteen region roots under the memory root, and a chunk opened from there.
//!
//! Owns the composition only; each region's tree or bare root belongs to its backing.

use alloc::vec::Vec;

use alloy_primitives::B256;

use super::{
    hash,
    layout::{CHUNK_SIZE, Kind, Page, REGION_COUNT, Region, chunk_address, tree_leaf},
    proof::ChunkProof,
    tree::Tree,
    zero::zero,
};

/// The roots of the sixteen regions, by region number, and the nodes above them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionRoots {
    /// Node `i` stands above nodes `2i` and `2i + 1`: the memory root is node 1, region `r` is node `16 + r`.
    nodes: [B256; 2 * REGION_COUNT],
}

impl Default for RegionRoots {
    /// The roots of a memory of zero bytes.
    fn default() -> Self {
        let mut roots = Self { nodes: [B256::ZERO; 2 * REGION_COUNT] };
        for region in Region::all() {
            roots.nodes[REGION_COUNT + region.number()] = zero(region.kind())[region.kind().depth() as usize];
        }
        (1..REGION_COUNT).rev().for_each(|node| roots.hash(node));
        roots
    }
}

impl RegionRoots {
    /// The root of a region.
    #[must_use]
    pub fn get(&self, region: Region) -> B256 {
        self.nodes[REGION_COUNT + region.number()]
    }

    /// Mounts a root at a region. Costs four hashes if it differs from the one there.
    pub fn set(&mut self, region: Region, root: B256) {
        let mut node = REGION_COUNT + region.number();
        if self.nodes[node] == root {
            return;
        }
        self.nodes[node] = root;
        while node > 1 {
            node /= 2;
            self.hash(node);
        }
    }

    /// The memory root.
    #[must_use]
    pub fn root(&self) -> B256 {
        self.nodes[1]
    }

    /// Appends the siblings of a region root, bottom-up.
    pub fn siblings(&self, region: Region, siblings: &mut Vec<B256>) {
        let mut node = REGION_COUNT + region.number();
        while node > 1 {
            siblings.push(self.nodes[node ^ 1]);
            node /= 2;
        }
    }

    /// Hashes a node from its children.
    fn hash(&mut self, node: usize) {
        self.nodes[node] = hash::node(&self.nodes[2 * node], &self.nodes[2 * node + 1]);
    }

    /// Opens the chunk that holds `address`, of a region with this tree, in the page that `page` holds.
    ///
    /// # Panics
    /// In debug builds, if the tree is not the one whose root stands here.
    #[must_use]
    pub fn open(&self, address: u64, page: &Page, tree: &Tree) -> ChunkProof {
        let region = Region::of(address);
        debug_assert_eq!(self.get(region), tree.root(), "committed before it is opened");
        let (kind, first) = (region.kind(), chunk_address(address));
        let in_page = first as usize % page.len();
        let mut siblings = Vec::with_capacity(kind.siblings());
        if kind == Kind::Bulk {
            siblings.extend(hash::chunk_siblings(page, in_page / CHUNK_SIZE));
        }
        let mask = tree.siblings(tree_leaf(address), &mut siblings);
        self.siblings(region, &mut siblings);
        ChunkProof { address: first, bytes: page[in_page..][..kind.chunk_size()].to_vec(), siblings, mask }
    }
}
