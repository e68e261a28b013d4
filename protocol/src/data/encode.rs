//! Claims and blobs to the bytes of a batch (specs/12-batches.md, "Layout").
//!
//! Owns the writing of the one encoding. It refuses what could not be read back; whether a claim is sound is not asked:
//! [`crate::faults`] is, before a batch is posted.

use alloc::vec::Vec;

use alloy_primitives::B256;
use thiserror::Error;

use super::layout::{Area, DATA_LENGTH_MAX, Layout, PAGE_SIZE, next_page};
use super::pages::{blob_levels, data_root};
use super::record::{Entry, write_record};
use crate::BlobRef;
use crate::objects::{Batch, Claim, Domain};
use crate::tree::LEAF_TREE;

/// The data of a batch, and what its header says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The bytes to post.
    pub data: Vec<u8>,
    /// The leaves, in order.
    pub leaves: Vec<B256>,
    /// The blobs, in the order of the directory.
    pub blobs: Vec<BlobRef>,
    /// Root over the leaves.
    pub leaf_root: B256,
    /// Root over the pages of the data.
    pub data_root: B256,
    /// Sequence number of leaf 0.
    pub first_sequence: u64,
    /// The earliest deadline of the tasks.
    pub min_deadline: u64,
}

impl Encoded {
    /// The header over this data.
    #[must_use]
    pub fn batch(&self, region: B256, number: u64, parent: B256, as_of: u64) -> Batch {
        Batch {
            region,
            number,
            parent,
            first_sequence: self.first_sequence,
            leaf_root: self.leaf_root,
            count: self.leaves.len() as u32,
            data_root: self.data_root,
            data_length: self.data.len() as u32,
            blob_count: self.blobs.len() as u32,
            as_of,
            min_deadline: self.min_deadline,
        }
    }
}

/// Why claims and blobs make no batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// A batch has a leaf at least.
    #[error("a batch of no leaves")]
    Empty,
    /// A claim of another region: the record would not say so.
    #[error("leaf {leaf} is of region {got}, the batch of {wanted}")]
    Region {
        /// Index of the leaf.
        leaf: usize,
        /// Region of its request.
        got: B256,
        /// Region of the batch.
        wanted: B256,
    },
    /// A result of another task than the request is: the record would not say so.
    #[error("leaf {leaf} has a result of task {got}, its request is task {wanted}")]
    Task {
        /// Index of the leaf.
        leaf: usize,
        /// Task of the result.
        got: B256,
        /// Id of the request.
        wanted: B256,
    },
    /// An empty blob stands first or not at all: so the last entry says where the data ends.
    #[error("blob {blob} is empty and not the first")]
    EmptyBlob {
        /// Index of the blob.
        blob: usize,
    },
    /// More than one batch holds.
    #[error("{got} bytes of data, at most {most}")]
    TooLong {
        /// Bytes that were needed.
        got: u64,
        /// Most bytes of a batch's data.
        most: u32,
    },
}

/// Writes a batch of a region.
///
/// # Errors
/// [`EncodeError`] names the claim that can't be written, or by how much there is too much.
pub fn encode(region: B256, domain: &Domain, claims: &[Claim], blobs: &[&[u8]]) -> Result<Encoded, EncodeError> {
    let (Some(first), Some(min_deadline)) = (claims.first(), claims.iter().map(|claim| claim.request.deadline).min())
    else {
        return Err(EncodeError::Empty);
    };
    if let Some(before) = blobs.iter().skip(1).position(|bytes| bytes.is_empty()) {
        return Err(EncodeError::EmptyBlob { blob: before + 1 });
    }
    let got = data_length(claims.len(), blobs);
    if got > u64::from(DATA_LENGTH_MAX) {
        return Err(EncodeError::TooLong { got, most: DATA_LENGTH_MAX });
    }
    for (leaf, claim) in claims.iter().enumerate() {
        let (got, wanted) = (claim.request.region, region);
        if got != wanted {
            return Err(EncodeError::Region { leaf, got, wanted });
        }
        let (got, wanted) = (claim.result.task, claim.request.id(domain));
        if got != wanted {
            return Err(EncodeError::Task { leaf, got, wanted });
        }
    }

    let mut data = Vec::with_capacity(got as usize);
    claims.iter().for_each(|claim| data.extend_from_slice(&write_record(claim)));
    let leaves: Vec<B256> = claims.iter().map(|claim| claim.leaf(domain)).collect();
    let levels = LEAF_TREE.levels(leaves.clone());
    // Level 0 follows from the records, and the root stands in the header.
    for node in levels.iter().take(levels.len() - 1).skip(1).flatten() {
        data.extend_from_slice(node.as_slice());
    }
    let leaf_root = levels.last().expect("a tree has a root")[0];

    let mut refs = Vec::with_capacity(blobs.len());
    let mut areas = Vec::new();
    let head_length = layout(claims.len(), blobs.len()).head_length();
    for bytes in blobs {
        let end = head_length + areas.len() as u64;
        let levels = blob_levels(bytes);
        let blob = BlobRef { root: levels.last().expect("a tree has a root")[0], length: bytes.len() as u64 };
        data.extend_from_slice(&Entry { blob, encoding: 0, first_page: next_page(end) as u32 }.to_bytes());
        refs.push(blob);
        if bytes.is_empty() {
            continue;
        }
        pad(&mut areas, head_length);
        areas.extend_from_slice(bytes);
        let tree = &levels[..levels.len() - 1];
        if !tree.is_empty() {
            pad(&mut areas, head_length);
        }
        tree.iter().flatten().for_each(|node| areas.extend_from_slice(node.as_slice()));
    }
    data.extend_from_slice(&areas);
    assert_eq!(data.len() as u64, got, "the length is known beforehand");
    Ok(Encoded {
        data_root: data_root(&data),
        data,
        leaves,
        blobs: refs,
        leaf_root,
        first_sequence: first.sequence,
        min_deadline,
    })
}

/// Bytes of the data of so many claims and these blobs: what a sequencer asks before it adds another.
#[must_use]
pub fn data_length(claims: usize, blobs: &[&[u8]]) -> u64 {
    let head_length = layout(claims, blobs.len()).head_length();
    blobs.iter().filter(|bytes| !bytes.is_empty()).fold(head_length, |end, bytes| {
        let start = next_page(end) * PAGE_SIZE as u64;
        Area { start, length: bytes.len() as u64 }.end()
    })
}

/// The layout of so many claims and blobs. More than 32 bits count are too long anyway.
fn layout(claims: usize, blobs: usize) -> Layout {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Layout { count: count(claims), blob_count: count(blobs) }
}

/// Adds zeros up to the next page of the data, of which `before` bytes stand before these.
fn pad(bytes: &mut Vec<u8>, before: u64) {
    let end = before + bytes.len() as u64;
    bytes.resize(bytes.len() + (next_page(end) * PAGE_SIZE as u64 - end) as usize, 0);
}
