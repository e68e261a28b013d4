//! What every part of a sequencer needs and none changes.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, B256};
use assay_node::blobs::BlobStore;
use assay_node::keys::Wallet;
use assay_node::store::Store;
use assay_protocol::deployment::Deployment;
use assay_protocol::objects::Domain;
use assay_protocol::presets::Parameters;

use crate::config::Config;

/// Names, numbers, places.
#[derive(Debug)]
pub struct Context {
    /// What the operator has set.
    pub config: Config,
    /// The deployment.
    pub deployment: Deployment,
    /// Its numbers.
    pub parameters: Parameters,
    /// What requests, results and receipts are signed for.
    pub domain: Domain,
    /// The region.
    pub region: B256,
    /// Owner of the stake behind it.
    pub owner: Address,
    /// The key that signs receipts and transactions.
    pub wallet: Wallet,
    /// The tables.
    pub store: Store,
    /// The blobs.
    pub blobs: BlobStore,
}

/// Milliseconds since 1970 on this host's clock, which may be set: for those who read it elsewhere.
pub fn time_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis() as u64
}

/// Milliseconds since this process first asked, on a clock that nobody sets: for how long something has waited or may take.
pub fn now_ms() -> u64 {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGAN.elapsed().as_millis() as u64
}
