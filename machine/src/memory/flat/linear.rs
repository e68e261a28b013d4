//! MEMORY: WASM's linear memory in one reservation of address space.
//!
//! Owns the bytes and one dirty flag for each page. The reservation never moves, so that growing is a change of one
//! number; pages that nobody touches take no memory of the host.

use alloc::{vec, vec::Vec};

use memmap2::{MmapMut, MmapOptions};

use super::backing::{Backing, flagged, update_pages};
use crate::memory::{
    layout::{Kind, PAGE_SIZE, Page},
    tree::Tree,
};

/// Most bytes that a linear memory can have.
pub const LINEAR_SIZE_MAX: u64 = 1 << 32;
/// Bytes behind them, so that an access that begins at the last byte stays inside.
const GUARD_SIZE: usize = 1 << 16;
/// Dirty flags: those of the pages, and a word for the guard.
const FLAGS: usize = (LINEAR_SIZE_MAX as usize / PAGE_SIZE) + 8;

/// The host does not give the address range that linear memory needs.
#[derive(Debug, thiserror::Error)]
#[error("cannot reserve {wanted} bytes of address space for linear memory: {source}")]
pub struct ReservationFailed {
    /// Bytes asked for.
    pub wanted: usize,
    /// What the host answered.
    pub source: std::io::Error,
}

/// The region's bytes below 4 GiB.
pub struct Linear {
    bytes: MmapMut,
    size: u64,
    dirty: Vec<u8>,
    tree: Tree,
}

impl Linear {
    /// A linear memory of `size` zero bytes.
    pub fn new(size: u64) -> Result<Self, ReservationFailed> {
        assert!(size <= LINEAR_SIZE_MAX, "linear memory has at most 2^32 bytes, got {size}");
        let bytes = reserve(LINEAR_SIZE_MAX as usize + GUARD_SIZE)?;
        Ok(Self { bytes, size, dirty: vec![0; FLAGS], tree: Tree::new(Kind::Bulk) })
    }

    /// First byte.
    pub fn base(&mut self) -> *mut u8 {
        self.bytes.as_mut_ptr()
    }

    /// First dirty flag.
    pub fn dirty_base(&mut self) -> *mut u8 {
        self.dirty.as_mut_ptr()
    }

    /// Bytes of linear memory.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Makes the memory larger; the new bytes are zero.
    pub fn grow(&mut self, size: u64) {
        assert!((self.size..=LINEAR_SIZE_MAX).contains(&size), "{size} bytes are no growth from {}", self.size);
        self.size = size;
    }

    /// Makes the memory smaller, its bytes behind `size` being zero and clean.
    pub fn shrink(&mut self, size: u64) {
        debug_assert!(size <= self.size, "{size} bytes are at most {}", self.size);
        self.size = size;
    }

    /// `count` bytes from `from`.
    pub fn slice(&self, from: u64, count: u64) -> &[u8] {
        &self.bytes[..self.size as usize][from as usize..][..count as usize]
    }

    /// Copies bytes within the memory, as if through a buffer.
    pub fn copy_within(&mut self, from: u64, to: u64, count: u64) {
        let size = self.size as usize;
        self.bytes[..size].copy_within(from as usize..(from + count) as usize, to as usize);
        self.mark(to, count);
    }

    /// Sets bytes.
    pub fn fill(&mut self, to: u64, count: u64, value: u8) {
        let size = self.size as usize;
        self.bytes[..size][to as usize..][..count as usize].fill(value);
        self.mark(to, count);
    }

    fn mark(&mut self, to: u64, count: u64) {
        if count > 0 {
            self.dirty[to as usize / PAGE_SIZE..=(to + count - 1) as usize / PAGE_SIZE].fill(1);
        }
    }

    /// The flags of the pages that linear memory has, in whole words.
    fn flags(&self) -> &[u8] {
        let pages = (self.size as usize).div_ceil(PAGE_SIZE);
        &self.dirty[..pages.next_multiple_of(8)]
    }
}

/// Address space of zero bytes that the host backs where it is touched.
fn reserve(wanted: usize) -> Result<MmapMut, ReservationFailed> {
    let mut options = MmapOptions::new();
    options.len(wanted).no_reserve_swap().map_anon().map_err(|source| ReservationFailed { wanted, source })
}

impl Backing for Linear {
    fn read(&self, offset: u64, bytes: &mut [u8]) {
        super::read_padded(&self.bytes[..self.size as usize], offset, bytes);
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) {
        let end = offset + bytes.len() as u64;
        assert!(end <= self.size, "linear memory has {} bytes, got a write up to {end}", self.size);
        let (offset, end) = (offset as usize, end as usize);
        self.bytes[offset..end].copy_from_slice(bytes);
        self.mark(offset as u64, bytes.len() as u64);
    }

    fn dirty_pages(&self, pages: &mut Vec<u32>) {
        flagged(self.flags(), pages);
    }

    fn commit(&mut self) {
        let mut numbers = Vec::new();
        flagged(self.flags(), &mut numbers);
        let (all, _): (&[Page], _) = self.bytes.as_chunks();
        update_pages(&mut self.tree, &numbers, all);
        numbers.iter().for_each(|page| self.dirty[*page as usize] = 0);
    }

    fn tree(&self) -> &Tree {
        &self.tree
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_that_the_host_refuses_is_an_error() {
        // 2^60 bytes are more than any address space of 64-bit hosts today.
        let refused = reserve(1 << 60).err().unwrap();
        assert_eq!(refused.wanted, 1 << 60);
        assert!(refused.to_string().starts_with("cannot reserve 1152921504606846976 bytes"));
    }
}
