//! How often lies are found at a rate of a tenth, over many of them, against the arithmetic of specs/20-challenger.md.

use std::collections::BTreeSet;

use alloy_primitives::U64;
use assay_anvil::account;
use assay_challenger::{Challenger, ChallengerConfig};
use assay_executor_node::Corruption;
use assay_node::telemetry::{Health, Metrics};
use assay_protocol::rpc::{BatchView, TaskState, methods};
use jsonrpsee::core::client::ClientT;
use jsonrpsee::rpc_params;
use tokio_util::sync::CancellationToken;

use crate::roles::{WRONG_OUTPUT, challenger_config, executor_config, register, work};
use crate::stage::{CLIENT, Client, Stage, eventually, wallet, wasm};

/// Jobs, each lied about.
const LIES: u64 = 1500;
/// Lies of one liar, where it is asked whether any of them is found.
const GROUP: usize = 10;
const RATE: f64 = 0.1;
/// 1 - 0.9^10, by hand.
const FOUND: f64 = 0.651_321_559_9;
/// Standard deviations that a count may be off: five are passed once in 1.7 million runs.
const DEVIATIONS: f64 = 5.0;

/// Holds a count of successes against its expectation.
fn as_expected(what: &str, got: usize, of: usize, chance: f64) {
    let (mean, deviation) = (of as f64 * chance, (of as f64 * chance * (1.0 - chance)).sqrt());
    let off = (got as f64 - mean) / deviation;
    println!("{what}: {got} of {of}, expected {mean:.1} with a deviation of {deviation:.1}: {off:+.2} deviations off");
    assert!(off.abs() < DEVIATIONS, "{what}: {got} of {of}, expected {mean:.1}, deviation {deviation:.1}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_rate_of_a_tenth_lies_are_found_as_often_as_the_arithmetic_says() {
    let Some(stage) = Stage::open().await else { return };
    register(&stage, WRONG_OUTPUT).await;
    let folder = tempfile::tempdir().unwrap();
    let sequencer = stage.sequencer(stage.config(&folder.path().join("sequencer"))).await;
    let liar =
        executor_config(&stage.anvil.url(), &sequencer.url(), &folder.path().join("liar"), Corruption::WrongOutput);
    let mut liar = liar;
    liar.jobs.slots = 64;
    let liar = work(&stage, WRONG_OUTPUT, liar).await;
    // Nobody disputes, or the first lie that is found would end the others: it has no key, and tells a program of each.
    let mut config: ChallengerConfig = challenger_config(&stage.anvil.url(), &folder.path().join("challenger"));
    (config.sampling.rate, config.hook) = (RATE, vec!["true".into()]);
    let (health, metrics, stop) = (Health::new(), Metrics::new("assay"), CancellationToken::new());
    let challenger = Challenger::open(config, stage.deployment.clone(), None, &health, &metrics).unwrap();
    let report = challenger.reporter();
    let watching = tokio::spawn(challenger.run(stop.clone()));

    let client = Client::new(&sequencer.url(), wallet(CLIENT), stage.domain).await;
    let program = client.register(&wasm()).await.program;
    let mut tasks = Vec::new();
    for nonce in 0..LIES {
        tasks.push(client.job(program, format!("{}\n", 10 + nonce).as_bytes(), nonce).await);
    }
    for task in tasks {
        eventually("every task is on L1", async || {
            let state = client.task(task).await?.state;
            matches!(state, TaskState::Posted | TaskState::Final).then_some(())
        })
        .await;
    }
    let executor = account(WRONG_OUTPUT).0;
    // Idle for some blocks: what is counted was drawn from before.
    let mut idle_since = None;
    eventually("all that was drawn has a verdict", async || {
        let (told, text) = (report().unwrap(), metrics.text());
        let is_zero = |gauge: &str| text.contains(&format!("assay_challenger_{gauge} 0\n"));
        let is_idle = told.leaves == LIES && is_zero("leaves_waiting") && is_zero("lag_seconds");
        let since = *idle_since.get_or_insert(told.l1_block);
        idle_since = idle_since.filter(|_| is_idle);
        (is_idle && told.l1_block > since + 3).then_some(())
    })
    .await;
    let told = report().unwrap();
    let line = told.executors.iter().find(|line| line.executor == executor).unwrap();
    assert_eq!((line.sampled, line.agreed, line.missed, line.unavailable, line.declined), (line.wrong, 0, 0, 0, 0));
    assert_eq!(told.wrong.len() as u64, line.wrong, "the report lists all of them");
    as_expected("lies found", told.wrong.len(), LIES as usize, RATE);

    // Liars of ten lies each: leaves as they lie on L1.
    let mut starts = vec![0_usize];
    while starts[starts.len() - 1] < LIES as usize {
        let number = U64::from(starts.len() as u64 - 1);
        let view: BatchView = client.rpc.request(methods::GET_BATCH, rpc_params![number]).await.unwrap();
        starts.push(starts[starts.len() - 1] + view.batch.count as usize);
    }
    assert_eq!(starts[starts.len() - 1], LIES as usize);
    let caught: BTreeSet<usize> =
        told.wrong.iter().map(|leaf| (starts[leaf.batch as usize] + leaf.index as usize) / GROUP).collect();
    as_expected("liars with ten lies caught", caught.len(), LIES as usize / GROUP, FOUND);

    stop.cancel();
    watching.await.unwrap().unwrap();
    liar.stop().await;
    sequencer.stop().await;
}
