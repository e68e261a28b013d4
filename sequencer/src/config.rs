//! What an operator sets, with defaults that survive abuse.
//!
//! Owns names, units and defaults. Read by `assay_node::config` from a file, the environment and flags; a field that is not known is
//! refused. Keys are not here: they come from keystores.

use std::path::PathBuf;

use alloy_primitives::{Address, B256};
use assay_node::blobs::BlobConfig;
use assay_node::endpoint::EndpointConfig;
use assay_node::tx::FeePolicy;
use serde::{Deserialize, Serialize};

/// A sequencer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder of the store and the blobs.
    pub data: PathBuf,
    /// Where L1 is.
    pub l1: EndpointConfig,
    /// The deployment's file, for whoever starts the role from a configuration alone.
    #[serde(default)]
    pub deployment: Option<PathBuf>,
    /// Encrypted key that signs receipts and batches, likewise.
    #[serde(default)]
    pub keystore: Option<PathBuf>,
    /// File with the keystore's password; none asks on the terminal.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Owner of the stake behind the region; the sequencer's own key if there is none.
    #[serde(default)]
    pub owner: Option<Address>,
    /// Name of the region: 32 bytes of the owner's choice, zero if there are none.
    #[serde(default)]
    pub region_name: B256,
    /// Ports.
    #[serde(default)]
    pub listen: Listen,
    /// What peers may cost.
    #[serde(default)]
    pub limits: RpcLimits,
    /// What is taken in.
    #[serde(default)]
    pub intake: Intake,
    /// How executors are used.
    #[serde(default)]
    pub dispatch: Dispatch,
    /// When batches are made, and of what.
    #[serde(default)]
    pub batches: Batches,
    /// How L1 is followed and written to.
    #[serde(default)]
    pub chain: Chain,
    /// Blobs.
    #[serde(default)]
    pub blobs: BlobConfig,
}

impl Config {
    /// A sequencer with usual limits, whose data lie in a folder.
    pub fn new(data: impl Into<PathBuf>, l1: EndpointConfig) -> Self {
        Self {
            data: data.into(),
            l1,
            deployment: None,
            keystore: None,
            password_file: None,
            owner: None,
            region_name: B256::ZERO,
            listen: Listen::default(),
            limits: RpcLimits::default(),
            intake: Intake::default(),
            dispatch: Dispatch::default(),
            batches: Batches::default(),
            chain: Chain::default(),
            blobs: BlobConfig::default(),
        }
    }

    /// The same for a development chain with blocks of a second or less.
    #[must_use]
    pub fn on_devnet(mut self) -> Self {
        self.chain = Chain::devnet();
        (self.intake.deadline_min, self.batches.deadline_margin) = (30, 10);
        self
    }
}

/// Ports. Port 0 takes a free one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// JSON-RPC over HTTP and WebSocket, and blobs.
    pub rpc: String,
    /// `admin_*`, for whoever has the secret.
    pub admin: Option<String>,
    /// File of the admin's secret, 32 bytes in hex; made if it is not there.
    pub admin_secret: Option<PathBuf>,
    /// Health and metrics.
    pub telemetry: Option<String>,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            rpc: "127.0.0.1:8651".into(),
            admin: Some("127.0.0.1:8652".into()),
            admin_secret: None,
            telemetry: Some("127.0.0.1:8653".into()),
        }
    }
}

/// What peers of the RPC may cost.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RpcLimits {
    /// Most bytes of a call. Longer modules and inputs are uploaded as blobs. 1 MiB.
    pub request_bytes_max: u32,
    /// Most bytes of an answer. 8 MiB.
    pub response_bytes_max: u32,
    /// Most calls of a batch.
    pub batch_length_max: u32,
    /// Most connections.
    pub connections_max: usize,
    /// Most connections from one address: of IPv4, or a network of 64 bits of IPv6. Behind a proxy all peers have the proxy's address.
    pub connections_per_address_max: usize,
    /// Those of all that are kept for addresses of executors, which have them beside what every address has.
    pub connections_kept: usize,
    /// Seconds after which a WebSocket is closed over which nothing goes on: no call, no subscription, no executor's session.
    pub idle_seconds: u64,
    /// Most subscriptions of a connection.
    pub subscriptions_max: u32,
    /// Most subscriptions to news from one address, over all its connections: each is woken by all that happens.
    pub subscriptions_per_address_max: usize,
    /// Most calls of a connection that are not answered.
    pub in_flight_max: usize,
    /// Seconds that a request may take to arrive: its head, and its body.
    pub request_seconds: u64,
    /// Seconds that a peer may leave an answer unread.
    pub unread_seconds: u64,
    /// Seconds between pings over a WebSocket; a peer that misses two is cut.
    pub ping_seconds: u64,
    /// Most uploads of blobs at once.
    pub uploads_max: usize,
    /// Most uploads at once from one address.
    pub uploads_per_address_max: usize,
    /// Those of all that are kept for addresses of executors.
    pub uploads_kept: usize,
    /// Least bytes that an upload has to come with in a second, from the first to the last. 64 KiB.
    pub upload_bytes_per_second_min: u64,
    /// New programs in a minute: each costs the sequencer a transaction.
    pub registrations_per_minute: u32,
    /// Modules that one address may bring in a minute, new or not: each costs some tens of milliseconds of a processor.
    pub registrations_per_address: u32,
}

impl Default for RpcLimits {
    fn default() -> Self {
        Self {
            request_bytes_max: 1 << 20,
            response_bytes_max: 8 << 20,
            batch_length_max: 256,
            connections_max: 512,
            connections_per_address_max: 64,
            connections_kept: 64,
            idle_seconds: 300,
            subscriptions_max: 16,
            subscriptions_per_address_max: 128,
            in_flight_max: 256,
            request_seconds: 15,
            unread_seconds: 30,
            ping_seconds: 20,
            uploads_max: 24,
            uploads_per_address_max: 4,
            uploads_kept: 8,
            upload_bytes_per_second_min: 64 << 10,
            registrations_per_minute: 60,
            registrations_per_address: 20,
        }
    }
}

/// What is taken in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Intake {
    /// Tasks that are in no batch yet: more are refused as BUSY.
    pub tasks_max: usize,
    /// Of these, the most that came from one address since the last start, so that nobody takes all places.
    pub tasks_per_address_max: usize,
    /// Submissions that wait for the core: more are refused as BUSY.
    pub waiting_max: usize,
    /// Least fee ceiling, in wei.
    pub fee_min: u128,
    /// Least seconds from now to a deadline.
    pub deadline_min: u64,
    /// Most seconds from now to a deadline: what nobody can run is not kept for longer, and no executor has to be able to defend a result
    /// for longer before its window is over. Two days.
    pub deadline_max: u64,
    /// Seconds from intake within which a receipt promises a batch, if the deadline is not earlier.
    pub include_within: u64,
    /// Longest module, in bytes; its bytes are posted to L1 once.
    pub wasm_bytes_max: u64,
    /// Most bytes of all programs' modules, which are kept for ever; each counts as 4 KiB more than it has. 1 GiB.
    pub programs_bytes_max: u64,
    /// Threads for signatures; 0 takes as many as there are processors. Modules have one beside them.
    pub workers: usize,
    /// Threads for batches and proofs.
    pub readers: usize,
    /// Bytes that must stay free on the disk: with less, nothing new is taken. Blobs of strangers leave twice as many free. 512 MiB.
    pub disk_reserve_bytes: u64,
}

impl Default for Intake {
    fn default() -> Self {
        Self {
            tasks_max: 200_000,
            tasks_per_address_max: 50_000,
            waiting_max: 4096,
            fee_min: 0,
            deadline_min: 900,
            deadline_max: 172_800,
            include_within: 3600,
            wasm_bytes_max: 2 << 20,
            programs_bytes_max: 1 << 30,
            workers: 0,
            readers: 2,
            disk_reserve_bytes: 512 << 20,
        }
    }
}

/// How executors are used.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dispatch {
    /// Most executors.
    pub executors_max: usize,
    /// Most connections at once on which one executor is.
    pub connections_per_executor_max: usize,
    /// Most assignments at once to one executor, over all its connections.
    pub slots_max: usize,
    /// Milliseconds that a lease lasts unless it is renewed.
    pub lease_ms: u64,
    /// Milliseconds after which a lease is not renewed any more. One hour: the longest run takes a quarter of it on the slowest host.
    pub lease_max_ms: u64,
}

impl Default for Dispatch {
    fn default() -> Self {
        Self {
            executors_max: 256,
            connections_per_executor_max: 8,
            slots_max: 256,
            lease_ms: 10_000,
            lease_max_ms: 3_600_000,
        }
    }
}

/// When batches are made, and of what.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Batches {
    /// Milliseconds that a result waits for others at most.
    pub wait_ms: u64,
    /// Results that make a batch without waiting, and most of one. L1 takes 8192.
    pub leaves_max: usize,
    /// Bytes of data that make a batch without waiting, and most of one. L1 takes 4 MiB.
    pub bytes_max: u64,
    /// Longest input that is posted. A longer one travels off L1, and its result becomes attested.
    pub posted_input_bytes_max: u64,
    /// Seconds before a task's deadline from which on it is not posted any more: as long as a block takes to count, and all that is on its way
    /// to be posted. A batch whose first deadline passes on its way is not taken, whatever else is in it.
    pub deadline_margin: u64,
    /// Batches that are on their way to L1 at once. Only full ones follow one that is not there yet.
    pub unposted_max: usize,
}

impl Default for Batches {
    fn default() -> Self {
        Self {
            wait_ms: 2000,
            leaves_max: 4096,
            bytes_max: 3 << 20,
            posted_input_bytes_max: 128 << 10,
            deadline_margin: 600,
            unposted_max: 4,
        }
    }
}

/// How L1 is followed and written to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Chain {
    /// Blocks that must stand on a block before what it says counts. A batch is judged by the time of such a block.
    pub confirmations: u64,
    /// Blocks that must stand on a transaction before it counts as done for ever.
    pub settled_confirmations: u64,
    /// Milliseconds between looks at L1.
    pub poll_ms: u64,
    /// Seconds after which nothing new is taken in if L1 could not be read up to its head for so long.
    pub stale_seconds: u64,
    /// Milliseconds before an offer for a place in a block is raised.
    pub resubmit_ms: u64,
    /// Transactions that wait for a place in a block at once: nodes keep 16 of an account in any case, and more as they see fit.
    pub unmined_max: usize,
    /// Fees.
    pub fees: FeePolicy,
}

impl Default for Chain {
    /// For a chain with blocks of 12 seconds.
    fn default() -> Self {
        Self {
            confirmations: 6,
            settled_confirmations: 12,
            poll_ms: 1000,
            stale_seconds: 120,
            resubmit_ms: 36_000,
            unmined_max: 16,
            fees: FeePolicy::default(),
        }
    }
}

impl Chain {
    /// For a development chain with blocks of a second or less.
    pub fn devnet() -> Self {
        Self { confirmations: 1, settled_confirmations: 3, poll_ms: 100, resubmit_ms: 5000, ..Self::default() }
    }
}
