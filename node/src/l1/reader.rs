//! The reader: asks a node what the pure core wants to know, and hands out what it decides.
//!
//! Owns the requests, their retries and the checks of what comes back. Assumes that a delivery which was handed out is either
//! committed or the reader is dropped. Every `await` may be the last: state changes only right before a delivery is returned.

use super::chain::{BlockRef, Chain};
use super::cursor::{CURSORS, Cursor, fingerprint};
use super::follow::{Action, Shown, decide};
use super::page::{Page, size_bytes};
use super::{L1Error, Log};
use crate::Remedy;
use crate::endpoint::{Backoff, Endpoint, EndpointError};
use crate::store::{Batch, Store, StoreError};
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{Address, B256, logs_bloom};
use alloy_provider::Provider;
use alloy_rpc_types_eth::Filter;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use tracing::{info, warn};

/// What a reader reads.
#[derive(Clone, Debug)]
pub struct ReaderConfig {
    /// Number of the reader among those that share a store.
    pub stream: u8,
    /// Contracts whose events are read.
    pub addresses: Vec<Address>,
    /// First topics of the events that are read; all events when empty.
    pub topics: Vec<B256>,
    /// The first block to read: the one in which the contracts were deployed.
    pub start: u64,
    /// How many blocks must stand on a block before it is delivered. 0 delivers the head.
    pub confirmations: u64,
    /// The deepest reorganisation, in delivered blocks, that is healed without a rebuild. 96 is three of mainnet's epochs: one more
    /// than what finality takes.
    pub depth_max: u64,
    /// The most blocks of one page of logs. It has fewer where they hold much.
    pub page_max: u64,
    /// How long to wait before the head is looked at again.
    pub poll_interval: Duration,
}

impl ReaderConfig {
    /// The usual limits for events of some contracts from a block on.
    pub fn new(addresses: Vec<Address>, start: u64) -> Self {
        ReaderConfig {
            stream: 0,
            addresses,
            topics: Vec::new(),
            start,
            confirmations: 0,
            depth_max: 96,
            page_max: 2_000,
            poll_interval: Duration::from_secs(1),
        }
    }
}

/// What happened on L1.
#[derive(Clone, Debug)]
pub enum Event {
    /// Blocks became part of the chain: one, or many that are settled.
    Blocks {
        /// Number of the first of them.
        first: u64,
        /// The last of them.
        last: BlockRef,
        /// What the contracts emitted in them, in the chain's order.
        logs: Vec<Log>,
    },
    /// Blocks left the chain, and so did all that was in them.
    RolledBack {
        /// The first block that is void; every later one is too. The block before it stays.
        void_from: u64,
    },
}

/// An event, and where the reader stands after it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What happened.
    pub event: Event,
    stream: u8,
    cursor: Cursor,
}

impl Delivery {
    /// Writes down that this was delivered, in the batch that holds what came of it.
    ///
    /// # Errors
    /// [`StoreError::Unwritable`], which a cursor never is.
    pub fn mark(&self, batch: &mut Batch) -> Result<(), StoreError> {
        batch.put(&CURSORS, &self.stream, &self.cursor)
    }
}

/// What is read of a transaction's receipt, of whatever type it is.
#[derive(Debug, Deserialize)]
struct Receipt {
    logs: Vec<Log>,
}

/// A reader of events.
pub struct Reader {
    endpoint: Endpoint,
    config: ReaderConfig,
    filter: B256,
    chain: Chain,
    /// Chain id and first block: what the cursor says, and whether the node was held against it since the last failure.
    identity: Option<(u64, B256)>,
    identified: bool,
    page: Page,
    /// The head that deliveries are decided by, until it has nothing new.
    head: Option<BlockRef>,
    backoff: Backoff,
}

impl Reader {
    /// Goes on from where the store says that the reader stood. Asks nothing of the node yet.
    ///
    /// # Errors
    /// [`L1Error::Store`], [`L1Error::AnotherFilter`], [`L1Error::BrokenCursor`].
    ///
    /// # Panics
    /// When the configuration names no contract.
    pub fn open(store: &Store, endpoint: Endpoint, config: ReaderConfig) -> Result<Self, L1Error> {
        assert!(!config.addresses.is_empty(), "a reader needs a contract to read");
        let filter = fingerprint(&config.addresses, &config.topics);
        let cursor = store.get(&CURSORS, &config.stream)?;
        let identity = cursor.as_ref().map(|cursor| cursor.chain);
        let chain = match cursor {
            Some(cursor) => cursor.restore(config.stream, config.start, filter, config.depth_max)?,
            None => Chain::new(config.start, config.depth_max),
        };
        let page = Page::new(config.page_max);
        let backoff = Backoff::new(Duration::from_millis(250), Duration::from_secs(30));
        Ok(Reader { endpoint, config, filter, chain, identity, identified: false, page, head: None, backoff })
    }

    /// The first block that was not delivered yet.
    pub fn position(&self) -> u64 {
        self.chain.next()
    }

    /// The newest block that was delivered.
    pub fn tip(&self) -> Option<&BlockRef> {
        self.chain.tip()
    }

    /// The next event, waiting until there is one. May be dropped while it waits: nothing is lost.
    ///
    /// # Errors
    /// Those whose remedy is not to retry.
    pub async fn next(&mut self) -> Result<Delivery, L1Error> {
        loop {
            if let Some(delivery) = self.try_next().await? {
                return Ok(delivery);
            }
            tokio::time::sleep(self.config.poll_interval).await;
        }
    }

    /// The next event, or `None` when all up to the head, less the confirmations, is delivered.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub async fn try_next(&mut self) -> Result<Option<Delivery>, L1Error> {
        loop {
            match self.advance().await {
                Ok(delivery) => {
                    if self.backoff.failures() > 0 {
                        info!(l1 = self.endpoint.origin(), failures = self.backoff.failures(), "L1 answers again");
                        self.backoff.reset();
                    }
                    return Ok(delivery);
                }
                Err(error) if error.remedy() == Remedy::Retry => {
                    warn!(%error, failures = self.backoff.failures(), "reading L1 failed, asking again");
                    (self.head, self.identified) = (None, false);
                    self.backoff.wait().await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Hands every event up to the head to `take`: what a process does before it is ready. Returns the newest delivered block.
    ///
    /// # Errors
    /// As [`Reader::next`], and whatever `take` fails with.
    pub async fn sync_to_head<E: From<L1Error>>(
        &mut self,
        mut take: impl AsyncFnMut(Delivery) -> Result<(), E>,
    ) -> Result<Option<BlockRef>, E> {
        while let Some(delivery) = self.try_next().await? {
            take(delivery).await?;
        }
        Ok(self.chain.tip().copied())
    }

    /// Asks until there is a delivery or nothing new.
    async fn advance(&mut self) -> Result<Option<Delivery>, L1Error> {
        self.identify().await?;
        let mut head_is_new = false;
        let mut shown = Shown::Head;
        loop {
            let head = match self.head {
                Some(head) => head,
                None => {
                    head_is_new = true;
                    *self.head.insert(self.newest().await?)
                }
            };
            match decide(&self.chain, head.number, self.config.confirmations, shown) {
                Action::Wait => {
                    self.head = None;
                    if head_is_new {
                        return Ok(None);
                    }
                    shown = Shown::Head;
                }
                Action::Fetch { number } => shown = Shown::Header { number, block: self.header(number).await? },
                Action::Deliver(block) => {
                    let logs = self.logs_of(&block).await?;
                    self.chain.push(block);
                    return Ok(Some(self.delivery(Event::Blocks { first: block.number, last: block, logs })));
                }
                Action::Settled { first, last } => {
                    let Some((last, logs)) = self.settled(first, last).await? else {
                        (self.head, shown) = (None, Shown::Head);
                        continue;
                    };
                    self.chain.skip(last);
                    return Ok(Some(self.delivery(Event::Blocks { first, last, logs })));
                }
                Action::RollBack { next } => {
                    warn!(void_from = next, blocks = self.chain.next() - next, "L1 was reorganised");
                    self.chain.roll_back(next);
                    return Ok(Some(self.delivery(Event::RolledBack { void_from: next })));
                }
                Action::TooDeep { known, shown } => {
                    let (number, depth_max) = (known.number, self.config.depth_max);
                    return Err(L1Error::TooDeep { number, got: shown.hash, wanted: known.hash, depth_max });
                }
            }
        }
    }

    fn delivery(&self, event: Event) -> Delivery {
        let identity = self.identity.expect("the chain was identified before anything was asked");
        Delivery { event, stream: self.config.stream, cursor: Cursor::of(&self.chain, identity, self.filter) }
    }

    /// Holds the node's chain against the cursor's, once a connection.
    async fn identify(&mut self) -> Result<(), L1Error> {
        if self.identified {
            return Ok(());
        }
        let id = self.endpoint.call("ask for the chain id", |l1| async move { l1.get_chain_id().await }).await?;
        let first = self.header(0).await?.ok_or_else(|| self.malformed("ask for block 0", "there is none"))?;
        let got = (id, first.hash);
        let wanted = *self.identity.get_or_insert(got);
        if got != wanted {
            return Err(L1Error::AnotherChain { got, wanted });
        }
        self.identified = true;
        Ok(())
    }

    async fn newest(&self) -> Result<BlockRef, L1Error> {
        let head = self.block("ask for the head", BlockNumberOrTag::Latest).await?;
        Ok(head.ok_or_else(|| self.malformed("ask for the head", "there is none"))?)
    }

    async fn header(&self, number: u64) -> Result<Option<BlockRef>, L1Error> {
        Ok(self.block("ask for a header", BlockNumberOrTag::Number(number)).await?)
    }

    async fn block(&self, what: &'static str, which: BlockNumberOrTag) -> Result<Option<BlockRef>, EndpointError> {
        let block = self.endpoint.call(what, |l1| async move { l1.get_block_by_number(which).await }).await?;
        Ok(block.map(|block| BlockRef {
            number: block.header.number,
            hash: block.header.hash,
            parent: block.header.parent_hash,
            timestamp: block.header.timestamp,
        }))
    }

    /// The logs of one block, asked for by its hash: whatever the node thinks canonical, they belong to this block.
    async fn logs_of(&self, block: &BlockRef) -> Result<Vec<Log>, L1Error> {
        let filter = self.filter().at_block_hash(block.hash);
        let asked = self.endpoint.call("ask for a block's logs", |l1| async move { l1.get_logs(&filter).await });
        let logs = match asked.await {
            Err(refused @ EndpointError::Refused { .. }) => {
                self.logs_of_receipts(block.number, Some(block.hash), refused).await?
            }
            answered => answered?,
        };
        self.ordered(logs, block.number, block.number, Some(block.hash))
    }

    /// One page of settled blocks: its last block and its logs. `None` when the node has no such block any more.
    async fn settled(&mut self, first: u64, last: u64) -> Result<Option<(BlockRef, Vec<Log>)>, L1Error> {
        let last = self.page.end(first, last);
        let filter = self.filter().from_block(first).to_block(last);
        let asked = self.endpoint.call("ask for a page of logs", |l1| async move { l1.get_logs(&filter).await });
        let logs = match asked.await {
            Ok(logs) => {
                self.page.answered(last - first + 1, size_bytes(&logs));
                logs
            }
            Err(refused @ EndpointError::Refused { .. }) if first == last => {
                self.logs_of_receipts(first, None, refused).await?
            }
            Err(error) => {
                self.page.shrink();
                return Err(error.into());
            }
        };
        let logs = self.ordered(logs, first, last, None)?;
        Ok(self.header(last).await?.map(|last| (last, logs)))
    }

    /// The logs of a block, out of its receipts: for a node that has refused to give them, since anybody can emit more in one block than
    /// a provider gives at once. Receipts have the logs of all contracts; those that are wanted are sorted out here. Without receipts it
    /// stays refused.
    async fn logs_of_receipts(
        &self,
        number: u64,
        hash: Option<B256>,
        refused: EndpointError,
    ) -> Result<Vec<Log>, EndpointError> {
        match self.receipts(number, hash).await {
            Ok(logs) => Ok(logs.into_iter().filter(|log| self.is_wanted(log)).collect()),
            Err(error) => {
                warn!(%error, "L1 refuses a block's logs, and does not give its receipts either");
                Err(refused)
            }
        }
    }

    /// All logs of a block by its receipts, held against the bloom of its header: a node that lags may have none to give yet, and says so
    /// by an empty list.
    async fn receipts(&self, number: u64, hash: Option<B256>) -> Result<Vec<Log>, EndpointError> {
        const WHAT: &str = "ask for a block's receipts";
        let which = BlockNumberOrTag::Number(number);
        let asked = self.endpoint.call(WHAT, |l1| async move { l1.get_block_by_number(which).await });
        let header = asked.await?.ok_or_else(|| self.malformed(WHAT, "there is no such block"))?.header;
        if hash.is_some_and(|hash| hash != header.hash) {
            return Err(self.malformed(WHAT, "the block was replaced"));
        }
        // Plain text: not every node takes the object that can be a number or a hash.
        let parameters = json!([header.hash]);
        let asked = self
            .endpoint
            .call(WHAT, |l1| async move { l1.raw_request("eth_getBlockReceipts".into(), parameters).await });
        let receipts: Option<Vec<Receipt>> = asked.await?;
        let receipts = receipts.ok_or_else(|| self.malformed(WHAT, "there are none"))?;
        let logs: Vec<Log> = receipts.into_iter().flat_map(|receipt| receipt.logs).collect();
        if logs_bloom(logs.iter().map(|log| &log.inner)) != header.logs_bloom {
            return Err(self.malformed(WHAT, "they are not those of the block"));
        }
        Ok(logs)
    }

    /// Whether the filter would have let a log pass.
    fn is_wanted(&self, log: &Log) -> bool {
        let ReaderConfig { addresses, topics, .. } = &self.config;
        let is_topic_wanted = || topics.is_empty() || log.topic0().is_some_and(|topic| topics.contains(topic));
        addresses.contains(&log.address()) && is_topic_wanted()
    }

    fn filter(&self) -> Filter {
        let filter = Filter::new().address(self.config.addresses.clone());
        match self.config.topics.is_empty() {
            true => filter,
            false => filter.event_signature(self.config.topics.clone()),
        }
    }

    /// Logs in the chain's order, when each is one that was asked for.
    fn ordered(&self, mut logs: Vec<Log>, first: u64, last: u64, hash: Option<B256>) -> Result<Vec<Log>, L1Error> {
        let wrong = |reason: String| Err(L1Error::Logs { reason });
        for log in &logs {
            let (Some(number), Some(index), Some(block)) = (log.block_number, log.log_index, log.block_hash) else {
                return wrong("it has no block, or no index in it".into());
            };
            if number < first || number > last || hash.is_some_and(|hash| hash != block) || log.removed {
                return wrong(format!("log {index} of block {number} {block}, wanted blocks {first} to {last}"));
            }
            if !self.config.addresses.contains(&log.address()) {
                return wrong(format!("log {index} of block {number} is of {}", log.address()));
            }
        }
        logs.sort_by_key(|log| (log.block_number, log.log_index));
        match logs
            .windows(2)
            .find(|pair| pair[0].block_number == pair[1].block_number && pair[0].log_index == pair[1].log_index)
        {
            Some(pair) => wrong(format!("log {:?} of block {:?} came twice", pair[0].log_index, pair[0].block_number)),
            None => Ok(logs),
        }
    }

    fn malformed(&self, what: &'static str, reason: &str) -> EndpointError {
        EndpointError::Malformed { origin: self.endpoint.origin().to_owned(), what, reason: reason.to_owned() }
    }
}
