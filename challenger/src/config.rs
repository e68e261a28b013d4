//! The challenger's configuration, with its defaults.
//!
//! Owns the shape of the file. Every field has a default but where L1 and the data are.

use std::net::SocketAddr;
use std::path::PathBuf;

use assay_player::cases::RunsConfig;
use assay_runner::{L1Config, RunnerConfig};
use serde::{Deserialize, Serialize};

use crate::sampling::SamplingConfig;

/// A challenger.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengerConfig {
    /// L1.
    pub l1: L1Config,
    /// The deployment's file, which whoever starts the role from a configuration alone reads.
    pub deployment: PathBuf,
    /// Folder of everything that is kept: the store, compiled programs, the report.
    pub data: PathBuf,
    /// Encrypted key that challenges; none watches only.
    #[serde(default)]
    pub keystore: Option<PathBuf>,
    /// File with the keystore's password; none asks on the terminal.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// What is run again.
    #[serde(default)]
    pub sampling: SamplingConfig,
    /// How much of this host that may take.
    #[serde(default)]
    pub budget: BudgetConfig,
    /// What a run is given.
    #[serde(default)]
    pub runner: RunnerConfig,
    /// How wrong results are challenged.
    #[serde(default)]
    pub disputes: DisputesConfig,
    /// Where blobs may be that L1 has not: addresses of sequencers and executors, `http` or `https`. What they give is checked.
    #[serde(default)]
    pub blobs: Vec<String>,
    /// Program that is called for each finding, with arguments; what was found is in its environment (specs/20-challenger.md, "Alarm").
    #[serde(default)]
    pub hook: Vec<String>,
    /// Where `/healthz`, `/readyz` and `/metrics` are served; none serves nothing.
    #[serde(default)]
    pub telemetry: Option<SocketAddr>,
}

/// How much of this host re-execution may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BudgetConfig {
    /// Leaves that are run at the same time. 2.
    pub workers: usize,
    /// Seconds of running per second of time, over all workers and on average over a minute; 0 sets no bound. 0.
    pub cores: f64,
    /// Most bytes of all inputs that are in memory to be run again. A leaf that takes more is declined. 2 GiB.
    pub inputs_bytes_max: u64,
    /// Chosen leaves that are held in memory; batches behind them wait. 4096.
    pub leaves_max: usize,
}

impl Default for BudgetConfig {
    fn default() -> Self {
        Self { workers: 2, cores: 0.0, inputs_bytes_max: 2 << 30, leaves_max: 4096 }
    }
}

/// How wrong results are challenged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DisputesConfig {
    /// Whether to bond as much as the executor's stake and hold all its claims. Not.
    pub stay: bool,
    /// Games that are computed at the same time. 2.
    pub workers: usize,
    /// Most bytes of the runs that games are about: memory, checkpoints, answers. What is asked at the moment may come beyond it. 4 GiB.
    pub memory_bytes_max: u64,
    /// Credit from which on it is withdrawn, in thousandths of an ether; 0 never does. 50.
    pub withdraw_from_milliether: u64,
}

impl Default for DisputesConfig {
    fn default() -> Self {
        Self {
            stay: false,
            workers: 2,
            memory_bytes_max: RunsConfig::default().bytes_max,
            withdraw_from_milliether: 50,
        }
    }
}

impl ChallengerConfig {
    /// The usual challenger of a deployment, with everything under a folder.
    #[must_use]
    pub fn new(l1: L1Config, deployment: PathBuf, data: PathBuf) -> Self {
        Self {
            l1,
            deployment,
            data,
            keystore: None,
            password_file: None,
            sampling: SamplingConfig::default(),
            budget: BudgetConfig::default(),
            runner: RunnerConfig::default(),
            disputes: DisputesConfig::default(),
            blobs: Vec::new(),
            hook: Vec::new(),
            telemetry: None,
        }
    }
}
