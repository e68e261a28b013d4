//! The role in a process: opens what it needs, starts its actors, and says where it listens.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use assay_node::Remedy;
use assay_node::blobs::http::BlobHttp;
use assay_node::blobs::{BlobConfig, BlobError, BlobStore, UploadLimits};
use assay_node::endpoint::{Endpoint, EndpointError};
use assay_node::keys::Wallet;
use assay_node::l1::{L1Error, Reader, ReaderConfig};
use assay_node::shutdown::Process;
use assay_node::store::{Store, StoreError};
use assay_node::telemetry::{self, Health, Metrics};
use assay_node::tx::{self, SenderConfig, TxError};
use assay_protocol::deployment::Deployment;
use assay_protocol::objects::{Domain, Role, region_id};
use jsonrpsee::server::RegisterMethodError;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::config::{Config, RpcLimits};
use crate::context::Context;
use crate::core::{Core, CoreError, News, Parts};
use crate::gate::{Disk, Gate, watch_disk};
use crate::journal::journal;
use crate::l1::{Follower, View, addresses, topics};
use crate::metrics::SequencerMetrics;
use crate::registrations::Registrations;
use crate::rows::schema;
use crate::rpc::{Answers, Listener, Rpc, Secret, SecretError, admin_module, serve, serve_admin};
use crate::workers::Workers;

/// How often it is asked whether L1 was read.
const L1_LOOK: Duration = Duration::from_millis(500);
/// How often room is made for blobs.
const ROOM_LOOK: Duration = Duration::from_secs(10);
/// What L1 says and waits for the core.
const HEARD: usize = 64;

/// Why a sequencer does not start.
#[derive(Debug, Error)]
pub enum SequencerError {
    /// Its tables.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its blobs.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// L1's address.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Its place on L1.
    #[error(transparent)]
    L1(#[from] L1Error),
    /// Its transactions.
    #[error(transparent)]
    Sender(#[from] TxError),
    /// What it had going on.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// The admin's secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Two methods of one name, which a test sees.
    #[error(transparent)]
    Methods(#[from] RegisterMethodError),
    /// Deadlines that would pass before a batch is posted.
    #[error("intake.deadline_min is {least} s, more than batches.deadline_margin is wanted, {margin} s")]
    Deadlines {
        /// `intake.deadline_min`.
        least: u64,
        /// `batches.deadline_margin`.
        margin: u64,
    },
    /// A port.
    #[error("can't listen on {address}: {reason}")]
    Listen {
        /// Where.
        address: String,
        /// Why not.
        reason: String,
    },
}

impl SequencerError {
    /// What helps.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Store(error) => error.remedy(),
            Self::Blob(error) => error.remedy(),
            Self::L1(error) => error.remedy(),
            Self::Sender(error) => error.remedy(),
            Self::Endpoint(error) => error.remedy(),
            Self::Core(_) | Self::Secret(_) | Self::Methods(_) | Self::Deadlines { .. } | Self::Listen { .. } => {
                Remedy::Stop
            }
        }
    }
}

/// A sequencer whose actors run in a process.
#[derive(Clone, Debug)]
pub struct Sequencer {
    /// Where the RPC listens.
    pub rpc: SocketAddr,
    /// Where the admin's methods are, if anywhere.
    pub admin: Option<SocketAddr>,
    /// Where health and metrics are, if anywhere.
    pub telemetry: Option<SocketAddr>,
    /// The region.
    pub region: alloy_primitives::B256,
    /// The admin's secret.
    pub secret: Option<Secret>,
    /// What keeps it from being ready.
    pub health: Health,
}

impl Sequencer {
    /// Opens the data, binds the ports and starts the actors as tasks of the process. The rest is [`Process::run`]'s.
    ///
    /// # Errors
    /// [`SequencerError`].
    pub async fn start(
        config: Config,
        deployment: Deployment,
        wallet: Wallet,
        process: &mut Process,
    ) -> Result<Self, SequencerError> {
        let (least, margin) = (config.intake.deadline_min, config.batches.deadline_margin);
        if least <= margin {
            return Err(SequencerError::Deadlines { least, margin });
        }
        let stop = process.token();
        let (health, metrics) = (Health::new(), Metrics::new("assay"));
        let figures = SequencerMetrics::new(&metrics.part("sequencer"));
        let context = open(config, deployment, wallet)?;
        let config = &context.config;
        let endpoint = Endpoint::new(&config.l1)?;
        let (sender, sending) =
            tx::sender(context.store.clone(), endpoint.clone(), context.wallet.clone(), sender_config(&context))?;
        let sending = sending.metered(&metrics);
        let (journal, writing) = journal(&context.store);
        let gate = Gate::new(Duration::from_secs(config.chain.stale_seconds));
        gate.registered(false);
        gate.pays_from(sender.shortage());
        let (news, workers) = (News::new(), Workers::new(config.intake.workers));
        let (core_mailbox, messages) = mpsc::channel(config.intake.waiting_max.max(1));
        let (heard, hearing) = mpsc::channel(HEARD);
        let (seen, view) = watch::channel(Arc::new(View::default()));
        let parts = Parts {
            context: context.clone(),
            journal,
            sender: sender.clone(),
            endpoint: endpoint.clone(),
            workers: workers.clone(),
            gate: gate.clone(),
            news: news.clone(),
            seen,
            metrics: figures.clone(),
        };
        let core = Core::restore(parts)?;
        let follower = Follower {
            store: context.store.clone(),
            reader: Reader::open(&context.store, endpoint.clone(), reader_config(&context))?,
            endpoint,
            deployment: context.deployment.clone(),
            region: context.region,
            gate: gate.clone(),
            heard,
            poll: Duration::from_millis(config.chain.poll_ms),
        };

        let socket = bind(&config.listen.rpc).await?;
        let rpc_address = local(&socket, &config.listen.rpc)?;
        let rpc = Rpc::new(
            context.clone(),
            core_mailbox.clone(),
            view.clone(),
            gate.clone(),
            news,
            workers,
            sender.clone(),
            figures.clone(),
            stop.clone(),
        )?;
        let (rpc, limits) = (Arc::new(rpc), config.limits.clone());
        let answers = Answers::public(rpc.clone())?;
        let uploads = BlobHttp::with_limits(context.blobs.clone(), upload_limits(&limits));
        let listener = Listener { socket, limits: limits.clone(), metrics: figures.clone(), stop: stop.clone() };

        let (admin, secret) = match &config.listen.admin {
            None => (None, None),
            Some(address) => {
                let path = config.listen.admin_secret.clone().unwrap_or_else(|| config.data.join("admin.secret"));
                let secret = Secret::open(&path)?;
                let socket = bind(address).await?;
                let bound = local(&socket, address)?;
                let listener = Listener { socket, limits, metrics: figures, stop: stop.clone() };
                let answers = Answers::alike(admin_module(core_mailbox, gate.clone())?);
                process.critical("admin", infallible(serve_admin(listener, answers, secret.clone())));
                (Some(bound), Some(secret))
            }
        };
        let telemetry = match &config.listen.telemetry {
            None => None,
            Some(address) => {
                let socket = bind(address).await?;
                let bound = local(&socket, address)?;
                process.critical("telemetry", telemetry::serve(socket, health.clone(), metrics, stop.clone()));
                Some(bound)
            }
        };
        let account = tx::watch_shortage(sender.shortage(), health.part("account"), stop.clone());
        let (l1, region) = (health.part("l1"), health.part("region"));
        let registrations = Registrations::new(context.clone(), sender);
        let ready = watch_l1(context.clone(), view, gate.clone(), registrations, (l1, region), stop.clone());
        let disk = watch_disk(
            Disk::of(context.config.data.clone()),
            context.config.intake.disk_reserve_bytes,
            gate,
            health.part("disk"),
            stop.clone(),
        );
        process.critical("journal", writing.run(stop.clone()));
        process.critical("sender", sending.run(stop.clone()));
        process.critical("core", core.run(messages, hearing, stop.clone()));
        process.critical("follower", follower.run(stop.clone()));
        process.critical("watch over the account", account);
        process.critical("disk", infallible(disk));
        process.critical("room", infallible(keep_room(context.blobs.clone(), stop.clone())));
        process.critical("readiness", ready);
        process.critical("rpc", infallible(serve(listener, answers, rpc, uploads)));
        let region = context.region;
        Ok(Self { rpc: rpc_address, admin, telemetry, region, secret, health })
    }
}

async fn infallible(task: impl Future<Output = ()>) -> Result<(), std::convert::Infallible> {
    task.await;
    Ok(())
}

fn open(config: Config, deployment: Deployment, wallet: Wallet) -> Result<Arc<Context>, SequencerError> {
    let store = Store::open(&config.data.join("store"), &schema())?;
    let blobs = BlobStore::open(&store, &config.data.join("blobs"), blob_config(&config))?;
    let parameters = deployment.preset.parameters(deployment.treasury);
    let contract = deployment.contracts.batches;
    let domain = Domain { chain_id: deployment.chain_id, contract };
    let owner = config.owner.unwrap_or_else(|| wallet.address());
    let region = region_id(deployment.chain_id, contract, owner, config.region_name);
    store.belongs_to(&format!("the sequencer of {owner}, region {region}"))?;
    Ok(Arc::new(Context { config, deployment, parameters, domain, region, owner, wallet, store, blobs }))
}

/// Uploads alone never close the gate: they leave twice the room that it wants.
fn blob_config(config: &Config) -> BlobConfig {
    let disk_reserve_bytes = config.blobs.disk_reserve_bytes.max(config.intake.disk_reserve_bytes.saturating_mul(2));
    BlobConfig { disk_reserve_bytes, ..config.blobs.clone() }
}

fn upload_limits(limits: &RpcLimits) -> UploadLimits {
    UploadLimits {
        at_once: limits.uploads_max,
        per_address: limits.uploads_per_address_max,
        kept: limits.uploads_kept,
        patience: Duration::from_secs(limits.request_seconds),
        bytes_per_second_min: limits.upload_bytes_per_second_min,
    }
}

/// Throws away blobs that nobody needs while the disk has too little room, also when nobody uploads.
async fn keep_room(blobs: BlobStore, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(ROOM_LOOK) => {}
        }
        let blobs = blobs.clone();
        let made = tokio::task::spawn_blocking(move || blobs.make_room(0)).await;
        if let Ok(Err(error @ (BlobError::File { .. } | BlobError::Store(_)))) = made {
            warn!(%error, "no room can be made for blobs");
        }
    }
}

fn sender_config(context: &Context) -> SenderConfig {
    let chain = &context.config.chain;
    SenderConfig {
        confirmations: chain.settled_confirmations.max(1),
        fees: chain.fees,
        resubmit_after: Duration::from_millis(chain.resubmit_ms),
        tick: Duration::from_millis(chain.poll_ms),
        unmined_max: chain.unmined_max,
        ..SenderConfig::new(context.deployment.chain_id)
    }
}

fn reader_config(context: &Context) -> ReaderConfig {
    let chain = &context.config.chain;
    ReaderConfig {
        topics: topics(),
        confirmations: chain.confirmations,
        poll_interval: Duration::from_millis(chain.poll_ms),
        ..ReaderConfig::new(addresses(&context.deployment.contracts), context.deployment.first_block)
    }
}

async fn bind(address: &str) -> Result<TcpListener, SequencerError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| SequencerError::Listen { address: address.to_owned(), reason: error.to_string() })
}

fn local(socket: &TcpListener, address: &str) -> Result<SocketAddr, SequencerError> {
    let local = socket.local_addr();
    local.map_err(|error| SequencerError::Listen { address: address.to_owned(), reason: error.to_string() })
}

/// Says when L1 is known and the region is open, and sees to it that L1 has region and programs.
async fn watch_l1(
    context: Arc<Context>,
    mut view: watch::Receiver<Arc<View>>,
    gate: Gate,
    mut registrations: Registrations,
    (l1, region): (telemetry::Part, telemetry::Part),
    stop: tokio_util::sync::CancellationToken,
) -> Result<(), TxError> {
    loop {
        let now = view.borrow_and_update().clone();
        let is_known = now.tip().is_some() && gate.knows_l1();
        match is_known {
            true => l1.ready(),
            false => l1.not_ready("L1 is being read"),
        }
        let is_registered = now.registry.is_registered(Role::Sequencer, context.owner, now.time());
        gate.registered(is_registered);
        if is_known {
            match (now.is_open(), is_registered) {
                (true, true) => region.ready(),
                (_, false) => region.not_ready(format!("{} is not registered as a sequencer", context.owner)),
                (false, true) => region.not_ready("the region is not open"),
            }
            registrations.look(&now).await?;
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            // L1 that can't be read does not change.
            () = tokio::time::sleep(L1_LOOK) => {}
            changed = view.changed() => if changed.is_err() {
                stop.cancelled().await;
                return Ok(());
            }
        }
    }
}
