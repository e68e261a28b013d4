//! Load on a sequencer, with anvil beside it, on this machine: throughput and latency of receipts, or of jobs up to L1.
//!
//! `cargo run --release -p assay-sequencer --example load -- receipts RATE SECONDS` submits small jobs at a rate, checks every receipt, and
//! prints how long they took from the moment at which each was due. `load -- jobs RATE SECONDS` lets an executor that pretends to run answer
//! them, waits until every job is in a batch on L1, and prints what a job costs there in bytes and gas.
#![allow(clippy::unwrap_used, reason = "what fails here is a failed measurement")]

#[path = "../tests/stage/mod.rs"]
mod stage;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::{B256, Bytes, U256};
use assay_anvil::account;
use assay_protocol::objects::{TaskRequest, TypedData};
use assay_protocol::rpc::{BatchView, SignedReceipt, StatusView, methods};
use assay_protocol::signature::recover;
use jsonrpsee::core::client::{ClientT, Subscription, SubscriptionClientT};
use jsonrpsee::rpc_params;
use stage::{Behaviour, CLIENT, Client, EXECUTOR, FakeExecutor, SEQUENCER, Stage, connect, eventually, wallet, wasm};

/// Connections that submit.
const CONNECTIONS: usize = 8;
/// Bytes of an input.
const INPUT: usize = 100;

type Signed = (TaskRequest, Bytes, Bytes);

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (kind, rate, seconds) = match arguments.as_slice() {
        [kind, rate, seconds] => (kind.as_str(), rate.parse().unwrap(), seconds.parse().unwrap()),
        _ => ("receipts", 1000, 10),
    };
    let stage = Stage::open().await.expect("the contracts' tools bring anvil");
    let directory = tempfile::tempdir().unwrap();
    let mut config = stage.config(directory.path());
    config.batches.wait_ms = 1000;
    let running = stage.sequencer(config).await;
    let (url, region) = (running.url(), running.sequencer.region);
    let client = Client::new(&url, wallet(CLIENT), stage.domain).await;
    let program = client.register(&wasm()).await.program;
    println!("signing {} requests", rate * seconds);
    let jobs = signed(Arc::new(client), program, rate * seconds);
    let (jobs, client) = (jobs.0, jobs.1);
    match kind {
        "jobs" => {
            let mut executor = FakeExecutor::join(&url, wallet(EXECUTOR), stage.domain, region).await.unwrap();
            executor.start(256, Behaviour::Works).await;
            through(&stage, &url, &client, jobs, rate).await;
        }
        _ => {
            let (receipts, latencies, took) = submit(&url, &jobs, rate).await;
            check(&client.status, &stage.domain, &jobs, &receipts);
            report("receipts", latencies, took);
        }
    }
    running.stop().await;
}

/// Requests with signatures and inputs, made on all processors.
fn signed(client: Arc<Client>, program: B256, count: usize) -> (Arc<Vec<Signed>>, Arc<Client>) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let made: Vec<Vec<Signed>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let client = client.clone();
                scope.spawn(move || {
                    (thread..count)
                        .step_by(threads)
                        .map(|nonce| {
                            let mut input = vec![7_u8; INPUT];
                            input[..8].copy_from_slice(&(nonce as u64).to_be_bytes());
                            let (request, signature) = client.request(program, &input, nonce as u64);
                            (request, signature, Bytes::from(input))
                        })
                        .collect()
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let mut jobs = made.concat();
    jobs.sort_unstable_by_key(|(request, ..)| request.nonce);
    (Arc::new(jobs), client)
}

/// Submits at a rate; receipts in the order of the jobs, latencies from when each was due, and the time until the last answer.
async fn submit(url: &str, jobs: &Arc<Vec<Signed>>, rate: usize) -> (Vec<SignedReceipt>, Vec<Duration>, Duration) {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Arc::new(connect(url).await));
    }
    let began = tokio::time::Instant::now() + Duration::from_millis(100);
    let mut senders = Vec::new();
    for (index, connection) in connections.into_iter().enumerate() {
        let jobs = jobs.clone();
        senders.push(tokio::spawn(async move {
            let mut waiting = Vec::new();
            for number in (index..jobs.len()).step_by(CONNECTIONS) {
                let due = began + Duration::from_secs_f64(number as f64 / rate as f64);
                tokio::time::sleep_until(due).await;
                let (connection, jobs) = (connection.clone(), jobs.clone());
                waiting.push(tokio::spawn(async move {
                    let (request, signature, input) = &jobs[number];
                    let params = rpc_params![request, signature, input];
                    let receipt: SignedReceipt = connection.request(methods::SUBMIT_TASK, params).await.unwrap();
                    (number, receipt, due.elapsed())
                }));
            }
            let mut answers = Vec::new();
            for answer in waiting {
                answers.push(answer.await.unwrap());
            }
            answers
        }));
    }
    let mut answers = Vec::new();
    for sender in senders {
        answers.extend(sender.await.unwrap());
    }
    let took = began.elapsed();
    answers.sort_unstable_by_key(|(number, ..)| *number);
    let latencies = answers.iter().map(|(_, _, latency)| *latency).collect();
    (answers.into_iter().map(|(_, receipt, _)| receipt).collect(), latencies, took)
}

/// Every receipt is the sequencer's word on its job, and no number is there twice or missing.
fn check(status: &StatusView, domain: &assay_protocol::objects::Domain, jobs: &[Signed], receipts: &[SignedReceipt]) {
    let began = Instant::now();
    let mut sequences: Vec<u64> = Vec::new();
    for ((request, ..), signed) in jobs.iter().zip(receipts) {
        assert_eq!(signed.receipt.task, request.id(domain));
        assert_eq!(recover(&signed.signature, &signed.receipt.digest(domain)).unwrap(), status.key);
        sequences.push(signed.receipt.sequence);
    }
    sequences.sort_unstable();
    assert!(sequences.iter().copied().eq(status.next_sequence..status.next_sequence + jobs.len() as u64));
    println!(
        "{} receipts checked in {:.1} s: signed, and numbered without gaps",
        receipts.len(),
        began.elapsed().as_secs_f64()
    );
}

fn report(what: &str, mut latencies: Vec<Duration>, took: Duration) {
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    let rate = latencies.len() as f64 / took.as_secs_f64();
    println!(
        "{} {what} in {:.1} s: {rate:.0}/s; latency ms p50 {:.1}, p90 {:.1}, p99 {:.1}, p99.9 {:.1}, most {:.1}",
        latencies.len(),
        took.as_secs_f64(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        at(1.0)
    );
}

/// Jobs through to L1.
async fn through(stage: &Stage, url: &str, client: &Client, jobs: Arc<Vec<Signed>>, rate: usize) {
    let watcher = connect(url).await;
    let mut batches: Subscription<BatchView> =
        watcher.subscribe(methods::SUBSCRIBE, rpc_params!["batches"], methods::UNSUBSCRIBE).await.unwrap();
    let (first_block, began) = (stage.anvil.head().await.unwrap(), Instant::now());
    let wanted = jobs.len();
    let posted = tokio::spawn(async move {
        let (mut times, mut bytes) = (HashMap::new(), 0_u64);
        while times.len() < wanted {
            let batch = batches.next().await.unwrap().unwrap();
            bytes += u64::from(batch.batch.data_length);
            for task in batch.tasks {
                assert!(times.insert(task, began.elapsed()).is_none(), "{task} twice");
            }
        }
        (times, bytes, began.elapsed())
    });
    let (receipts, latencies, took) = submit(url, &jobs, rate).await;
    let (times, bytes, all) = posted.await.unwrap();
    assert!(receipts.iter().all(|receipt| times.contains_key(&receipt.receipt.task)), "nothing lost");
    check(&client.status, &stage.domain, &jobs, &receipts);
    report("receipts", latencies, took);
    let gas = gas(stage, first_block).await;
    println!(
        "{wanted} jobs on L1 in {:.1} s: {:.0}/s, {:.1} s behind the last receipt; {} bytes and {} gas a job",
        all.as_secs_f64(),
        wanted as f64 / all.as_secs_f64(),
        (all.saturating_sub(took)).as_secs_f64(),
        bytes / wanted as u64,
        gas / wanted as u64
    );
}

/// Gas that the sequencer's transactions used since a block.
async fn gas(stage: &Stage, first_block: u64) -> u64 {
    let last = stage.anvil.head().await.unwrap();
    let sequencer = format!("{:?}", account(SEQUENCER).0).to_lowercase();
    let mut gas = 0;
    for block in first_block..=last {
        let receipts = eventually("a block has receipts", async || {
            let receipts = stage.ask("eth_getBlockReceipts", serde_json::json!([U256::from(block)])).await;
            receipts.is_array().then_some(receipts)
        });
        for receipt in receipts.await.as_array().unwrap() {
            if receipt["from"].as_str().is_some_and(|from| from.to_lowercase() == sequencer) {
                gas += serde_json::from_value::<U256>(receipt["gasUsed"].clone()).unwrap().to::<u64>();
            }
        }
    }
    gas
}
