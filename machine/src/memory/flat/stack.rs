//! STACK: the machine's slots as host words, and spare ones behind them.
//!
//! Owns the slots and one dirty range. Frames grow and shrink at one end, so that a range from a low-water to a
//! high-water mark is both exact enough and free to keep.

use alloc::{vec, vec::Vec};

use super::backing::{Backing, DirtyRange, update_leaves};
use crate::memory::{
    layout::{Kind, LEAF_SIZE, Leaf, PAGE_SIZE, STACK_SLOTS},
    tree::Tree,
};

/// Slots behind the machine's own. A frame has at most 2^16, so that one which begins at the last slot ends inside.
pub const STACK_SPARE_SLOTS: usize = 1 << 16;

const SLOT_SIZE: usize = 8;
const LEAF_SLOTS: usize = LEAF_SIZE / SLOT_SIZE;
const PAGE_SLOTS: usize = PAGE_SIZE / SLOT_SIZE;
const STACK_SIZE: u64 = (STACK_SLOTS * SLOT_SIZE) as u64;
/// Pages that the machine's slots take.
pub const STACK_PAGES: usize = STACK_SLOTS / PAGE_SLOTS;

/// The region's slots.
pub struct Stack {
    slots: Vec<u64>,
    dirty: DirtyRange,
    tree: Tree,
}

impl Stack {
    /// A stack of zeros.
    pub fn new() -> Self {
        Self {
            slots: vec![0; STACK_SLOTS + STACK_SPARE_SLOTS],
            dirty: DirtyRange::CLEAN,
            tree: Tree::new(Kind::Control),
        }
    }

    /// First slot.
    pub fn base(&mut self) -> *mut u64 {
        self.slots.as_mut_ptr()
    }

    /// Widens the dirty range to slots `low..high`.
    pub fn mark(&mut self, low: usize, high: usize) {
        self.dirty.widen(low, high.min(STACK_SLOTS));
    }
}

impl Backing for Stack {
    fn read(&self, offset: u64, bytes: &mut [u8]) {
        for (at, byte) in (offset..).zip(bytes) {
            let slot = (at < STACK_SIZE).then(|| self.slots[at as usize / SLOT_SIZE]);
            *byte = slot.map_or(0, |slot| slot.to_le_bytes()[at as usize % SLOT_SIZE]);
        }
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) {
        let end = offset + bytes.len() as u64;
        assert!(end <= STACK_SIZE, "STACK has {STACK_SIZE} bytes, got a write up to {end}");
        for (at, byte) in (offset as usize..).zip(bytes) {
            let slot = &mut self.slots[at / SLOT_SIZE];
            let mut slot_bytes = slot.to_le_bytes();
            slot_bytes[at % SLOT_SIZE] = *byte;
            *slot = u64::from_le_bytes(slot_bytes);
        }
        if !bytes.is_empty() {
            self.mark(offset as usize / SLOT_SIZE, (end as usize).div_ceil(SLOT_SIZE));
        }
    }

    fn dirty_pages(&self, pages: &mut Vec<u32>) {
        pages.extend(self.dirty.groups(PAGE_SLOTS).map(|page| page as u32));
    }

    fn commit(&mut self) {
        let numbers = self.dirty.groups(LEAF_SLOTS);
        let (all, _) = self.slots.as_chunks::<LEAF_SLOTS>();
        let leaves: Vec<Leaf> = all[numbers.clone()]
            .iter()
            .map(|slots| {
                let mut leaf = [0; LEAF_SIZE];
                let (words, _) = leaf.as_chunks_mut::<SLOT_SIZE>();
                words.iter_mut().zip(slots).for_each(|(word, slot)| *word = slot.to_le_bytes());
                leaf
            })
            .collect();
        let numbers: Vec<u64> = numbers.map(|leaf| leaf as u64).collect();
        update_leaves(&mut self.tree, &numbers, &leaves);
        self.dirty = DirtyRange::CLEAN;
    }

    fn tree(&self) -> &Tree {
        &self.tree
    }
}
