//! One-step proofs (specs/09-one-step-proofs.md): the twin of the verifier on L1, and the producer of what it reads.
//!
//! ```text
//! encoding   the witness as bytes: one encoding for one list of opened chunks
//! verify     (record, witness) -> next record: parse, execute, fold old and new
//! prove      (record, memory)  -> witness, next record; the memory moves on by the step
//! ```
//!
//! Owns nothing of what a step means (`step`) or of how memory is hashed (`memory`). Verification is pure. It
//! rejects bad witnesses, never bad images.

mod encoding;
#[cfg(feature = "std")]
mod prove;
mod verify;

pub use encoding::Witness;
#[cfg(feature = "std")]
pub use prove::{prove_step, step_in_place};
pub use verify::verify_step;

use alloy_primitives::B256;

/// Most chunks that a witness opens: no step touches more than seven (specs/09-one-step-proofs.md).
pub const CHUNKS_MAX: usize = 8;

/// Why a witness is refused. Whoever made it must make it again; retrying the same bytes is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// The bytes end within an entry.
    #[error("the witness ends within an entry: {wanted} bytes wanted at offset {offset}, got {got}")]
    Truncated {
        /// Where the part that is cut off begins.
        offset: usize,
        /// Bytes of that part.
        wanted: usize,
        /// Bytes that are there.
        got: usize,
    },
    /// An address of 2^40 or more.
    #[error("a chunk's address is below 2^40, got {address:#x}")]
    AddressOutOfRange {
        /// The address.
        address: u64,
    },
    /// An address within a chunk.
    #[error("a chunk begins at a multiple of {wanted} bytes, got the address {address:#x}")]
    AddressNotAligned {
        /// The address.
        address: u64,
        /// Bytes in a chunk of its region.
        wanted: u64,
    },
    /// More entries than any step has chunks.
    #[error("a witness opens at most {} chunks, got more", CHUNKS_MAX)]
    TooManyChunks,
    /// Entries out of order, or one chunk opened twice.
    #[error("addresses ascend: {previous:#x} is followed by {address:#x}")]
    NotAscending {
        /// The address of the entry before.
        previous: u64,
        /// The address of this entry.
        address: u64,
    },
    /// A mask that names a level which is always spelled out.
    #[error("the mask of the chunk at {address:#x} names only its first {levels} levels, got {mask:#010x}")]
    MaskOutOfRange {
        /// The chunk.
        address: u64,
        /// The mask.
        mask: u32,
        /// Levels that a mask may name in this region.
        levels: u32,
    },
    /// A sibling that is a zero subtree and yet is spelled out.
    #[error("the sibling of the chunk at {address:#x} at level {level} is a zero subtree and is left out")]
    ZeroSiblingPresent {
        /// The chunk.
        address: u64,
        /// The level, as the mask counts.
        level: u32,
    },
    /// The step needs a chunk that the witness does not open.
    #[error("the step touches the chunk at {address:#x}, which is not opened")]
    NotOpened {
        /// The chunk.
        address: u64,
    },
    /// The witness opens a chunk that the step does not need.
    #[error("the chunk at {address:#x} is opened, but the step does not touch it")]
    NotTouched {
        /// The chunk.
        address: u64,
    },
    /// The bytes and siblings of an entry are not of this memory.
    #[error("the chunk at {address:#x} folds to the root {got}, wanted {wanted}")]
    WrongRoot {
        /// The chunk.
        address: u64,
        /// Root of the memory in which the entries before are replaced.
        wanted: B256,
        /// Root that the entry gives.
        got: B256,
    },
}
