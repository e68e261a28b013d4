//! Why a call is refused: a code of the table and a sentence.

use std::fmt::Display;

use assay_protocol::rpc::{ErrorCode, ErrorData};
use jsonrpsee::types::ErrorObjectOwned;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The code.
    pub code: ErrorCode,
    /// What was got and what was wanted.
    pub message: String,
}

impl Refusal {
    /// A refusal with a sentence.
    pub fn new(code: ErrorCode, message: impl Display) -> Self {
        Self { code, message: message.to_string() }
    }

    /// The process stops, or something in it has failed: the caller may ask again.
    pub fn stopping() -> Self {
        Self::new(ErrorCode::Unavailable, "the sequencer is stopping, ask again later")
    }
}

impl From<Refusal> for ErrorObjectOwned {
    fn from(refusal: Refusal) -> Self {
        ErrorObjectOwned::owned(refusal.code.code(), refusal.message, Some(ErrorData::from(refusal.code)))
    }
}
