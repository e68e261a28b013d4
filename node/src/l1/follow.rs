//! How a chain is followed: the pure core of the reader.
//!
//! Owns the decision what to do next, from the chain that was delivered and what a node has just shown. Assumes that blocks with one
//! hash are one block, and nothing else of the node: what it shows now may contradict what it showed before. Never waits, asks or
//! stores.
//!
//! # Rules
//!
//! ```text
//!   head ─ confirmations = target: the newest block that is delivered
//!
//!   delivered ........................ next ............................... target ......... head
//!   └ depth_max + 1 blocks remembered ┘└ settled: more than depth_max below ┘└ one by one ┘
//!                                        the target, read in pages
//! ```
//!
//! 1. A block is delivered when it stands at `next` and its parent is the tip.
//! 2. Blocks are taken back only on evidence: the node shows another hash at the height of a delivered block. A node that is merely
//!    behind shows none, so it changes nothing.
//! 3. After evidence at one height the search goes down until a height agrees, or the parent of what the node shows does. That block
//!    stays; all above it are taken back, and rule 1 goes on from there.
//! 4. When even the oldest block that is remembered differs, and blocks before it were delivered, the reorganisation is deeper than
//!    the reader can heal: [`Action::TooDeep`].
//! 5. A node that contradicts itself, the tip agreeing but its child having another parent, is asked again.

use super::chain::{BlockRef, Chain};

/// What a node has shown since the last action that changed the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Nothing but the height of its head.
    Head,
    /// The header at a height, or that there is none.
    Header {
        /// The height that was asked for.
        number: u64,
        /// What stands there.
        block: Option<BlockRef>,
    },
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// All is delivered, or the node has to be asked anew: look at the head again, later.
    Wait,
    /// Ask for the header at a height.
    Fetch {
        /// The height.
        number: u64,
    },
    /// Read a page of settled blocks, from `first` to at most `last`, and deliver it.
    Settled {
        /// The first block of the page.
        first: u64,
        /// The last block that counts as settled.
        last: u64,
    },
    /// Deliver a block, the child of the tip.
    Deliver(BlockRef),
    /// Take back every block from `next` on.
    RollBack {
        /// The first block that is void.
        next: u64,
    },
    /// The node's chain has nothing in common with what is remembered.
    TooDeep {
        /// The oldest block that is remembered.
        known: BlockRef,
        /// What the node shows at its height.
        shown: BlockRef,
    },
}

/// Decides what to do next. `head` is the height of the node's head.
pub fn decide(chain: &Chain, head: u64, confirmations: u64, shown: Shown) -> Action {
    let Some(target) = head.checked_sub(confirmations) else { return Action::Wait };
    match shown {
        Shown::Head => begin(chain, target),
        Shown::Header { block: None, .. } => Action::Wait,
        Shown::Header { number, block: Some(block) } => judge(chain, target, number, block),
    }
}

/// What to ask for when only the head is known.
fn begin(chain: &Chain, target: u64) -> Action {
    let next = chain.next();
    if next > target {
        // Nothing new: the newest block that both sides have tells whether the chain below is still the same.
        return match chain.at(target) {
            Some(_) => Action::Fetch { number: target },
            None => Action::Wait,
        };
    }
    match target.checked_sub(chain.depth_max()) {
        // Before blocks are passed over in pages, the tip must still stand: below it nobody would look again.
        Some(settled) if next < settled => match chain.tip() {
            Some(tip) => Action::Fetch { number: tip.number },
            None => Action::Settled { first: next, last: settled - 1 },
        },
        _ => Action::Fetch { number: next },
    }
}

/// What a header means.
fn judge(chain: &Chain, target: u64, number: u64, block: BlockRef) -> Action {
    if block.number != number {
        return Action::Wait;
    }
    if number == chain.next() {
        return match chain.tip() {
            Some(tip) if tip.hash != block.parent => Action::Fetch { number: tip.number },
            _ if number > target => Action::Wait,
            _ => Action::Deliver(block),
        };
    }
    let Some(known) = chain.at(number) else { return Action::Wait };
    if known.hash == block.hash {
        return agreed(chain, target, number);
    }
    if chain.oldest().is_some_and(|oldest| oldest.number == number) {
        return match chain.is_whole() {
            true => Action::RollBack { next: number },
            false => Action::TooDeep { known: *known, shown: block },
        };
    }
    match chain.at(number - 1) {
        Some(before) if before.hash == block.parent => Action::RollBack { next: number },
        _ => Action::Fetch { number: number - 1 },
    }
}

/// What to do when a remembered block is still canonical.
fn agreed(chain: &Chain, target: u64, number: u64) -> Action {
    let next = chain.next();
    if number + 1 == next {
        let settled = target.saturating_sub(chain.depth_max());
        return match next < settled {
            true => Action::Settled { first: next, last: settled - 1 },
            // The tip was asked for because its child had another parent, or because there was nothing new.
            false => Action::Wait,
        };
    }
    Action::Wait
}
