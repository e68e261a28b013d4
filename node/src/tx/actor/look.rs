//! What the actor asks L1 before it does anything: the head, the account, the receipts of what it has sent.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::B256;
use alloy_provider::Provider;
use alloy_rpc_types_eth::TransactionReceipt;
use tracing::debug;

use super::Actor;
use crate::endpoint::EndpointError;
use crate::tx::meters::Cost;
use crate::tx::pool::{Mined, View};
use crate::tx::{Market, TxError};

/// How often the balance of an account that sends nothing is looked at, for the metrics.
const BALANCE_EVERY: Duration = Duration::from_secs(30);

impl Actor {
    /// The head and the account by it, and the head's hash.
    pub(super) async fn look(&mut self) -> Result<(View, B256), TxError> {
        let account = self.shared.account;
        if !self.chain_is_right {
            let got = self.endpoint.call("ask for the chain id", |l1| async move { l1.get_chain_id().await }).await?;
            if got != self.config.chain_id {
                return Err(TxError::AnotherChain { got, wanted: self.config.chain_id });
            }
            self.chain_is_right = true;
        }
        const HEAD: &str = "ask for the head";
        let latest = BlockNumberOrTag::Latest;
        let head = self.endpoint.call(HEAD, |l1| async move { l1.get_block_by_number(latest).await }).await?;
        let head = head.ok_or_else(|| self.malformed(HEAD, "there is none"))?.header;
        let at = BlockId::hash(head.hash);
        let nonce = self.endpoint.call("ask for the account's nonce", |l1| async move {
            l1.get_transaction_count(account).block_id(at).await
        });
        let balance = self
            .endpoint
            .call("ask for the account's balance", |l1| async move { l1.get_balance(account).block_id(at).await });
        let tip = self.endpoint.call("ask for a tip", |l1| async move { l1.get_max_priority_fee_per_gas().await });
        let (nonce, balance, tip) = tokio::try_join!(nonce, balance, tip)?;
        self.shared.saw_balance(balance);
        if let Some(meters) = &self.meters {
            meters.balance(balance);
            self.weighed = Some(Instant::now());
        }
        let view = View {
            now_ms: self.now_ms(),
            head: head.number,
            timestamp: head.timestamp,
            market: Market { base_fee: u128::from(head.base_fee_per_gas.unwrap_or_default()), tip },
            nonce,
            balance,
        };
        Ok((view, head.hash))
    }

    /// Where the transactions of used nonces were mined, and what they cost.
    pub(super) async fn receipts(
        &self,
        view: &View,
    ) -> Result<(BTreeMap<u64, Option<Mined>>, BTreeMap<u64, Cost>), TxError> {
        let (mut answers, mut costs) = (BTreeMap::new(), BTreeMap::new());
        for (nonce, hashes) in self.pool.questions(view) {
            let mut mined = None;
            for hash in hashes {
                if let Some(receipt) = self.receipt(hash).await? {
                    mined = receipt.block_number.map(|block| Mined {
                        transaction: hash,
                        block,
                        succeeded: receipt.status(),
                    });
                    let (gas, price) = (receipt.gas_used, receipt.effective_gas_price);
                    costs.insert(nonce, Cost { gas, price, succeeded: receipt.status() });
                    break;
                }
            }
            answers.insert(nonce, mined);
        }
        Ok((answers, costs))
    }

    async fn receipt(&self, hash: B256) -> Result<Option<TransactionReceipt>, EndpointError> {
        self.endpoint.call("ask for a receipt", |l1| async move { l1.get_transaction_receipt(hash).await }).await
    }

    /// Looks at the balance of an account that sends nothing, now and then, if somebody wants to know. A node that does not answer is
    /// no matter here.
    pub(super) async fn weigh(&mut self) {
        let Some(meters) = &self.meters else { return };
        if self.weighed.is_some_and(|at| at.elapsed() < BALANCE_EVERY) {
            return;
        }
        let account = self.shared.account;
        let asked =
            self.endpoint.call("ask for the account's balance", |l1| async move { l1.get_balance(account).await });
        match asked.await {
            Ok(balance) => {
                self.shared.saw_balance(balance);
                meters.balance(balance);
            }
            Err(error) => debug!(%error, "the account's balance is not known"),
        }
        self.weighed = Some(Instant::now());
    }

    fn malformed(&self, what: &'static str, reason: &str) -> EndpointError {
        EndpointError::Malformed { origin: self.endpoint.origin().to_owned(), what, reason: reason.to_owned() }
    }
}
