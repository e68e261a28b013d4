//! What the flat memory asks of each writable region: its bytes, what of them is dirty, its tree.
//!
//! Owns the interface, and what regions share: a range that is dirty, flags that are, the hashing of leaves and pages.

use alloc::vec::Vec;
use core::ops::Range;

use alloy_primitives::B256;

use crate::memory::{
    layout::{LEAF_SIZE, Leaf, PAGE_SIZE, Page},
    tree::Tree,
    wide::{keccak_many, page_digests},
};

/// A writable region. Offsets and page numbers count from its first byte.
pub trait Backing {
    /// Copies bytes out; what lies behind the backing is zero.
    fn read(&self, offset: u64, bytes: &mut [u8]);

    /// Copies bytes in and marks them dirty. Panics where the backing ends.
    fn write(&mut self, offset: u64, bytes: &[u8]);

    /// Appends the pages written since the last commit, ascending.
    fn dirty_pages(&self, pages: &mut Vec<u32>);

    /// Hashes what is dirty into the tree and marks it clean.
    fn commit(&mut self);

    /// The tree as of the last commit.
    fn tree(&self) -> &Tree;

    /// Copies a page out.
    fn page(&self, page: usize, bytes: &mut Page) {
        self.read((page * PAGE_SIZE) as u64, bytes);
    }

    /// Replaces a page and marks it dirty.
    fn set_page(&mut self, page: usize, bytes: &Page) {
        self.write((page * PAGE_SIZE) as u64, bytes);
    }
}

/// The smallest range that holds all that was written since the last commit.
#[derive(Clone, Copy)]
pub struct DirtyRange {
    low: usize,
    high: usize,
}

impl DirtyRange {
    /// Nothing was written; any range widens this one to itself.
    pub const CLEAN: Self = Self { low: usize::MAX, high: 0 };

    /// Takes `low..high` in.
    pub fn widen(&mut self, low: usize, high: usize) {
        if low < high {
            *self = Self { low: self.low.min(low), high: self.high.max(high) };
        }
    }

    /// The groups of `size` that the range touches.
    pub fn groups(self, size: usize) -> Range<usize> {
        if self.low < self.high { self.low / size..self.high.div_ceil(size) } else { 0..0 }
    }
}

/// Hashes control leaves, ascending by number, into their tree.
pub fn update_leaves(tree: &mut Tree, numbers: &[u64], leaves: &[Leaf]) {
    let mut hashes: Vec<B256> = Vec::with_capacity(leaves.len());
    keccak_many::<LEAF_SIZE>(leaves, &mut hashes);
    tree.update(&numbers.iter().copied().zip(hashes).collect::<Vec<_>>());
}

/// Hashes pages, ascending by number, into their tree. `all` begins at the region's first page.
pub fn update_pages(tree: &mut Tree, numbers: &[u32], all: &[Page]) {
    update_each_page(tree, numbers, &numbers.iter().map(|number| &all[*number as usize]).collect::<Vec<_>>());
}

/// Hashes pages, ascending by number, into their tree.
pub fn update_each_page(tree: &mut Tree, numbers: &[u32], pages: &[&Page]) {
    let mut hashes: Vec<B256> = Vec::with_capacity(pages.len());
    page_digests(pages, &mut hashes);
    tree.update(&numbers.iter().map(|number| u64::from(*number)).zip(hashes).collect::<Vec<_>>());
}

/// Appends the positions of the flags that are set. `flags` is a whole number of words, and most words are zero.
pub fn flagged(flags: &[u8], positions: &mut Vec<u32>) {
    let (words, rest) = flags.as_chunks::<8>();
    assert!(rest.is_empty(), "flags come in words of eight");
    for (word, flags) in words.iter().enumerate() {
        if u64::from_ne_bytes(*flags) != 0 {
            let set = flags.iter().enumerate().filter(|(_, flag)| **flag != 0);
            positions.extend(set.map(|(i, _)| (word * 8 + i) as u32));
        }
    }
}
