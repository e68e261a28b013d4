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

use alloy_primitives::{B256, Bytes, U64};
use alloy_sol_types::SolEvent;
use assay_node::shutdown::Process;
use assay_protocol::contracts::Batches;
use assay_protocol::data::Data;
use assay_protocol::deployment::Deployment;
use assay_protocol::objects::Batch;
use assay_protocol::rpc::{TaskState, methods};
use assay_sequencer::Sequencer;
use jsonrpsee::core::client::ClientT;
use jsonrpsee::rpc_params;
use stage::{Behaviour, CLIENT, Client, EXECUTOR, FakeExecutor, SEQUENCER, Stage, config, eventually, wallet, wasm};

/// Set in the child: the folder of its data, L1's address, the deployment.
const CHILD: &str = "ASSAY_TEST_SEQUENCER";

/// The child of the next test; as a test of its own it has nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn child_serves_until_it_is_killed() {
    let Ok(arguments) = std::env::var(CHILD) else { return };
    let (data, rest) = arguments.split_once('|').unwrap();
    let (l1, deployment) = rest.split_once('|').unwrap();
    let mut config = config(Path::new(data), l1);
    config.batches.wait_ms = 200;
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

/// Every leaf of every batch of the region on L1, from its logs alone: task and attempt.
async fn leaves(stage: &Stage, region: B256) -> Vec<(B256, u32)> {
    let contract = stage.deployment.contracts.batches;
    let filter = serde_json::json!([{ "address": contract, "fromBlock": "0x0", "toBlock": "latest" }]);
    let logs: Vec<assay_node::l1::Log> = serde_json::from_value(stage.ask("eth_getLogs", filter).await).unwrap();
    let (mut parts, mut found): (HashMap<(u64, u32), Bytes>, Vec<_>) = (HashMap::new(), Vec::new());
    for log in logs {
        if let Ok(part) = Batches::DataPosted::decode_log(&log.inner) {
            parts.insert((part.number, part.part), part.data.data.clone());
        }
        let Ok(event) = Batches::BatchPosted::decode_log(&log.inner) else { continue };
        assert_eq!((event.region, event.number as usize), (region, found.len()), "numbers without gaps");
        let header = &event.batch;
        let batch = Batch {
            region,
            number: header.number,
            parent: header.parent,
            first_sequence: header.firstSequence,
            leaf_root: header.leafRoot,
            count: header.count,
            data_root: header.dataRoot,
            data_length: header.dataLength,
            blob_count: header.blobCount,
            as_of: header.asOf,
            min_deadline: header.minDeadline,
        };
        let mut data = Vec::new();
        for part in 0_u32.. {
            if data.len() >= batch.data_length as usize {
                break;
            }
            data.extend_from_slice(&parts[&(batch.number, part)]);
        }
        let data = Data::decode(&batch, &stage.domain, &data).unwrap();
        found.push(data.claims().map(|claim| (claim.result.task, claim.result.attempt)).collect::<Vec<_>>());
    }
    found.concat()
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
    for (task, (receipt, request, signature, input)) in &accepted {
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
