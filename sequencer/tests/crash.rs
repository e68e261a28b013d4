//! `kill -9` under load: every accepted job is in the batches of L1 exactly once.
//!
//! The sequencer is this test binary again, as a child that is killed at random points; clients and an executor live here and go on.
//! Three rounds by default; `ASSAY_CRASH_ROUNDS` asks for more.
#![allow(clippy::unwrap_used)]

mod stage;

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use alloy_primitives::{B256, U64};
use assay_node::shutdown::Process;
use assay_protocol::deployment::Deployment;
use assay_protocol::rpc::{ProgramView, TaskState, methods};
use assay_sequencer::Sequencer;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::rpc_params;
use stage::{
    Behaviour, CLIENT, Client, EXECUTOR, FakeExecutor, SEQUENCER, Stage, config, eventually, leaves,
    parts_and_postings, wallet, wasm,
};

/// Set in the child: the folder of its data, L1's address, the deployment.
const CHILD: &str = "ASSAY_TEST_SEQUENCER";

/// The child of the next test; as a test of its own it has nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn child_serves_until_it_is_killed() {
    let Ok(arguments) = std::env::var(CHILD) else { return };
    let (data, rest) = arguments.split_once('|').unwrap();
    let (l1, deployment) = rest.split_once('|').unwrap();
    let mut config = config(Path::new(data), l1);
    // Several batches are on their way at once.
    (config.batches.wait_ms, config.batches.leaves_max) = (200, 64);
    let mut process = Process::new();
    let deployment = Deployment::from_json(deployment).unwrap();
    let sequencer = Sequencer::start(config, deployment, wallet(SEQUENCER), &mut process).await.unwrap();
    println!("listening {} {}", sequencer.rpc, sequencer.region);
    process.run().await.unwrap();
}

struct Served {
    child: Child,
    url: String,
    region: B256,
}

fn serve(stage: &Stage, data: &Path) -> Served {
    let deployment = serde_json::to_string(&stage.deployment).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_serves_until_it_is_killed", "--nocapture", "--test-threads=1"])
        .env(CHILD, format!("{}|{}|{deployment}", data.display(), stage.anvil.url()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let line = lines.find_map(|line| line.split_once("listening ").map(|(_, rest)| rest.to_owned()));
    let line = line.expect("the sequencer starts");
    let (address, region) = line.split_once(' ').unwrap();
    std::thread::spawn(move || lines.for_each(drop));
    Served { child, url: format!("ws://{address}"), region: region.parse().unwrap() }
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_loses_no_accepted_job_and_posts_none_twice() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let rounds: u64 = std::env::var("ASSAY_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    println!("{rounds} rounds, seed {seed:#x}");
    let mut random = move |bound: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % bound
    };
    let (mut accepted, mut nonce) = (HashMap::new(), 0);
    for round in 0..rounds {
        let mut served = serve(&stage, directory.path());
        let client = ready(&stage, &served).await;
        let program = client.register(&wasm()).await.program;
        let mut executor = FakeExecutor::arrives(&served.url, wallet(EXECUTOR), stage.domain, served.region).await;
        executor.start(16, Behaviour::Works).await;
        let until = tokio::time::Instant::now() + Duration::from_millis(300 + random(3500));
        while tokio::time::Instant::now() < until {
            let input = nonce.to_string();
            let (request, signature) = client.request(program, input.as_bytes(), nonce);
            let receipt = client.submit(&request, &signature, input.as_bytes()).await.unwrap();
            client.check(&request, &receipt);
            accepted.insert(receipt.receipt.task, (receipt, request, signature, input));
            nonce += 1;
        }
        served.child.kill().unwrap();
        served.child.wait().unwrap();
        println!("round {round}: {} accepted", accepted.len());
    }
    let served = serve(&stage, directory.path());
    let client = ready(&stage, &served).await;
    let mut executor = FakeExecutor::arrives(&served.url, wallet(EXECUTOR), stage.domain, served.region).await;
    executor.start(64, Behaviour::Works).await;
    let mut sequences = Vec::new();
    // In their order: however many there are, each has its time from when the one before it was there.
    let mut in_order: Vec<_> = accepted.iter().collect();
    in_order.sort_unstable_by_key(|(_, (receipt, ..))| receipt.receipt.sequence);
    for (task, (receipt, request, signature, input)) in in_order {
        // The window of the first ones is over meanwhile: they are past being posted.
        eventually("every accepted task is on L1", async || {
            let state = client.task(*task).await?.state;
            matches!(state, TaskState::Posted | TaskState::Attested | TaskState::Final).then_some(())
        })
        .await;
        let again = client.submit(request, signature, input.as_bytes()).await.unwrap();
        assert_eq!(&again, receipt, "the same receipt, bit for bit");
        sequences.push(receipt.receipt.sequence);
    }
    sequences.sort_unstable();
    sequences.dedup();
    assert_eq!(sequences.len(), accepted.len(), "no number twice");
    let mut times: HashMap<(B256, u32), u32> = HashMap::new();
    for leaf in leaves(&stage, served.region).await {
        *times.entry(leaf).or_default() += 1;
    }
    for task in accepted.keys() {
        assert_eq!(times.get(&(*task, 0)), Some(&1), "{task}");
    }
    assert!(times.values().all(|times| *times == 1));
    println!("{} accepted, {} leaves, each once", accepted.len(), times.len());
    let mut served = served;
    served.child.kill().unwrap();
    served.child.wait().unwrap();
}

/// A block has room for one part, so that they are mined one by one; the kill comes behind the first.
#[tokio::test(flavor = "multi_thread")]
async fn kill_9_between_a_part_and_its_posting_posts_the_batch_once() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut served = serve(&stage, directory.path());
    let client = ready(&stage, &served).await;
    let program = client.register(&wasm()).await.program;
    eventually("the program is registered", async || {
        let view: Option<ProgramView> = client.rpc.request(methods::GET_PROGRAM, rpc_params![program]).await.unwrap();
        view?.registered_at
    })
    .await;
    stage.ask("evm_setBlockGasLimit", serde_json::json!(["0x400000"])).await;
    let mut tasks = Vec::new();
    for nonce in 0..6_u64 {
        let input: Vec<u8> = (0..60_000_u64).map(|index| (index * (nonce + 3)) as u8).collect();
        tasks.push(client.job(program, &input, nonce).await);
    }
    let mut executor = FakeExecutor::arrives(&served.url, wallet(EXECUTOR), stage.domain, served.region).await;
    executor.start(16, Behaviour::Works).await;
    let staged = eventually("a part is staged", async || {
        let (parts, postings) = parts_and_postings(&stage).await;
        assert_eq!(postings, 0, "the batch has many parts");
        (parts > 0).then_some(parts)
    });
    println!("{} parts are staged", staged.await);
    served.child.kill().unwrap();
    served.child.wait().unwrap();
    assert_eq!(parts_and_postings(&stage).await.1, 0, "killed in time");
    stage.ask("evm_setBlockGasLimit", serde_json::json!(["0x3938700"])).await;

    let mut served = serve(&stage, directory.path());
    let client = ready(&stage, &served).await;
    let mut executor = FakeExecutor::arrives(&served.url, wallet(EXECUTOR), stage.domain, served.region).await;
    executor.start(16, Behaviour::Works).await;
    for task in &tasks {
        eventually("every task is on L1", async || {
            let state = client.task(*task).await?.state;
            matches!(state, TaskState::Posted | TaskState::Attested | TaskState::Final).then_some(())
        })
        .await;
    }
    let mut wanted: Vec<(B256, u32)> = tasks.iter().map(|task| (*task, 0)).collect();
    let mut got = leaves(&stage, served.region).await;
    wanted.sort_unstable();
    got.sort_unstable();
    assert_eq!(got, wanted, "each once");
    served.child.kill().unwrap();
    served.child.wait().unwrap();
}

/// A client, once the sequencer takes tasks.
async fn ready(stage: &Stage, served: &Served) -> Client {
    eventually("the sequencer knows L1", async || {
        let client = Client::new(&served.url, wallet(CLIENT), stage.domain).await;
        let chain: U64 = client.rpc.request("eth_chainId", rpc_params![]).await.unwrap();
        assert_eq!(chain.to::<u64>(), stage.deployment.chain_id);
        let known = client.status.l1_block > 0;
        let _: Option<serde_json::Value> =
            client.rpc.request(methods::GET_TASK, rpc_params![B256::ZERO]).await.unwrap();
        known.then_some(client)
    })
    .await
}
