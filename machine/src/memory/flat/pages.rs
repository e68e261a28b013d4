//! Linear memory where the host does not give the address range: pages that come when they are first written.
//!
//! Owns the bytes. Slower than a reservation, and no pointer leads into it: such a run makes every step by definition.

use alloc::{boxed::Box, collections::BTreeMap};

use crate::memory::layout::{PAGE_SIZE, Page, ZERO_PAGE};

/// Pages by number; those that are missing are zero.
#[derive(Default)]
pub struct Pages(BTreeMap<u32, Box<Page>>);

impl Pages {
    /// Copies bytes out.
    pub fn read(&self, mut offset: u64, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            let (page, start) = ((offset / PAGE_SIZE as u64) as u32, offset as usize % PAGE_SIZE);
            let (piece, rest) = bytes.split_at_mut((PAGE_SIZE - start).min(bytes.len()));
            piece.copy_from_slice(&self.page(page)[start..start + piece.len()]);
            offset += piece.len() as u64;
            bytes = rest;
        }
    }

    /// Copies bytes in.
    pub fn write(&mut self, mut offset: u64, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (page, start) = ((offset / PAGE_SIZE as u64) as u32, offset as usize % PAGE_SIZE);
            let (piece, rest) = bytes.split_at((PAGE_SIZE - start).min(bytes.len()));
            let page = self.0.entry(page).or_insert_with(|| Box::new(ZERO_PAGE));
            page[start..start + piece.len()].copy_from_slice(piece);
            offset += piece.len() as u64;
            bytes = rest;
        }
    }

    /// A page.
    pub fn page(&self, number: u32) -> &Page {
        self.0.get(&number).map_or(&ZERO_PAGE, |page| page)
    }
}
