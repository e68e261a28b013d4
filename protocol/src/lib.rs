//! Shared nouns of Assay: what every room and every process means by a blob, a program id, an outcome.
//!
//! Owns names and layouts only. It imports nothing of ours, does no I/O and computes no hashes of data.
#![no_std]
#![forbid(unsafe_code)]

mod blob;
#[cfg(feature = "contracts")]
#[allow(missing_docs)]
pub mod contracts;
mod outcome;

pub use alloy_primitives::{B256, keccak256};
pub use blob::{BLOB_LENGTH_MAX, BlobRef};
pub use outcome::{Outcome, Status, TrapCode};
