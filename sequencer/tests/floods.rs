//! Floods, each from an address of its own, while somebody at another address goes on working.
#![allow(clippy::unwrap_used)]

mod stage;

use std::net::SocketAddr;
use std::time::Duration;

use alloy_primitives::{B256, Bytes, U64};
use assay_protocol::data::blob_root;
use assay_protocol::objects::TaskRequest;
use assay_protocol::rpc::{Assignment, ErrorCode, ProgramView, Session, StatusView, blobs, methods};
use jsonrpsee::client_transport::ws::{Url, WsTransportClientBuilder};
use jsonrpsee::core::client::{
    Client as RpcClient, ClientT, Error, ReceivedMessage, Subscription, SubscriptionClientT, TransportReceiverT,
    TransportSenderT,
};
use jsonrpsee::rpc_params;
use serde_json::Value;
use stage::raw::{address, memory_kib, raw, refused, socket_from};
use stage::{
    Behaviour, CLIENT, Client, EXECUTOR, FakeExecutor, OTHER_EXECUTOR, Stage, connect, connect_from, eventually,
    wallet, wasm,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Who goes on working, and where from.
const WORKER: u8 = 100;
/// Longer than any call may take while others misbehave.
const IN_TIME: Duration = Duration::from_secs(20);

/// Somebody whose tasks are taken in whatever others do.
struct Worker {
    client: Client,
    program: B256,
    nonce: u64,
}

impl Worker {
    async fn new(url: &str, stage: &Stage) -> Self {
        let rpc = connect_from(address(WORKER), url).await.unwrap();
        let client = Client::over(rpc, wallet(CLIENT), stage.domain).await;
        let program = client.register(&wasm()).await.program;
        Self { client, program, nonce: 1000 }
    }

    async fn works(&mut self) {
        self.nonce += 1;
        tokio::time::timeout(IN_TIME, self.client.job(self.program, b"a job", self.nonce)).await.expect("in time");
    }
}

/// What a connection is told that has asked for nothing, if it is told anything at once.
async fn greeting(stream: &mut TcpStream) -> String {
    let mut answer = [0; 1024];
    let read = tokio::time::timeout(Duration::from_millis(200), stream.read(&mut answer)).await;
    String::from_utf8_lossy(&answer[..read.map_or(0, |read| read.unwrap_or(0))]).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_bounded_by_address_and_executors_find_their_places() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut config = stage.config(directory.path());
    config.limits.connections_max = 56;
    config.limits.connections_kept = 8;
    config.limits.connections_per_address_max = 16;
    config.limits.request_seconds = 600;
    let running = stage.sequencer(config).await;
    let (url, to, region) = (running.url(), running.sequencer.rpc, running.sequencer.region);
    let mut worker = Worker::new(&url, &stage).await;
    let executor = async || {
        let rpc = connect_from(address(9), &url).await.map_err(|error| error.to_string())?;
        let joined = FakeExecutor::join_over(rpc, wallet(EXECUTOR), stage.domain, region).await;
        let joined = joined.map_err(|error| error.to_string())?;
        joined.subscribe(1).await;
        Ok::<_, String>(joined)
    };
    let first = eventually("the executor is registered", async || executor().await.ok()).await;
    drop(first);

    let before = memory_kib();
    let (mut held, mut refusals) = (Vec::new(), 0);
    for _ in 0..600 {
        held.push(socket_from(address(1), to).await);
    }
    for stream in &mut held {
        let answer = greeting(stream).await;
        if answer.is_empty() {
            continue;
        }
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("-39012") && answer.contains("BUSY"), "{answer}");
        refusals += 1;
    }
    assert_eq!(refusals, 584, "an address has 16 places");
    worker.works().await;
    let other = connect_from(address(2), &url).await.unwrap();
    let chain: String = other.request("net_version", rpc_params![]).await.unwrap();
    assert_eq!(chain, "31337");

    // Many addresses take all that strangers may have.
    for from in 3..8 {
        for _ in 0..16 {
            held.push(socket_from(address(from), to).await);
        }
    }
    eventually("strangers are refused", async || connect_from(address(8), &url).await.err()).await;
    worker.works().await;
    let second = executor().await.expect("places are kept for executors");
    let grown = memory_kib().saturating_sub(before);
    println!("memory: {before} KiB before the flood of 680 connections, {grown} KiB more during it");
    assert!(grown < 256 << 10, "{grown} KiB more than before");
    drop((held, second));
    eventually("there are places again", async || connect_from(address(8), &url).await.ok()).await;
    worker.works().await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_over_which_nothing_goes_on_are_closed() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut config = stage.config(directory.path());
    config.limits.idle_seconds = 2;
    let running = stage.sequencer(config).await;
    let (url, region) = (running.url(), running.sequencer.region);
    let executor = FakeExecutor::arrives(&url, wallet(EXECUTOR), stage.domain, region).await;
    let subscriber = connect(&url).await;
    let _subscribed: Subscription<Value> =
        subscriber.subscribe(methods::SUBSCRIBE, rpc_params!["tasks"], methods::UNSUBSCRIBE).await.unwrap();
    let idle = connect(&url).await;
    let chain: String = idle.request("net_version", rpc_params![]).await.unwrap();
    assert_eq!(chain, "31337");
    eventually("who does nothing is cut", async || (!idle.is_connected()).then_some(())).await;
    let silent = connect(&url).await;
    eventually("who never did anything is cut", async || (!silent.is_connected()).then_some(())).await;
    for rpc in [&subscriber, &*executor.rpc] {
        assert!(rpc.is_connected());
        let _: String = rpc.request("net_version", rpc_params![]).await.unwrap();
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_survives_what_is_malformed_and_its_peer_hears_why() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut config = stage.config(directory.path());
    config.limits.in_flight_max = 4;
    let running = stage.sequencer(config).await;
    let url = running.url();
    let mut worker = Worker::new(&url, &stage).await;
    let (mut sender, mut receiver) =
        WsTransportClientBuilder::default().build(Url::parse(&url).unwrap()).await.unwrap();
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"net_version"}"#;
    for (message, wanted) in [
        ("{".to_owned(), "-32700"),
        ("\u{0}".to_owned(), "-32700"),
        ("[]".to_owned(), "-32600"),
        ("[".repeat(100_000), "-32"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"assay_getTask","params":["0x12"]}"#.to_owned(), "-32602"),
        ("x".repeat((1 << 20) + 1), "-32007"),
        (format!("[{}]", [call; 5].join(",")), "-39012"),
        (call.to_owned(), "31337"),
    ] {
        sender.send(message.clone()).await.unwrap();
        let answer = loop {
            match tokio::time::timeout(IN_TIME, receiver.receive()).await.expect("in time").unwrap() {
                ReceivedMessage::Text(text) => break text,
                ReceivedMessage::Bytes(bytes) => break String::from_utf8(bytes).unwrap(),
                ReceivedMessage::Pong => {}
            }
        };
        assert!(answer.contains(wanted), "{:.80}: {answer}", message);
        worker.works().await;
    }
    running.stop().await;
}

/// The beginning of an upload.
fn put(content: &[u8], sent: &[u8]) -> Vec<u8> {
    let (path, length) = (blobs::path(&blob_root(content)), content.len());
    let head = format!("PUT {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), sent].concat()
}

async fn whole(mut stream: TcpStream, request: &[u8]) -> String {
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(IN_TIME, stream.read_to_string(&mut answer)).await.expect("in time").unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_uploads_of_one_address_leave_others_theirs() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut config = stage.config(directory.path());
    config.limits.uploads_per_address_max = 2;
    let running = stage.sequencer(config).await;
    let to: SocketAddr = running.sequencer.rpc;
    let mut held = Vec::new();
    for seed in 0..2 {
        let mut stream = socket_from(address(1), to).await;
        stream.write_all(&put(&[seed; 1000], b"begun")).await.unwrap();
        held.push(stream);
    }
    let content = vec![7; 100_000];
    eventually("an address has two", async || {
        // Refused before its bytes are read.
        let answer = whole(socket_from(address(1), to).await, &put(&content, b"")).await;
        (answer.starts_with("HTTP/1.1 503") && answer.contains("\"BUSY\"")).then_some(())
    })
    .await;
    let answer = whole(socket_from(address(2), to).await, &put(&content, &content)).await;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_are_charged_by_address_and_bounded_in_all() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut config = stage.config(directory.path());
    config.limits.registrations_per_address = 2;
    // A file of some 4.5 KB and what a program counts for beside it.
    config.intake.programs_bytes_max = 10_000;
    let running = stage.sequencer(config).await;
    let url = running.url();
    let register = async |from: u8, module: &[u8]| -> Result<ProgramView, Error> {
        let rpc = connect_from(address(from), &url).await.unwrap();
        rpc.request(methods::REGISTER_PROGRAM, rpc_params![Bytes::copy_from_slice(module)]).await
    };
    let mut worker = Worker::new(&url, &stage).await;
    for _ in 0..2 {
        refused(register(1, b"\0asm\x01\0\0\0").await, ErrorCode::ModuleRefused);
    }
    refused(register(1, b"\0asm\x01\0\0\0").await, ErrorCode::Busy);
    refused(register(1, &wasm()).await, ErrorCode::Busy);
    // The same program with a section that means nothing: another module, another program.
    let other = [wasm(), b"\0\x03\x02hi".to_vec()].concat();
    refused(register(2, &other).await, ErrorCode::ProgramsFull);
    assert_eq!(register(2, &wasm()).await.unwrap().program, worker.program, "what is here is here");
    worker.works().await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_of_one_address_leave_others_their_places() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut config = stage.config(directory.path());
    config.intake.tasks_per_address_max = 3;
    let running = stage.sequencer(config).await;
    let (url, region) = (running.url(), running.sequencer.region);
    let mut worker = Worker::new(&url, &stage).await;
    let flooder = async || {
        let rpc = connect_from(address(1), &url).await.unwrap();
        Client::over(rpc, wallet(CLIENT), stage.domain).await
    };
    let first = flooder().await;
    for nonce in 0..3 {
        first.job(worker.program, b"one of many", nonce).await;
    }
    let (request, signature) = first.request(worker.program, b"one too many", 3);
    refused(first.submit(&request, &signature, b"one too many").await, ErrorCode::Busy);
    let second = flooder().await;
    refused(second.submit(&request, &signature, b"one too many").await, ErrorCode::Busy);
    first.job(worker.program, b"one of many", 0).await;
    worker.works().await;
    // What is in a batch takes no place.
    let mut executor = FakeExecutor::arrives(&url, wallet(EXECUTOR), stage.domain, region).await;
    executor.start(8, Behaviour::Works).await;
    eventually("there is a place", async || second.submit(&request, &signature, b"one too many").await.ok()).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_replayed_changes_nothing() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let running = stage.sequencer(stage.config(directory.path())).await;
    let mut worker = Worker::new(&running.url(), &stage).await;
    let client = &worker.client;
    let (request, signature) = client.request(worker.program, b"once", 1);
    let receipt = client.submit(&request, &signature, b"once").await.unwrap();
    let thief = connect_from(address(3), &running.url()).await.unwrap();
    let thief = Client::over(thief, wallet(EXECUTOR), stage.domain).await;
    for _ in 0..100 {
        assert_eq!(thief.submit(&request, &signature, b"once").await.unwrap(), receipt);
    }
    for changed in [
        TaskRequest { nonce: 2, ..request },
        TaskRequest { fee_max: 1, ..request },
        TaskRequest { client: thief.wallet.address(), ..request },
    ] {
        refused(thief.submit(&changed, &signature, b"once").await, ErrorCode::InvalidSignature);
    }
    assert_eq!(thief.status.next_sequence, receipt.receipt.sequence + 1);
    worker.works().await;
    let (next, signature) = worker.client.request(worker.program, b"next", 3);
    let next = worker.client.submit(&next, &signature, b"next").await.unwrap();
    assert_eq!(next.receipt.sequence, receipt.receipt.sequence + 2, "neither took a number");
    // What is not HTTP is not answered, and harms nobody.
    assert!(!raw(running.sequencer.rpc, b"\x16\x03\x01 not http\r\n\r\n").await.contains("200"));
    running.stop().await;
}

/// Reported: one executor could sit on every connection that there is for executors.
#[tokio::test(flavor = "multi_thread")]
async fn an_executor_has_so_many_connections_and_others_find_theirs() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut config = stage.config(directory.path());
    config.dispatch.connections_per_executor_max = 2;
    let running = stage.sequencer(config).await;
    let (url, region) = (running.url(), running.sequencer.region);
    let join = async |index| FakeExecutor::join(&url, wallet(index), stage.domain, region).await;
    let first = FakeExecutor::arrives(&url, wallet(EXECUTOR), stage.domain, region).await;
    let second = join(EXECUTOR).await.unwrap();
    for _ in 0..20 {
        refused(join(EXECUTOR).await.map(drop), ErrorCode::Busy);
    }
    let other = FakeExecutor::arrives(&url, wallet(OTHER_EXECUTOR), stage.domain, region).await;
    drop(first);
    let third = eventually("a connection is free again", async || join(EXECUTOR).await.ok()).await;
    drop((second, third, other));
    running.stop().await;
}

/// Reported: an executor that said hello again and failed to sign was never gone from its connection, and so could take all places.
#[tokio::test(flavor = "multi_thread")]
async fn an_executor_leaves_with_its_connection_and_not_before() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut config = stage.config(directory.path());
    config.dispatch.executors_max = 1;
    let running = stage.sequencer(config).await;
    let (url, region) = (running.url(), running.sequencer.region);
    let watcher = connect(&url).await;
    let counted = async |wanted: u64| {
        eventually("the executor comes, or goes", async || {
            let status: StatusView = watcher.request(methods::STATUS, rpc_params![]).await.unwrap();
            (status.executors == wanted).then_some(())
        })
        .await;
    };
    for _ in 0..3 {
        let worker = FakeExecutor::arrives(&url, wallet(EXECUTOR), stage.domain, region).await;
        let assignments = worker.subscribe(1).await;
        counted(1).await;
        let (executor, nonsense) = (worker.wallet.address(), Bytes::from(vec![0; 65]));
        let hello: Result<B256, Error> =
            worker.rpc.request(methods::EXECUTOR_HELLO, rpc_params![executor, executor]).await;
        refused(hello, ErrorCode::NotAuthenticated);
        let shown: Result<Session, Error> =
            worker.rpc.request(methods::EXECUTOR_AUTHENTICATE, rpc_params![nonsense]).await;
        refused(shown, ErrorCode::NotAuthenticated);
        drop((worker, assignments));
        counted(0).await;
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_executor_has_one_subscription_at_a_time() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let running = stage.sequencer(stage.config(directory.path())).await;
    let (url, region) = (running.url(), running.sequencer.region);
    let worker = FakeExecutor::arrives(&url, wallet(EXECUTOR), stage.domain, region).await;
    let subscribe = async || -> Result<Subscription<Assignment>, Error> {
        let slots = rpc_params![U64::from(1)];
        worker.rpc.subscribe(methods::EXECUTOR_SUBSCRIBE, slots, methods::EXECUTOR_UNSUBSCRIBE).await
    };
    let first = subscribe().await.unwrap();
    refused(subscribe().await, ErrorCode::Busy);
    drop(first);
    eventually("the first is over", async || subscribe().await.ok()).await;
    running.stop().await;
}

/// Reported: one address could have a thousand subscriptions, each woken by all that happens.
#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_are_bounded_by_address() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut config = stage.config(directory.path());
    config.limits.subscriptions_per_address_max = 3;
    let running = stage.sequencer(config).await;
    let url = running.url();
    let subscribe = async |rpc: &RpcClient| -> Result<Subscription<Value>, Error> {
        rpc.subscribe(methods::SUBSCRIBE, rpc_params!["tasks"], methods::UNSUBSCRIBE).await
    };
    let one = connect_from(address(1), &url).await.unwrap();
    let two = connect_from(address(1), &url).await.unwrap();
    let mut held = Vec::new();
    for rpc in [&one, &one, &two] {
        held.push(subscribe(rpc).await.unwrap());
    }
    refused(subscribe(&two).await, ErrorCode::Busy);
    let other = connect_from(address(2), &url).await.unwrap();
    held.push(subscribe(&other).await.unwrap());
    drop(held.remove(0));
    eventually("there is a place", async || subscribe(&two).await.ok()).await;
    running.stop().await;
}
