//! The challenger's configuration, with its defaults.
//!
//! Owns the shape of the file. Every field has a default but where L1 and the data are.

use std::net::SocketAddr;
use std::path::PathBuf;

use assay_player::cases::RunsConfig;
use assay_runner::{L1Config, MEMORY_BYTES_MAX, RunnerConfig};
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
    /// What a run is given: all that the machine has, for what is declined is not checked.
    #[serde(default = "usual_runner", deserialize_with = "RunnerFields::deserialize")]
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

/// What a run is given unless it is set: all linear memory there is, and an hour, in which the interpreter alone makes 2^36 steps at 20
/// million a second. An executor chooses its jobs and has less; whoever lies chooses what a challenger has to run.
fn usual_runner() -> RunnerConfig {
    RunnerConfig { memory_bytes_max: MEMORY_BYTES_MAX, wall_clock_ms: 3_600_000, ..RunnerConfig::default() }
}

/// The fields of [`RunnerConfig`], where one that is not set is that of [`usual_runner`].
#[derive(Deserialize)]
#[serde(remote = "RunnerConfig", default = "usual_runner", deny_unknown_fields)]
struct RunnerFields {
    cache: Option<PathBuf>,
    cache_bytes_max: u64,
    programs_max: usize,
    wall_clock_ms: u64,
    memory_bytes_max: u64,
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
    /// Chosen leaves that are held in memory, and as many again whose bytes are asked for again; batches behind them wait. 4096.
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
            runner: usual_runner(),
            disputes: DisputesConfig::default(),
            blobs: Vec::new(),
            hook: Vec::new(),
            telemetry: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::presets::Preset;

    fn read(runner: &str) -> ChallengerConfig {
        let text = format!(r#"{{"l1": {{"url": "ws://l1"}}, "deployment": "d", "data": "e"{runner}}}"#);
        serde_json::from_str(&text).expect("it is a configuration")
    }

    /// Also where something else of the table is set.
    #[test]
    fn what_is_not_set_of_a_run_is_a_challengers() {
        for (text, programs_max) in [("", 32), (r#", "runner": {"programs_max": 7}"#, 7)] {
            let runner = read(text).runner;
            assert_eq!((runner.memory_bytes_max, runner.wall_clock_ms), (1 << 32, 3_600_000), "{text}");
            assert_eq!(runner.programs_max, programs_max);
        }
        assert_eq!(read("").runner, ChallengerConfig::new(L1Config::new("ws://l1"), "d".into(), "e".into()).runner);
        assert_eq!(read(r#", "runner": {"memory_bytes_max": 5}"#).runner.memory_bytes_max, 5);
        let unknown = r#"{"l1": {"url": "ws://l1"}, "deployment": "d", "data": "e", "runner": {"memory": 5}}"#;
        assert!(serde_json::from_str::<ChallengerConfig>(unknown).is_err());
    }

    /// Whatever a deployment admits fits: the longest input, and the longest output that is made of one.
    #[test]
    fn what_deployments_admit_has_room() {
        for preset in Preset::ALL {
            let parameters = preset.parameters(Default::default());
            let (input, output) = (parameters.input_length_max, parameters.output_length_max);
            let most = BudgetConfig::default().inputs_bytes_max;
            assert!(input + output <= most && 2 * output <= most, "{preset}");
            let steps_a_second = 20_000_000;
            assert!(parameters.fuel_limit_max / steps_a_second < usual_runner().wall_clock_ms / 1000, "{preset}");
        }
    }
}
