//! Where the parts of a batch's data lie (specs/12-batches.md, "Layout").
//!
//! Owns offsets and sizes. They follow from the counts of the header and, for areas, from the directory; no byte of the
//! data is read here.

use core::ops::Range;

use crate::tree::Levels;

/// Bytes that L1 hashes at once.
pub const PAGE_SIZE: usize = 4096;
/// Bytes of every part of the data but the last.
pub const PART_SIZE: usize = 16 * PAGE_SIZE;
/// Most bytes of a batch's data: 64 parts.
pub const DATA_LENGTH_MAX: u32 = 64 * PART_SIZE as u32;
/// Bytes of a record.
pub const RECORD_SIZE: u64 = 393;
/// Bytes of a directory entry.
pub const ENTRY_SIZE: u64 = 48;
/// Bytes of a node of a posted tree.
pub const NODE_SIZE: u64 = 32;

/// The head of the data: records, the tree over their leaves, the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Leaves of the batch.
    pub count: u32,
    /// Entries of the directory.
    pub blob_count: u32,
}

impl Layout {
    /// A record.
    #[must_use]
    pub fn record(&self, index: u32) -> Range<u64> {
        span(RECORD_SIZE * u64::from(index), RECORD_SIZE)
    }

    /// The tree over the leaves; its level 0 follows from the records and is not posted.
    #[must_use]
    pub fn leaf_levels(&self) -> Levels {
        Levels::new(u64::from(self.count))
    }

    /// A node of the tree over the leaves, `level` being at least 1 and below the depth.
    #[must_use]
    pub fn leaf_node(&self, level: u32, index: u64) -> Range<u64> {
        let levels = self.leaf_levels();
        let number = levels.first(level) - levels.first(1) + index;
        span(RECORD_SIZE * u64::from(self.count) + NODE_SIZE * number, NODE_SIZE)
    }

    /// An entry of the directory.
    #[must_use]
    pub fn entry(&self, index: u32) -> Range<u64> {
        let levels = self.leaf_levels();
        let nodes = if levels.depth() == 0 { 0 } else { levels.posted() - levels.first(1) };
        let directory = RECORD_SIZE * u64::from(self.count) + NODE_SIZE * nodes;
        span(directory + ENTRY_SIZE * u64::from(index), ENTRY_SIZE)
    }

    /// Bytes of the head.
    #[must_use]
    pub fn head_length(&self) -> u64 {
        self.entry(self.blob_count).start
    }
}

/// The area of a blob: its pages, then the tree over them without its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// First byte.
    pub start: u64,
    /// Bytes of the blob.
    pub length: u64,
}

impl Area {
    /// Pages of the blob; none if it is empty.
    #[must_use]
    pub fn pages(&self) -> u64 {
        self.length.div_ceil(PAGE_SIZE as u64)
    }

    /// The tree over the pages.
    #[must_use]
    pub fn levels(&self) -> Levels {
        Levels::new(self.pages())
    }

    /// A page of the blob, zero padded. If nothing stands behind the blob, the data ends within the page.
    #[must_use]
    pub fn page(&self, index: u64) -> Range<u64> {
        span(self.start + index * PAGE_SIZE as u64, PAGE_SIZE as u64)
    }

    /// A node of the tree, `level` being below the depth.
    #[must_use]
    pub fn node(&self, level: u32, index: u64) -> Range<u64> {
        let number = self.levels().first(level) + index;
        span(self.start + self.pages() * PAGE_SIZE as u64 + NODE_SIZE * number, NODE_SIZE)
    }

    /// Where the blob ends.
    #[must_use]
    pub fn blob_end(&self) -> u64 {
        self.start + self.length
    }

    /// Where the area ends: behind its tree, or where the blob of one page or none ends.
    #[must_use]
    pub fn end(&self) -> u64 {
        let nodes = self.levels().posted();
        if nodes == 0 { self.blob_end() } else { self.node(0, nodes).start }
    }
}

/// The page on which an area begins if `end` bytes stand before it.
#[must_use]
pub fn next_page(end: u64) -> u64 {
    end.div_ceil(PAGE_SIZE as u64)
}

fn span(start: u64, length: u64) -> Range<u64> {
    start..start + length
}
