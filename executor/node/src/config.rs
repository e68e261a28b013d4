//! The executor's configuration, with its defaults.
//!
//! Owns the shape of the file. Every field has a default but where L1, the data and the sequencers are.

use std::net::SocketAddr;
use std::path::PathBuf;

use alloy_primitives::Address;
use assay_node::blobs::BlobConfig;
use assay_player::cases::RunsConfig;
use assay_runner::{L1Config, RunnerConfig};
use serde::{Deserialize, Serialize};

use crate::corruption::CorruptionConfig;

/// An executor.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecutorConfig {
    /// L1.
    pub l1: L1Config,
    /// The deployment's file, which whoever starts the role from a configuration alone reads.
    pub deployment: PathBuf,
    /// Folder of everything that is kept: the store, blobs, compiled programs.
    pub data: PathBuf,
    /// Sequencers that are worked for: `ws://` or `wss://`.
    pub sequencers: Vec<String>,
    /// Encrypted key that signs results and moves.
    #[serde(default)]
    pub keystore: Option<PathBuf>,
    /// File with the keystore's password; none asks on the terminal.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Owner of the stake, where that is not the key itself.
    #[serde(default)]
    pub executor: Option<Address>,
    /// How much is run at once.
    #[serde(default)]
    pub jobs: JobsConfig,
    /// What a run is given.
    #[serde(default)]
    pub runner: RunnerConfig,
    /// Inputs and outputs that are kept.
    #[serde(default)]
    pub blobs: BlobConfig,
    /// Where outputs are served to whoever asks, for example challengers; none serves nothing.
    #[serde(default)]
    pub serve: Option<SocketAddr>,
    /// How results are defended.
    #[serde(default)]
    pub defence: DefenceConfig,
    /// Where `/healthz`, `/readyz` and `/metrics` are served; none serves nothing.
    #[serde(default)]
    pub telemetry: Option<SocketAddr>,
    /// Test equipment: lies. None by default.
    #[serde(default)]
    pub corruption: CorruptionConfig,
}

/// How much is run at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobsConfig {
    /// Runs at the same time; 0 takes the host's processors. 0.
    pub workers: usize,
    /// Assignments at once of each sequencer: what waits for a worker, a blob or an answer besides what runs. 64.
    pub slots: u64,
    /// Most bytes of all inputs that are in memory. 2 GiB.
    pub inputs_bytes_max: u64,
    /// Longest module that is taken, in bytes. 64 MiB.
    pub module_bytes_max: u64,
    /// Most seconds from now to a request's deadline: whatever a sequencer names, nothing is signed that binds input, module and room for its
    /// defence for longer, and a window more. A week.
    pub deadline_seconds_max: u64,
}

impl Default for JobsConfig {
    fn default() -> Self {
        Self {
            workers: 0,
            slots: 64,
            inputs_bytes_max: 2 << 30,
            module_bytes_max: 64 << 20,
            deadline_seconds_max: 604_800,
        }
    }
}

impl JobsConfig {
    /// Runs at the same time, on this host.
    #[must_use]
    pub fn workers(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            workers => workers,
        }
    }
}

/// How results are defended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DefenceConfig {
    /// Games that are computed at the same time. 2.
    pub workers: usize,
    /// Games at once that adversaries are expected to pay for, at least 1: so many of the longest open runs are kept within what the
    /// workers run again in time. 64.
    pub games_max: usize,
    /// Most bytes of the runs that games are about: memory, checkpoints, answers. What is asked at the moment may come beyond it. 4 GiB.
    pub memory_bytes_max: u64,
    /// Credit from which on it is withdrawn, in thousandths of an ether; 0 never does. 50.
    pub withdraw_from_milliether: u64,
}

impl Default for DefenceConfig {
    fn default() -> Self {
        Self {
            workers: 2,
            games_max: 64,
            memory_bytes_max: RunsConfig::default().bytes_max,
            withdraw_from_milliether: 50,
        }
    }
}

impl ExecutorConfig {
    /// The usual executor of a deployment, with everything under a folder.
    #[must_use]
    pub fn new(l1: L1Config, deployment: PathBuf, data: PathBuf, sequencers: Vec<String>) -> Self {
        Self {
            l1,
            deployment,
            data,
            sequencers,
            keystore: None,
            password_file: None,
            executor: None,
            jobs: JobsConfig::default(),
            runner: RunnerConfig::default(),
            blobs: BlobConfig::default(),
            serve: None,
            defence: DefenceConfig::default(),
            telemetry: None,
            corruption: CorruptionConfig::default(),
        }
    }
}
