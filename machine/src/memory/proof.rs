//! A chunk opened against the memory root: its bytes, its siblings, and how they fold.
//!
//! Owns the meaning of a sibling's position. Needs only `hash` and `alloc`; the witness's encoding is not its business.

use alloc::vec::Vec;

use alloy_primitives::B256;

use super::{
    hash,
    layout::{CHUNK_SIZE, Kind, LEAF_SIZE, Region},
};

/// One chunk and its path to the memory root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkProof {
    /// First byte of the chunk.
    pub address: u64,
    /// 256 bytes of a control region, 1024 of a bulk region.
    pub bytes: Vec<u8>,
    /// Bottom-up, all of them: 32 for a control chunk; for a bulk chunk the 2 inside its page, then 28.
    pub siblings: Vec<B256>,
    /// Bit `i`: the sibling at level `i` above the tree leaf (control leaf or page) is the zero subtree of height `i`.
    /// Only levels below the region root are named: 28 for control, 24 for bulk.
    pub mask: u32,
}

impl ChunkProof {
    /// The memory root that these siblings give the chunk if it holds `bytes`.
    ///
    /// # Panics
    /// If the length of `bytes` or the number of siblings is not that of the chunk's region.
    #[must_use]
    pub fn fold(&self, bytes: &[u8]) -> B256 {
        fold(self.address, bytes, &self.siblings)
    }
}

/// Root of the memory in which the chunk at `address` holds `bytes` and has these siblings, bottom-up.
///
/// # Panics
/// If the length of `bytes` or of `siblings` is not that of the chunk's region: both are parsed before.
#[must_use]
pub fn fold(address: u64, bytes: &[u8], siblings: &[B256]) -> B256 {
    let kind = Region::of(address).kind();
    assert_eq!(siblings.len(), kind.siblings(), "a sibling for each level");
    let (inner, path) = siblings.split_at(kind.inner_siblings());
    let mut index = address / kind.leaf_size() as u64;
    let mut root = match kind {
        Kind::Control => {
            let bytes: &[u8; LEAF_SIZE] = bytes.try_into().expect("a control chunk is 256 bytes");
            hash::leaf(bytes)
        }
        Kind::Bulk => {
            let bytes: &[u8; CHUNK_SIZE] = bytes.try_into().expect("a bulk chunk is 1024 bytes");
            let chunk = (address as usize / CHUNK_SIZE) % hash::PAGE_CHUNKS;
            let (left, right) = ordered(chunk as u64, hash::chunk(bytes, chunk), inner[0]);
            let pair = hash::chunk_pair(&left, &right);
            let (left, right) = ordered(chunk as u64 >> 1, pair, inner[1]);
            hash::page_of_pairs(&left, &right)
        }
    };
    for sibling in path {
        let (left, right) = ordered(index, root, *sibling);
        root = hash::node(&left, &right);
        index >>= 1;
    }
    root
}

/// Left and right child, given the node with this index on its level and its sibling.
fn ordered(index: u64, node: B256, sibling: B256) -> (B256, B256) {
    if index & 1 == 0 { (node, sibling) } else { (sibling, node) }
}
