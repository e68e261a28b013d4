//! Shared nouns of Assay: what every room and every process means by a blob, a task, a result, a batch, an outcome.
//!
//! ```text
//! blob, outcome   what the machine and everybody around it name alike
//! objects         what is signed, and how it is hashed
//! signature       the one form of a signature
//! tree            trees over leaves and pages
//! data            the bytes of a batch
//! faults          what is wrong with a batch on its face
//! presets         the numbers of deployments, and what they owe each other
//! deployment      where the contracts are
//! rpc             what processes say to each other
//! ```
//!
//! Owns names, layouts and their hashes. It imports nothing of ours and does no I/O.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod blob;
#[cfg(feature = "contracts")]
#[allow(missing_docs)]
pub mod contracts;
pub mod data;
pub mod deployment;
pub mod faults;
pub mod objects;
mod outcome;
pub mod presets;
pub mod rpc;
pub mod signature;
mod tree;

pub use alloy_primitives::{Address, B256, keccak256};
pub use blob::{BLOB_LENGTH_MAX, BlobRef};
pub use outcome::{Outcome, Status, TrapCode};
pub use tree::{BLOB_TREE, EMPTY_BLOB_ROOT, LEAF_TREE, Levels, PAGE_TREE, ProofError, Tree};
