//! What can go wrong with derivation, and what helps.

use alloy_primitives::Address;
use assay_dispute::player::BoardError;
use assay_node::Remedy;
use assay_node::l1::L1Error;
use assay_node::store::StoreError;
use assay_protocol::B256;
use assay_protocol::data::DataError;
use thiserror::Error;

use super::leaf::LeafId;

/// An event that the contracts can't have emitted here: the logs are not those of one chain, or not complete.
#[derive(Debug, Error)]
pub enum FoldError {
    /// Not an event of its contract.
    #[error("a log of {contract} can't be read: {reason}")]
    Log {
        /// The contract.
        contract: Address,
        /// What is wrong with it.
        reason: alloy_sol_types::Error,
    },
    /// An event of the court that does not follow from those before.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// Something of a region that was not opened.
    #[error("an event of region {region}, whose opening was not seen")]
    UnknownRegion {
        /// The region.
        region: B256,
    },
    /// A batch out of order, or one voided that was not posted.
    #[error("batch {got} of region {region}, wanted {wanted}")]
    Number {
        /// The region.
        region: B256,
        /// The number of the event.
        got: u64,
        /// The number that could come next, or of the last there is.
        wanted: u64,
    },
    /// A batch whose hash is not that of its header.
    #[error("batch {number} of region {region} has hash {got}, its header {wanted}")]
    Hash {
        /// The region.
        region: B256,
        /// The batch.
        number: u64,
        /// As emitted.
        got: B256,
        /// As computed.
        wanted: B256,
    },
    /// A role that there is none of.
    #[error("role {got}, at most 1")]
    Role {
        /// The role.
        got: u8,
    },
}

/// What can go wrong with derivation.
#[derive(Debug, Error)]
pub enum ChainError {
    /// L1 can't be read.
    #[error(transparent)]
    L1(#[from] L1Error),
    /// Rows can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Events contradict each other.
    #[error("L1's events contradict each other: {0}")]
    Fold(#[from] FoldError),
    /// The data of a batch is not what its header commits to.
    #[error("batch {number} of region {region}: {reason}")]
    Data {
        /// The region.
        region: B256,
        /// The batch.
        number: u64,
        /// What is wrong with it.
        reason: DataError,
    },
    /// A part of a batch was never seen.
    #[error("part {part} of batch {number} of region {region} was not seen")]
    Part {
        /// The region.
        region: B256,
        /// The batch.
        number: u64,
        /// The part.
        part: u32,
    },
    /// A log without its block, its index or its block's time.
    #[error("a log of {contract} has no {what}")]
    Incomplete {
        /// The contract.
        contract: Address,
        /// What is missing.
        what: &'static str,
    },
    /// L1 has another step verifier or court than this build makes of the deployment's numbers, or none: its players can't know what a
    /// move does there.
    #[error("the {contract} at {at} has code {got}, this build has {wanted}")]
    Code {
        /// Which contract.
        contract: &'static str,
        /// Where it should be.
        at: Address,
        /// Hash of the code there.
        got: B256,
        /// Hash of this build's.
        wanted: B256,
    },
    /// A batch's tree is over another leaf than its record.
    #[error("no leaf can be opened at {0}: its batch's tree is not that of its records")]
    Unopenable(LeafId),
}

impl ChainError {
    /// What helps: rows that contradict L1 are read anew.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::L1(error) => error.remedy(),
            Self::Store(error) => error.remedy(),
            Self::Fold(_) | Self::Data { .. } | Self::Part { .. } | Self::Incomplete { .. } => Remedy::Reset,
            Self::Unopenable(_) | Self::Code { .. } => Remedy::Stop,
        }
    }
}
