//! Executors and challengers of the town, each as the process that it would be by itself, within this one.

use std::path::Path;

use alloy_primitives::Address;
use alloy_sol_types::SolCall;
use assay_anvil::account;
use assay_challenger::{Challenger, ChallengerConfig, ChallengerError, Report};
use assay_executor_node::{Corruption, CorruptionConfig, Executor, ExecutorConfig, ExecutorError};
use assay_node::telemetry::{Health, Metrics};
use assay_player::chain::Chain;
use assay_protocol::contracts::Bonds;
use assay_protocol::objects::Role;
use assay_protocol::presets::Preset;
use assay_runner::L1Config;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::stage::{Stage, eventually, wallet};

/// Accounts besides the stage's.
pub const WRONG_OUTPUT: usize = 5;
pub const WRONG_FUEL: usize = 6;
pub const WRONG_STATE: usize = 7;
pub const SILENT: usize = 8;
pub const CHALLENGER: usize = 9;

/// An executor that runs.
pub struct Working {
    stop: CancellationToken,
    ended: JoinHandle<Result<(), ExecutorError>>,
}

/// A challenger that runs.
pub struct Watching {
    pub chain: Chain,
    report: Box<dyn Fn() -> Result<Report, ChallengerError> + Send + Sync>,
    stop: CancellationToken,
    ended: JoinHandle<Result<(), ChallengerError>>,
}

/// Puts up an executor's stake.
pub async fn register(stage: &Stage, index: usize) {
    let stake = Preset::Devnet.parameters(Address::repeat_byte(0x77)).executor_stake;
    let call = Bonds::registerCall { role: Role::Executor as u8 };
    let sent = stage.send(index, stage.deployment.contracts.bonds, stake, call.abi_encode().into()).await;
    stage.mined(sent).await;
}

/// A configuration whose data lie in a folder.
pub fn executor_config(l1: &str, sequencer: &str, data: &Path, kind: Corruption) -> ExecutorConfig {
    let l1 = L1Config::devnet(l1);
    let mut config = ExecutorConfig::new(l1, "none".into(), data.to_owned(), vec![sequencer.to_owned()]);
    config.jobs.workers = 1;
    config.jobs.slots = 4;
    config.corruption = CorruptionConfig { kind, ..CorruptionConfig::default() };
    config
}

/// A challenger's, which runs everything again.
pub fn challenger_config(l1: &str, data: &Path) -> ChallengerConfig {
    let mut config = ChallengerConfig::new(L1Config::devnet(l1), "none".into(), data.to_owned());
    config.sampling.rate = 1.0;
    config
}

pub async fn work(stage: &Stage, index: usize, config: ExecutorConfig) -> Working {
    let (health, metrics, stop) = (Health::new(), Metrics::new("assay"), CancellationToken::new());
    let executor = Executor::open(config, stage.deployment.clone(), wallet(index), &health, &metrics).unwrap();
    let ended = tokio::spawn(executor.run(stop.clone()));
    eventually("the executor is ready", async || health.waits_for().is_empty().then_some(())).await;
    Working { stop, ended }
}

impl Working {
    pub async fn stop(self) {
        self.stop.cancel();
        self.ended.await.unwrap().unwrap();
    }
}

pub async fn watch(stage: &Stage, config: ChallengerConfig) -> Watching {
    let (health, metrics, stop) = (Health::new(), Metrics::new("assay"), CancellationToken::new());
    let challenger = Challenger::open(config, stage.deployment.clone(), Some(wallet(CHALLENGER)), &health, &metrics);
    let challenger = challenger.unwrap();
    let (chain, report) = (challenger.chain().clone(), Box::new(challenger.reporter()));
    let ended = tokio::spawn(challenger.run(stop.clone()));
    eventually("the challenger is ready", async || health.waits_for().is_empty().then_some(())).await;
    Watching { chain, report, stop, ended }
}

impl Watching {
    pub fn report(&self) -> Report {
        (self.report)().unwrap()
    }

    /// Waits until these executors are convicted.
    pub async fn convicts(&self, executors: &[usize]) {
        for index in executors {
            let executor = account(*index).0;
            let what = format!("executor {index} is convicted");
            eventually(&what, async || self.chain.view().conviction(executor).map(|_| ())).await;
        }
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.ended.await.unwrap().unwrap();
    }
}
