//! How a role reaches L1: what executors and challengers configure alike.
//!
//! Owns defaults that do for a public chain. It connects to nothing by itself.

use std::time::Duration;

use assay_node::endpoint::{Endpoint, EndpointConfig, EndpointError};
use assay_node::tx::{FeePolicy, SenderConfig, UNMINED_MAX};
use assay_player::chain::{ChainConfig, Silence};
use serde::{Deserialize, Serialize};

/// L1, as a role reads it and sends to it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct L1Config {
    /// `http`, `https`, `ws` or `wss`.
    pub url: String,
    /// Longest time of a call, in milliseconds. 10 s.
    #[serde(default = "timeout_ms")]
    pub timeout_ms: u64,
    /// How long to wait before the head is looked at again, in milliseconds. 1 s.
    #[serde(default = "poll_interval_ms")]
    pub poll_interval_ms: u64,
    /// Most blocks of one page of logs while catching up. 256.
    #[serde(default = "page_max")]
    pub page_max: u64,
    /// Deepest reorganisation that is healed without reading all again, in blocks. 96.
    #[serde(default = "depth_max")]
    pub depth_max: u64,
    /// How deep a transaction must stand to count as done; 1 is being mined. 3.
    #[serde(default = "confirmations")]
    pub confirmations: u64,
    /// How long an offer of fees stands before it is raised, in milliseconds. 36 s.
    #[serde(default = "resubmit_after_ms")]
    pub resubmit_after_ms: u64,
    /// Most transactions that wait for a place in a block at once: nodes keep 16 of an account in any case, and more as they see fit. 64.
    #[serde(default = "unmined_max")]
    pub unmined_max: usize,
    /// Longest time since L1 was read to its head, in seconds; after it the process is not ready. 60.
    #[serde(default = "unread_seconds_max")]
    pub unread_seconds_max: u64,
    /// Longest time without a new block, likewise; 0 lets a chain stand still. 300.
    #[serde(default = "unmoved_seconds_max")]
    pub unmoved_seconds_max: u64,
    /// Limits of what is paid for gas.
    #[serde(default)]
    pub fees: FeePolicy,
}

fn timeout_ms() -> u64 {
    10_000
}

fn poll_interval_ms() -> u64 {
    1_000
}

fn page_max() -> u64 {
    256
}

fn depth_max() -> u64 {
    96
}

fn confirmations() -> u64 {
    3
}

fn resubmit_after_ms() -> u64 {
    36_000
}

fn unmined_max() -> usize {
    UNMINED_MAX
}

fn unread_seconds_max() -> u64 {
    60
}

fn unmoved_seconds_max() -> u64 {
    300
}

impl L1Config {
    /// The usual limits for a node.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            timeout_ms: timeout_ms(),
            poll_interval_ms: poll_interval_ms(),
            page_max: page_max(),
            depth_max: depth_max(),
            confirmations: confirmations(),
            resubmit_after_ms: resubmit_after_ms(),
            unmined_max: unmined_max(),
            unread_seconds_max: unread_seconds_max(),
            unmoved_seconds_max: unmoved_seconds_max(),
            fees: FeePolicy::default(),
        }
    }

    /// The same for a chain of one's own, whose blocks come within a second, or when somebody wants one, and stay.
    #[must_use]
    pub fn devnet(url: impl Into<String>) -> Self {
        let usual = Self::new(url);
        Self { poll_interval_ms: 100, confirmations: 1, resubmit_after_ms: 3_000, unmoved_seconds_max: 0, ..usual }
    }

    /// The node.
    ///
    /// # Errors
    /// [`EndpointError::Address`].
    pub fn endpoint(&self) -> Result<Endpoint, EndpointError> {
        Endpoint::new(&EndpointConfig { url: self.url.clone(), timeout_ms: self.timeout_ms })
    }

    /// How it is followed.
    #[must_use]
    pub fn chain(&self) -> ChainConfig {
        ChainConfig {
            depth_max: self.depth_max,
            page_max: self.page_max,
            poll_interval: Duration::from_millis(self.poll_interval_ms),
            ..ChainConfig::default()
        }
    }

    /// How long it may be silent.
    #[must_use]
    pub fn silence(&self) -> Silence {
        let unmoved_max = (self.unmoved_seconds_max > 0).then(|| Duration::from_secs(self.unmoved_seconds_max));
        Silence { unread_max: Duration::from_secs(self.unread_seconds_max), unmoved_max }
    }

    /// How it is sent to.
    #[must_use]
    pub fn sender(&self, chain_id: u64) -> SenderConfig {
        SenderConfig {
            confirmations: self.confirmations,
            fees: self.fees,
            resubmit_after: Duration::from_millis(self.resubmit_after_ms),
            tick: Duration::from_millis(self.poll_interval_ms.min(2_000)),
            unmined_max: self.unmined_max,
            ..SenderConfig::new(chain_id)
        }
    }
}

/// The URL may hold a secret and is not shown.
impl std::fmt::Debug for L1Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("L1Config")
            .field("poll_interval_ms", &self.poll_interval_ms)
            .field("confirmations", &self.confirmations)
            .field("unmined_max", &self.unmined_max)
            .finish_non_exhaustive()
    }
}
