//! A leaf in full: a request and its result, both signatures, and where on L1 the bytes are that the run needs.
//!
//! Owns the leaf's hash (specs/11-objects.md, "Leaves") and the shape of sources (specs/12-batches.md, "Sources"). Sources
//! are kept as they came, so that the leaf of a hostile record can still be computed.

use alloy_primitives::{B256, keccak256};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Domain, TaskRequest, TaskResult, TypedData, hash_words, number_word};
use crate::signature::SIGNATURE_LENGTH;

/// Domain tag of leaves.
const LEAF_TAG: &[u8] = b"assay.batch.leaf.v1";

/// A leaf, named by its place. Zero where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// Number of the batch.
    #[serde(with = "alloy_serde::quantity")]
    pub batch: u64,
    /// Index of the leaf.
    #[serde(with = "alloy_serde::quantity")]
    pub index: u32,
}

/// Where on L1 the bytes of a blob are, as a record says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// 0 absent, 1 here, 2 earlier, 3 output.
    pub kind: u8,
    /// A batch's number, where the kind has one.
    pub batch: u64,
    /// Index of a directory entry or of a leaf, where the kind has one.
    pub index: u32,
}

/// Where on L1 the bytes of a blob are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: the leaf can be attested, never final.
    Absent,
    /// An entry of this batch's directory.
    Here(u32),
    /// Entry `index` of the directory of batch `batch`, which stands before.
    Earlier(Place),
    /// The output of a leaf that stands before.
    Output(Place),
}

/// Why a source has no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SourceShapeError {
    /// No such kind.
    #[error("source kind {got}, at most 3")]
    Kind {
        /// The kind.
        got: u8,
    },
    /// A field that the kind does not use is not zero.
    #[error("a source of kind {kind} names batch {batch} and index {index}: what a kind does not use is zero")]
    Unused {
        /// The kind.
        kind: u8,
        /// The batch.
        batch: u64,
        /// The index.
        index: u32,
    },
}

impl Source {
    /// What the source says.
    ///
    /// # Errors
    /// If the kind is none, or a field that it does not use is not zero.
    pub fn origin(self) -> Result<Origin, SourceShapeError> {
        let Self { kind, batch, index } = self;
        match kind {
            0 if batch == 0 && index == 0 => Ok(Origin::Absent),
            1 if batch == 0 => Ok(Origin::Here(index)),
            0 | 1 => Err(SourceShapeError::Unused { kind, batch, index }),
            2 => Ok(Origin::Earlier(Place { batch, index })),
            3 => Ok(Origin::Output(Place { batch, index })),
            _ => Err(SourceShapeError::Kind { got: kind }),
        }
    }
}

impl From<Origin> for Source {
    fn from(origin: Origin) -> Self {
        match origin {
            Origin::Absent => Self::default(),
            Origin::Here(index) => Self { kind: 1, batch: 0, index },
            Origin::Earlier(Place { batch, index }) => Self { kind: 2, batch, index },
            Origin::Output(Place { batch, index }) => Self { kind: 3, batch, index },
        }
    }
}

/// One leaf in full: what record i of a batch's data says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Number that the sequencer gave the task at intake.
    pub sequence: u64,
    /// What was asked for.
    pub request: TaskRequest,
    /// The client's signature of the request, as it came.
    pub client_signature: [u8; SIGNATURE_LENGTH],
    /// What is claimed.
    pub result: TaskResult,
    /// The executor's signature of the result, as it came.
    pub executor_signature: [u8; SIGNATURE_LENGTH],
    /// Where the input is.
    pub input: Source,
    /// Where the program's WASM is.
    pub wasm: Source,
    /// The void leaf of the attempt before this one; zero for attempt 0.
    pub predecessor: Place,
}

impl Claim {
    /// The leaf. The task id in it is the one that the result names.
    #[must_use]
    pub fn leaf(&self, domain: &Domain) -> B256 {
        hash_words(&[
            keccak256(LEAF_TAG),
            number_word(self.sequence),
            number_word(u64::from(self.result.attempt)),
            self.result.task,
            keccak256(self.client_signature),
            self.result.digest(domain),
            self.result.executor.into_word(),
            keccak256(self.executor_signature),
            self.sources_hash(),
        ])
    }

    /// Hash of the sources and the predecessor, eight words.
    fn sources_hash(&self) -> B256 {
        let source = |source: Source| [u64::from(source.kind), source.batch, u64::from(source.index)].map(number_word);
        let [input, wasm] = [self.input, self.wasm].map(source);
        let predecessor = [self.predecessor.batch, u64::from(self.predecessor.index)].map(number_word);
        hash_words(&[input.as_slice(), &wasm, &predecessor].concat())
    }
}
