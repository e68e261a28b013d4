//! Batches, and proofs of what stands in them.

use alloc::vec::Vec;

use alloy_primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::objects::{Batch, Place};

/// A batch that is posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchView {
    /// Its header.
    pub batch: Batch,
    /// Hash of the header.
    pub hash: B256,
    /// L1 time of the posting.
    #[serde(with = "alloy_serde::quantity")]
    pub posted_at: u64,
    /// Block of the posting.
    #[serde(with = "alloy_serde::quantity")]
    pub block: u64,
    /// L1 time at which it was voided, if it was.
    #[serde(with = "alloy_serde::quantity::opt")]
    pub voided_at: Option<u64>,
    /// Tasks of its leaves, in order.
    pub tasks: Vec<B256>,
}

/// One leaf, opened in its batch: what `IBatches.LeafProof` wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeafOpening {
    /// The batch's header.
    pub batch: Batch,
    /// Index of the leaf.
    #[serde(with = "alloy_serde::quantity")]
    pub index: u32,
    /// The record, as it stands in the data.
    pub record: Bytes,
    /// Siblings of the leaf, bottom-up.
    pub siblings: Vec<B256>,
}

/// Proof of a task's result: the chain that `IBatches.fateOf` and consumers take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeafProof {
    /// Where the leaf is.
    pub place: Place,
    /// The leaf, then the leaf whose output is its input, and so on.
    pub chain: Vec<LeafOpening>,
}
