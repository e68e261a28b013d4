//! What can go wrong with a challenger.

use assay_node::Remedy;
use assay_node::blobs::BlobError;
use assay_node::endpoint::EndpointError;
use assay_node::keys::KeyError;
use assay_node::store::StoreError;
use assay_node::tx::TxError;
use assay_player::chain::ChainError;
use assay_player::player::PlayerError;
use thiserror::Error;

use crate::alarm::Finding;
use crate::faces::FaceError;

/// What can go wrong with a challenger.
#[derive(Debug, Error)]
pub enum ChallengerError {
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
    /// A face can't be judged.
    #[error(transparent)]
    Face(#[from] FaceError),
    /// The key can't sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Transactions can't be sent.
    #[error(transparent)]
    Sender(#[from] TxError),
    /// Games can't be played.
    #[error(transparent)]
    Player(#[from] PlayerError),
    /// The cache of compiled programs can't be made.
    #[error(transparent)]
    Engine(#[from] assay_runner::EngineError),
    /// Telemetry can't be served.
    #[error("telemetry can't be served at {address}: {reason}")]
    Telemetry {
        /// Where.
        address: std::net::SocketAddr,
        /// Why not.
        reason: String,
    },
    /// A watcher without a hook has found something: it ends, so that whoever started it knows.
    #[error("found: {0}")]
    Found(Finding),
    /// A part of the process died.
    #[error(transparent)]
    Stopped(#[from] assay_node::shutdown::Stopped),
    /// The configuration asks for what there is not.
    #[error("the rate is {got}, wanted a number from 0 to 1")]
    Rate {
        /// What was given.
        got: f64,
    },
}

impl ChallengerError {
    /// What helps.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Endpoint(error) => error.remedy(),
            Self::Store(error) => error.remedy(),
            Self::Blobs(error) => error.remedy(),
            Self::Chain(error) | Self::Face(FaceError::Chain(error)) => error.remedy(),
            Self::Sender(error) => error.remedy(),
            Self::Player(error) => error.remedy(),
            _ => Remedy::Stop,
        }
    }
}
