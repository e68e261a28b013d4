//! What L1 hashes of a batch's data: pages of 4096 bytes, their root, the parts in which they are posted; and the pages of
//! blobs within them (specs/12-batches.md, "Pages and parts").
//!
//! Owns the two page hashes: keccak for data, BLAKE3 for blobs. The last page is hashed as if zeros followed.

use alloc::vec::Vec;

use alloy_primitives::{B256, keccak256};

use super::layout::{PAGE_SIZE, PART_SIZE};
use crate::BlobRef;
use crate::tree::{BLOB_TREE, PAGE_TREE};

/// keccak256 of each page of the data.
#[must_use]
pub fn page_hashes(data: &[u8]) -> Vec<B256> {
    data.chunks(PAGE_SIZE).map(|page| keccak256(padded(page))).collect()
}

/// Root over the pages of the data; zero for no data.
#[must_use]
pub fn data_root(data: &[u8]) -> B256 {
    PAGE_TREE.root(page_hashes(data))
}

/// Siblings that show a page in the data's root, bottom-up.
///
/// # Panics
/// If there is no such page.
#[must_use]
pub fn page_proof(data: &[u8], page: usize) -> Vec<B256> {
    PAGE_TREE.proof(page_hashes(data), page)
}

/// The parts in which data is posted: all but the last are 16 pages.
pub fn parts(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    data.chunks(PART_SIZE)
}

/// BLAKE3 of a page of a blob, cut or whole.
pub(crate) fn blob_page_hash(page: &[u8]) -> B256 {
    B256::new(*blake3::hash(&padded(page)).as_bytes())
}

/// Levels of the tree over a blob's pages, bottom-up, each but the root padded to an even width.
pub(crate) fn blob_levels(bytes: &[u8]) -> Vec<Vec<B256>> {
    BLOB_TREE.levels(bytes.chunks(PAGE_SIZE).map(blob_page_hash).collect())
}

/// A blob's root and length (specs/02-memory.md, "Blobs"). The machine's hasher is the one for large blobs; this one
/// serves what fits a batch.
#[must_use]
pub fn blob_root(bytes: &[u8]) -> BlobRef {
    BlobRef { root: blob_levels(bytes).last().expect("a tree has a root")[0], length: bytes.len() as u64 }
}

fn padded(bytes: &[u8]) -> [u8; PAGE_SIZE] {
    let mut page = [0; PAGE_SIZE];
    page[..bytes.len()].copy_from_slice(bytes);
    page
}
