//! MEMORY: WASM's linear memory in one reservation of address space, or in single pages where that can't be had.
//!
//! Owns the bytes and one dirty flag for each page. The reservation never moves, so that growing is a change of one
//! number; pages that nobody touches take no memory of the host.

use alloc::{vec, vec::Vec};
use core::ops::RangeInclusive;
use std::io;

use memmap2::{MmapMut, MmapOptions};

use super::backing::{Backing, flagged, update_each_page, update_pages};
use super::deferred::Deferred;
use super::pages::Pages;
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

/// Dirty pages that are worth a thread of their own to hash, and a copy: 64 KiB to 64 MiB.
const DEFERRED_PAGES: RangeInclusive<usize> = 1 << 4..=1 << 14;

/// Where the bytes are.
enum Bytes {
    /// One range with all that there can be, and the guard.
    Reserved(MmapMut),
    /// Wherever the host has put them.
    Sparse(Pages),
}

/// Why a pointer or a slice can be had.
const RESERVED: &str = "only the interpreter's fast path asks, which runs on a reservation";
/// Why there is a tree.
const JOINED: &str = "what was deferred is joined before anybody asks for a root";

/// The region's bytes below 4 GiB.
pub struct Linear {
    bytes: Bytes,
    /// Why the host did not give the reservation, if it was asked.
    refused: Option<io::Error>,
    size: u64,
    dirty: Vec<u8>,
    /// None while a part of a commit is deferred.
    tree: Option<Tree>,
}

impl Linear {
    /// A linear memory of `size` zero bytes.
    pub fn new(size: u64) -> Self {
        match reserve(LINEAR_SIZE_MAX as usize + GUARD_SIZE) {
            Ok(bytes) => Self::with(size, Bytes::Reserved(bytes)),
            Err(error) => Self { refused: Some(error), ..Self::sparse(size) },
        }
    }

    /// The same without a reservation.
    pub fn sparse(size: u64) -> Self {
        Self::with(size, Bytes::Sparse(Pages::default()))
    }

    fn with(size: u64, bytes: Bytes) -> Self {
        assert!(size <= LINEAR_SIZE_MAX, "linear memory has at most 2^32 bytes, got {size}");
        Self { bytes, refused: None, size, dirty: vec![0; FLAGS], tree: Some(Tree::new(Kind::Bulk)) }
    }

    /// Whether there is a reservation, so that pointers can be had.
    pub fn is_reserved(&self) -> bool {
        matches!(self.bytes, Bytes::Reserved(_))
    }

    /// Why there is none, if the host did not give it.
    pub fn reservation_refused(&self) -> Option<&io::Error> {
        self.refused.as_ref()
    }

    /// First byte. Panics without a reservation, as all that gives a pointer or a slice.
    pub fn base(&mut self) -> *mut u8 {
        match &mut self.bytes {
            Bytes::Reserved(bytes) => bytes.as_mut_ptr(),
            Bytes::Sparse(_) => panic!("{RESERVED}"),
        }
    }

    fn all(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Reserved(bytes) => &bytes[..self.size as usize],
            Bytes::Sparse(_) => panic!("{RESERVED}"),
        }
    }

    fn all_mut(&mut self) -> &mut [u8] {
        match &mut self.bytes {
            Bytes::Reserved(bytes) => &mut bytes[..self.size as usize],
            Bytes::Sparse(_) => panic!("{RESERVED}"),
        }
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
        &self.all()[from as usize..][..count as usize]
    }

    /// Copies bytes within the memory, as if through a buffer.
    pub fn copy_within(&mut self, from: u64, to: u64, count: u64) {
        self.all_mut().copy_within(from as usize..(from + count) as usize, to as usize);
        self.mark(to, count);
    }

    /// Sets bytes.
    pub fn fill(&mut self, to: u64, count: u64, value: u8) {
        self.all_mut()[to as usize..][..count as usize].fill(value);
        self.mark(to, count);
    }

    /// The part of a commit that may be done elsewhere, if it is worth that: what is dirty is copied out and marked clean, and there is
    /// no tree until [`Linear::rejoin`] brings it back. The bytes can be read and written meanwhile.
    pub fn defer(&mut self) -> Option<Deferred> {
        let mut numbers = Vec::new();
        flagged(self.flags(), &mut numbers);
        if !DEFERRED_PAGES.contains(&numbers.len()) {
            return None;
        }
        let pages = match &self.bytes {
            Bytes::Reserved(all) => numbers.iter().map(|number| all.as_chunks().0[*number as usize]).collect(),
            Bytes::Sparse(pages) => numbers.iter().map(|number| *pages.page(*number)).collect(),
        };
        numbers.iter().for_each(|page| self.dirty[*page as usize] = 0);
        Some(Deferred { tree: self.tree.take().expect(JOINED), numbers, pages })
    }

    /// The tree is back, with the pages that were deferred.
    pub fn rejoin(&mut self, tree: Tree) {
        self.tree = Some(tree);
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

/// Address space of zero bytes that the host backs where it is touched; an error if the host does not give it.
fn reserve(wanted: usize) -> io::Result<MmapMut> {
    MmapOptions::new().len(wanted).no_reserve_swap().map_anon()
}

impl Backing for Linear {
    fn read(&self, offset: u64, bytes: &mut [u8]) {
        match &self.bytes {
            Bytes::Reserved(all) => super::read_padded(&all[..self.size as usize], offset, bytes),
            Bytes::Sparse(pages) => {
                let known = self.size.saturating_sub(offset).min(bytes.len() as u64) as usize;
                let (known, behind) = bytes.split_at_mut(known);
                pages.read(offset, known);
                behind.fill(0);
            }
        }
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) {
        let end = offset + bytes.len() as u64;
        assert!(end <= self.size, "linear memory has {} bytes, got a write up to {end}", self.size);
        match &mut self.bytes {
            Bytes::Reserved(all) => all[offset as usize..end as usize].copy_from_slice(bytes),
            Bytes::Sparse(pages) => pages.write(offset, bytes),
        }
        self.mark(offset, bytes.len() as u64);
    }

    fn dirty_pages(&self, pages: &mut Vec<u32>) {
        flagged(self.flags(), pages);
    }

    fn commit(&mut self) {
        let mut numbers = Vec::new();
        flagged(self.flags(), &mut numbers);
        let tree = self.tree.as_mut().expect(JOINED);
        match &self.bytes {
            Bytes::Reserved(all) => {
                let (all, _): (&[Page], _) = all.as_chunks();
                update_pages(tree, &numbers, all);
            }
            Bytes::Sparse(pages) => {
                let dirty: Vec<&Page> = numbers.iter().map(|number| pages.page(*number)).collect();
                update_each_page(tree, &numbers, &dirty);
            }
        }
        numbers.iter().for_each(|page| self.dirty[*page as usize] = 0);
    }

    fn tree(&self) -> &Tree {
        self.tree.as_ref().expect(JOINED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_that_the_host_refuses_is_an_error() {
        // 2^60 bytes are more than any address space of 64-bit hosts today.
        assert!(reserve(1 << 60).is_err());
    }

    #[test]
    fn single_pages_read_and_hash_as_a_reservation_does() {
        let (mut reserved, mut sparse) = (Linear::new(3 * 65_536), Linear::sparse(3 * 65_536));
        assert!(reserved.is_reserved() && !sparse.is_reserved());
        assert!(reserved.reservation_refused().is_none() && sparse.reservation_refused().is_none());
        for memory in [&mut reserved, &mut sparse] {
            memory.write(4090, &[7; 20]);
            memory.write(196_600, &[9; 8]);
            memory.commit();
            memory.grow(5 * 65_536);
            memory.write(5 * 65_536 - 1, &[1]);
        }
        let (mut one, mut other) = ([0xff; 9000], [0xff; 9000]);
        for offset in [0, 4000, 196_000, 5 * 65_536 - 10, LINEAR_SIZE_MAX - 4500] {
            reserved.read(offset, &mut one);
            sparse.read(offset, &mut other);
            assert_eq!(one, other, "at {offset}");
        }
        assert_eq!(reserved.tree().root(), sparse.tree().root());
        reserved.commit();
        sparse.commit();
        assert_eq!(reserved.tree().root(), sparse.tree().root());
    }
}
