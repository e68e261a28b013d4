//! Creations of contracts, one after the other from one account.
//!
//! Owns the account's nonce while it deploys. Each creation is mined before the next one is sent.

use std::time::Duration;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bytes, Signature, TxKind};
use alloy_provider::Provider;
use alloy_rpc_types_eth::{TransactionInput, TransactionRequest};
use assay_node::endpoint::{Endpoint, EndpointError};
use assay_node::keys::Wallet;
use tracing::debug;

use crate::{Created, DeployError};

/// How long a creation may take to be mined, and how often it is asked for.
const MINED_WITHIN: Duration = Duration::from_secs(180);
const POLL: Duration = Duration::from_millis(100);

/// The account that deploys.
pub(crate) struct Deployer<'a> {
    endpoint: &'a Endpoint,
    wallet: &'a Wallet,
    chain_id: u64,
    nonce: u64,
}

impl<'a> Deployer<'a> {
    pub(crate) async fn new(endpoint: &'a Endpoint, wallet: &'a Wallet) -> Result<Self, EndpointError> {
        let account = wallet.address();
        let chain_id = endpoint.call("ask for the chain id", |l1| async move { l1.get_chain_id().await }).await?;
        let nonce = endpoint
            .call("ask for the deployer's nonce", |l1| async move { l1.get_transaction_count(account).await })
            .await?;
        Ok(Self { endpoint, wallet, chain_id, nonce })
    }

    pub(crate) fn chain_id(&self) -> u64 {
        self.chain_id
    }

    pub(crate) fn next_nonce(&self) -> u64 {
        self.nonce
    }

    pub(crate) async fn head(&self) -> Result<u64, EndpointError> {
        self.endpoint.call("ask for the head", |l1| async move { l1.get_block_number().await }).await
    }

    /// Creates a contract and waits until it is mined.
    pub(crate) async fn create(
        &mut self,
        contract: &'static str,
        code: &[u8],
        arguments: &[u8],
    ) -> Result<Created, DeployError> {
        let address = self.wallet.address().create(self.nonce);
        let input = Bytes::from([code, arguments].concat());
        let transaction = self.send(input).await?;
        self.nonce += 1;
        let deadline = tokio::time::Instant::now() + MINED_WITHIN;
        loop {
            let asked = |l1: alloy_provider::DynProvider| async move { l1.get_transaction_receipt(transaction).await };
            match self.endpoint.call("ask for a receipt", asked).await? {
                Some(receipt) if receipt.status() => {
                    debug!(contract, gas = receipt.gas_used, "created");
                    return Ok(Created { address, transaction, gas: receipt.gas_used });
                }
                Some(_) => return Err(DeployError::Failed { contract, transaction }),
                None if tokio::time::Instant::now() > deadline => {
                    return Err(DeployError::NotMined { contract, seconds: MINED_WITHIN.as_secs() });
                }
                None => tokio::time::sleep(POLL).await,
            }
        }
    }

    async fn send(&self, input: Bytes) -> Result<B256, DeployError> {
        let request = TransactionRequest {
            from: Some(self.wallet.address()),
            to: Some(TxKind::Create),
            input: TransactionInput::new(input.clone()),
            ..Default::default()
        };
        let estimate = |l1: alloy_provider::DynProvider| async move { l1.estimate_gas(request).await };
        let gas = self.endpoint.call("estimate a creation", estimate).await?;
        let fees = |l1: alloy_provider::DynProvider| async move { l1.estimate_eip1559_fees().await };
        let fees = self.endpoint.call("ask for fees", fees).await?;
        let unsigned = TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: gas,
            max_fee_per_gas: fees.max_fee_per_gas,
            max_priority_fee_per_gas: fees.max_priority_fee_per_gas,
            to: TxKind::Create,
            input,
            ..Default::default()
        };
        let bytes = self.wallet.sign_hash(&unsigned.signature_hash())?;
        let signature = Signature::from_raw_array(&bytes).expect("a wallet signs in the form of Ethereum");
        let raw = TxEnvelope::from(unsigned.into_signed(signature)).encoded_2718();
        let sent = |l1: alloy_provider::DynProvider| async move { l1.send_raw_transaction(&raw).await };
        let pending = self.endpoint.call("create a contract", sent).await?;
        Ok(*pending.tx_hash())
    }
}
