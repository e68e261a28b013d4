//! Roles that are killed at any point, and started again: with their databases and without. Nothing is signed twice, nothing is missed.
//!
//! A role that is killed runs in a child, which is this test's own program; what it is told comes through the environment.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use assay_anvil::account;
use assay_challenger::Challenger;
use assay_executor_node::{Corruption, Executor};
use assay_node::shutdown::Process;
use assay_node::telemetry::{Health, Metrics};
use assay_protocol::deployment::Deployment;
use assay_protocol::rpc::TaskState;
use assay_sequencer::Sequencer;
use tokio_util::sync::CancellationToken;

use crate::lies::submit;
use crate::roles::{CHALLENGER, WRONG_OUTPUT, challenger_config, executor_config, register, watch, work};
use crate::stage::{CLIENT, Client, EXECUTOR, SEQUENCER as SEQUENCER_ACCOUNT, Stage, config, eventually, wallet, wasm};

/// What a child is: sequencer, executor or challenger.
const ROLE: &str = "ASSAY_TEST_ROLE";
const DATA: &str = "ASSAY_TEST_DATA";
const L1: &str = "ASSAY_TEST_L1";
const SEQUENCER: &str = "ASSAY_TEST_SEQUENCER";
const DEPLOYMENT: &str = "ASSAY_TEST_DEPLOYMENT";

/// The child of the next tests; as a test of its own it has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_plays_its_role_until_it_is_killed() {
    let Some(role) = std::env::var_os(ROLE) else { return };
    let told = |name: &str| std::env::var(name).unwrap();
    let data = PathBuf::from(told(DATA));
    let deployment = Deployment::from_json(&told(DEPLOYMENT)).unwrap();
    let (health, metrics, stop) = (Health::new(), Metrics::new("assay"), CancellationToken::new());
    if role == "sequencer" {
        let mut config = config(&data, &told(L1));
        (config.listen.rpc, config.batches.wait_ms) = (told(SEQUENCER).trim_start_matches("ws://").into(), 200);
        // Several batches are on their way at once.
        config.batches.leaves_max = 8;
        let mut process = Process::new();
        Sequencer::start(config, deployment, wallet(SEQUENCER_ACCOUNT), &mut process).await.unwrap();
        process.run().await.unwrap();
    } else if role == "executor" {
        let config = executor_config(&told(L1), &told(SEQUENCER), &data, Corruption::None);
        let executor = Executor::open(config, deployment, wallet(EXECUTOR), &health, &metrics).unwrap();
        executor.run(stop).await.unwrap();
    } else {
        let config = challenger_config(&told(L1), &data);
        let challenger = Challenger::open(config, deployment, Some(wallet(CHALLENGER)), &health, &metrics).unwrap();
        challenger.run(stop).await.unwrap();
    }
}

/// A role in a process of its own, killed when it goes.
pub struct Victim(Child);

impl Victim {
    pub fn start(role: &str, stage: &Stage, data: &Path, sequencer: &str) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::child_plays_its_role_until_it_is_killed", "--nocapture", "--test-threads=1"])
            .envs([(ROLE, role), (L1, &stage.anvil.url()), (SEQUENCER, sequencer)])
            .env(DATA, data)
            .env(DEPLOYMENT, stage.deployment.to_json())
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// An executor is killed again and again while tasks come in, and loses its database once: every task becomes final.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_executor_that_is_killed_goes_on() {
    let Some(stage) = Stage::open().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut config = stage.config(&folder.path().join("sequencer"));
    config.dispatch.lease_ms = 2000;
    let sequencer = stage.sequencer(config).await;
    let client = Client::new(&sequencer.url(), wallet(CLIENT), stage.domain).await;
    let program = client.register(&wasm()).await.program;
    let data = folder.path().join("executor");
    let mut tasks = Vec::new();
    for life in 0..6_u64 {
        let victim = Victim::start("executor", &stage, &data, &sequencer.url());
        for nonce in 0..8 {
            tasks.push(submit(&client, program, 8 * life + nonce).await);
        }
        // Any point will do, as long as lives differ: from before its first session to the middle of its work.
        tokio::time::sleep(Duration::from_millis(300 + 400 * life)).await;
        drop(victim);
        if life == 3 {
            std::fs::remove_dir_all(&data).unwrap();
        }
    }
    let config = executor_config(&stage.anvil.url(), &sequencer.url(), &data, Corruption::None);
    let executor = work(&stage, EXECUTOR, config).await;
    for task in tasks {
        let view = client.reaches(task, TaskState::Final).await;
        assert_eq!(view.attempt, 0, "nothing became void");
    }
    executor.stop().await;
    sequencer.stop().await;
}

/// A challenger is killed again and again while it finds and disputes a lie, and loses its database in the middle of a game: the liar is
/// convicted, and nobody honest is accused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenger_that_is_killed_still_wins() {
    let Some(stage) = Stage::open().await else { return };
    register(&stage, WRONG_OUTPUT).await;
    let folder = tempfile::tempdir().unwrap();
    let sequencer = stage.sequencer(stage.config(&folder.path().join("sequencer"))).await;
    let honest = executor_config(&stage.anvil.url(), &sequencer.url(), &folder.path().join("honest"), Corruption::None);
    let honest = work(&stage, EXECUTOR, honest).await;
    let liar =
        executor_config(&stage.anvil.url(), &sequencer.url(), &folder.path().join("liar"), Corruption::WrongOutput);
    let liar = work(&stage, WRONG_OUTPUT, liar).await;
    let client = Client::new(&sequencer.url(), wallet(CLIENT), stage.domain).await;
    let program = client.register(&wasm()).await.program;
    for nonce in 0..8 {
        submit(&client, program, nonce).await;
    }
    let data = folder.path().join("challenger");
    for life in 0..8_u64 {
        let victim = Victim::start("challenger", &stage, &data, &sequencer.url());
        tokio::time::sleep(Duration::from_millis(700 + 500 * life)).await;
        drop(victim);
        if life == 4 {
            std::fs::remove_dir_all(&data).unwrap();
        }
    }
    let challenger = watch(&stage, challenger_config(&stage.anvil.url(), &data)).await;
    challenger.convicts(&[WRONG_OUTPUT]).await;
    eventually("all games are settled", async || {
        let report = challenger.report();
        report.executors.iter().all(|line| line.disputed == line.won + line.lost).then_some(())
    })
    .await;
    let report = challenger.report();
    println!("{}", report.to_json());
    let line = |index: usize| report.executors.iter().find(|line| line.executor == account(index).0);
    let (liar_line, honest_line) = (line(WRONG_OUTPUT).unwrap(), line(EXECUTOR));
    assert!(liar_line.won > 0 && liar_line.lost == 0, "{liar_line:?}");
    assert!(honest_line.is_none_or(|line| line.wrong == 0 && line.disputed == 0), "{honest_line:?}");
    challenger.stop().await;
    liar.stop().await;
    honest.stop().await;
    sequencer.stop().await;
}
