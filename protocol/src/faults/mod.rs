//! Face faults: what one transaction proves of a batch by its bytes (specs/12-batches.md, "On its face").
//!
//! ```text
//! data      faults of the bytes alone: leaves, order, sources, directory, blobs, padding
//! claims    faults of what the records claim, with the facts of L1 that they lean on
//! evidence  the bytes that a proof opens
//! proof     the call by which L1 convicts, with the feature `contracts`
//! ```
//!
//! Owns the list and its numbers. A sequencer asks for it before it posts, a challenger after.

mod claims;
mod data;
mod evidence;
#[cfg(feature = "contracts")]
mod proof;

use alloc::vec::Vec;

use alloy_primitives::{Address, B256};
use thiserror::Error;

use crate::data::Data;
use crate::objects::{Place, SourceShapeError};
use crate::signature::SignatureError;

pub use claims::{Facts, LeafFacts, Limits, ProgramFacts, bound_error, claim_faults};
pub use data::data_faults;
pub use evidence::{Named, Part};
#[cfg(feature = "contracts")]
pub use proof::{ExhibitError, Exhibits};

/// A face fault, by where it is and why. Leaves, entries, pages and nodes are named by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "fields are named by what the message says of them")]
pub enum Fault {
    /// F1.
    #[error("leaf {leaf}: the client's signature: {cause}")]
    ClientSignature { leaf: u32, cause: SignerError },
    /// F2.
    #[error("leaf {leaf}: the executor's signature: {cause}")]
    ExecutorSignature { leaf: u32, cause: SignerError },
    /// F3.
    #[error("leaf {leaf}: {cause}")]
    Bound { leaf: u32, cause: BoundError },
    /// F4.
    #[error("leaf {leaf}: program {program} is not registered at {as_of}")]
    Program { leaf: u32, program: B256, as_of: u64 },
    /// F5.
    #[error("leaf {leaf}: the same attempt at the same task as leaf {} of batch {}", earlier.index, earlier.batch)]
    Repeated { leaf: u32, earlier: Place },
    /// F6.
    #[error("leaf {leaf}: {cause}")]
    Predecessor { leaf: u32, cause: PredecessorError },
    /// F7.
    #[error("leaf {leaf}: deadline {got}, at least {wanted} by the header")]
    Deadline { leaf: u32, got: u64, wanted: u64 },
    /// F8. The node over leaves 2 i and 2 i + 1, or the root over one or two leaves, is not that of the records.
    #[error("leaves of pair {pair}: the tree has {got} over them, the records make {wanted}")]
    Leaves { pair: u64, got: B256, wanted: B256 },
    /// F9.
    #[error("leaf {leaf}: sequence number {got}, {}", if *leaf == 0 { "not the header's first" } else { "not above the leaf before" })]
    Sequence { leaf: u32, got: u64, other: u64 },
    /// F10.
    #[error("leaf {leaf}: source of the {need}: {cause}")]
    Source { leaf: u32, need: Need, cause: SourceError },
    /// F11, of an entry.
    #[error("entry {entry}: {cause}")]
    Entry { entry: u32, cause: EntryError },
    /// F11, of the whole.
    #[error("{got} bytes of data, what the header and the directory say takes {wanted}")]
    DataLength { got: u32, wanted: u64 },
    /// F12. An empty blob's page 0 is the zero page.
    #[error("entry {entry}: page {page} has hash {got}, its blob {wanted}")]
    Page { entry: u32, page: u64, got: B256, wanted: B256 },
    /// F13. Level `depth` is the blob's root.
    #[error("entry {entry}: node {index} of level {level} is {got}, what is below it makes {wanted}")]
    BlobNode { entry: u32, level: u32, index: u64, got: B256, wanted: B256 },
    /// F14. The first byte that is not zero of the gap before the area of an entry, or of that behind the entry's blob.
    #[error("byte {offset} is padding and not zero")]
    Padding { entry: u32, offset: u64 },
    /// F15. Level `depth` is the header's leaf root.
    #[error("node {index} of level {level} over the leaves is {got}, what is below it makes {wanted}")]
    LeafNode { level: u32, index: u64, got: B256, wanted: B256 },
}

/// Why a signature is not of whom it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignerError {
    /// It is no signature, or nobody's.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Somebody else's: not the client's, or of no key of the executor at the time.
    #[error("made by {got}, who can't sign for {wanted}")]
    Other {
        /// Who made it.
        got: Address,
        /// For whom it should be.
        wanted: Address,
    },
    /// Nobody's stake stands behind it.
    #[error("executor {executor} is not registered at {as_of}")]
    NotRegistered {
        /// The executor.
        executor: Address,
        /// The batch's time.
        as_of: u64,
    },
}

/// What is beyond its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "got and most are the value and its bound")]
pub enum BoundError {
    /// The request's fuel limit is above the deployment's.
    #[error("fuel limit {got}, at most {most}")]
    FuelLimit { got: u64, most: u64 },
    /// The request's output limit is above the deployment's.
    #[error("output limit {got}, at most {most}")]
    OutputLengthMax { got: u64, most: u64 },
    /// The input is longer than the deployment admits.
    #[error("input of {got} bytes, at most {most}")]
    InputLength { got: u64, most: u64 },
    /// More fuel used than the request allows.
    #[error("fuel used {got}, at most {most}")]
    FuelUsed { got: u64, most: u64 },
    /// More output than the request allows.
    #[error("output of {got} bytes, at most {most}")]
    OutputLength { got: u64, most: u64 },
    /// No run ends with this status.
    #[error("status {got}, wanted 1, 2 or 3")]
    Status { got: u8 },
    /// Exhaustion has one form: code 0, all fuel used, empty output.
    #[error(
        "OUT_OF_FUEL with code {code}, fuel used {fuel_used} of {fuel_limit}, output of {output_length} bytes: wanted code 0, all fuel, the empty blob"
    )]
    OutOfFuel { code: u32, fuel_used: u64, fuel_limit: u64, output_length: u64 },
}

/// Why an attempt has no right to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PredecessorError {
    /// A first attempt has no predecessor.
    #[error("attempt 0 names a predecessor")]
    First,
    /// No leaf stands there, or not before this batch: no leaf of this batch can have been void when it was posted.
    #[error("no leaf {} in an earlier batch {}", .0.index, .0.batch)]
    Missing(Place),
    /// Another task, or not the attempt before.
    #[error("the predecessor is attempt {attempt} of task {task}")]
    Other {
        /// Task of the predecessor.
        task: B256,
        /// Its attempt.
        attempt: u32,
    },
    /// The predecessor still stood.
    #[error("the predecessor was not void at {posted_at}")]
    Standing {
        /// When this batch was posted.
        posted_at: u64,
    },
}

/// Which bytes a source is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The run's input.
    Input,
    /// The program's WASM.
    Wasm,
}

impl core::fmt::Display for Need {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Input => "input",
            Self::Wasm => "wasm",
        })
    }
}

/// Why a source does not lead to the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SourceError {
    /// No kind, or not in its one form.
    #[error(transparent)]
    Shape(#[from] SourceShapeError),
    /// The directory has no such entry.
    #[error("no entry {} in batch {}", .0.index, .0.batch)]
    NoEntry(Place),
    /// Not an earlier batch, or one too far back.
    #[error("batch {batch} is not among those from {first} to before {number}")]
    Horizon {
        /// The batch named.
        batch: u64,
        /// The earliest that could be.
        first: u64,
        /// This batch.
        number: u64,
    },
    /// No leaf stands there before this one.
    #[error("no leaf {} of batch {} before this one", .0.index, .0.batch)]
    NoLeaf(Place),
    /// WASM is never an output.
    #[error("wasm as the output of a leaf")]
    WasmFromOutput,
    /// Another blob is there.
    #[error("blob {got} of {got_length} bytes is there, wanted {wanted} of {wanted_length}")]
    OtherBlob {
        /// Root of the blob that is there.
        got: B256,
        /// Its length.
        got_length: u64,
        /// Root of the blob that is needed.
        wanted: B256,
        /// Its length.
        wanted_length: u64,
    },
}

/// Why a directory entry is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "got is the value, wanted or most what it should be")]
pub enum EntryError {
    /// An encoding that is not defined.
    #[error("encoding {got}, wanted 0")]
    Encoding { got: u32 },
    /// Longer than any blob.
    #[error("a blob of {got} bytes, at most {most}")]
    TooLong { got: u64, most: u64 },
    /// An empty blob that is not the first: the last entry says where the data ends.
    #[error("an empty blob that is not the first")]
    Empty,
    /// A gap before the area, or an area over another or over the head.
    #[error("the area begins on page {got}, wanted {wanted}")]
    FirstPage { got: u32, wanted: u64 },
    /// The area does not end within the data.
    #[error("the area ends at byte {got}, the data at {most}")]
    Outside { got: u64, most: u32 },
}

/// Numbers and names of the faults, as specs/12-batches.md lists them.
pub const FAULTS: [(u8, &str); 15] = [
    (1, "client signature"),
    (2, "executor signature"),
    (3, "bound"),
    (4, "program"),
    (5, "repeated"),
    (6, "predecessor"),
    (7, "deadline"),
    (8, "leaves"),
    (9, "sequence"),
    (10, "source"),
    (11, "directory"),
    (12, "page"),
    (13, "blob node"),
    (14, "padding"),
    (15, "leaf node"),
];

impl Fault {
    /// The number in the list.
    #[must_use]
    pub const fn number(&self) -> u8 {
        match self {
            Self::ClientSignature { .. } => 1,
            Self::ExecutorSignature { .. } => 2,
            Self::Bound { .. } => 3,
            Self::Program { .. } => 4,
            Self::Repeated { .. } => 5,
            Self::Predecessor { .. } => 6,
            Self::Deadline { .. } => 7,
            Self::Leaves { .. } => 8,
            Self::Sequence { .. } => 9,
            Self::Source { .. } => 10,
            Self::Entry { .. } | Self::DataLength { .. } => 11,
            Self::Page { .. } => 12,
            Self::BlobNode { .. } => 13,
            Self::Padding { .. } => 14,
            Self::LeafNode { .. } => 15,
        }
    }

    /// The name in the list.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        FAULTS[self.number() as usize - 1].1
    }
}

/// Every face fault of a batch, those of its bytes before those of its claims.
///
/// # Errors
/// If a fact of L1 can't be had.
pub fn faults<F: Facts>(data: &Data<'_>, posted_at: u64, limits: &Limits, facts: &F) -> Result<Vec<Fault>, F::Error> {
    let mut found = data_faults(data);
    found.extend(claim_faults(data, posted_at, limits, facts)?);
    Ok(found)
}
