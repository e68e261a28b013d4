//! The root of a blob, page by page as its bytes arrive (specs/02-memory.md, "Blobs").
//!
//! Owns the frontier of the tree: one node for each level that waits for its right neighbour, 24 at the most for the longest blob. So
//! memory does not grow with the blob. It agrees with `protocol::data::blob_root`, which wants all bytes at once.

use alloy_primitives::B256;
use assay_protocol::data::layout::PAGE_SIZE;
use assay_protocol::{BLOB_TREE, BlobRef};

/// A blob's root in the making.
#[derive(Clone, Debug)]
pub struct BlobHasher {
    /// Of each level, the left node that waits for its neighbour.
    waiting: Vec<Option<B256>>,
    /// Bytes of the page that is not full yet.
    page: Vec<u8>,
    /// Full pages so far.
    pages: u64,
}

impl Default for BlobHasher {
    fn default() -> Self {
        Self { waiting: Vec::new(), page: Vec::with_capacity(PAGE_SIZE), pages: 0 }
    }
}

impl BlobHasher {
    /// Bytes so far.
    pub fn length(&self) -> u64 {
        self.pages * PAGE_SIZE as u64 + self.page.len() as u64
    }

    /// Takes the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.page.is_empty() && bytes.len() >= PAGE_SIZE {
                let (page, rest) = bytes.split_at(PAGE_SIZE);
                self.push(page_hash(page));
                bytes = rest;
                continue;
            }
            let (taken, rest) = bytes.split_at(bytes.len().min(PAGE_SIZE - self.page.len()));
            self.page.extend_from_slice(taken);
            bytes = rest;
            if self.page.len() == PAGE_SIZE {
                let page = std::mem::take(&mut self.page);
                self.push(page_hash(&page));
                self.page = page;
                self.page.clear();
            }
        }
    }

    /// The blob that the bytes are.
    pub fn finish(mut self) -> BlobRef {
        let length = self.length();
        if !self.page.is_empty() || self.pages == 0 {
            let mut page = std::mem::take(&mut self.page);
            page.resize(PAGE_SIZE, 0);
            self.push(page_hash(&page));
        }
        // What still waits is joined from the bottom: padding stands to the right of it, up to the level of the root.
        let top = u64::BITS - (self.pages - 1).leading_zeros();
        let mut right: Option<B256> = None;
        let mut zero = BLOB_TREE.zero(0);
        for level in 0..top {
            let left = self.waiting.get(level as usize).copied().flatten();
            right = match (left, right) {
                (Some(left), Some(right)) => Some(BLOB_TREE.node(&left, &right)),
                (Some(left), None) => Some(BLOB_TREE.node(&left, &zero)),
                (None, Some(right)) => Some(BLOB_TREE.node(&right, &zero)),
                (None, None) => None,
            };
            zero = BLOB_TREE.node(&zero, &zero);
        }
        let root = right.or_else(|| self.waiting.get(top as usize).copied().flatten());
        BlobRef { root: root.expect("a tree over a page has a root"), length }
    }

    /// Adds the hash of a page, and joins every pair that it completes.
    fn push(&mut self, mut node: B256) {
        self.pages += 1;
        for level in 0.. {
            match self.waiting.get_mut(level) {
                None => {
                    self.waiting.push(Some(node));
                    return;
                }
                Some(place @ None) => {
                    *place = Some(node);
                    return;
                }
                Some(place) => {
                    let left = place.take().expect("it was just seen to wait");
                    node = BLOB_TREE.node(&left, &node);
                }
            }
        }
    }
}

fn page_hash(page: &[u8]) -> B256 {
    B256::new(*blake3::hash(page).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::data::blob_root;

    /// Against the definition, which has all bytes at once: every number of pages up to 40, whole and cut, in pieces of all sizes.
    #[test]
    fn it_agrees_with_the_definition() {
        let bytes: Vec<u8> = (0..40 * PAGE_SIZE).map(|index| ((index * 31) >> 3) as u8).collect();
        for length in (0..=40).flat_map(|pages| [pages * PAGE_SIZE, (pages * PAGE_SIZE).saturating_sub(17)]) {
            for piece in [1000, 4096, 5000, 1 << 20] {
                let mut hasher = BlobHasher::default();
                bytes[..length].chunks(piece).for_each(|piece| hasher.update(piece));
                assert_eq!(hasher.length(), length as u64);
                assert_eq!(hasher.finish(), blob_root(&bytes[..length]), "{length} bytes by {piece}");
            }
        }
    }
}
