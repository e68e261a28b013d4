//! The process: parts made, started, and stopped together.
//!
//! Owns the order of these, and the store's schema. Everything lies under the data folder; two executors never share one, nor a key.

use std::net::SocketAddr;
use std::sync::Arc;

use alloy_primitives::{Address, U256};
use assay_dispute::player::Account;
use assay_node::blobs::{self, BlobStore};
use assay_node::keys::Wallet;
use assay_node::shutdown::Process;
use assay_node::store::{Schema, Store};
use assay_node::telemetry::{Health, Metrics};
use assay_node::{l1, telemetry, tx};
use assay_player::cases::{CaseSource, Cases, RunsConfig};
use assay_player::chain::{self, Chain, Follower, Sources};
use assay_player::player::{self, PlayerConfig, secret_of};
use assay_protocol::deployment::Deployment;
use assay_runner::{BlobPeer, Inputs, NativeOutputs, PeerBlobs, Runner, RunnerConfig, Watch};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::config::{DefenceConfig, ExecutorConfig};
use crate::corruption::Liar;
use crate::defensible::Defensible;
use crate::error::ExecutorError;
use crate::job::Context;
use crate::ledger::{self, Writer, ledger};
use crate::meters::Meters;
use crate::serve::serve;
use crate::session::Session;
use crate::stake;

/// Wei in a thousandth of an ether.
const MILLIETHER: u64 = 1_000_000_000_000_000;

/// An executor that is ready to run.
pub struct Executor {
    follower: Follower,
    writer: Writer,
    sending: tx::Actor,
    shortage: tx::Shortages,
    games: player::Actor,
    context: Arc<Context>,
    /// Stops runs that the player asks for.
    watch: Watch,
    wallet: Wallet,
    config: ExecutorConfig,
    health: Health,
    metrics: Metrics,
}

impl Executor {
    /// Opens what is kept, and makes all parts. Must be called within a runtime; asks nobody for anything.
    ///
    /// # Errors
    /// [`ExecutorError`].
    pub fn open(
        config: ExecutorConfig,
        deployment: Deployment,
        wallet: Wallet,
        health: &Health,
        metrics: &Metrics,
    ) -> Result<Self, ExecutorError> {
        if config.sequencers.is_empty() {
            return Err(ExecutorError::NoSequencer);
        }
        let schema = Schema::new("assay-executor", 1);
        let schema = player::rows::schema(chain::schema(tx::schema(l1::schema(blobs::schema(schema)))));
        let store = Store::open(&config.data.join("store"), &ledger::schema(schema))?;
        let executor = config.executor.unwrap_or_else(|| wallet.address());
        store.belongs_to(&format!("executor {executor} on chain {}", deployment.chain_id))?;
        let endpoint = config.l1.endpoint()?;
        let (chain_id, domain) = (deployment.chain_id, deployment.domain());
        let (chain, follower) = Follower::open(store.clone(), endpoint.clone(), deployment, config.l1.chain())?;
        let kept = BlobStore::open(&store, &config.data.join("blobs"), config.blobs.clone())?;
        let cache = config.runner.cache.clone().unwrap_or_else(|| config.data.join("native"));
        let runner = Runner::new(&RunnerConfig { cache: Some(cache), ..config.runner.clone() })?;
        let open = defensible(&config.defence, &chain);
        let capacity_steps = open.capacity();
        let (ledger, writer) = ledger(store.clone(), kept.clone(), wallet.clone(), domain, open)?;
        let liar = Liar::new(&config.corruption);

        let (sender, sending) = tx::sender(store, endpoint, wallet.clone(), config.l1.sender(chain_id))?;
        let (sending, shortage) = (sending.metered(metrics), sender.shortage());
        let watch = Watch::default();
        let cases = honest_cases(&config, &chain, &kept, &runner, &watch);
        let cases = match &liar {
            None => cases,
            Some(liar) => liar.cases(chain.clone(), cases),
        };
        let playing = playing(&config, executor, liar.as_ref());
        let secret = secret_of(&wallet)?;
        let (_, games) = player::player(chain.clone(), cases, sender, secret, playing, metrics);

        let workers = config.jobs.workers();
        info!(%executor, key = %wallet.address(), workers, native = runner.is_native(), capacity_steps, "executing");
        if let Err(full) = ledger.room() {
            warn!(%full, "nothing is signed until claims that are open have expired");
        }
        let meters = Meters::new(metrics);
        meters.defensible_steps.set(i64::try_from(capacity_steps).unwrap_or(i64::MAX));
        meters.open(ledger.open_steps());
        let context = Arc::new(Context {
            executor,
            chain,
            runner,
            ledger,
            blobs: kept,
            liar,
            meters,
            workers: Arc::new(Semaphore::new(workers)),
            inputs: Inputs::new(config.jobs.inputs_bytes_max),
            module_bytes_max: config.jobs.module_bytes_max,
            deadline_seconds_max: config.jobs.deadline_seconds_max,
        });
        let (health, metrics) = (health.clone(), metrics.clone());
        Ok(Self { follower, writer, sending, shortage, games, context, watch, wallet, config, health, metrics })
    }

    /// What L1 says.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.context.chain
    }

    /// Runs until the token is cancelled, a signal comes, or a part dies.
    ///
    /// # Errors
    /// [`ExecutorError::Listen`], [`ExecutorError::Stopped`].
    pub async fn run(self, stop: CancellationToken) -> Result<(), ExecutorError> {
        let Self { follower, writer, sending, shortage, games, context, watch, wallet, config, health, metrics } = self;
        let mut process = Process::new();
        let token = process.token();
        if let Some(address) = config.telemetry {
            let listener = listen(address).await?;
            process.critical("telemetry", telemetry::serve(listener, health.clone(), metrics, token.clone()));
        }
        if let Some(address) = config.serve {
            let listener = listen(address).await?;
            process.critical("outputs", serve(listener, context.blobs.clone(), token.clone()));
        }
        process.critical("reader of L1", follower.run(token.clone()));
        process.critical("sender", sending.run(token.clone()));
        process.critical("player", games.run(token.clone()));
        let (chain, silence) = (context.chain.clone(), config.l1.silence());
        process.critical("watch over L1", chain::watch_l1(chain, silence, health.part("l1"), token.clone()));
        let part = health.part("account");
        process.critical("watch over the account", tx::watch_shortage(shortage, part, token.clone()));
        let part = health.part("stake");
        process.critical("stake", stake::watch(context.clone(), wallet.address(), part, token.clone()));
        let sessions = health.part("sequencers");
        for address in config.sequencers {
            let (context, wallet, health) = (context.clone(), wallet.clone(), sessions.clone());
            let session = Session { context, address, wallet, slots: config.jobs.slots.max(1), health };
            process.critical("session", session.run(token.clone()));
        }
        // The writer ends when nobody can send it a result any more: when all else has.
        process.critical("ledger", async move {
            let written = tokio::task::spawn_blocking(move || writer.run()).await;
            written.expect("the ledger does not panic, and a runtime that ends it ends its caller too")
        });
        process.critical("outer stop", async move {
            tokio::select! {
                () = stop.cancelled() => token.cancel(),
                () = token.cancelled() => {}
            }
            watch.cancel();
            Ok::<_, std::convert::Infallible>(())
        });
        drop(context);
        Ok(process.run().await?)
    }
}

fn honest_cases(
    config: &ExecutorConfig,
    chain: &Chain,
    blobs: &BlobStore,
    runner: &Runner,
    watch: &Watch,
) -> Arc<dyn CaseSource> {
    let peer = |address: &String| {
        BlobPeer::new(address).inspect_err(|error| warn!(%error, "a sequencer's blobs are left aside")).ok()
    };
    let peers = config.sequencers.iter().filter_map(peer).collect();
    let elsewhere = PeerBlobs { blobs: blobs.clone(), peers, runtime: tokio::runtime::Handle::current() };
    let outputs = NativeOutputs::new(runner.clone(), watch.clone());
    let sources = Sources::new(chain.clone(), Arc::new(outputs), Arc::new(elsewhere));
    Arc::new(Cases::new(sources, RunsConfig::of(config.defence.memory_bytes_max)))
}

/// What open claims are held to: the player has one worker at least.
fn defensible(config: &DefenceConfig, chain: &Chain) -> Defensible {
    let (workers, assumptions) = (config.workers.max(1) as u64, chain.deployment().preset.assumptions());
    Defensible::new(chain.parameters().defensible_steps(&assumptions, workers), config.games_max)
}

fn playing(config: &ExecutorConfig, executor: Address, liar: Option<&Liar>) -> PlayerConfig {
    // Silence is a side that is not played.
    let executor = Some(executor).filter(|_| !liar.is_some_and(Liar::is_silent));
    let milliether = config.defence.withdraw_from_milliether;
    let withdraw_from = (milliether > 0).then(|| U256::from(milliether) * U256::from(MILLIETHER));
    let account = Account { challenger: None, executor };
    PlayerConfig { workers: config.defence.workers, withdraw_from, ..PlayerConfig::new(account) }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ExecutorError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| ExecutorError::Listen { address, reason: error.to_string() })
}
