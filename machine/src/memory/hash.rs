//! The definition of every hash of the memory tree, one at a time (specs/02-memory.md).
//!
//! Owns what a hash means; `wide` computes the same ones faster and is tested against this file.
//! `no_std`, no allocation: the verifier uses it as it stands.

use alloy_primitives::{B256, keccak256};
use blake3::hazmat::{HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};

use super::layout::{CHUNK_SIZE, Chunk, Leaf, PAGE_SIZE, Page};

/// Chunks in a page.
pub const PAGE_CHUNKS: usize = PAGE_SIZE / CHUNK_SIZE;

/// Hash of an inner node: keccak256 of its two children, 64 bytes in.
#[must_use]
pub fn node(left: &B256, right: &B256) -> B256 {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(left.as_slice());
    bytes[32..].copy_from_slice(right.as_slice());
    keccak256(bytes)
}

/// Hash of a control leaf: keccak256 of its 256 bytes.
#[must_use]
pub fn leaf(bytes: &Leaf) -> B256 {
    keccak256(bytes)
}

/// Hash of a bulk page: the plain BLAKE3 digest of its 4096 bytes.
#[must_use]
pub fn page(bytes: &Page) -> B256 {
    B256::new(*blake3::hash(bytes).as_bytes())
}

/// Chaining value of the page's chunk number `index`, 0..4: its BLAKE3 counter, not root.
#[must_use]
pub fn chunk(bytes: &Chunk, index: usize) -> B256 {
    debug_assert!(index < PAGE_CHUNKS, "a page has four chunks, got index {index}");
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset((index * CHUNK_SIZE) as u64);
    B256::new(hasher.update(bytes).finalize_non_root())
}

/// Chaining value of a pair of neighbouring chunks: a BLAKE3 parent, not root.
#[must_use]
pub fn chunk_pair(left: &B256, right: &B256) -> B256 {
    B256::new(merge_subtrees_non_root(&left.0, &right.0, Mode::Hash))
}

/// Hash of a page from the chaining values of its two pairs: the root parent.
#[must_use]
pub fn page_of_pairs(left: &B256, right: &B256) -> B256 {
    B256::new(*merge_subtrees_root(&left.0, &right.0, Mode::Hash).as_bytes())
}

/// The two siblings inside `page` of its chunk `index`: the other chunk of its pair, then the other pair.
#[must_use]
pub fn chunk_siblings(page: &Page, index: usize) -> [B256; 2] {
    let (chunks, _) = page.as_chunks::<CHUNK_SIZE>();
    let cv = |i: usize| chunk(&chunks[i], i);
    let other_pair = (index ^ 2) & 2;
    [cv(index ^ 1), chunk_pair(&cv(other_pair), &cv(other_pair + 1))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_folds_from_any_of_its_chunks() {
        let bytes: Page = core::array::from_fn(|i| (i * 7 + i / 256) as u8);
        let expected = B256::new(*blake3::hash(&bytes).as_bytes());
        for index in 0..PAGE_CHUNKS {
            let cv = chunk(bytes[index * CHUNK_SIZE..][..CHUNK_SIZE].try_into().unwrap(), index);
            let [sibling, other_pair] = chunk_siblings(&bytes, index);
            let pair = if index & 1 == 0 { chunk_pair(&cv, &sibling) } else { chunk_pair(&sibling, &cv) };
            let root =
                if index & 2 == 0 { page_of_pairs(&pair, &other_pair) } else { page_of_pairs(&other_pair, &pair) };
            assert_eq!(root, expected, "chunk {index}");
        }
    }
}
