//! Blobs: the root of any bytes, in one pass with bounded memory, and its mounting as a region.
//!
//! Owns the padding and the height of a blob (specs/02-memory.md, "Blobs"). Never keeps the bytes.

use alloc::vec::Vec;

use alloy_primitives::B256;
use assay_protocol::{BLOB_LENGTH_MAX, BlobRef};

use super::{
    hash,
    layout::{BULK_DEPTH, Kind, PAGE_SIZE, Page, ZERO_PAGE},
    wide::{keccak_many, page_digests},
    zero::zero,
};

/// Pages that are hashed together when bytes arrive in small pieces.
const BATCH_PAGES: usize = 16;
/// Height of the subtrees that are folded at once: 1 MiB of data, 8 KiB of digests.
const SUBTREE_HEIGHT: usize = 8;

/// More bytes than a region holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a blob holds at most {wanted} bytes, got at least {got}")]
pub struct BlobTooLong {
    /// Bytes seen when the limit was passed.
    pub got: u64,
    /// The limit.
    pub wanted: u64,
}

/// Root and length of `bytes`.
///
/// # Errors
/// If there are more than 2^36 of them.
pub fn commit_blob(bytes: &[u8]) -> Result<BlobRef, BlobTooLong> {
    let mut hasher = BlobHasher::new();
    hasher.write(bytes)?;
    Ok(hasher.finish())
}

/// Height of the smallest bulk subtree that holds `length` bytes, at most 2^36.
#[must_use]
pub fn blob_height(length: u64) -> u32 {
    length.div_ceil(PAGE_SIZE as u64).max(1).next_power_of_two().trailing_zeros()
}

/// Root of the region in which a blob is mounted.
///
/// # Panics
/// If the length is above 2^36, which no blob's is.
#[must_use]
pub fn mount_blob(blob: &BlobRef) -> B256 {
    assert!(blob.length <= BLOB_LENGTH_MAX, "a blob of {} bytes fits a region", blob.length);
    let missing = &zero(Kind::Bulk)[blob_height(blob.length) as usize..BULK_DEPTH as usize];
    missing.iter().fold(blob.root, |root, zero| hash::node(&root, zero))
}

/// Hashes a blob as its bytes arrive. Holds about 80 KiB, whatever the length.
#[derive(Clone, Debug, Default)]
pub struct BlobHasher {
    length: u64,
    /// Fewer than [`BATCH_PAGES`] pages that are not yet hashed.
    pending: Vec<u8>,
    /// Fewer than 2^[`SUBTREE_HEIGHT`] digests that are not yet folded.
    digests: Vec<B256>,
    /// Full subtrees, each left of the next and higher: `(height, root)`.
    subtrees: Vec<(usize, B256)>,
}

impl BlobHasher {
    /// The hasher of an empty blob.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes taken so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// If the blob would be longer than 2^36 bytes; nothing is taken then.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), BlobTooLong> {
        let length = self.length.saturating_add(bytes.len() as u64);
        if length > BLOB_LENGTH_MAX {
            return Err(BlobTooLong { got: length, wanted: BLOB_LENGTH_MAX });
        }
        self.length = length;
        let mut rest = bytes;
        if !self.pending.is_empty() {
            let (head, tail) = rest.split_at(rest.len().min(BATCH_PAGES * PAGE_SIZE - self.pending.len()));
            self.pending.extend_from_slice(head);
            rest = tail;
            if self.pending.len() == BATCH_PAGES * PAGE_SIZE {
                let mut full = core::mem::take(&mut self.pending);
                self.take_pages(full.as_chunks().0);
                full.clear();
                self.pending = full;
            }
        }
        let (batches, tail) = rest.as_chunks::<{ BATCH_PAGES * PAGE_SIZE }>();
        for batch in batches {
            self.take_pages(batch.as_chunks().0);
        }
        self.pending.extend_from_slice(tail);
        Ok(())
    }

    /// The blob's name. Its last page is padded with zero bytes, its subtree with zero pages.
    #[must_use]
    pub fn finish(mut self) -> BlobRef {
        let mut pending = core::mem::take(&mut self.pending);
        pending.resize(pending.len().next_multiple_of(PAGE_SIZE), 0);
        self.take_pages(pending.as_chunks().0);
        if self.length == 0 {
            self.digests.push(zero(Kind::Bulk)[0]);
        }
        // What is left over is folded with zero subtrees on its right, and every full subtree joins on its left.
        let height = blob_height(self.length) as usize;
        let digests = core::mem::take(&mut self.digests);
        let mut right = (!digests.is_empty()).then(|| {
            let bottom = height.min(SUBTREE_HEIGHT);
            (bottom, fold(digests, bottom))
        });
        while let Some((full, left)) = self.subtrees.pop() {
            right = Some(match right {
                None => (full, left),
                Some((partial, root)) => (full + 1, hash::node(&left, &pad(root, partial, full))),
            });
        }
        let (top, root) = right.expect("an empty blob has the zero page's digest");
        BlobRef { root: pad(root, top, height), length: self.length }
    }

    /// Hashes whole pages, at most [`BATCH_PAGES`].
    fn take_pages(&mut self, pages: &[Page]) {
        let mut batch = [&ZERO_PAGE; BATCH_PAGES];
        for (slot, page) in batch.iter_mut().zip(pages) {
            *slot = page;
        }
        page_digests(&batch[..pages.len()], &mut self.digests);
        if self.digests.len() == 1 << SUBTREE_HEIGHT {
            let digests = core::mem::take(&mut self.digests);
            self.push_subtree(fold(digests, SUBTREE_HEIGHT));
        }
    }

    /// Adds a full subtree of [`SUBTREE_HEIGHT`] on the right and merges equals, like carries of a binary counter.
    fn push_subtree(&mut self, root: B256) {
        let mut new = (SUBTREE_HEIGHT, root);
        while let Some((_, left)) = self.subtrees.pop_if(|(height, _)| *height == new.0) {
            new = (new.0 + 1, hash::node(&left, &new.1));
        }
        self.subtrees.push(new);
    }
}

/// Root of the subtree of `height` whose first leaves are `digests` and whose others are zero pages.
fn fold(mut level: Vec<B256>, height: usize) -> B256 {
    let mut pairs = Vec::new();
    for zero in &zero(Kind::Bulk)[..height] {
        if level.len() % 2 == 1 {
            level.push(*zero);
        }
        pairs.clear();
        pairs.extend(level.as_chunks::<2>().0.iter().map(|[left, right]| {
            let mut pair = [0; 64];
            pair[..32].copy_from_slice(&left[..]);
            pair[32..].copy_from_slice(&right[..]);
            pair
        }));
        level.clear();
        keccak_many(&pairs, &mut level);
    }
    level[0]
}

/// Root of the subtree of height `to` that begins with a subtree of height `from` and is zero behind it.
fn pad(root: B256, from: usize, to: usize) -> B256 {
    zero(Kind::Bulk)[from..to].iter().fold(root, |root, zero| hash::node(&root, zero))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::reference::Random;
    use alloy_primitives::b256;

    /// Bytes of the vectors: byte `i` is `(31 * i + i / 256 + 7) mod 256`.
    fn pattern(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i * 31 + (i >> 8) + 7) as u8).collect()
    }

    /// `(length, blob root, region root)`, computed in Python from the packages blake3 and pycryptodome by the
    /// definition: pad to a power of two of pages, hash each, fold.
    const VECTORS: [(usize, B256, B256); 9] = [
        (
            0,
            b256!("b6fb73fc46938c981e2b0b4b1ef282adcfc89854d01bfe3972fdc4785b41b2c7"),
            b256!("e5e79370496b6ab00cfdd1d9e4801b09c0249afca5780dfcdac027096af77d0b"),
        ),
        (
            1,
            b256!("b3c1c54425a4530d427c5974df46514cb3c82eb9a43f73067b8f640d17325556"),
            b256!("f6f88ff6fb56b13bfc63f79fda30de692ef0639c52dfbb7c67ccc5dc9aefd24c"),
        ),
        (
            4096,
            b256!("7c12900cabe5e887cf72fbf6c6baa0a85ef2ed14839e28602e7e6b04d9da38a6"),
            b256!("3e770db64be2f7b849e27bfde3db7c10f31e123c21f9ba75c3ccee7583306603"),
        ),
        (
            4097,
            b256!("717b7d51a97cf11093d0cc283f89b277ed162d6098841ef0bf08d1a8bc8ce23b"),
            b256!("2097515ec71858408f59c267b3ae0212421a42526e67d3d14fe2841efb262319"),
        ),
        (
            12288,
            b256!("c72d6e181be1c1ca8c329eb7927730fc9f936e548a3c40e0524f96fc9ddc1b9d"),
            b256!("c5321ecb986f1fe526d043c9902ca68e79da6c1567b661ff734946f90e6dd320"),
        ),
        (
            20481,
            b256!("cc471e61c57fab7a15ec0c2fa204bbcb2aa15c4421c5ee06a965524c43daa47b"),
            b256!("581efdcf3c8aafb4c7c98c63b427a4328ebff0ffef9bdb86cd8786981b6f0b89"),
        ),
        (
            1048576,
            b256!("e0f956d73ce75d5a2807de5debf97579014b40fbae10cd289cb8102aa52a92c6"),
            b256!("470544f41f90737cea9177b374021c4e147dd309f46e7aa8a0b1a3aa153edd42"),
        ),
        (
            1048577,
            b256!("c61e72726d623c737540949825d9b5af4b1d795d9f0ee27c31b09c2bf633e4f1"),
            b256!("388c5c587845c7da69e83cdb1b58e3e25a637251d605dd410d1fc2fc170b51d6"),
        ),
        (
            2109497,
            b256!("1b99193195b5e974449323735a5543b98828383717ca07afb66d7d1074b5e196"),
            b256!("288a31dc584cfff50b5022bac0984b042294f480af8c8a7a7d6666e874c5eddf"),
        ),
    ];

    #[test]
    fn roots_equal_the_vectors() {
        for (length, root, region) in VECTORS {
            let blob = commit_blob(&pattern(length)).unwrap();
            assert_eq!(blob, BlobRef { root, length: length as u64 });
            assert_eq!(mount_blob(&blob), region, "{length} bytes as a region");
        }
    }

    #[test]
    fn pieces_do_not_matter() {
        let mut random = Random(4);
        for (length, root, _) in VECTORS {
            let bytes = pattern(length);
            for piece_max in [1, 4096, 5000, 65_536, 200_000] {
                let (mut hasher, mut rest) = (BlobHasher::new(), &bytes[..]);
                while !rest.is_empty() {
                    // Single bytes are slow on the long vectors and show nothing more there.
                    let floor = if length > 1 << 16 { 1000 } else { 0 };
                    let (piece, tail) = rest.split_at(rest.len().min(floor + random.below(piece_max + 1) as usize));
                    hasher.write(piece).unwrap();
                    rest = tail;
                }
                assert_eq!(hasher.length(), length as u64);
                assert_eq!(hasher.finish().root, root, "{length} bytes in pieces of at most {piece_max}");
            }
        }
    }

    #[test]
    fn heights_change_right_after_a_power_of_two() {
        let table = [(0, 0), (1, 0), (4096, 0), (4097, 1), (8192, 1), (8193, 2), (1 << 36, 24), ((1 << 35) + 1, 24)];
        for (length, height) in table {
            assert_eq!(blob_height(length), height, "{length} bytes");
        }
    }

    #[test]
    fn a_blob_longer_than_a_region_is_refused() {
        let mut hasher = BlobHasher { length: BLOB_LENGTH_MAX - 1, ..BlobHasher::new() };
        let refused = BlobTooLong { got: BLOB_LENGTH_MAX + 1, wanted: BLOB_LENGTH_MAX };
        assert_eq!(hasher.write(&[0; 2]), Err(refused));
        assert_eq!(hasher.write(&[0]), Ok(()));
        assert_eq!(hasher.length(), BLOB_LENGTH_MAX);
    }
}
