//! References to blobs: any input, output or program, named by its content.

use alloy_primitives::B256;
use serde::{Deserialize, Serialize};

/// Longest blob in bytes: one region of the machine's memory (specs/02-memory.md).
pub const BLOB_LENGTH_MAX: u64 = 1 << 36;

/// Names a blob: the root of its smallest page subtree, and its length in bytes.
///
/// The two are always hashed together; a root alone does not say where the zero padding begins
/// (specs/02-memory.md, "Blobs").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BlobRef {
    /// Root of the smallest bulk subtree of `2^h` pages that holds the blob, zero padded.
    pub root: B256,
    /// Length in bytes, at most [`BLOB_LENGTH_MAX`].
    #[serde(with = "alloy_serde::quantity")]
    pub length: u64,
}
