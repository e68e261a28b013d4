//! The machine's memory (specs/02-memory.md): one space of 2^40 bytes under one Merkle tree.
//!
//! ```text
//! layout   constants, regions, addresses                                    no_std
//! hash     the definition of every hash, one at a time                      no_std, what the verifier uses
//! zero     hashes of all-zero subtrees                                      no_std
//! proof    a chunk with its siblings, and how they fold to a root           no_std + alloc
//! wide     the same hashes, many at once                                    keccak8, keccak4: lanes of AVX-512 and AVX2
//! tree     sparse incremental tree of one region;  top: the sixteen regions under the memory root
//! blob     (root, length) of any bytes
//! flat     backing of fast runs of lowered programs; snapshot: its shared copies
//! sparse   backing of any image whatever
//! ```
//!
//! Owns bytes and hashes. Knows nothing of instructions or records.

#[cfg(feature = "std")]
pub mod blob;
#[cfg(feature = "std")]
pub mod flat;
pub mod hash;
pub mod layout;
pub mod proof;
#[cfg(feature = "std")]
pub mod snapshot;
#[cfg(feature = "std")]
pub mod sparse;
#[cfg(feature = "std")]
pub mod top;
#[cfg(feature = "std")]
pub mod tree;
#[cfg(feature = "std")]
pub mod wide;
pub mod zero;

#[cfg(all(feature = "std", target_arch = "x86_64", not(miri)))]
mod keccak4;
#[cfg(all(feature = "std", target_arch = "x86_64", not(miri)))]
mod keccak8;
#[cfg(all(feature = "std", target_arch = "x86_64", not(miri)))]
mod keccakf;

#[cfg(test)]
mod reference;

use alloy_primitives::B256;

#[cfg(feature = "std")]
pub use blob::{BlobHasher, BlobTooLong, commit_blob, mount_blob};
#[cfg(feature = "std")]
pub(crate) use flat::Deferred;
#[cfg(feature = "std")]
pub use flat::{FixedImage, FlatImage, FlatMemory, OutputRefused, SharedBytes};
pub use layout::Region;
pub use proof::ChunkProof;
#[cfg(feature = "std")]
pub use snapshot::Snapshot;
#[cfg(feature = "std")]
pub use sparse::SparseMemory;
#[cfg(feature = "std")]
pub use top::RegionRoots;

/// What every backing of the machine's memory can do. Addresses are below 2^40.
pub trait Memory {
    /// Copies the bytes at `address..address + bytes.len()` out. What was never written reads as zero.
    ///
    /// # Panics
    /// If the range leaves the address space, or needs bytes of a region of which only the root is known.
    fn read(&self, address: u64, bytes: &mut [u8]);

    /// Copies `bytes` to `address..`.
    ///
    /// # Panics
    /// If the range leaves what the backing can hold; a caller that executes steps has checked before.
    fn write(&mut self, address: u64, bytes: &[u8]);

    /// Hashes what was written since the last commit and returns the memory root.
    fn commit(&mut self) -> B256;

    /// Commits, then opens the chunk that holds `address`.
    ///
    /// # Panics
    /// As [`Memory::read`].
    fn chunk_proof(&mut self, address: u64) -> ChunkProof;
}
