//! Load on a sequencer, with anvil beside it, on this machine: throughput and latency of receipts, or of jobs up to L1.
//!
//! `cargo run --release -p assay-sequencer --example load -- receipts RATE SECONDS` submits small jobs at a rate, checks every receipt, and
//! prints how long they took from the moment at which each was due. `load -- jobs RATE SECONDS` has an executor, the role's own code on the
//! native engine, run a program of the repository on each, a challenger run a tenth of them again, waits until every job is in a batch on
//! L1, holds every answer there against a digest by another hand, and prints what a job costs there in bytes and gas.
#![allow(clippy::unwrap_used, reason = "what fails here is a failed measurement")]

#[path = "../tests/stage/mod.rs"]
mod stage;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alloy_primitives::{B256, Bytes, U256};
use assay_anvil::account;
use assay_challenger::{Challenger, ChallengerConfig};
use assay_executor_node::{Executor, ExecutorConfig};
use assay_node::telemetry::{Health, LogFormat, Metrics, logs};
use assay_protocol::data::blob_root;
use assay_protocol::objects::{TaskRequest, TypedData};
use assay_protocol::rpc::{BatchView, SignedReceipt, StatusView, methods};
use assay_protocol::signature::recover;
use assay_runner::L1Config;
use jsonrpsee::core::client::{ClientT, Subscription, SubscriptionClientT};
use jsonrpsee::rpc_params;
use sha2::{Digest, Sha256};
use stage::{CLIENT, Client, EXECUTOR, SEQUENCER, Stage, claims, connect, eventually, wallet};
use tokio_util::sync::CancellationToken;

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
    logs(LogFormat::Human, &std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".into())).unwrap();
    let stage = Stage::open().await.expect("the contracts' tools bring anvil");
    let directory = tempfile::tempdir().unwrap();
    let mut config = stage.config(directory.path());
    // A block of anvil's has room for some forty parts of such batches.
    (config.batches.wait_ms, config.chain.unmined_max) = (1000, 64);
    // All jobs come from here.
    config.intake.tasks_per_address_max = config.intake.tasks_max;
    let running = stage.sequencer(config).await;
    let (url, region) = (running.url(), running.sequencer.region);
    let client = Client::new(&url, wallet(CLIENT), stage.domain).await;
    let module = concat!(env!("CARGO_MANIFEST_DIR"), "/../jobs/wasm/sha256.wasm");
    let program = client.register(&std::fs::read(module).unwrap()).await.program;
    println!("signing {} requests", rate * seconds);
    let jobs = signed(Arc::new(client), program, rate * seconds);
    let (jobs, client) = (jobs.0, jobs.1);
    match kind {
        "jobs" => {
            let roles = Roles::start(&stage, &url, directory.path()).await;
            through(&stage, &url, &client, &jobs, rate).await;
            answers(&stage, region, &jobs).await;
            roles.stop(jobs.len() as u64).await;
        }
        _ => {
            let (receipts, latencies, took) = submit(&url, &jobs, rate).await;
            check(&client.status, &stage.domain, &jobs, &receipts);
            report("receipts", latencies, took);
        }
    }
    running.stop().await;
}

/// An executor and a challenger, each as it would be by itself, within this process.
struct Roles {
    stop: CancellationToken,
    report: Box<dyn Fn() -> assay_challenger::Report>,
    executing: tokio::task::JoinHandle<()>,
    challenging: tokio::task::JoinHandle<()>,
}

impl Roles {
    async fn start(stage: &Stage, url: &str, folder: &std::path::Path) -> Self {
        let (health, stop, l1) = (Health::new(), CancellationToken::new(), L1Config::devnet(stage.anvil.url()));
        let (file, data) = (folder.join("none"), folder.join("executor"));
        let mut config = ExecutorConfig::new(l1.clone(), file.clone(), data, vec![url.to_owned()]);
        config.jobs.slots = 256;
        let (deployment, metrics) = (stage.deployment.clone(), Metrics::new("assay"));
        let executor = Executor::open(config, deployment.clone(), wallet(EXECUTOR), &health, &metrics).unwrap();
        let token = stop.clone();
        let executing = tokio::spawn(async move { executor.run(token).await.unwrap() });
        // It has no key: it watches, and calls a program if there is anything to tell.
        let mut config = ChallengerConfig::new(l1, file, folder.join("challenger"));
        config.hook = vec!["false".into()];
        let challenger = Challenger::open(config, deployment, None, &health, &Metrics::new("assay")).unwrap();
        let reporter = challenger.reporter();
        let token = stop.clone();
        let challenging = tokio::spawn(async move { challenger.run(token).await.unwrap() });
        eventually("the roles are ready", async || health.waits_for().is_empty().then_some(())).await;
        Self { stop, report: Box::new(move || reporter().unwrap()), executing, challenging }
    }

    /// Waits until the challenger has looked at all leaves.
    async fn stop(self, leaves: u64) {
        let report = eventually("the challenger has seen every leaf", async || {
            let report = (self.report)();
            let of = report.executors.iter().map(|line| (line.sampled, line.agreed, line.wrong)).next();
            (report.leaves == leaves).then_some(of).flatten()
        });
        let (sampled, agreed, wrong) = report.await;
        println!(
            "the challenger has checked {leaves} faces, run {sampled} leaves again: {agreed} agreed, {wrong} wrong"
        );
        assert_eq!((agreed, wrong), (sampled, 0));
        self.stop.cancel();
        self.executing.await.unwrap();
        self.challenging.await.unwrap();
    }
}

/// What the job answers on an input.
fn digest(input: &[u8]) -> Vec<u8> {
    let hex: String = Sha256::digest(input).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}\n").into_bytes()
}

/// Every job is on L1 once, by its first attempt, with the answer that is right.
async fn answers(stage: &Stage, region: B256, jobs: &[Signed]) {
    let mut wanted: HashMap<B256, _> = HashMap::new();
    for (request, _, input) in jobs {
        wanted.insert(request.id(&stage.domain), blob_root(&digest(input)));
    }
    for claim in claims(stage, region).await {
        let output = wanted.remove(&claim.result.task).expect("each once, and no others");
        let result = claim.result;
        assert_eq!((result.attempt, result.status, result.code, result.output), (0, 1, 0, output), "{}", result.task);
    }
    assert!(wanted.is_empty(), "{} are lost", wanted.len());
    println!("{} answers on L1 checked: each job once, each digest right", jobs.len());
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
async fn through(stage: &Stage, url: &str, client: &Client, jobs: &Arc<Vec<Signed>>, rate: usize) {
    let watcher = connect(url).await;
    let mut batches: Subscription<BatchView> =
        watcher.subscribe(methods::SUBSCRIBE, rpc_params!["batches"], methods::UNSUBSCRIBE).await.unwrap();
    let (first_block, began) = (stage.anvil.head().await.unwrap(), Instant::now());
    let wanted = jobs.len();
    let posted = tokio::spawn(async move {
        let (mut times, mut bytes) = (HashMap::new(), 0_u64);
        while times.len() < wanted {
            let batch =
                batches.next().await.expect("the sequencer tells of batches for as long as it is asked to").unwrap();
            bytes += u64::from(batch.batch.data_length);
            let (number, leaves, at) = (batch.batch.number, batch.tasks.len(), began.elapsed().as_secs_f64());
            println!("batch {number}: {leaves} jobs on L1 after {at:.1} s");
            for task in batch.tasks {
                assert!(times.insert(task, began.elapsed()).is_none(), "{task} twice");
            }
        }
        (times, bytes, began.elapsed())
    });
    let (receipts, latencies, took) = submit(url, jobs, rate).await;
    let (times, bytes, all) = posted.await.unwrap();
    assert!(receipts.iter().all(|receipt| times.contains_key(&receipt.receipt.task)), "nothing lost");
    check(&client.status, &stage.domain, jobs, &receipts);
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
