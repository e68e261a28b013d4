//! OUTPUT: bytes that grow with what the job writes.
//!
//! Owns the bytes and the range of them written since the last commit. A job may output more than its host has memory
//! for: whoever runs it makes room first, and has an error where the host gives none.

use alloc::vec::Vec;

use thiserror::Error;

use super::{
    backing::{Backing, DirtyRange, update_pages},
    read_padded,
};
use crate::memory::{
    layout::{Kind, PAGE_SIZE, REGION_SIZE},
    tree::Tree,
};

/// The host does not give the memory that the output needs. That says nothing about the job: its run stands where it
/// stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the host does not give {wanted} bytes of memory for the output")]
pub struct OutputRefused {
    /// Bytes that the output needs in all, whole pages.
    pub wanted: u64,
}

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

    /// The first `length` bytes, all of which were written.
    pub fn into_bytes(mut self, length: usize) -> Vec<u8> {
        self.bytes.truncate(length);
        self.bytes
    }

    /// Makes sure that the bytes below `end` can be written.
    pub fn make_room(&mut self, end: u64) -> Result<(), OutputRefused> {
        let wanted = end.next_multiple_of(PAGE_SIZE as u64);
        let missing = (wanted as usize).saturating_sub(self.bytes.len());
        // Twice as much as there is, so that an output that grows is not copied each time; or no more than is wanted.
        let reserved = self.bytes.try_reserve(missing).or_else(|_| self.bytes.try_reserve_exact(missing));
        reserved.map_err(|_| OutputRefused { wanted })
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
            self.make_room(end as u64).unwrap_or_else(|refused| panic!("{refused}"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_no_host_has_are_refused_and_nothing_changes() {
        let mut output = Output::new();
        output.write(5, &[1, 2, 3]);
        // 2^60 bytes are more than any address space of 64-bit hosts today.
        assert_eq!(output.make_room((1 << 60) - 7), Err(OutputRefused { wanted: 1 << 60 }));
        output.make_room(9000).unwrap();
        output.write(8, &[4]);
        assert_eq!(output.into_bytes(10), [0, 0, 0, 0, 0, 1, 2, 3, 4, 0]);
    }
}
