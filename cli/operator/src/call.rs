//! One call of a contract: tried on the head, sent, and waited for.
//!
//! Owns a sender for as long as the call takes, in a store that goes away with it: nonces, fees and their raising are the sender's.

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolCall;
use assay_node::endpoint::{EndpointError, Provider};
use assay_node::keys::Wallet;
use assay_node::store::{Schema, Store};
use assay_node::tx::{self, Intent, Outcome, Priority, SenderConfig};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::refusal::words;
use crate::{L1, OperatorError};

/// How long a transaction may take to be mined.
const MINED_WITHIN: Duration = Duration::from_secs(600);

/// A transaction that was mined and succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mined {
    /// Its hash.
    pub transaction: B256,
    /// Its block.
    pub block: u64,
    /// Gas that it used.
    pub gas: u64,
    /// Wei that the gas cost.
    pub cost: U256,
}

/// Calls a contract from a wallet's account and waits until that is mined. `what` completes the sentence "L1 refuses to …". A call that
/// would fail is refused before anything is sent.
///
/// # Errors
/// [`OperatorError`].
pub async fn call<C: SolCall>(
    l1: &L1,
    wallet: &Wallet,
    what: &'static str,
    to: Address,
    value: U256,
    call: &C,
) -> Result<Mined, OperatorError> {
    send(l1, wallet, what, to, value, call.abi_encode().into()).await
}

/// Pays wei to an account and waits until that is mined.
///
/// # Errors
/// [`OperatorError`].
pub async fn pay(l1: &L1, wallet: &Wallet, to: Address, value: U256) -> Result<Mined, OperatorError> {
    send(l1, wallet, "pay an account", to, value, Bytes::new()).await
}

async fn send(
    l1: &L1,
    wallet: &Wallet,
    what: &'static str,
    to: Address,
    value: U256,
    data: Bytes,
) -> Result<Mined, OperatorError> {
    attempt(l1, wallet.address(), what, to, value, &data).await?;
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path(), &tx::schema(Schema::new("assay-operator", 1)))?;
    let config = SenderConfig {
        confirmations: 1,
        tick: Duration::from_millis(500),
        ..SenderConfig::new(l1.deployment.chain_id)
    };
    let (sender, actor) = tx::sender(store, l1.endpoint.clone(), wallet.clone(), config)?;
    let stop = CancellationToken::new();
    let running = tokio::spawn(actor.run(stop.clone()));
    let intent = Intent {
        id: keccak256(&data),
        to,
        data,
        value,
        gas_limit: None,
        priority: Priority::Urgent,
        expires_at: None,
        after: None,
    };
    let ticket = sender.submit(intent).await?;
    let outcome = tokio::time::timeout(MINED_WITHIN, ticket.settled()).await;
    stop.cancel();
    // The store closes before its folder goes.
    let ended = running.await.expect("the sender does not panic, and a runtime that ends it ends its caller too");
    drop((ticket, sender));
    let Ok(outcome) = outcome else {
        return Err(OperatorError::NotMined { what, seconds: MINED_WITHIN.as_secs() });
    };
    // What ended the sender says more than that it ended.
    ended?;
    match outcome? {
        Outcome::Done { transaction, block } => receipt(l1, transaction, block).await,
        Outcome::Reverted { data, reason, .. } => {
            let reason = words(&data).unwrap_or(reason);
            Err(OperatorError::Refused { what, reason, data })
        }
        Outcome::Refused { reason } => Err(OperatorError::NotTaken { what, reason }),
        Outcome::Expired | Outcome::Withdrawn | Outcome::Orphaned => {
            unreachable!("the intent has no end and nobody takes it back")
        }
    }
}

/// What the contract would say.
async fn attempt(
    l1: &L1,
    from: Address,
    what: &'static str,
    to: Address,
    value: U256,
    data: &Bytes,
) -> Result<(), OperatorError> {
    // A call of an account that is no contract does nothing, and succeeds.
    if !data.is_empty() {
        let code: Bytes = l1.endpoint.request(what, "eth_getCode", json!([to, "latest"])).await?;
        if code.is_empty() {
            let reason = format!("there is no contract at {to}");
            return Err(OperatorError::Refused { what, reason, data: Bytes::new() });
        }
    }
    let transaction = json!({ "from": from, "to": to, "value": value, "input": data });
    let tried: Result<Value, _> = l1.endpoint.request(what, "eth_call", json!([transaction, "latest"])).await;
    match tried {
        Ok(_) => Ok(()),
        Err(EndpointError::Refused { data: Some(data), message, .. }) => {
            let reason = words(&data).unwrap_or(message);
            Err(OperatorError::Refused { what, reason, data })
        }
        Err(EndpointError::Refused { message, .. }) => Err(OperatorError::NotTaken { what, reason: message }),
        Err(error) => Err(error.into()),
    }
}

async fn receipt(l1: &L1, transaction: B256, block: u64) -> Result<Mined, OperatorError> {
    let endpoint = &l1.endpoint;
    let receipt =
        endpoint.call("ask for a receipt", |l1| async move { l1.get_transaction_receipt(transaction).await }).await?;
    let (gas, price) = receipt.map_or((0, 0), |receipt| (receipt.gas_used, receipt.effective_gas_price));
    Ok(Mined { transaction, block, gas, cost: U256::from(gas) * U256::from(price) })
}
