//! CODE and INPUT: bytes that no step writes, shared between runs, hashed at most once.
//!
//! Owns the region root. The tree, which only witnesses need, is built when the first one asks for it.

use alloc::vec::Vec;

use alloy_primitives::B256;

use super::{
    FixedImage, SharedBytes,
    backing::{update_leaves, update_pages},
    read_padded,
};
use crate::memory::{
    blob::{commit_blob, mount_blob},
    layout::{Kind, LEAF_SIZE, Leaf, PAGE_SIZE, Page, REGION_SIZE, Region},
    tree::Tree,
};

/// Tree leaves that are hashed at once while a tree is built.
const BATCH: usize = 1 << 12;

/// A read-only region.
pub struct Fixed {
    bytes: SharedBytes,
    kind: Kind,
    root: B256,
    tree: Option<Tree>,
}

impl Fixed {
    /// The region with these bytes, hashed unless the root is known.
    pub fn new(region: Region, image: FixedImage) -> Self {
        let (bytes, kind) = ((*image.bytes).as_ref(), region.kind());
        assert!(bytes.len() as u64 <= REGION_SIZE, "{} bytes fit region {}", bytes.len(), region.number());
        let (root, tree) = match (image.root, kind) {
            (Some(root), _) => (root, None),
            (None, Kind::Bulk) => {
                let blob = commit_blob(bytes).expect("the length was checked above");
                (mount_blob(&blob), None)
            }
            (None, Kind::Control) => {
                let tree = build(kind, bytes);
                (tree.root(), Some(tree))
            }
        };
        Self { bytes: image.bytes, kind, root, tree }
    }

    /// The region root.
    pub fn root(&self) -> B256 {
        self.root
    }

    /// The bytes that are not zero by definition.
    pub fn bytes(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }

    /// Copies bytes out.
    pub fn read(&self, offset: u64, bytes: &mut [u8]) {
        read_padded(self.bytes(), offset, bytes);
    }

    /// The region's tree.
    ///
    /// # Panics
    /// If the root that the caller gave is not that of the bytes.
    pub fn tree(&mut self) -> &Tree {
        let tree = self.tree.get_or_insert_with(|| build(self.kind, (*self.bytes).as_ref()));
        assert_eq!(tree.root(), self.root, "the given root is that of the given bytes");
        tree
    }
}

/// The tree over `bytes`, zero padded.
fn build(kind: Kind, bytes: &[u8]) -> Tree {
    let mut tree = Tree::new(kind);
    match kind {
        Kind::Control => {
            for (batch, bytes) in bytes.chunks(BATCH * LEAF_SIZE).enumerate() {
                let (leaves, rest) = bytes.as_chunks::<LEAF_SIZE>();
                let mut leaves = leaves.to_vec();
                leaves.extend(padded::<LEAF_SIZE>(rest));
                let numbers: Vec<u64> = (0..leaves.len()).map(|i| (batch * BATCH + i) as u64).collect();
                let leaves: &[Leaf] = &leaves;
                update_leaves(&mut tree, &numbers, leaves);
            }
        }
        Kind::Bulk => {
            let (pages, rest): (&[Page], _) = bytes.as_chunks();
            let numbers: Vec<u32> = (0..pages.len() as u32).collect();
            for numbers in numbers.chunks(BATCH) {
                update_pages(&mut tree, numbers, pages);
            }
            if let Some(page) = padded::<PAGE_SIZE>(rest) {
                let last = pages.len() as u64;
                tree.update(&[(last, crate::memory::hash::page(&page))]);
            }
        }
    }
    tree
}

/// What is left at the end, zero padded, if anything is.
fn padded<const N: usize>(rest: &[u8]) -> Option<[u8; N]> {
    (!rest.is_empty()).then(|| {
        let mut bytes = [0; N];
        bytes[..rest.len()].copy_from_slice(rest);
        bytes
    })
}
