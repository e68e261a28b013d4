//! What can go wrong with a call, and whether trying again can help.

use std::path::PathBuf;

use alloy_transport::{RpcError, TransportError};
use assay_protocol::rpc::{ErrorCode, ErrorData};
use assay_protocol::signature::SignatureError;
use assay_protocol::{B256, BlobRef};
use thiserror::Error;

/// What can go wrong.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The address is none.
    #[error("the address of the sequencer is wrong: {reason}")]
    Address {
        /// What is wrong with it.
        reason: String,
    },
    /// The sequencer can't be reached, or broke off.
    #[error("the sequencer can't be reached: {reason}")]
    Unreachable {
        /// What the transport says.
        reason: String,
    },
    /// The sequencer refuses.
    #[error("the sequencer refuses: {message} ({})", code.map_or_else(|| number.to_string(), |code| code.name().to_owned()))]
    Refused {
        /// The code of the protocol's table, if it is one of it.
        code: Option<ErrorCode>,
        /// The number of the error.
        number: i64,
        /// What the sequencer says.
        message: String,
        /// Whether the same call can succeed later.
        retryable: bool,
    },
    /// The answer is none to the question.
    #[error("the sequencer answers nonsense: {reason}")]
    Malformed {
        /// What is wrong.
        reason: String,
    },
    /// The key does not sign.
    #[error("the request can't be signed: {reason}")]
    Unsigned {
        /// Why not.
        reason: String,
    },
    /// The receipt is not the sequencer's promise of this task.
    #[error("the receipt is of another {what}: {got}, wanted {wanted}")]
    WrongReceipt {
        /// What differs.
        what: &'static str,
        /// What it says.
        got: String,
        /// What it should say.
        wanted: String,
    },
    /// A signature is none.
    #[error("the receipt's signature is wrong: {0}")]
    Signature(#[from] SignatureError),
    /// The sequencer does not know the task.
    #[error("the sequencer does not know task {task}")]
    UnknownTask {
        /// Its id.
        task: B256,
    },
    /// The task's deadline passed before it could be posted.
    #[error("task {task} expired: its deadline passed before it could be posted")]
    Expired {
        /// Its id.
        task: B256,
    },
    /// The sequencer has not got the blob.
    #[error("the sequencer has no blob {} of {} bytes", blob.root, blob.length)]
    MissingBlob {
        /// The blob.
        blob: BlobRef,
    },
    /// The bytes are not the blob.
    #[error("the bytes are blob {} of {} bytes, wanted {} of {}", got.root, got.length, wanted.root, wanted.length)]
    WrongBlob {
        /// What they are.
        got: BlobRef,
        /// What they should be.
        wanted: BlobRef,
    },
    /// Longer than whoever asked has room for.
    #[error("a blob of {got} bytes, at most {most} are wanted")]
    BlobTooLong {
        /// Its length.
        got: u64,
        /// The most.
        most: u64,
    },
    /// A file can't be read or written.
    #[error("can't {operation} {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was being done.
        operation: &'static str,
        /// Why not.
        reason: std::io::Error,
    },
}

impl ClientError {
    /// Whether the same call can succeed later without the caller's doing.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { retryable, .. } => *retryable,
            _ => false,
        }
    }

    /// The code of the protocol's table, if the sequencer gave one.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } => *code,
            _ => None,
        }
    }

    /// An error of the provider.
    pub(crate) fn from_transport(error: TransportError) -> Self {
        match error {
            RpcError::ErrorResp(payload) => {
                let data: Option<ErrorData> =
                    payload.data.as_ref().and_then(|data| serde_json::from_str(data.get()).ok());
                let code = data.as_ref().and_then(|data| data.code.parse().ok());
                let retryable = data.is_some_and(|data| data.retryable);
                Self::Refused { code, number: payload.code, message: payload.message.into_owned(), retryable }
            }
            RpcError::DeserError { .. } | RpcError::NullResp | RpcError::UnsupportedFeature(_) => {
                Self::Malformed { reason: error.to_string() }
            }
            other => Self::Unreachable { reason: other.to_string() },
        }
    }
}
