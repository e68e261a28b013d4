//! The follower: a reader's deliveries, made rows and view, one by one.
//!
//! Owns the reader and the order of things: rows and the reader's mark in one commit, then the view, then the news. After a crash the
//! view is folded from the rows; after a reorganisation too, from the settled view on. Rows that contradict L1 are thrown away and all is read again.

use std::collections::BTreeMap;
use std::time::Duration;

use alloy_primitives::keccak256;
use assay_dispute::preflight::CourtPreflight;
use assay_node::Remedy;
use assay_node::endpoint::{Backoff, BlockNumberOrTag, Endpoint, Provider};
use assay_node::l1::{Delivery, Event, L1Error, Log, Reader, ReaderConfig, check_chain, code_at};
use assay_node::store::Store;
use assay_protocol::deployment::Deployment;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::error::ChainError;
use super::ingest::{self, Placed};
use super::settled::Settled;
use super::{Chain, Head};

/// Waits between questions that a node does not answer.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// How L1 is followed.
#[derive(Clone, Debug)]
pub struct ChainConfig {
    /// Number of the reader among those that share the store.
    pub stream: u8,
    /// How many blocks must stand on a block before it counts. A player needs none: its moves name what they answer.
    pub confirmations: u64,
    /// The deepest reorganisation that is healed without reading all again.
    pub depth_max: u64,
    /// The most blocks of one page of logs, which is held in memory while catching up. It has fewer where they hold much.
    pub page_max: u64,
    /// How long to wait before the head is looked at again.
    pub poll_interval: Duration,
}

impl Default for ChainConfig {
    fn default() -> Self {
        Self { stream: 0, confirmations: 0, depth_max: 96, page_max: 256, poll_interval: Duration::from_secs(1) }
    }
}

/// Keeps a [`Chain`] up to date.
pub struct Follower {
    chain: Chain,
    endpoint: Endpoint,
    config: ChainConfig,
    reader: Reader,
    /// Whether L1 was read to its head since the last reset.
    is_read: bool,
}

impl Follower {
    /// Folds what the store has, and goes on from where its rows end. Blocks for a pass over the events. Asks nothing of the node yet.
    ///
    /// # Errors
    /// [`ChainError`] with another remedy than a reset, which is done here.
    pub fn open(
        store: Store,
        endpoint: Endpoint,
        deployment: Deployment,
        config: ChainConfig,
    ) -> Result<(Chain, Self), ChainError> {
        ingest::finish_reset(&store)?;
        let opened = Settled::open(&store, &deployment, config.depth_max).and_then(|opened| {
            let reader = Reader::open(&store, endpoint.clone(), reading(&deployment, &config))?;
            Ok((opened, reader))
        });
        let ((settled, view), reader) = match opened {
            Err(error) if error.remedy() == Remedy::Reset => {
                warn!(%error, "what was derived from L1 is thrown away and read again");
                ingest::reset(&store, config.stream)?;
                let reader = Reader::open(&store, endpoint.clone(), reading(&deployment, &config))?;
                (Settled::open(&store, &deployment, config.depth_max)?, reader)
            }
            opened => opened?,
        };
        let chain = Chain::new(store, deployment, settled, view);
        Ok((chain.clone(), Self { chain, endpoint, config, reader, is_read: false }))
    }

    /// Follows L1 until the token is cancelled.
    ///
    /// # Errors
    /// [`ChainError`] that needs an operator, or rows that can't be read from L1 without contradiction.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), ChainError> {
        let mut resets = 0;
        loop {
            let failed = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                ended = self.follow() => match ended {
                    Ok(never) => match never {},
                    Err(error) => error,
                },
            };
            // Once L1 was read to its head again, what comes later is another trouble.
            resets = if std::mem::take(&mut self.is_read) { 1 } else { resets + 1 };
            if failed.remedy() != Remedy::Reset || resets > 3 {
                return Err(failed);
            }
            warn!(error = %failed, "what was derived from L1 is thrown away and read again");
            self.reset().await?;
        }
    }

    /// Takes everything up to L1's head, and tells the news.
    ///
    /// # Errors
    /// [`ChainError`].
    pub async fn catch_up(&mut self) -> Result<(), ChainError> {
        while let Some(delivery) = self.reader.try_next().await? {
            self.take(delivery).await?;
        }
        if let Some(tip) = self.reader.tip() {
            self.chain.publish(Head { number: tip.number, hash: tip.hash, time: tip.timestamp });
        }
        Ok(())
    }

    async fn follow(&mut self) -> Result<std::convert::Infallible, ChainError> {
        self.check_deployment().await?;
        loop {
            self.catch_up().await?;
            self.is_read = true;
            tokio::time::sleep(self.config.poll_interval).await;
        }
    }

    /// L1 is the deployment's chain: else what was said by contracts at these addresses is of another one. And verifier and court there are
    /// those that moves are tried with here: else one that was taken could revert there.
    async fn check_deployment(&self) -> Result<(), ChainError> {
        let deployment = self.chain.deployment();
        check_chain(&self.endpoint, deployment.chain_id).await?;
        let preflight = CourtPreflight::of(deployment);
        let contracts = &deployment.contracts;
        for (contract, at) in [("step verifier", contracts.step_verifier), ("court", contracts.court)] {
            let code = code_at(&self.endpoint, at, deployment.first_block).await?;
            let wanted = preflight.code_at(at).unwrap_or_default();
            if code != wanted {
                return Err(ChainError::Code { contract, at, got: keccak256(&code), wanted: keccak256(&wanted) });
            }
        }
        Ok(())
    }

    async fn take(&mut self, mut delivery: Delivery) -> Result<(), ChainError> {
        self.time(&mut delivery).await?;
        let (chain, depth) = (self.chain.clone(), self.config.depth_max);
        let taken = tokio::task::spawn_blocking(move || chain.take(&delivery, depth)).await;
        taken.expect("taking a delivery does not panic, and a runtime that ends it ends its caller too")
    }

    /// Gives logs their times where the node does not: a page's logs are of many blocks, and not every node says when they were.
    async fn time(&self, delivery: &mut Delivery) -> Result<(), ChainError> {
        let Event::Blocks { last, logs, .. } = &mut delivery.event else { return Ok(()) };
        let mut times = BTreeMap::from([(last.number, last.timestamp)]);
        for log in logs.iter_mut().filter(|log| log.block_timestamp.is_none()) {
            let Some(number) = log.block_number else { continue };
            let time = match times.get(&number) {
                Some(time) => *time,
                None => {
                    let which = BlockNumberOrTag::Number(number);
                    let mut backoff = Backoff::new(PAUSE_MIN, PAUSE_MAX);
                    // What was delivered is not delivered again: it is asked for until the node answers.
                    let block = loop {
                        let asked = self
                            .endpoint
                            .call("ask for a header", |l1| async move { l1.get_block_by_number(which).await });
                        match asked.await {
                            Err(error) if error.remedy() == Remedy::Retry => backoff.wait().await,
                            answered => break answered.map_err(L1Error::from)?,
                        }
                    };
                    let Some(block) = block else { continue };
                    times.insert(number, block.header.timestamp);
                    block.header.timestamp
                }
            };
            log.block_timestamp = Some(time);
        }
        Ok(())
    }

    async fn reset(&mut self) -> Result<(), ChainError> {
        let (chain, stream, depth) = (self.chain.clone(), self.config.stream, self.config.depth_max);
        let done = tokio::task::spawn_blocking(move || {
            ingest::reset(chain.store(), stream)?;
            chain.refold(depth)?;
            Ok::<_, ChainError>(())
        });
        done.await.expect("a reset does not panic, and a runtime that ends it ends its caller too")?;
        let reading = reading(self.chain.deployment(), &self.config);
        self.reader = Reader::open(self.chain.store(), self.endpoint.clone(), reading)?;
        Ok(())
    }
}

impl Chain {
    /// Takes one delivery: rows and mark, then the view. No reorganisation is deeper than `depth`, or all is read again.
    pub(super) fn take(&self, delivery: &Delivery, depth: u64) -> Result<(), ChainError> {
        let mut batch = self.store().batch();
        match &delivery.event {
            Event::Blocks { last, logs, .. } => {
                let logs = logs.iter().map(|log| placed(log, last.number, last.timestamp));
                let logs = logs.collect::<Result<Vec<_>, _>>()?;
                ingest::write(&mut batch, self.deployment(), &logs)?;
                delivery.mark(&mut batch)?;
                batch.commit_lazily()?;
                self.change(|view| {
                    logs.iter().try_for_each(|Placed { place, time, log }| view.apply(place.0, *time, log))
                })?;
                self.settled().advance(self.store(), (last.number + 1).saturating_sub(depth))?;
            }
            Event::RolledBack { void_from } => {
                ingest::delete(&mut batch, self.deployment(), *void_from)?;
                delivery.mark(&mut batch)?;
                batch.commit_lazily()?;
                let is_settled = self.settled().is_before(*void_from);
                if is_settled {
                    let view = self.settled().newest(self.store())?;
                    self.replace(view);
                } else {
                    self.refold(depth)?;
                }
                info!(void_from, "events of dropped blocks are gone");
            }
        }
        Ok(())
    }

    /// Folds all rows.
    fn refold(&self, depth: u64) -> Result<(), ChainError> {
        let (settled, view) = Settled::open(self.store(), self.deployment(), depth)?;
        *self.settled() = settled;
        self.replace(view);
        Ok(())
    }
}

/// A log with its place and time. Logs of a page say themselves when they were.
fn placed(log: &Log, last: u64, last_time: u64) -> Result<Placed, ChainError> {
    let contract = log.inner.address;
    let missing = |what| ChainError::Incomplete { contract, what };
    let block = log.block_number.ok_or(missing("block"))?;
    let index = log.log_index.ok_or(missing("index"))?;
    let time = if block == last { Some(last_time) } else { log.block_timestamp };
    Ok(Placed { place: (block, index), time: time.ok_or(missing("time"))?, log: log.inner.clone() })
}

fn reading(deployment: &Deployment, config: &ChainConfig) -> ReaderConfig {
    let contracts = &deployment.contracts;
    let addresses = vec![contracts.bonds, contracts.programs, contracts.batches, contracts.faults, contracts.court];
    ReaderConfig {
        stream: config.stream,
        confirmations: config.confirmations,
        depth_max: config.depth_max,
        page_max: config.page_max,
        poll_interval: config.poll_interval,
        ..ReaderConfig::new(addresses, deployment.first_block)
    }
}
