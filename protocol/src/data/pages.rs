//! What L1 hashes of a batch's data: pages of 4096 bytes, their root, the parts in which they are posted; and the pages of
//! blobs within them (specs/12-batches.md, "Pages and parts").
//!
//! Owns the two page hashes: keccak for data, BLAKE3 for blobs; and windows, by which L1 reads data. The last page is hashed
//! as if zeros followed.

use alloc::vec::Vec;
use core::ops::Range;

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

/// Consecutive pages of a batch's data, and what shows that they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataWindow<'a> {
    /// Number of the first.
    pub first_page: u32,
    /// The pages, the data's last one cut where the data ends.
    pub bytes: &'a [u8],
    /// From the pages upwards, at each level the left neighbour if there is one, then the right one; padding is spelled out.
    pub siblings: Vec<B256>,
}

/// The fewest windows that show these spans of the data, in order: no two of them touch. Each span lies in one of them.
///
/// # Panics
/// If a span does not begin in the data.
#[must_use]
pub fn data_windows<'a>(data: &'a [u8], spans: &[Range<u64>]) -> Vec<DataWindow<'a>> {
    let page_of = |offset: u64| offset as usize / PAGE_SIZE;
    let mut pages: Vec<Range<usize>> =
        spans.iter().map(|span| page_of(span.start)..page_of((span.end - 1).max(span.start)) + 1).collect();
    pages.sort_unstable_by_key(|pages| pages.start);
    pages.dedup_by(|next, before| {
        let touches = next.start <= before.end;
        before.end = if touches { before.end.max(next.end) } else { before.end };
        touches
    });
    if pages.is_empty() {
        return Vec::new();
    }
    let levels = PAGE_TREE.levels(page_hashes(data));
    let (_, below_root) = levels.split_last().expect("a tree has a root");
    let window = |pages: Range<usize>| {
        let bytes = &data[pages.start * PAGE_SIZE..data.len().min(pages.end * PAGE_SIZE)];
        let (mut first, mut last) = (pages.start, pages.start + bytes.len().div_ceil(PAGE_SIZE) - 1);
        let mut siblings = Vec::new();
        for nodes in below_root {
            siblings.extend((first % 2 == 1).then(|| nodes[first - 1]));
            siblings.extend((last % 2 == 0).then(|| nodes[last + 1]));
            (first, last) = (first / 2, last / 2);
        }
        DataWindow { first_page: pages.start as u32, bytes, siblings }
    };
    pages.into_iter().map(window).collect()
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
