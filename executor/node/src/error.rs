//! What can go wrong with an executor.

use std::net::SocketAddr;

use assay_node::Remedy;
use assay_node::blobs::BlobError;
use assay_node::endpoint::EndpointError;
use assay_node::keys::KeyError;
use assay_node::store::StoreError;
use assay_node::tx::TxError;
use assay_player::chain::ChainError;
use thiserror::Error;

/// What can go wrong with an executor.
#[derive(Debug, Error)]
pub enum ExecutorError {
    /// The address of L1 is wrong.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Rows can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Blobs can't be read or written.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// L1 can't be derived.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The key can't sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Transactions can't be sent.
    #[error(transparent)]
    Sender(#[from] TxError),
    /// The cache of compiled programs can't be made.
    #[error(transparent)]
    Engine(#[from] assay_runner::EngineError),
    /// An address can't be listened at.
    #[error("{address} can't be listened at: {reason}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        reason: String,
    },
    /// There is nobody to work for.
    #[error("no sequencer is configured, at least one is wanted")]
    NoSequencer,
    /// A part of the process died.
    #[error(transparent)]
    Stopped(#[from] assay_node::shutdown::Stopped),
}

impl ExecutorError {
    /// What helps.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Endpoint(error) => error.remedy(),
            Self::Store(error) => error.remedy(),
            Self::Blobs(error) => error.remedy(),
            Self::Chain(error) => error.remedy(),
            Self::Sender(error) => error.remedy(),
            _ => Remedy::Stop,
        }
    }
}
