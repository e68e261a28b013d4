//! Blobs over HTTP, on the port of the RPC: how they are named there.
//!
//! ```text
//! GET  /v1/blobs/{root}-{length}      the bytes; Range is honoured, the name is the entity tag, and it never changes
//! HEAD /v1/blobs/{root}-{length}      200 if it is here; 404 with Upload-Offset: bytes that an upload of the asker's has left here
//! PUT  /v1/blobs/{root}-{length}      the bytes, from Upload-Offset on (0 if there is no such header); 201 when all are here
//!                                     and are the blob that the name says, 202 when some are still to come
//! ```
//!
//! An upload belongs to whoever brings it, by Upload-Token or else by address: nobody else goes on with it, cuts it, or holds it up.
//!
//! Owns names only. `root` is 64 hex digits with or without `0x`, `length` is decimal.

use alloc::format;
use alloc::string::String;

use alloy_primitives::B256;
use thiserror::Error;

use crate::{BLOB_LENGTH_MAX, BlobRef};

/// What paths of blobs begin with.
pub const PATH: &str = "/v1/blobs/";

/// Header that says from which byte on an upload goes on, and up to which it has come.
pub const UPLOAD_OFFSET: &str = "upload-offset";

/// Header that says whose an upload is: any text of visible ASCII that others can't guess, the same for all requests of an uploader. Without
/// it an upload is of the network address that it comes from.
pub const UPLOAD_TOKEN: &str = "upload-token";

/// Most bytes of such a token.
pub const UPLOAD_TOKEN_BYTES_MAX: usize = 128;

/// Why a path names no blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BlobNameError {
    /// Not `{root}-{length}`.
    #[error("a blob is named ROOT-LENGTH, 64 hex digits and a decimal number of bytes")]
    Form,
    /// Longer than any blob.
    #[error("a blob of {got} bytes, at most {most}")]
    TooLong {
        /// The length.
        got: u64,
        /// The longest.
        most: u64,
    },
}

/// The name of a blob: `{root}-{length}`.
#[must_use]
pub fn name(blob: &BlobRef) -> String {
    format!("{}-{}", alloy_primitives::hex::encode(blob.root), blob.length)
}

/// The path of a blob.
#[must_use]
pub fn path(blob: &BlobRef) -> String {
    format!("{PATH}{}", name(blob))
}

/// The blob that a name names.
///
/// # Errors
/// [`BlobNameError`].
pub fn parse(name: &str) -> Result<BlobRef, BlobNameError> {
    let (root, length) = name.split_once('-').ok_or(BlobNameError::Form)?;
    let root = root.parse::<B256>().map_err(|_| BlobNameError::Form)?;
    // One form for one number: `parse` alone would take a sign, and zeros in front.
    let is_plain =
        length.bytes().all(|digit| digit.is_ascii_digit()) && (length.len() == 1 || !length.starts_with('0'));
    let length = match is_plain {
        true => length.parse::<u64>().map_err(|_| BlobNameError::Form)?,
        false => return Err(BlobNameError::Form),
    };
    match length {
        got if got > BLOB_LENGTH_MAX => Err(BlobNameError::TooLong { got, most: BLOB_LENGTH_MAX }),
        length => Ok(BlobRef { root, length }),
    }
}
