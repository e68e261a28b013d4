//! The actor that follows L1.
//!
//! *Protocol*: reads deliveries, writes their facts with the reader's mark in one commit, and tells the core. *Mailbox*: none; it waits for
//! the core when the core is slow. *Persisted*: facts and the cursor. *Failures*: L1 that is down is waited for; whatever else ends the
//! actor and the process, first of all a deployment that is not on L1. After a start the core gets every fact that stands before it hears
//! anything new.

use alloy_primitives::{Address, B256};
use assay_node::endpoint::Endpoint;
use assay_node::l1::{BlockRef, Delivery, Event, L1Error, Log, Reader, check_chain, code_at};
use assay_node::store::{Store, StoreError};
use assay_protocol::deployment::Deployment;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Fact, decode};
use crate::gate::Gate;
use crate::rows::{FACTS, FactRow};

/// What the core hears of L1.
#[derive(Clone, Debug)]
pub enum Heard {
    /// Blocks count now, and this is what they say: fact, block, time.
    Blocks {
        /// The newest of them.
        tip: BlockRef,
        /// Facts in order.
        facts: Vec<(Fact, u64, u64)>,
    },
    /// Blocks count no more: what is known is to be made anew from the facts that are left.
    RolledBack {
        /// The newest block that still counts, if it is known.
        tip: Option<BlockRef>,
    },
    /// All up to the head is read: what is not here has not happened.
    AtHead,
}

/// Why L1 is followed no more.
#[derive(Debug, Error)]
pub enum FollowerError {
    /// L1 can't be read.
    #[error(transparent)]
    L1(#[from] L1Error),
    /// Facts can't be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing stands where a contract should be.
    #[error("the deployment has its contract {contract} at {at}, where L1 has no code")]
    NoContract {
        /// Its field of the deployment.
        contract: &'static str,
        /// Where it should be.
        at: Address,
    },
}

/// Follows L1.
pub struct Follower {
    /// The store.
    pub store: Store,
    /// The reader, open.
    pub reader: Reader,
    /// The reader's node.
    pub endpoint: Endpoint,
    /// Where the contracts are.
    pub deployment: Deployment,
    /// The region.
    pub region: B256,
    /// Told whenever L1 was read up to its head.
    pub gate: Gate,
    /// Who hears of it.
    pub heard: mpsc::Sender<Heard>,
    /// How long to wait when there is nothing new.
    pub poll: std::time::Duration,
}

impl Follower {
    /// Works until the token is cancelled.
    ///
    /// # Errors
    /// [`FollowerError`].
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), FollowerError> {
        let mut was_at_head = false;
        if let Some(tip) = self.reader.tip().copied() {
            // What was read before is in the facts already, but for where it ends.
            self.tell(Heard::Blocks { tip, facts: Vec::new() }).await;
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            checked = self.check_deployment() => checked?,
        }
        loop {
            let next = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                next = self.reader.try_next() => next?,
            };
            let Some(delivery) = next else {
                self.gate.l1_was_read();
                if !was_at_head {
                    was_at_head = true;
                    self.tell(Heard::AtHead).await;
                }
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep(self.poll) => continue,
                }
            };
            let heard = self.take(delivery).await?;
            // Without a tip L1 is not known any more, until it is read to its head again.
            was_at_head &= !matches!(heard, Heard::RolledBack { tip: None });
            self.tell(heard).await;
        }
    }

    /// L1 is the deployment's chain, and the contracts are there: else nothing that is waited for would ever come.
    async fn check_deployment(&self) -> Result<(), FollowerError> {
        check_chain(&self.endpoint, self.deployment.chain_id).await?;
        let contracts = &self.deployment.contracts;
        for (contract, at) in [
            ("batches", contracts.batches),
            ("bonds", contracts.bonds),
            ("programs", contracts.programs),
            ("court", contracts.court),
        ] {
            if code_at(&self.endpoint, at, self.deployment.first_block).await?.is_empty() {
                return Err(FollowerError::NoContract { contract, at });
            }
        }
        Ok(())
    }

    async fn tell(&self, heard: Heard) {
        // A core that has ended took its process with it.
        let _ = self.heard.send(heard).await;
    }

    /// Writes down what a delivery says.
    async fn take(&self, delivery: Delivery) -> Result<Heard, FollowerError> {
        let mut batch = self.store.batch();
        delivery.mark(&mut batch)?;
        let heard = match &delivery.event {
            Event::Blocks { last, logs, .. } => {
                let mut facts = Vec::new();
                for (index, log) in (0..).zip(logs) {
                    let Some(fact) = decode(log, &self.deployment.contracts, self.region) else { continue };
                    let (block, time) = (log.block_number.unwrap_or(last.number), time_of(log, last));
                    batch.put(&FACTS, &(block, index), &FactRow { fact, time })?;
                    facts.push((fact, block, time));
                }
                Heard::Blocks { tip: *last, facts }
            }
            Event::RolledBack { void_from } => {
                for row in self.store.range(&FACTS, (*void_from, 0)..) {
                    batch.delete(&FACTS, &row?.0);
                }
                Heard::RolledBack { tip: self.reader.tip().copied() }
            }
        };
        batch.commit_async().await?;
        Ok(heard)
    }
}

/// The time of a log's block. Old blocks come many at once; a node that does not say the time of a log leaves that of the last of them,
/// which is later: a registration is then trusted later, and a window thought to end later, than on L1.
fn time_of(log: &Log, last: &BlockRef) -> u64 {
    match log.block_number == Some(last.number) {
        true => last.timestamp,
        false => log.block_timestamp.unwrap_or(last.timestamp),
    }
}
