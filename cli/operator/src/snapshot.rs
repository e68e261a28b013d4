//! All that the contracts emitted up to the head, folded into a view, and kept nowhere.
//!
//! Owns the reading: pages of logs as large as the node gives them. The bytes of batches are left out; who needs them follows the chain
//! with a store. A reorganisation while it reads shows as a contradiction, and reading again mends it.

use alloy_primitives::{Address, B256, Log};
use alloy_sol_types::SolEvent;
use assay_node::endpoint::{BlockNumberOrTag, EndpointError, Provider};
use assay_node::l1;
use assay_player::chain::{Head, View};
use assay_protocol::contracts::Batches::{self, BatchesEvents};
use assay_protocol::contracts::Bonds::BondsEvents;
use assay_protocol::contracts::Court::CourtEvents;
use assay_protocol::contracts::Faults::FaultsEvents;
use assay_protocol::contracts::Programs::ProgramsEvents;
use assay_protocol::deployment::Contracts;
use serde_json::json;

use crate::{L1, OperatorError};

/// The most blocks of one page of logs.
const PAGE_MAX: u64 = 10_000;

/// A log, and where and when it was emitted.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Number of the block.
    pub block: u64,
    /// L1 time of the block, in seconds.
    pub time: u64,
    /// The transaction.
    pub transaction: B256,
    /// The log.
    pub log: Log,
}

/// What L1 says at its head.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The head.
    pub head: Head,
    /// What all events fold into.
    pub view: View,
    /// The events, oldest first, parts of batches left out.
    pub logs: Vec<Seen>,
}

impl Snapshot {
    /// Reads all events up to the head.
    ///
    /// # Errors
    /// [`OperatorError`].
    pub async fn take(l1: &L1) -> Result<Self, OperatorError> {
        let head = head(l1).await?;
        let mut snapshot = Self { head, view: View::new(l1.deployment.contracts.clone()), logs: Vec::new() };
        let (mut first, mut page) = (l1.deployment.first_block, PAGE_MAX);
        while first <= head.number {
            let last = first.saturating_add(page - 1).min(head.number);
            match logs(l1, first, last).await {
                Ok(logs) => {
                    snapshot.fold(l1, logs).await?;
                    first = last + 1;
                    page = (page * 2).min(PAGE_MAX);
                }
                // A provider's limit on pages is said in many words; one block is the least that can be asked for.
                Err(EndpointError::Refused { .. } | EndpointError::TimedOut { .. }) if page > 1 => page /= 2,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(snapshot)
    }

    async fn fold(&mut self, l1: &L1, logs: Vec<l1::Log>) -> Result<(), OperatorError> {
        for log in logs {
            let contract = log.inner.address;
            let missing = |what| OperatorError::Incomplete { contract, what };
            let block = log.block_number.ok_or(missing("block"))?;
            let transaction = log.transaction_hash.ok_or(missing("transaction"))?;
            let time = match (log.block_timestamp, self.logs.last()) {
                (Some(time), _) => time,
                (None, Some(last)) if last.block == block => last.time,
                (None, _) => time_of(l1, block).await?.ok_or(missing("time"))?,
            };
            self.view.apply(block, time, &log.inner)?;
            self.logs.push(Seen { block, time, transaction, log: log.inner });
        }
        Ok(())
    }

    /// Events of one kind of one contract, oldest first.
    pub fn events<E: SolEvent>(&self, contract: Address) -> impl Iterator<Item = (&Seen, E)> {
        let of_contract = self.logs.iter().filter(move |seen| seen.log.address == contract);
        of_contract.filter_map(|seen| Some((seen, E::decode_log(&seen.log).ok()?.data)))
    }
}

async fn head(l1: &L1) -> Result<Head, OperatorError> {
    let what = "ask for the head";
    let block = l1
        .endpoint
        .call(what, |l1| async move { l1.get_block_by_number(BlockNumberOrTag::Latest).await })
        .await?
        .ok_or_else(|| EndpointError::Malformed {
            origin: l1.endpoint.origin().to_owned(),
            what,
            reason: "there is none".into(),
        })?;
    Ok(Head { number: block.header.number, hash: block.header.hash, time: block.header.timestamp })
}

async fn time_of(l1: &L1, block: u64) -> Result<Option<u64>, OperatorError> {
    let which = BlockNumberOrTag::Number(block);
    let block = l1.endpoint.call("ask for a header", |l1| async move { l1.get_block_by_number(which).await }).await?;
    Ok(block.map(|block| block.header.timestamp))
}

async fn logs(l1: &L1, first: u64, last: u64) -> Result<Vec<l1::Log>, EndpointError> {
    let Contracts { bonds, programs, batches, faults, court, step_verifier: _ } = &l1.deployment.contracts;
    let filter = json!({
        "address": [bonds, programs, batches, faults, court],
        "topics": [kinds()],
        "fromBlock": format!("{first:#x}"),
        "toBlock": format!("{last:#x}"),
    });
    let mut logs: Vec<l1::Log> = l1.endpoint.request("ask for a page of logs", "eth_getLogs", json!([filter])).await?;
    logs.sort_by_key(|log| (log.block_number, log.log_index));
    Ok(logs)
}

/// First topics of all events but parts of batches.
fn kinds() -> Vec<B256> {
    let all = [
        BondsEvents::SELECTORS,
        ProgramsEvents::SELECTORS,
        BatchesEvents::SELECTORS,
        FaultsEvents::SELECTORS,
        CourtEvents::SELECTORS,
    ];
    let mut kinds: Vec<B256> = all.into_iter().flatten().map(|selector| B256::from(*selector)).collect();
    kinds.retain(|kind| *kind != Batches::DataPosted::SIGNATURE_HASH);
    kinds.sort();
    kinds.dedup();
    kinds
}
