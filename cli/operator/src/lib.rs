//! What a person or a script does on L1 once: a call with words for a refusal, and what L1 says of stakes and games.
//!
//! ```text
//! call       one transaction: tried first, sent, waited for          stakes    an owner's stakes, keys, credits, and when they are free
//! refusal    what a contract said, in words                          games     a game: moves, clocks, who is ahead, amounts
//! snapshot   all events up to the head, folded, and kept nowhere          text      figures as people read them
//! ```
//!
//! Owns no state on the disk: what it knows, it reads anew. Assumes that the key it sends with is used by nobody else meanwhile. It
//! never decides anything about a game; that is the player's.
#![forbid(unsafe_code)]

mod call;
pub mod games;
mod refusal;
mod snapshot;
pub mod stakes;
mod text;

use alloy_primitives::{Address, Bytes};
use assay_node::endpoint::{Endpoint, EndpointConfig, EndpointError, Provider};
use assay_node::store::StoreError;
use assay_node::tx::TxError;
use assay_player::chain::FoldError;
use assay_protocol::deployment::Deployment;
use assay_protocol::presets::Parameters;
use thiserror::Error;

pub use call::{Mined, call, pay};
pub use refusal::words;
pub use snapshot::{Seen, Snapshot};
pub use text::grouped;

/// A deployment on an L1 that answers.
#[derive(Clone, Debug)]
pub struct L1 {
    /// The node.
    pub endpoint: Endpoint,
    /// Where the contracts are.
    pub deployment: Deployment,
    /// The numbers that they were made with.
    pub parameters: Parameters,
}

/// What can go wrong.
#[derive(Debug, Error)]
pub enum OperatorError {
    /// The node does not answer, or refuses.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The deployment is of another chain.
    #[error("L1 is chain {got}, the deployment is of chain {wanted}")]
    AnotherChain {
        /// What the node says.
        got: u64,
        /// What the deployment says.
        wanted: u64,
    },
    /// There is no contract where the deployment says.
    #[error("there is no contract at {at}: the deployment is of another chain, or of one that was begun anew")]
    NoContract {
        /// The address.
        at: Address,
    },
    /// A contract refuses.
    #[error("L1 refuses to {what}: {reason}")]
    Refused {
        /// What was asked for.
        what: &'static str,
        /// What the contract said, in words.
        reason: String,
        /// What it said.
        data: Bytes,
    },
    /// The node takes the transaction from nobody.
    #[error("the node does not take the transaction to {what}: {reason}")]
    NotTaken {
        /// What was asked for.
        what: &'static str,
        /// The node's words.
        reason: String,
    },
    /// Nothing was mined in time.
    #[error(
        "the transaction to {what} was not mined within {seconds} s; it may still be, look before you send it again"
    )]
    NotMined {
        /// What was asked for.
        what: &'static str,
        /// How long it had.
        seconds: u64,
    },
    /// The transaction can't be sent.
    #[error(transparent)]
    Sender(#[from] TxError),
    /// No room for what the sender writes down meanwhile.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No folder for it.
    #[error("no folder for what is in flight: {0}")]
    Folder(#[from] std::io::Error),
    /// L1's events contradict each other.
    #[error("L1's events contradict each other: {0}")]
    Fold(#[from] FoldError),
    /// A log without its block or its transaction.
    #[error("a log of {contract} has no {what}")]
    Incomplete {
        /// The contract.
        contract: Address,
        /// What is missing.
        what: &'static str,
    },
}

impl L1 {
    /// Connects, and looks whether the contracts are there.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn open(config: &EndpointConfig, deployment: Deployment) -> Result<Self, OperatorError> {
        let endpoint = Endpoint::new(config)?;
        let got = endpoint.call("ask for the chain id", |l1| async move { l1.get_chain_id().await }).await?;
        let wanted = deployment.chain_id;
        if got != wanted {
            return Err(OperatorError::AnotherChain { got, wanted });
        }
        let at = deployment.contracts.court;
        let code = endpoint.call("look for the court", |l1| async move { l1.get_code_at(at).await }).await?;
        if code.is_empty() {
            return Err(OperatorError::NoContract { at });
        }
        let parameters = deployment.preset.parameters(deployment.treasury);
        Ok(Self { endpoint, deployment, parameters })
    }
}
