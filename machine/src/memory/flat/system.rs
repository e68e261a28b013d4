//! SYSTEM: boot leaf, globals, tables and segments, as many bytes as the image has.
//!
//! Owns the bytes and one dirty flag for each leaf. Never grows: lowering reserves a table's maximum.

use alloc::{vec, vec::Vec};

use super::{
    backing::{Backing, flagged, update_leaves},
    read_padded,
};
use crate::memory::{
    layout::{Kind, LEAF_SIZE, PAGE_SIZE, REGION_SIZE},
    tree::Tree,
};

/// The region's bytes, a whole number of pages.
pub struct System {
    bytes: Vec<u8>,
    dirty: Vec<u8>,
    tree: Tree,
}

impl System {
    /// SYSTEM at boot, all of it dirty.
    pub fn new(mut bytes: Vec<u8>) -> Self {
        assert!(bytes.len() as u64 <= REGION_SIZE, "an image of {} bytes fits SYSTEM", bytes.len());
        bytes.resize(bytes.len().next_multiple_of(PAGE_SIZE), 0);
        // Sixteen leaves a page: the flags are whole words.
        let dirty = vec![1; bytes.len() / LEAF_SIZE];
        Self { bytes, dirty, tree: Tree::new(Kind::Control) }
    }

    /// First byte.
    pub fn base(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr()
    }

    /// Bytes, whole pages.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// First dirty flag.
    pub fn dirty_base(&mut self) -> *mut u8 {
        self.dirty.as_mut_ptr()
    }
}

impl Backing for System {
    fn read(&self, offset: u64, bytes: &mut [u8]) {
        read_padded(&self.bytes, offset, bytes);
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let offset = offset as usize;
        self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
        self.dirty[offset / LEAF_SIZE..=(offset + bytes.len() - 1) / LEAF_SIZE].fill(1);
    }

    fn dirty_pages(&self, pages: &mut Vec<u32>) {
        flagged(&self.dirty, pages);
        pages.iter_mut().for_each(|leaf| *leaf /= (PAGE_SIZE / LEAF_SIZE) as u32);
        pages.dedup();
    }

    fn commit(&mut self) {
        let mut numbers = Vec::new();
        flagged(&self.dirty, &mut numbers);
        let (all, _) = self.bytes.as_chunks::<LEAF_SIZE>();
        let leaves: Vec<_> = numbers.iter().map(|leaf| all[*leaf as usize]).collect();
        let numbers: Vec<_> = numbers.into_iter().map(u64::from).collect();
        update_leaves(&mut self.tree, &numbers, &leaves);
        numbers.iter().for_each(|leaf| self.dirty[*leaf as usize] = 0);
    }

    fn tree(&self) -> &Tree {
        &self.tree
    }
}
