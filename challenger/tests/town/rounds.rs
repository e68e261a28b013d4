//! `kill -9` of whichever role, at random points under load: every accepted task is final exactly once, and nobody honest is accused.
//!
//! Each role is a process of its own: this test's program. Six rounds by default; `ASSAY_CRASH_ROUNDS` asks for more.

use std::collections::HashMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy_primitives::{B256, Bytes};
use assay_protocol::rpc::{SignedReceipt, TaskState, methods};
use jsonrpsee::client_transport::ws::{Url, WsTransportClientBuilder};
use jsonrpsee::core::client::{Client as RpcClient, ClientBuilder, ClientT, Error};
use jsonrpsee::rpc_params;
use tokio_util::sync::CancellationToken;

use crate::killed::Victim;
use crate::roles::{CHALLENGER, challenger_config, watch};
use crate::stage::{CLIENT, Client, PATIENCE, Stage, claims, eventually, wallet, wasm};

const ROLES: [&str; 3] = ["sequencer", "executor", "challenger"];
/// Between two tasks.
const PAUSE: Duration = Duration::from_millis(50);

/// A connection, if the sequencer is there.
async fn line(url: &str) -> Option<RpcClient> {
    let (sender, receiver) = WsTransportClientBuilder::default().build(Url::parse(url).unwrap()).await.ok()?;
    Some(ClientBuilder::default().request_timeout(PATIENCE).build_with_tokio(sender, receiver))
}

/// Submits until it is told to stop, each task until it has a receipt.
async fn submit(
    url: String,
    client: Arc<Client>,
    program: B256,
    accepted: Arc<Mutex<HashMap<B256, SignedReceipt>>>,
    stop: CancellationToken,
) {
    let mut rpc = None;
    for nonce in 0_u64.. {
        let input = format!("{}\n", 100 + nonce % 400);
        let (request, signature) = client.request(program, input.as_bytes(), nonce);
        loop {
            if stop.is_cancelled() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
            if rpc.is_none() {
                rpc = line(&url).await;
            }
            let Some(line) = &rpc else { continue };
            let params = rpc_params![request, &signature, Bytes::copy_from_slice(input.as_bytes())];
            match line.request::<SignedReceipt, _>(methods::SUBMIT_TASK, params).await {
                Ok(receipt) => {
                    client.check(&request, &receipt);
                    accepted.lock().unwrap().insert(receipt.receipt.task, receipt);
                    break;
                }
                Err(Error::Call(_)) => {}
                Err(_) => rpc = None,
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_role_is_killed_every_task_is_final_once() {
    let Some(stage) = Stage::open().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let rounds: u64 = std::env::var("ASSAY_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(6);
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    println!("{rounds} rounds, seed {seed:#x}");
    let mut random = move |bound: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % bound
    };
    // One that nobody has: it is the sequencer's as soon as it is known.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("ws://127.0.0.1:{port}");
    let start = |role: &str| Victim::start(role, &stage, &folder.path().join(role), &url);
    let mut running: HashMap<&str, Victim> = ROLES.iter().map(|role| (*role, start(role))).collect();
    let connected = eventually("the sequencer listens", async || line(&url).await).await;
    let client = Client::over(connected, wallet(CLIENT), stage.domain).await;
    let program = client.register(&wasm()).await.program;
    let status = client.rpc.request(methods::STATUS, rpc_params![]).await.unwrap();
    let client = Arc::new(Client { status, ..client });
    let (accepted, stop) = (Arc::new(Mutex::new(HashMap::new())), CancellationToken::new());
    let submitting = tokio::spawn(submit(url.clone(), client.clone(), program, accepted.clone(), stop.clone()));

    let mut kills: HashMap<&str, u32> = HashMap::new();
    for round in 0..rounds {
        // Each is killed as often as the others, in an order that nobody chose.
        let role = ROLES[(round as usize + random(2) as usize) % ROLES.len()];
        tokio::time::sleep(Duration::from_millis(200 + random(2500))).await;
        drop(running.remove(role));
        *kills.entry(role).or_default() += 1;
        running.insert(role, start(role));
    }
    println!("{} tasks were accepted by then, kills: {kills:?}", accepted.lock().unwrap().len());
    let before = accepted.lock().unwrap().len();
    eventually("tasks are taken in after the last kill", async || {
        (accepted.lock().unwrap().len() > before + 20).then_some(())
    })
    .await;
    stop.cancel();
    submitting.await.unwrap();
    drop(running.remove("challenger"));
    let accepted = std::mem::take(&mut *accepted.lock().unwrap());
    let connected = line(&url).await.unwrap();
    let client = Client::over(connected, wallet(CLIENT), stage.domain).await;
    let mut sequences = Vec::new();
    // In their order: however many there are, each has its time from when the one before it was there.
    let mut in_order: Vec<_> = accepted.iter().collect();
    in_order.sort_unstable_by_key(|(_, receipt)| receipt.receipt.sequence);
    for (task, receipt) in in_order {
        let view = client.reaches(*task, TaskState::Final).await;
        assert_eq!((view.attempt, &view.receipt), (0, receipt), "the same receipt, and nothing became void");
        sequences.push(receipt.receipt.sequence);
    }
    sequences.sort_unstable();
    sequences.dedup();
    assert_eq!(sequences.len(), accepted.len(), "no number twice");
    let mut times: HashMap<B256, u32> = HashMap::new();
    for claim in claims(&stage, client.status.region).await {
        assert_eq!(claim.result.attempt, 0);
        *times.entry(claim.result.task).or_default() += 1;
    }
    assert!(accepted.keys().all(|task| times.get(task) == Some(&1)), "each is on L1 once");
    assert!(times.values().all(|times| *times == 1));
    let challenger = watch(&stage, challenger_config(&stage.anvil.url(), &folder.path().join("challenger"))).await;
    let report = challenger.report();
    for line in &report.executors {
        assert_eq!((line.agreed, line.wrong, line.disputed), (line.sampled, 0, 0), "{line:?}");
    }
    assert_eq!(report.challenger, Some(wallet(CHALLENGER).address()));
    println!("{} accepted, each final once; {} leaves on L1", accepted.len(), times.len());
    challenger.stop().await;
}
