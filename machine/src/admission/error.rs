//! Why a module is not admitted. Each error names what was wrong, where, what was got and what was wanted.
//!
//! Every variant is final: the same bytes are refused on every host, always; a retry cannot help.

use super::{Limit, Proposal};

/// Why a module is not admitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// The module would be valid with proposals that are not admitted: these, or, if they are three, perhaps others besides.
    #[error("needs {}, which is not admitted: {message} (at byte {offset:#x})", names(.proposals))]
    Refused {
        /// What the module needs, in the order of need; never empty.
        proposals: Vec<Proposal>,
        /// Byte offset in the module of the first use.
        offset: u64,
        /// The validator's own words.
        message: String,
    },
    /// The module is not valid, whichever proposals are switched on.
    #[error("invalid WASM: {message} (at byte {offset:#x})")]
    Invalid {
        /// Byte offset in the module.
        offset: u64,
        /// The validator's own words.
        message: String,
    },
    /// The module has more of something than is admitted.
    #[error("too many or too large: {}: got {got}, wanted at most {wanted}", .limit.name())]
    OverLimit {
        /// Of what.
        limit: Limit,
        /// How much of it, or as much as was counted before counting stopped.
        got: u64,
        /// The greatest admitted value.
        wanted: u64,
    },
    /// An active data segment does not fit the initial memory.
    #[error("data segment {segment} ends at byte {got}, wanted at most {wanted}, the initial memory's size")]
    DataOutOfBounds {
        /// Index of the segment.
        segment: u32,
        /// One past its last byte.
        got: u64,
        /// Initial bytes of memory.
        wanted: u64,
    },
    /// An active element segment does not fit the initial table.
    #[error("element segment {segment} ends at element {got}, wanted at most {wanted}, the initial table's size")]
    ElementsOutOfBounds {
        /// Index of the segment.
        segment: u32,
        /// One past its last element.
        got: u64,
        /// Initial elements of the table.
        wanted: u64,
    },
    /// A function is imported that nobody offers.
    #[error(
        "unknown import `{}` `{}`: wanted a function of `assay` or `wasi_snapshot_preview1`",
        module.escape_debug(),
        name.escape_debug()
    )]
    UnknownImport {
        /// Module name of the import.
        module: String,
        /// Function name of the import.
        name: String,
    },
    /// A function is imported with another signature than it has.
    #[error("import `{}` `{}` has signature {got}, wanted {wanted}", module.escape_debug(), name.escape_debug())]
    ImportSignature {
        /// Module name of the import.
        module: String,
        /// Function name of the import.
        name: String,
        /// Signature in the module.
        got: String,
        /// Signature of the function that is offered.
        wanted: String,
    },
    /// A program has no `_start`, or it is no function.
    #[error("a program exports a function `_start`; got {got}")]
    StartMissing {
        /// What was exported under that name.
        got: &'static str,
    },
    /// A program's `_start` takes or returns something.
    #[error("`_start` has signature {got}, wanted {wanted}")]
    StartSignature {
        /// Its signature.
        got: String,
        /// The signature of every `_start`.
        wanted: String,
    },
    /// A module given to be linked in is more than functions and globals over the host interface.
    #[error("adapter `{module}` cannot be linked: {message}")]
    Adapter {
        /// Import name of the adapter.
        module: String,
        /// What is wrong with it.
        message: String,
    },
}

impl AdmissionError {
    /// A short constant name of the reason, for counting: the proposal's or limit's name where there is one.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Refused { proposals, .. } => proposals.first().map_or("proposal", |first| first.name()),
            Self::Invalid { .. } => "invalid",
            Self::OverLimit { limit, .. } => limit.name(),
            Self::DataOutOfBounds { .. } => "data segment out of bounds",
            Self::ElementsOutOfBounds { .. } => "element segment out of bounds",
            Self::UnknownImport { .. } => "unknown import",
            Self::ImportSignature { .. } => "import signature",
            Self::StartMissing { .. } => "no _start",
            Self::StartSignature { .. } => "_start signature",
            Self::Adapter { .. } => "adapter",
        }
    }
}

impl From<wasmparser::Error> for AdmissionError {
    fn from(error: wasmparser::Error) -> Self {
        Self::Invalid { offset: error.offset() as u64, message: error.message().to_owned() }
    }
}

fn names(proposals: &[Proposal]) -> String {
    proposals.iter().map(|proposal| proposal.name()).collect::<Vec<_>>().join(", ")
}
