//! The blocks that a reader has delivered and could still have to take back.
//!
//! Owns the known end of the chain: contiguous, each block the child of the one before it, at most as long as the deepest
//! reorganisation that is healed. Assumes nothing. Never talks to a node or to the store.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A block of L1, by what makes it this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlockRef {
    /// Height.
    pub number: u64,
    /// Hash of its header.
    pub hash: B256,
    /// Hash of the block before it.
    pub parent: B256,
    /// Seconds since 1970, as the block says.
    pub timestamp: u64,
}

/// The end of the chain as it was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The first block that was to be read at all.
    start: u64,
    /// The first block that was not delivered yet.
    next: u64,
    /// Delivered blocks, oldest first, whose last is `next - 1`. Empty only while nothing was delivered.
    blocks: VecDeque<BlockRef>,
    /// How many blocks back the chain can be healed.
    depth_max: u64,
}

impl Chain {
    /// A chain of which nothing is known, to be read from block `start` on.
    pub fn new(start: u64, depth_max: u64) -> Self {
        Chain { start, next: start, blocks: VecDeque::new(), depth_max }
    }

    /// The chain that was written down. `None` when the blocks are not the children of one another, or the last of them is not the
    /// one before `next`.
    pub fn restore(start: u64, next: u64, depth_max: u64, blocks: Vec<BlockRef>) -> Option<Self> {
        let linked =
            blocks.windows(2).all(|pair| pair[0].hash == pair[1].parent && pair[0].number + 1 == pair[1].number);
        let ends = match blocks.last() {
            Some(last) => last.number.checked_add(1) == Some(next),
            None => next == start,
        };
        (linked && ends && next >= start).then(|| Chain { start, next, blocks: blocks.into(), depth_max })
    }

    /// The first block that was not delivered yet.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The newest delivered block.
    pub fn tip(&self) -> Option<&BlockRef> {
        self.blocks.back()
    }

    /// The oldest block that is remembered.
    pub fn oldest(&self) -> Option<&BlockRef> {
        self.blocks.front()
    }

    /// A remembered block.
    pub fn at(&self, number: u64) -> Option<&BlockRef> {
        let first = self.blocks.front()?.number;
        self.blocks.get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    /// How many blocks back the chain can be healed.
    pub fn depth_max(&self) -> u64 {
        self.depth_max
    }

    /// Whether the oldest block that is remembered is the first that was ever delivered: then there is nothing before it that could
    /// have been taken back too.
    pub fn is_whole(&self) -> bool {
        self.blocks.front().is_none_or(|oldest| oldest.number == self.start)
    }

    /// Adds the next block, and forgets one that no reorganisation that is healed can reach.
    ///
    /// # Panics
    /// When the block is not the child of the tip, which [`super::follow::decide`] sees to.
    pub fn push(&mut self, block: BlockRef) {
        assert_eq!(block.number, self.next, "a block is delivered out of order");
        assert!(
            self.tip().is_none_or(|tip| tip.hash == block.parent),
            "a block is delivered that is not the tip's child"
        );
        self.blocks.push_back(block);
        self.next += 1;
        // One more than can be taken back: the block that stays, on which the others are rebuilt.
        while self.blocks.len() as u64 > self.depth_max.saturating_add(1) {
            self.blocks.pop_front();
        }
    }

    /// Passes over settled blocks whose last is `block`, which becomes all that is remembered.
    ///
    /// # Panics
    /// When the block is already delivered.
    pub fn skip(&mut self, block: BlockRef) {
        assert!(block.number >= self.next, "settled blocks are delivered twice");
        self.blocks.clear();
        self.blocks.push_back(block);
        self.next = block.number + 1;
    }

    /// Takes back every block from `next` on.
    ///
    /// # Panics
    /// When the block before is not remembered, although it was delivered.
    pub fn roll_back(&mut self, next: u64) {
        let stays = |oldest: &BlockRef| oldest.number < next;
        assert!(self.is_whole() || self.oldest().is_some_and(stays), "rolled back past what is known");
        while self.blocks.back().is_some_and(|block| block.number >= next) {
            self.blocks.pop_back();
        }
        self.next = next;
    }

    /// The remembered blocks, oldest first.
    pub fn blocks(&self) -> impl Iterator<Item = &BlockRef> {
        self.blocks.iter()
    }

    /// The first block that was to be read at all.
    pub fn start(&self) -> u64 {
        self.start
    }
}
