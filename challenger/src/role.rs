//! The process: parts made, started, and stopped together.
//!
//! Owns the order of these, and the store's schema. Everything lies under the data folder; two challengers never share one.

use std::sync::{Arc, Mutex, PoisonError};

use alloy_primitives::{B256, U256};
use assay_dispute::player::Account;
use assay_node::blobs::{self, BlobConfig, BlobStore};
use assay_node::keys::Wallet;
use assay_node::shutdown::Process;
use assay_node::store::{Schema, Store};
use assay_node::telemetry::{Health, Metrics, Part};
use assay_node::{l1, telemetry, tx};
use assay_player::cases::{Cases, RunsConfig};
use assay_player::chain::{self, Chain, Follower, Sources};
use assay_player::player::{self, PlayerConfig, secret_of};
use assay_protocol::deployment::Deployment;
use assay_runner::{BlobPeer, Inputs, NativeOutputs, PeerBlobs, Runner, RunnerConfig, Watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::alarm::Finding;
use crate::config::ChallengerConfig;
use crate::error::ChallengerError;
use crate::report::{Report, report};
use crate::rows::{self, KEY};
use crate::sampling::{Sampler, key_of};
use crate::watcher::{Hands, Shared, Watcher};

/// Wei in a thousandth of an ether.
const MILLIETHER: u64 = 1_000_000_000_000_000;

/// A challenger that is ready to run.
pub struct Challenger {
    process: Process,
    follower: Follower,
    watcher: Watcher,
    /// Transactions and games, if there is a key.
    actors: Option<(tx::Actor, player::Actor)>,
    shared: Arc<Shared>,
    health: Health,
    metrics: Metrics,
    l1: Part,
}

impl Challenger {
    /// Opens what is kept, and makes all parts. Without a wallet it watches only. Must be called within a runtime; asks L1 for nothing.
    ///
    /// # Errors
    /// [`ChallengerError`].
    pub fn open(
        config: ChallengerConfig,
        deployment: Deployment,
        wallet: Option<Wallet>,
        health: &Health,
        metrics: &Metrics,
    ) -> Result<Self, ChallengerError> {
        let rate = config.sampling.rate;
        if !(0.0..=1.0).contains(&rate) {
            return Err(ChallengerError::Rate { got: rate });
        }
        let schema = Schema::new("assay-challenger", 1);
        let schema = rows::schema(player::rows::schema(chain::schema(tx::schema(l1::schema(blobs::schema(schema))))));
        let store = Store::open(&config.data.join("store"), &schema)?;
        let endpoint = config.l1.endpoint()?;
        let chain_id = deployment.chain_id;
        let (chain, follower) = Follower::open(store.clone(), endpoint.clone(), deployment, config.l1.chain())?;

        let cache = config.runner.cache.clone().unwrap_or_else(|| config.data.join("native"));
        let runner = Runner::new(&RunnerConfig { cache: Some(cache), ..config.runner.clone() })?;
        let watch = Watch::default();
        let outputs = Arc::new(NativeOutputs::new(runner.clone(), watch.clone()));
        let kept = BlobStore::open(&store, &config.data.join("blobs"), blob_config(&chain))?;
        let peers = config.blobs.iter().filter_map(|address| peer(address)).collect();
        let runtime = tokio::runtime::Handle::current();
        let elsewhere = Arc::new(PeerBlobs { blobs: kept.clone(), peers, runtime });
        let sources = Sources::new(chain.clone(), outputs, elsewhere);

        let (sampling_key, hands, actors) = match &wallet {
            None => (watching_key(&store)?, None, None),
            Some(wallet) => {
                let sending = config.l1.sender(chain_id);
                let (sender, sending) = tx::sender(store.clone(), endpoint, wallet.clone(), sending)?;
                let sending = sending.metered(metrics);
                let cases = Arc::new(Cases::new(sources.clone(), RunsConfig::of(config.disputes.memory_bytes_max)));
                let account = Account { challenger: Some(wallet.address()), executor: None };
                let playing = playing(&config, account);
                let secret = secret_of(wallet)?;
                let (player, games) = player::player(chain.clone(), cases, sender.clone(), secret, playing, metrics);
                (key_of(wallet)?, Some(Hands { sender, player }), Some((sending, games)))
            }
        };
        match &hands {
            Some(hands) => info!(challenger = %hands.sender.account(), rate, "challenging"),
            None => info!(rate, "watching only, there is no key"),
        }
        let sampler = Sampler::new(sampling_key, config.sampling.clone());
        let inputs = Inputs::new(config.budget.inputs_bytes_max);
        let shared = Arc::new(Shared { chain, sources, blobs: kept, runner, inputs, sampler, hands, config });
        let watcher = Watcher::new(shared.clone(), metrics, health.part("batches"), watch);
        let l1 = health.part("l1");
        let (health, metrics) = (health.clone(), metrics.clone());
        Ok(Self { process: Process::new(), follower, watcher, actors, shared, health, metrics, l1 })
    }

    /// What L1 says.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.shared.chain
    }

    /// Gives the report at any time, also while it runs.
    pub fn reporter(&self) -> impl Fn() -> Result<Report, ChallengerError> + Send + Sync + 'static {
        let shared = self.shared.clone();
        move || {
            let challenger = shared.hands.as_ref().map(|hands| hands.sender.account());
            Ok(report(&shared.chain, challenger)?)
        }
    }

    /// Runs until the token is cancelled, a signal comes, or a part dies.
    ///
    /// # Errors
    /// [`ChallengerError::Found`] from a watcher without a hook that has found something; [`ChallengerError::Stopped`].
    pub async fn run(self, stop: CancellationToken) -> Result<(), ChallengerError> {
        let Self { mut process, follower, watcher, actors, shared, health, metrics, l1 } = self;
        let token = process.token();
        let found: Arc<Mutex<Option<Finding>>> = Arc::default();
        if let Some(address) = shared.config.telemetry {
            let listener = tokio::net::TcpListener::bind(address).await;
            let listener =
                listener.map_err(|error| ChallengerError::Telemetry { address, reason: error.to_string() })?;
            process.critical("telemetry", telemetry::serve(listener, health.clone(), metrics, token.clone()));
        }
        process.critical("reader of L1", follower.run(token.clone()));
        if let Some(hands) = &shared.hands {
            let (shortage, part) = (hands.sender.shortage(), health.part("account"));
            process.critical("watch over the account", tx::watch_shortage(shortage, part, token.clone()));
        }
        if let Some((sending, games)) = actors {
            process.critical("sender", sending.run(token.clone()));
            process.critical("player", games.run(token.clone()));
        }
        let (ended, slot) = (token.clone(), found.clone());
        process.critical("watcher", async move {
            let watched = watcher.run(ended).await;
            if let Err(ChallengerError::Found(finding)) = &watched {
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(finding.clone());
            }
            watched
        });
        let (chain, silence) = (shared.chain.clone(), shared.config.l1.silence());
        process.critical("watch over L1", chain::watch_l1(chain, silence, l1, token.clone()));
        process.critical("outer stop", async move {
            tokio::select! {
                () = stop.cancelled() => token.cancel(),
                () = token.cancelled() => {}
            }
            Ok::<_, std::convert::Infallible>(())
        });
        // The store closes when nobody has it any more, so that it can be opened again once this has returned.
        drop(shared);
        let ended = process.run().await;
        match found.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(finding) => Err(ChallengerError::Found(finding)),
            None => Ok(ended?),
        }
    }
}

fn playing(config: &ChallengerConfig, account: Account) -> PlayerConfig {
    let milliether = config.disputes.withdraw_from_milliether;
    let withdraw_from = (milliether > 0).then(|| U256::from(milliether) * U256::from(MILLIETHER));
    PlayerConfig { workers: config.disputes.workers, withdraw_from, ..PlayerConfig::new(account) }
}

/// What the deployment admits as an input is kept, sixteen times over.
fn blob_config(chain: &Chain) -> BlobConfig {
    let blob_bytes_max = chain.parameters().input_length_max;
    BlobConfig { total_bytes_max: blob_bytes_max.saturating_mul(16), blob_bytes_max, ..BlobConfig::default() }
}

fn peer(address: &str) -> Option<BlobPeer> {
    BlobPeer::new(address).inspect_err(|error| warn!(%error, "a place for blobs is left aside")).ok()
}

/// The sampling key of a watcher without an account: drawn once, and kept.
fn watching_key(store: &Store) -> Result<B256, ChallengerError> {
    if let Some(key) = store.get(&KEY, &())? {
        return Ok(key);
    }
    let key = B256::new(rand::random());
    let mut batch = store.batch();
    batch.put(&KEY, &(), &key)?;
    batch.commit()?;
    Ok(key)
}
