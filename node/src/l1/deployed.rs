//! Whether L1 is the chain of a deployment, and what code stands at an address there.
//!
//! Owns what a role asks before it reads anything. A node that does not answer is asked again, for ever. What code is wanted, whoever asks
//! knows. Addresses follow from who deployed, and how often: on another chain other contracts may stand at the same ones.

use super::L1Error;
use crate::Remedy;
use crate::endpoint::{Backoff, Endpoint, EndpointError};
use alloy_primitives::{Address, Bytes};
use alloy_provider::Provider;
use std::future::Future;
use std::time::{Duration, Instant};
use tracing::warn;

/// Waits between questions that a node does not answer.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Holds the node's chain against the deployment's.
///
/// # Errors
/// [`L1Error::WrongChain`].
pub async fn check_chain(endpoint: &Endpoint, wanted: u64) -> Result<(), L1Error> {
    let ask = || endpoint.call("ask for the chain id", move |l1| async move { l1.get_chain_id().await });
    match answered(ask).await? {
        got if got == wanted => Ok(()),
        got => Err(L1Error::WrongChain { got, wanted }),
    }
}

/// Blocks behind a deployment's first within which all its contracts are made.
const MADE_WITHIN: u64 = 64;
/// How long a node that has come to the first of them may take for the rest, or another node that answers for it.
const LAG_PATIENCE: Duration = Duration::from_secs(10);

/// The code at an address; none where there is no contract. `first` is the deployment's first block: a node that has not come to it yet is
/// waited for, and one that has not gone well beyond it for some seconds.
///
/// # Errors
/// [`L1Error::Endpoint`] whose remedy is not to retry.
pub async fn code_at(endpoint: &Endpoint, at: Address, first: u64) -> Result<Bytes, L1Error> {
    let ask = || endpoint.call("ask for a contract's code", move |l1| async move { l1.get_code_at(at).await });
    let head = || endpoint.call("ask for the head", |l1| async move { l1.get_block_number().await });
    let (mut backoff, mut came) = (Backoff::new(PAUSE_MIN, PAUSE_MAX), None);
    loop {
        // In this order: what is not there by a later head is not there.
        let (head, code) = (answered(head).await?, answered(ask).await?);
        if head >= first {
            came.get_or_insert_with(Instant::now);
        }
        let is_late = came.is_some_and(|came| came.elapsed() > LAG_PATIENCE);
        if !code.is_empty() || is_late || head >= first.saturating_add(MADE_WITHIN) {
            return Ok(code);
        }
        warn!(head, first, "L1 has not come to the deployment yet");
        backoff.wait().await;
    }
}

/// Asks until the node answers.
async fn answered<T, Asked>(mut ask: impl FnMut() -> Asked) -> Result<T, EndpointError>
where
    Asked: Future<Output = Result<T, EndpointError>>,
{
    let mut backoff = Backoff::new(PAUSE_MIN, PAUSE_MAX);
    loop {
        match ask().await {
            Err(error) if error.remedy() == Remedy::Retry => {
                warn!(%error, failures = backoff.failures(), "L1 does not say what is there, asking again");
                backoff.wait().await;
            }
            answered => return answered,
        }
    }
}
