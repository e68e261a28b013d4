//! L1 that is away for a while, or changes its mind: what was promised is kept, once.
#![allow(clippy::unwrap_used)]

mod stage;

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use alloy_primitives::{Address, B256, U256};
use assay_anvil::{Anvil, Settings};
use assay_node::shutdown::Process;
use assay_protocol::deployment::Deployment;
use assay_protocol::rpc::{ErrorCode, TaskState};
use assay_sequencer::Sequencer;
use jsonrpsee::core::client::Error;
use stage::raw::refused;
use stage::{
    Behaviour, CLIENT, Client, EXECUTOR, FakeExecutor, Line, PATIENCE, SEQUENCER, Stage, eventually, leaves, wallet,
    wasm,
};

/// Whether a task is on L1, be it past its window.
async fn is_posted(client: &Client, task: B256) -> Option<()> {
    let state = client.task(task).await?.state;
    matches!(state, TaskState::Posted | TaskState::Attested | TaskState::Final).then_some(())
}

async fn each_once(stage: &Stage, region: B256, tasks: &[B256]) {
    let mut times: HashMap<B256, Vec<u32>> = HashMap::new();
    for (task, attempt) in leaves(stage, region).await {
        times.entry(task).or_default().push(attempt);
    }
    for task in tasks {
        assert_eq!(times.remove(task), Some(vec![0]), "{task}");
    }
    assert!(times.is_empty(), "nothing else: {times:?}");
}

/// Reported: with a deployment that is not on this L1 it was never ready, and did not say why.
#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_is_not_on_l1_ends_it() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let ended = async |name: &str, change: &dyn Fn(&mut Deployment)| {
        let (mut process, mut deployment) = (Process::new(), stage.deployment.clone());
        change(&mut deployment);
        let config = stage.config(&directory.path().join(name));
        Sequencer::start(config, deployment, wallet(SEQUENCER), &mut process).await.unwrap();
        let ended = tokio::time::timeout(PATIENCE, process.run()).await.unwrap();
        ended.unwrap_err().to_string()
    };
    let error = ended("chain", &|deployment| deployment.chain_id = 1).await;
    assert!(error.contains("L1 is chain 31337, the deployment is on chain 1"), "{error}");
    let nobody = Address::repeat_byte(0xbb);
    for contract in ["batches", "bonds", "programs", "court"] {
        let change = |deployment: &mut Deployment| {
            let contracts = &mut deployment.contracts;
            let place = match contract {
                "batches" => &mut contracts.batches,
                "bonds" => &mut contracts.bonds,
                "programs" => &mut contracts.programs,
                _ => &mut contracts.court,
            };
            *place = nobody;
        };
        let error = ended(contract, &change).await;
        assert!(error.contains(contract) && error.contains(&nobody.to_string()), "{error}");
    }
}

/// Reported: once L1 had been read, its loss was never seen.
#[tokio::test(flavor = "multi_thread")]
async fn without_l1_nothing_new_is_taken_and_all_goes_on_when_it_is_back() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let line = Line::to(stage.anvil.port()).await;
    let mut config = stage.config(directory.path());
    config.l1.url = line.url();
    config.chain.stale_seconds = 2;
    let running = stage.sequencer(config).await;
    let region = running.sequencer.region;
    let client = Client::new(&running.url(), wallet(CLIENT), stage.domain).await;
    let program = client.register(&wasm()).await.program;
    let mut executor = FakeExecutor::arrives(&running.url(), wallet(EXECUTOR), stage.domain, region).await;
    let mut tasks = vec![client.job(program, b"before", 0).await];
    let (known, signature) = client.request(program, b"before", 0);
    line.cut(true);
    eventually("it is seen that L1 is away", async || {
        running.sequencer.health.waits_for().contains_key("l1").then_some(())
    })
    .await;
    let (request, fresh) = client.request(program, b"during", 1);
    match client.submit(&request, &fresh, b"during").await {
        Err(Error::Call(error)) => assert_eq!(error.code(), ErrorCode::Unavailable.code(), "{error:?}"),
        other => panic!("{other:?}"),
    }
    let again = client.submit(&known, &signature, b"before").await.unwrap();
    assert_eq!(again.receipt.task, tasks[0], "what was promised is promised");
    // What is here is worked on.
    executor.start(4, Behaviour::Works).await;
    client.reaches(tasks[0], TaskState::Executed).await;
    line.cut(false);
    eventually("L1 is back", async || running.sequencer.health.waits_for().is_empty().then_some(())).await;
    let receipt = client.submit(&request, &fresh, b"during").await.unwrap();
    tasks.push(receipt.receipt.task);
    for task in &tasks {
        eventually("it is posted", async || is_posted(&client, *task).await).await;
    }
    each_once(&stage, region, &tasks).await;
    running.stop().await;
}

/// Reported: receipts were given for batches that nobody could pay for.
#[tokio::test(flavor = "multi_thread")]
async fn without_money_nothing_new_is_taken_and_all_goes_on_when_somebody_pays() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let running = stage.sequencer(stage.config(directory.path())).await;
    let region = running.sequencer.region;
    let client = Client::new(&running.url(), wallet(CLIENT), stage.domain).await;
    let program = client.register(&wasm()).await.program;
    let mut executor = FakeExecutor::arrives(&running.url(), wallet(EXECUTOR), stage.domain, region).await;
    executor.start(4, Behaviour::Works).await;
    let mut tasks = vec![client.job(program, b"before", 0).await];
    eventually("the first is posted", async || is_posted(&client, tasks[0]).await).await;
    let (account, rich) = (wallet(SEQUENCER).address(), U256::from(10_u128.pow(21)));
    stage.anvil.set_balance(account, U256::from(1_000_000)).await.unwrap();
    tasks.push(client.job(program, b"meanwhile", 1).await);
    eventually("it is seen that the account is too poor", async || {
        running.sequencer.health.waits_for().contains_key("account").then_some(())
    })
    .await;
    let (request, signature) = client.request(program, b"during", 2);
    refused(client.submit(&request, &signature, b"during").await, ErrorCode::Unavailable);
    stage.anvil.set_balance(account, rich).await.unwrap();
    eventually("the account can pay", async || running.sequencer.health.waits_for().is_empty().then_some(())).await;
    tasks.push(client.submit(&request, &signature, b"during").await.unwrap().receipt.task);
    for task in &tasks {
        eventually("it is posted", async || is_posted(&client, *task).await).await;
    }
    each_once(&stage, region, &tasks).await;
    running.stop().await;
}

/// L1's node is stopped in the middle of work, and started again with the chain that it had. What waited in it is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_stopped_and_started_again_has_every_task_once() {
    let folder = tempfile::tempdir().unwrap();
    // Of a chain that is read again anvil makes the first block anew: the same one only if it is told the time of it.
    let began = SystemTime::now();
    let timestamp = Some(began.duration_since(UNIX_EPOCH).unwrap().as_secs());
    let settings = Settings { state: Some(folder.path().join("chain.json")), timestamp, ..Stage::settings() };
    let Some(mut stage) = Stage::open_on(&settings).await else { return };
    let settings = Settings { port: stage.anvil.port(), ..settings };
    let mut config = stage.config(&folder.path().join("sequencer"));
    // Several batches are on their way at once.
    (config.batches.wait_ms, config.batches.leaves_max) = (200, 5);
    config.chain.stale_seconds = 2;
    config.chain.resubmit_ms = 1000;
    let running = stage.sequencer(config).await;
    let region = running.sequencer.region;
    let client = Client::new(&running.url(), wallet(CLIENT), stage.domain).await;
    let program = client.register(&wasm()).await.program;
    let mut executor = FakeExecutor::arrives(&running.url(), wallet(EXECUTOR), stage.domain, region).await;
    executor.start(16, Behaviour::Works).await;
    let mut tasks = vec![client.job(program, b"0", 0).await];
    eventually("the first is posted", async || is_posted(&client, tasks[0]).await).await;
    for round in 1..=3_u64 {
        for nonce in 100 * round..100 * round + 20 {
            tasks.push(client.job(program, nonce.to_string().as_bytes(), nonce).await);
        }
        let Stage { anvil, deployment, domain } = stage;
        anvil.stop().await.unwrap();
        eventually("it is seen that L1 is away", async || {
            running.sequencer.health.waits_for().contains_key("l1").then_some(())
        })
        .await;
        stage = Stage { anvil: Anvil::start(&settings).await.unwrap(), deployment, domain };
        // Its clock stands at that time again.
        stage.anvil.pass_time(began.elapsed().unwrap().as_secs()).await.unwrap();
        eventually("L1 is back", async || running.sequencer.health.waits_for().is_empty().then_some(())).await;
    }
    for task in &tasks {
        eventually("every task is posted", async || is_posted(&client, *task).await).await;
    }
    each_once(&stage, region, &tasks).await;
    running.stop().await;
}

/// Blocks go again and again, with the batches in them, as deep as the sequencer waits before it takes a transaction for final.
#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_changes_its_mind_has_every_task_once() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut config = stage.config(directory.path());
    (config.batches.wait_ms, config.batches.leaves_max) = (200, 3);
    config.chain.resubmit_ms = 1000;
    let running = stage.sequencer(config).await;
    let region = running.sequencer.region;
    let client = Client::new(&running.url(), wallet(CLIENT), stage.domain).await;
    let program = client.register(&wasm()).await.program;
    let mut executor = FakeExecutor::arrives(&running.url(), wallet(EXECUTOR), stage.domain, region).await;
    executor.start(16, Behaviour::Works).await;
    let mut tasks = vec![client.job(program, b"0", 0).await];
    eventually("the first is posted", async || is_posted(&client, tasks[0]).await).await;
    // So many blocks on the program's registration that it stays.
    let head = stage.anvil.head().await.unwrap();
    eventually("some blocks pass", async || (stage.anvil.head().await.unwrap() > head + 4).then_some(())).await;
    for (round, depth) in (1_u64..).zip([1, 2, 3, 2, 3, 1]) {
        for nonce in 0..10 {
            let nonce = 100 * round + nonce;
            tasks.push(client.job(program, nonce.to_string().as_bytes(), nonce).await);
        }
        let last = *tasks.last().unwrap();
        eventually("the round is on its way", async || {
            let view = client.task(last).await?;
            matches!(view.state, TaskState::Executed | TaskState::Posted).then_some(())
        })
        .await;
        let head = stage.anvil.head().await.unwrap();
        eventually("a block passes", async || (stage.anvil.head().await.unwrap() > head).then_some(())).await;
        stage.anvil.reorganise(depth).await.unwrap();
    }
    for task in &tasks {
        eventually("every task is posted", async || is_posted(&client, *task).await).await;
    }
    // And stays so.
    let head = stage.anvil.head().await.unwrap();
    eventually("some blocks pass", async || (stage.anvil.head().await.unwrap() > head + 4).then_some(())).await;
    each_once(&stage, region, &tasks).await;
    assert!(running.sequencer.health.waits_for().is_empty());
    running.stop().await;
}
