//! The roles, each as the process that it would be by itself, within this one.
//!
//! Owns their configurations for a devnet: short waits, everything run again, ports of this machine only. Who stops a role drops its
//! handle's token.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_challenger::{Challenger, ChallengerConfig};
use assay_executor_node::{Corruption, CorruptionConfig, Executor, ExecutorConfig};
use assay_node::endpoint::EndpointConfig;
use assay_node::keys::Wallet;
use assay_node::shutdown::Process;
use assay_node::telemetry::{Health, Metrics};
use assay_protocol::deployment::Deployment;
use assay_runner::L1Config;
use assay_sequencer::{Config as SequencerConfig, Sequencer};
use eyre::{Result, bail, eyre};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a role has to become ready.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// What all roles share.
pub struct Ground {
    /// The L1 node.
    pub l1: String,
    /// The contracts.
    pub deployment: Deployment,
    /// Their file.
    pub deployment_file: PathBuf,
    /// Everything that roles keep.
    pub data: PathBuf,
}

/// A role that runs.
pub struct Running {
    /// What it is called.
    pub name: String,
    /// What keeps it from being ready.
    pub health: Health,
    /// Where it serves health and metrics, if that is known.
    pub telemetry: Option<SocketAddr>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), String>>,
}

impl Running {
    /// Waits until it is ready.
    ///
    /// # Errors
    /// If it ends before, or is not ready in time.
    pub async fn ready(&self) -> Result<()> {
        let deadline = tokio::time::Instant::now() + READY_WITHIN;
        loop {
            let waits_for = self.health.waits_for();
            if waits_for.is_empty() {
                return Ok(());
            }
            if self.task.is_finished() {
                bail!("the {} has ended before it was ready", self.name);
            }
            if tokio::time::Instant::now() > deadline {
                bail!("the {} is not ready after {} s: {waits_for:?}", self.name, READY_WITHIN.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether it has ended, which nobody has asked for.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Stops it and waits for its end.
    ///
    /// # Errors
    /// What it ended with, if not well.
    pub async fn stop(self) -> Result<()> {
        self.stop.cancel();
        let ended = self.task.await.map_err(|error| eyre!("the {} panicked: {error}", self.name))?;
        ended.map_err(|error| eyre!("the {} did not end well: {error}", self.name))
    }
}

/// Where a sequencer serves.
#[derive(Clone, Copy, Debug)]
pub struct Served {
    /// Its RPC.
    pub rpc: SocketAddr,
    /// Health and metrics.
    pub telemetry: Option<SocketAddr>,
}

/// Starts the sequencer.
pub async fn sequencer(ground: &Ground, wallet: Wallet, port: u16, telemetry: u16) -> Result<(Running, Served)> {
    let config = SequencerConfig::new(ground.data.join("sequencer"), EndpointConfig::new(ground.l1.clone()));
    let mut config = config.on_devnet();
    config.batches.wait_ms = 500;
    config.listen.rpc = local(port).to_string();
    config.listen.admin = None;
    config.listen.telemetry = Some(local(telemetry).to_string());
    let mut process = Process::new();
    let started = Sequencer::start(config, ground.deployment.clone(), wallet, &mut process).await?;
    let stop = process.token();
    let task = tokio::spawn(async move { process.run().await.map_err(|error| error.to_string()) });
    let served = Served { rpc: started.rpc, telemetry: started.telemetry };
    let (health, telemetry) = (started.health, started.telemetry);
    Ok((Running { name: "sequencer".into(), health, telemetry, stop, task }, served))
}

/// An executor's lie, if any.
#[must_use]
pub fn corruption(kind: Corruption, from_step: u64) -> CorruptionConfig {
    CorruptionConfig { kind, from_step, ..CorruptionConfig::default() }
}

/// Starts an executor.
pub fn executor(
    ground: &Ground,
    name: &str,
    wallet: Wallet,
    sequencer: SocketAddr,
    telemetry: Option<u16>,
    corruption: CorruptionConfig,
) -> Result<Running> {
    let data = ground.data.join(name.replace(' ', "-"));
    let l1 = L1Config::devnet(ground.l1.clone());
    let mut config = ExecutorConfig::new(l1, ground.deployment_file.clone(), data, vec![format!("ws://{sequencer}")]);
    config.telemetry = telemetry.map(local);
    config.runner.cache = Some(cache(&ground.data));
    if corruption.kind != Corruption::None {
        // One lie at a time: the story is about one.
        config.jobs.slots = 1;
    }
    config.corruption = corruption;
    let health = Health::new();
    let executor = Executor::open(config, ground.deployment.clone(), wallet, &health, &Metrics::new("assay"))?;
    let stop = CancellationToken::new();
    let token = stop.clone();
    let task = tokio::spawn(async move { executor.run(token).await.map_err(|error| error.to_string()) });
    Ok(Running { name: name.to_owned(), health, telemetry: named(telemetry), stop, task })
}

/// Starts the challenger, which runs everything again.
pub fn challenger(ground: &Ground, wallet: Wallet, sequencer: SocketAddr, telemetry: Option<u16>) -> Result<Running> {
    let l1 = L1Config::devnet(ground.l1.clone());
    let mut config = ChallengerConfig::new(l1, ground.deployment_file.clone(), ground.data.join("challenger"));
    config.sampling.rate = 1.0;
    config.blobs = vec![format!("http://{sequencer}")];
    config.telemetry = telemetry.map(local);
    config.runner.cache = Some(cache(&ground.data));
    let health = Health::new();
    let metrics = Metrics::new("assay");
    let challenger = Challenger::open(config, ground.deployment.clone(), Some(wallet), &health, &metrics)?;
    let stop = CancellationToken::new();
    let token = stop.clone();
    let task = tokio::spawn(async move { challenger.run(token).await.map_err(|error| error.to_string()) });
    Ok(Running { name: "challenger".into(), health, telemetry: named(telemetry), stop, task })
}

/// Compiled modules: what one role has compiled, the next need not.
fn cache(data: &Path) -> PathBuf {
    data.join("native")
}

/// The address of a port, unless the host chooses one.
fn named(port: Option<u16>) -> Option<SocketAddr> {
    port.filter(|port| *port != 0).map(local)
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
