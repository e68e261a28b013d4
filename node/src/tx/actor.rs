//! The actor of one key: asks L1, obeys the pool, writes down, signs, sends.
//!
//! Owns the key while it runs. Assumes that it is the only one that settles this account's rows. A transaction is written down and
//! synced before it is sent; an outcome before anybody hears of it. What it asks L1 is in `look`.

mod look;

use super::intent::{Attempt, INTENTS, Intent, IntentId, Outcome, SLOTS, TURNS};
use super::meters::Meters;
use super::pool::{Mined, Plan, Pool, PoolConfig, Settlement, View};
use super::refusal::Refusal;
use super::sender::Shared;
use super::{Fees, SenderConfig, Shortage, TxError, revert};
use crate::Remedy;
use crate::endpoint::{Backoff, Endpoint, EndpointError};
use crate::keys::Wallet;
use crate::telemetry::Metrics;
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_provider::Provider;
use alloy_rpc_types_eth::{TransactionInput, TransactionRequest};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

/// The most things done between two looks at L1, for each nonce in flight.
const PLANS_PER_NONCE: usize = 8;

/// What the actor is asked.
pub(super) enum Message {
    /// Take an intent out of the queue.
    Withdraw {
        /// Which.
        id: IntentId,
        /// Whether it worked.
        reply: oneshot::Sender<Result<(), TxError>>,
    },
}

/// The actor of one key. Does nothing until [`Actor::run`] is polled.
pub struct Actor {
    shared: Arc<Shared>,
    endpoint: Endpoint,
    wallet: Wallet,
    config: SenderConfig,
    pool: Pool,
    messages: mpsc::Receiver<Message>,
    shortages: watch::Sender<Option<Shortage>>,
    began: Instant,
    chain_is_right: bool,
    meters: Option<Meters>,
    /// When the balance was looked at last, for the metrics.
    weighed: Option<Instant>,
    /// Head at which every used nonce had a receipt: they are not asked for again before there is another.
    asked: Option<B256>,
}

impl Actor {
    pub(super) fn new(
        shared: Arc<Shared>,
        endpoint: Endpoint,
        wallet: Wallet,
        config: SenderConfig,
        messages: mpsc::Receiver<Message>,
        shortages: watch::Sender<Option<Shortage>>,
    ) -> Result<Self, TxError> {
        let pool = restore(&shared, &config)?;
        let began = Instant::now();
        let (chain_is_right, meters, weighed, asked) = (false, None, None, None);
        Ok(Actor {
            shared,
            endpoint,
            wallet,
            config,
            pool,
            messages,
            shortages,
            began,
            chain_is_right,
            meters,
            weighed,
            asked,
        })
    }

    /// Counts what is sent, what that costs, and what the account has. Called once for a registry.
    #[must_use]
    pub fn metered(mut self, metrics: &Metrics) -> Self {
        self.meters = Some(Meters::new(metrics));
        self
    }

    /// Works until the token is cancelled.
    ///
    /// # Errors
    /// Those whose remedy is not to retry: the store's, and a node of another chain.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), TxError> {
        let mut backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(30));
        loop {
            let pause = async {
                match self.messages.recv().await {
                    Some(message) => Some(message),
                    // Nobody is left to withdraw; what is in flight is still seen through.
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                message = pause => {
                    if let Some(Message::Withdraw { id, reply }) = message {
                        let _ = reply.send(self.withdraw(id).await);
                    }
                    continue;
                }
                () = self.shared.wake.notified() => {}
                () = tokio::time::sleep(self.config.tick) => {}
            }
            let ticked = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                ticked = self.tick() => ticked,
            };
            match ticked {
                Ok(()) => backoff.reset(),
                Err(error) if error.remedy() == Remedy::Retry => {
                    warn!(%error, failures = backoff.failures(), "sending to L1 failed, trying again");
                    tokio::select! {
                        () = stop.cancelled() => return Ok(()),
                        () = backoff.wait() => {}
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Looks at L1 once and does what follows. May be dropped at any await: what is in memory is ahead of the store nowhere but in
    /// offers that were made, and those are made again.
    async fn tick(&mut self) -> Result<(), TxError> {
        self.load()?;
        if self.pool.load() == (0, 0) {
            // What nobody wants any more is not lacked.
            self.report_shortage(None);
            self.weigh().await;
            return Ok(());
        }
        let (view, head) = self.look().await?;
        if self.asked != Some(head) {
            self.asked = None;
            self.observe(&view).await?.then(|| self.asked = Some(head));
        }
        for _ in 0..PLANS_PER_NONCE * self.config.unmined_max.max(1) {
            match self.pool.plan(&view) {
                Some(plan) => self.obey(plan, &view).await?,
                None => break,
            }
        }
        self.report_shortage(self.pool.shortage());
        Ok(())
    }

    /// Settles what is deep enough. Whether every used nonce had a receipt.
    async fn observe(&mut self, view: &View) -> Result<bool, TxError> {
        let (answers, costs) = self.receipts(view).await?;
        for settlement in self.pool.observe(view, &answers) {
            let cost = costs.get(&settlement.nonce).copied();
            if let Err(error) = self.settle(settlement).await {
                // The pool has settled what the store has not: an intent would be queued again that is mined. The store is right.
                self.pool = restore(&self.shared, &self.config)?;
                return Err(error);
            }
            if let (Some(meters), Some(cost)) = (&self.meters, cost) {
                meters.settled(cost);
            }
        }
        Ok(answers.values().all(Option::is_some))
    }

    /// Takes in what was submitted. Intents that are here already stay as they are.
    fn load(&mut self) -> Result<(), TxError> {
        let account = self.shared.account;
        for turn in self.shared.store.prefix(&TURNS, &account) {
            let ((_, turn), id) = turn?;
            if self.pool.intent(&id).is_none()
                && let Some(row) = self.shared.store.get(&INTENTS, &(account, id))?
            {
                let after = row.intent.after;
                self.pool.submit(row.intent, turn);
                if let Some(before) = after
                    && self.came_to_nothing(before)?
                {
                    self.pool.orphan(id);
                }
            }
        }
        Ok(())
    }

    fn came_to_nothing(&self, id: IntentId) -> Result<bool, TxError> {
        let row = self.shared.store.get(&INTENTS, &(self.shared.account, id))?;
        let outcome = row.and_then(|row| row.outcome);
        Ok(outcome.is_some_and(|outcome| !matches!(outcome, Outcome::Done { .. })))
    }

    /// Writes down that a nonce is settled, then tells.
    async fn settle(&mut self, settlement: Settlement) -> Result<(), TxError> {
        let Settlement { nonce, mined, given_back } = settlement;
        let mut told = None;
        let mut batch = self.shared.store.batch();
        batch.delete(&SLOTS, &(self.shared.account, nonce));
        if let Some((id, mined)) = mined {
            let outcome = match mined.succeeded {
                true => Outcome::Done { transaction: mined.transaction, block: mined.block },
                false => self.reverted(&id, mined).await?,
            };
            info!(%id, nonce, transaction = %mined.transaction, block = mined.block, succeeded = mined.succeeded, "intent settled");
            self.write_outcome(&mut batch, &id, &outcome)?;
            told = Some((id, outcome));
        } else if !given_back.is_empty() {
            warn!(
                nonce,
                intents = given_back.len(),
                "a nonce was used up for something else, its intents are queued again"
            );
        }
        batch.commit_async().await?;
        if let Some((id, outcome)) = told {
            self.shared.tell(&id, &outcome);
        }
        Ok(())
    }

    fn write_outcome(&self, batch: &mut crate::store::Batch, id: &IntentId, outcome: &Outcome) -> Result<(), TxError> {
        let key = (self.shared.account, *id);
        if let Some(mut row) = self.shared.store.get(&INTENTS, &key)? {
            batch.delete(&TURNS, &(self.shared.account, row.sequence));
            row.outcome = Some(outcome.clone());
            batch.put(&INTENTS, &key, &row)?;
        }
        Ok(())
    }

    /// Ends an intent that is not in flight.
    async fn close(&mut self, id: IntentId, outcome: Outcome) -> Result<(), TxError> {
        let mut batch = self.shared.store.batch();
        self.write_outcome(&mut batch, &id, &outcome)?;
        batch.commit_async().await?;
        info!(%id, ?outcome, "intent ended unsent");
        self.shared.tell(&id, &outcome);
        Ok(())
    }

    async fn withdraw(&mut self, id: IntentId) -> Result<(), TxError> {
        self.load()?;
        let got = if self.pool.nonce_of(&id).is_some() { "in flight" } else { "not known, or settled" };
        match self.pool.withdraw(&id) {
            true => self.close(id, Outcome::Withdrawn).await,
            false => Err(TxError::WrongStatus { id, got, wanted: "queued" }),
        }
    }

    async fn obey(&mut self, plan: Plan, view: &View) -> Result<(), TxError> {
        match plan {
            Plan::Close { intent, outcome } => self.close(intent, outcome).await,
            Plan::Estimate(id) => self.estimate(id, view).await,
            Plan::Sign { nonce, intent, fees, gas_limit } => {
                let attempt = self.sign(nonce, intent, fees, gas_limit)?;
                self.pool.signed(nonce, attempt, view.now_ms);
                let row = self.pool.row(nonce).expect("a transaction was just signed for it");
                let mut batch = self.shared.store.batch();
                batch.put(&SLOTS, &(self.shared.account, nonce), &row)?;
                batch.commit_async().await?;
                self.send(nonce, view).await
            }
            Plan::Send { nonce } => self.send(nonce, view).await,
        }
    }

    /// Asks what gas an intent takes: on the newest block, and where the call fails there, on the node's pending one, in which what this
    /// account sent before it is done. In that one are strangers' transactions too, and some that never come to what they do there: it
    /// stops nothing that the newest block takes.
    async fn estimate(&mut self, id: IntentId, view: &View) -> Result<(), TxError> {
        let mut asked = self.estimate_on(&id, BlockNumberOrTag::Latest).await;
        if matches!(asked, Err(EndpointError::Refused { .. })) {
            asked = self.estimate_on(&id, BlockNumberOrTag::Pending).await;
        }
        match asked {
            Ok(gas) => {
                self.pool.estimated(&id, gas.saturating_mul(100 + self.config.gas_margin_percent) / 100);
                Ok(())
            }
            Err(EndpointError::Refused { message, data, .. }) if data.is_some() || is_revert(&message) => {
                self.pool.close_intent(&id);
                let data = data.unwrap_or_default();
                let reason = if data.is_empty() { message } else { revert::reason(&data) };
                self.close(id, Outcome::Reverted { transaction: None, data, reason }).await
            }
            Err(EndpointError::Refused { message, .. }) if Refusal::from_words(&message) == Refusal::Impossible => {
                self.pool.close_intent(&id);
                self.close(id, Outcome::Refused { reason: message }).await
            }
            // A node refuses an estimate that the account can't pay for, too: money may come. What stands behind it does not wait.
            Err(EndpointError::Refused { message, .. }) => {
                warn!(%id, words = message, "L1 does not say what gas an intent takes, others go first");
                self.pool.unestimated(&id, view.now_ms);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn estimate_on(&self, id: &IntentId, block: BlockNumberOrTag) -> Result<u64, EndpointError> {
        let request = self.request(self.intent(id));
        self.endpoint
            .call("estimate gas", |l1| async move { l1.estimate_gas(request).block(BlockId::Number(block)).await })
            .await
    }

    fn sign(&self, nonce: u64, intent: Option<IntentId>, fees: Fees, gas_limit: u64) -> Result<Attempt, TxError> {
        let account = self.shared.account;
        let (to, value, data) = match intent {
            Some(id) => {
                let intent = self.intent(&id);
                (intent.to, intent.value, intent.data.clone())
            }
            None => (account, U256::ZERO, Bytes::new()),
        };
        let transaction = TxEip1559 {
            chain_id: self.config.chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas: fees.cap,
            max_priority_fee_per_gas: fees.tip,
            to: TxKind::Call(to),
            value,
            access_list: Default::default(),
            input: data,
        };
        let signature = self.wallet.sign(&transaction.signature_hash());
        let signature = signature.map_err(|error| TxError::Unsigned { account, reason: error.to_string() })?;
        let signed = TxEnvelope::from(transaction.into_signed(signature));
        let raw = Bytes::from(signed.encoded_2718());
        Ok(Attempt { hash: *signed.tx_hash(), intent, fees, gas_limit, value, raw })
    }

    /// Sends the newest transaction of a nonce.
    async fn send(&mut self, nonce: u64, view: &View) -> Result<(), TxError> {
        let row = self.pool.row(nonce).expect("plans name nonces that have a slot");
        let attempt = row.attempts.last().expect("a slot has an attempt");
        let (raw, hash) = (attempt.raw.clone(), attempt.hash);
        let sent = self
            .endpoint
            .call("send a transaction", |l1| async move { l1.send_raw_transaction(&raw).await.map(|_| ()) });
        match sent.await {
            Ok(()) => {
                debug!(nonce, transaction = %hash, tip = attempt.fees.tip, cap = attempt.fees.cap, "transaction sent");
                self.pool.taken(nonce, view.now_ms);
                Ok(())
            }
            Err(EndpointError::Refused { message, .. }) => self.refused(nonce, hash, message, view).await,
            Err(error) => {
                // It may have arrived: it is offered again after a while, and nothing is signed anew before.
                self.pool.taken(nonce, view.now_ms);
                Err(error.into())
            }
        }
    }

    async fn refused(&mut self, nonce: u64, hash: B256, words: String, view: &View) -> Result<(), TxError> {
        let refusal = Refusal::from_words(&words);
        match refusal {
            Refusal::Known => debug!(nonce, transaction = %hash, "L1 has the transaction already"),
            _ => warn!(nonce, transaction = %hash, ?refusal, words, "L1 refused a transaction"),
        }
        let Some(id) = self.pool.refused(nonce, refusal, view.now_ms) else { return Ok(()) };
        let mut batch = self.shared.store.batch();
        batch.delete(&SLOTS, &(self.shared.account, nonce));
        let outcome = Outcome::Refused { reason: words };
        self.write_outcome(&mut batch, &id, &outcome)?;
        batch.commit_async().await?;
        self.shared.tell(&id, &outcome);
        Ok(())
    }

    /// Why a mined call failed: it is made again on the state before its block, and, if it succeeds there, on that of its block. What
    /// was mined just before it in the same block may be missing or too much, so that the reason is what is likely, not proof.
    async fn reverted(&self, id: &IntentId, mined: Mined) -> Result<Outcome, TxError> {
        let row = self.shared.store.get(&INTENTS, &(self.shared.account, *id))?;
        for block in [mined.block.saturating_sub(1), mined.block] {
            let Some(row) = &row else { break };
            let (request, at) = (self.request(&row.intent), BlockId::number(block));
            let called =
                self.endpoint.call("repeat a call", |l1| async move { l1.call(request).block(at).await }).await;
            match called {
                Err(EndpointError::Refused { message, data, .. }) => {
                    let data = data.unwrap_or_default();
                    let reason = if data.is_empty() { message } else { revert::reason(&data) };
                    return Ok(Outcome::Reverted { transaction: Some(mined.transaction), data, reason });
                }
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let reason = "the call succeeds when it is repeated: out of gas, or it met another state".into();
        Ok(Outcome::Reverted { transaction: Some(mined.transaction), data: Bytes::new(), reason })
    }

    fn request(&self, intent: &Intent) -> TransactionRequest {
        TransactionRequest {
            from: Some(self.shared.account),
            to: Some(TxKind::Call(intent.to)),
            value: Some(intent.value),
            input: TransactionInput::new(intent.data.clone()),
            gas: intent.gas_limit,
            ..TransactionRequest::default()
        }
    }

    fn intent(&self, id: &IntentId) -> &Intent {
        self.pool.intent(id).expect("plans name intents that the pool has")
    }

    /// Says it once when the account gets too poor, and once when it no longer is.
    fn report_shortage(&self, shortage: Option<Shortage>) {
        if let Some(meters) = &self.meters {
            meters.shortage(shortage);
        }
        let changed = self.shortages.send_if_modified(|told| {
            let kind = |shortage: &Option<Shortage>| shortage.as_ref().map(Shortage::is_lasting);
            let changed = kind(told) != kind(&shortage);
            *told = shortage;
            changed
        });
        let account: Address = self.shared.account;
        match (changed, shortage) {
            (true, Some(shortage)) if shortage.is_lasting() => {
                error!(%account, got = %shortage.got, wanted = %shortage.wanted, "the account is too poor to send");
            }
            (true, Some(Shortage { got, wanted, reserved })) => {
                info!(%account, %got, %wanted, %reserved, "the account can send more when what is in flight is mined");
            }
            (true, None) => info!(%account, "the account can send again"),
            (false, _) => {}
        }
    }

    fn now_ms(&self) -> u64 {
        self.began.elapsed().as_millis() as u64
    }
}

/// The pool as it was written down; its intents are taken in with the next look.
fn restore(shared: &Shared, config: &SenderConfig) -> Result<Pool, TxError> {
    let mut pool = Pool::new(PoolConfig {
        confirmations: config.confirmations.max(1),
        fees: config.fees,
        resubmit_after_ms: (config.resubmit_after.as_millis() as u64).max(1),
        unmined_max: config.unmined_max.max(1),
    });
    for slot in shared.store.prefix(&SLOTS, &shared.account) {
        let ((_, nonce), row) = slot?;
        pool.restore(nonce, row);
    }
    Ok(pool)
}

/// Whether a node's words for a failed estimate mean that the call itself fails.
fn is_revert(message: &str) -> bool {
    message.to_lowercase().contains("revert")
}
