//! The four levels above the regions: sixteen region roots under the memory root, and a chunk opened from there.
//!
//! Owns the composition only; each region's tree or bare root belongs to its backing.

use alloc::vec::Vec;

use alloy_primitives::B256;

use super::{
    hash,
    layout::{CHUNK_SIZE, Kind, Page, REGION_COUNT, Region, TOP_DEPTH, chunk_address, tree_leaf},
    proof::ChunkProof,
    tree::Tree,
    zero::zero,
};

/// The roots of the sixteen regions, by region number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionRoots([B256; REGION_COUNT]);

impl Default for RegionRoots {
    /// The roots of a memory of zero bytes.
    fn default() -> Self {
        let mut roots = Self([B256::ZERO; REGION_COUNT]);
        for region in Region::all() {
            roots.set(region, zero(region.kind())[region.kind().depth() as usize]);
        }
        roots
    }
}

impl RegionRoots {
    /// The root of a region.
    #[must_use]
    pub fn get(&self, region: Region) -> B256 {
        self.0[region.number()]
    }

    /// Mounts a root at a region.
    pub fn set(&mut self, region: Region, root: B256) {
        self.0[region.number()] = root;
    }

    /// The memory root.
    #[must_use]
    pub fn root(&self) -> B256 {
        let mut level = self.0;
        for depth in (0..TOP_DEPTH).rev() {
            for i in 0..1 << depth {
                level[i] = hash::node(&level[2 * i], &level[2 * i + 1]);
            }
        }
        level[0]
    }

    /// Appends the siblings of a region root, bottom-up.
    fn siblings(&self, region: Region, siblings: &mut Vec<B256>) {
        let mut level = self.0;
        for depth in (0..TOP_DEPTH).rev() {
            siblings.push(level[(region.number() >> (TOP_DEPTH - 1 - depth)) ^ 1]);
            for i in 0..1 << depth {
                level[i] = hash::node(&level[2 * i], &level[2 * i + 1]);
            }
        }
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
