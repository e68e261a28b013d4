//! OUTPUT: bytes that grow with what the job writes.
//!
//! Owns the bytes and the range of them written since the last commit.

use alloc::vec::Vec;

use super::{
    backing::{Backing, DirtyRange, update_pages},
    read_padded,
};
use crate::memory::{
    layout::{Kind, PAGE_SIZE, REGION_SIZE},
    tree::Tree,
};

/// The region's bytes, as many whole pages as were ever written.
pub struct Output {
    bytes: Vec<u8>,
    dirty: DirtyRange,
    tree: Tree,
}

impl Output {
    /// An empty output.
    pub fn new() -> Self {
        Self { bytes: Vec::new(), dirty: DirtyRange::CLEAN, tree: Tree::new(Kind::Bulk) }
    }

    /// Whole pages; zero behind.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Backing for Output {
    fn read(&self, offset: u64, bytes: &mut [u8]) {
        read_padded(&self.bytes, offset, bytes);
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) {
        let end = offset + bytes.len() as u64;
        assert!(end <= REGION_SIZE, "OUTPUT has {REGION_SIZE} bytes, got a write up to {end}");
        if bytes.is_empty() {
            return;
        }
        let (offset, end) = (offset as usize, end as usize);
        if self.bytes.len() < end {
            self.bytes.resize(end.next_multiple_of(PAGE_SIZE), 0);
        }
        self.bytes[offset..end].copy_from_slice(bytes);
        self.dirty.widen(offset, end);
    }

    fn dirty_pages(&self, pages: &mut Vec<u32>) {
        pages.extend(self.dirty.groups(PAGE_SIZE).map(|page| page as u32));
    }

    fn commit(&mut self) {
        let mut numbers = Vec::new();
        self.dirty_pages(&mut numbers);
        update_pages(&mut self.tree, &numbers, self.bytes.as_chunks().0);
        self.dirty = DirtyRange::CLEAN;
    }

    fn tree(&self) -> &Tree {
        &self.tree
    }
}
