//! Reading L1: the events of some contracts, in order, each once, through reorganisations and restarts.
//!
//! Owns what was delivered to a role and where it stands. Assumes that the chain is the one that it was when the cursor was first
//! written, which it checks. Never delivers a block before its parent, and never leaves a role with events of a block that L1 has
//! dropped.
//!
//! # Protocol
//!
//! The reader is pulled and has no task or mailbox of its own, so that nothing can overflow: a slow role reads slowly.
//!
//! ```text
//!   role                          reader                              L1
//!    │── next() ────────────────────>│── head, headers, logs ─────────>│
//!    │<── Blocks{first..last, logs} ─│                                 │
//!    │    own rows + delivery.mark() in one batch, commit              │
//!    │── next() ────────────────────>│── … another hash at a height ──>│
//!    │<── RolledBack{void_from} ─────│   always before the new blocks  │
//! ```
//!
//! *Persisted*: one row a reader, [`CURSORS`]: which chain, which events, the first block that was not delivered, and number, hash and
//! parent of the blocks that may still be taken back. The row is written by whoever consumes, in the batch that holds the effects of
//! the delivery. That makes *exactly once* a property of one commit: after a crash either both are there or neither, and the reader
//! goes on from there.
//!
//! *States*: behind (settled blocks in pages of logs), following (block by block, each checked against its parent), taking back (one
//! delivery). The rules are [`follow`]'s.
//!
//! *Failures*: a node that is down, slow or refuses is asked again with a growing, random wait, for ever, since nothing else helps;
//! `next` returns an error only when local state must be rebuilt or an operator is needed. A block whose logs are refused, for they may be
//! more than a provider gives at once, is read from its receipts.

mod chain;
mod cursor;
mod deployed;
pub mod follow;
mod page;
mod reader;
#[cfg(test)]
mod tests;

pub use alloy_rpc_types_eth::Log;
pub use chain::{BlockRef, Chain};
pub use cursor::{CURSORS, Cursor, forget, schema};
pub use deployed::{check_chain, code_at};
pub use reader::{Delivery, Event, Reader, ReaderConfig};

use crate::Remedy;
use crate::endpoint::EndpointError;
use crate::store::StoreError;
use alloy_primitives::B256;
use thiserror::Error;

/// What can go wrong with reading L1.
#[derive(Debug, Error)]
pub enum L1Error {
    /// The node does not answer, or not with what was asked.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The cursor can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// More blocks were replaced than are remembered.
    #[error(
        "L1 was reorganised deeper than {depth_max} blocks: block {number} is {got}, wanted {wanted}, which was delivered"
    )]
    TooDeep {
        /// The oldest block that is remembered.
        number: u64,
        /// Its hash now.
        got: B256,
        /// Its hash when it was delivered.
        wanted: B256,
        /// How many blocks are remembered.
        depth_max: u64,
    },
    /// The node is on another chain than the one that was read so far.
    #[error("L1 is chain {} with first block {}, wanted chain {} with {}", got.0, got.1, wanted.0, wanted.1)]
    AnotherChain {
        /// Chain id and hash of block 0, as the node says.
        got: (u64, B256),
        /// The same, as they were when reading began.
        wanted: (u64, B256),
    },
    /// The node is on another chain than the deployment.
    #[error("L1 is chain {got}, the deployment is on chain {wanted}")]
    WrongChain {
        /// What the node says.
        got: u64,
        /// What the deployment says.
        wanted: u64,
    },
    /// The cursor was written for other events, so that going on from it would miss some.
    #[error("the cursor of stream {stream} was written for other {what}: {got}, wanted {wanted}")]
    AnotherFilter {
        /// The reader's number.
        stream: u8,
        /// What differs.
        what: &'static str,
        /// What the cursor says.
        got: String,
        /// What the configuration says.
        wanted: String,
    },
    /// The remembered blocks don't form a chain.
    #[error("the cursor of stream {stream} holds blocks that are not one another's children")]
    BrokenCursor {
        /// The reader's number.
        stream: u8,
    },
    /// The node's answer to a question about logs is none.
    #[error("L1 gave a log that was not asked for: {reason}")]
    Logs {
        /// What is wrong with it.
        reason: String,
    },
}

impl L1Error {
    /// What helps.
    pub fn remedy(&self) -> Remedy {
        match self {
            L1Error::Endpoint(error) => error.remedy(),
            L1Error::Store(error) => error.remedy(),
            L1Error::TooDeep { .. } | L1Error::AnotherFilter { .. } | L1Error::BrokenCursor { .. } => Remedy::Reset,
            L1Error::AnotherChain { .. } | L1Error::WrongChain { .. } => Remedy::Stop,
            L1Error::Logs { .. } => Remedy::Retry,
        }
    }
}
