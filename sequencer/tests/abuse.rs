//! What peers may do wrong, or do on purpose: a coded error each, and service for others as before.
#![allow(clippy::unwrap_used)]

mod stage;

use std::time::{Duration, Instant};

use alloy_primitives::{B256, Bytes, U64, U256};
use assay_protocol::data::blob_root;
use assay_protocol::objects::{Domain, ExecutorSession, TaskRequest, TypedData};
use assay_protocol::rpc::{BatchView, Decline, DeclineReason, ErrorCode, Session, StatusView, blobs, methods};
use assay_protocol::{BlobRef, rpc::SignedReceipt};
use jsonrpsee::core::client::{ClientT, Error, Subscription, SubscriptionClientT};
use jsonrpsee::rpc_params;
use serde_json::Value;
use stage::raw::{post, raw, refused};
use stage::{
    CLIENT, Client, EXECUTOR, FakeExecutor, OTHER_EXECUTOR, Stage, answer, connect, eventually, result, sign, wallet,
    wasm,
};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_has_its_code() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut config = stage.config(directory.path());
    config.intake.fee_min = 1000;
    let running = stage.sequencer(config).await;
    let client = Client::new(&running.url(), wallet(CLIENT), stage.domain).await;
    let program = client.register(&wasm()).await.program;
    let (good, signature) = client.request(program, b"input", 0);
    let submit =
        async |request: TaskRequest, input: &[u8]| client.submit(&request, &client.sign(&request), input).await;

    refused(client.submit(&good, &Bytes::from(vec![1; 64]), b"input").await, ErrorCode::InvalidSignature);
    let other = Bytes::from(wallet(EXECUTOR).sign_hash(&good.id(&stage.domain)).unwrap().to_vec());
    refused(client.submit(&good, &other, b"input").await, ErrorCode::InvalidSignature);
    // The client's own, for another chain: it comes to an address that nobody knows.
    let elsewhere = Domain { chain_id: 1, ..stage.domain };
    let foreign = Bytes::from(wallet(CLIENT).sign_hash(&good.id(&elsewhere)).unwrap().to_vec());
    match client.submit(&good, &foreign, b"input").await {
        Err(Error::Call(error)) => {
            assert!(error.message().contains("domain is of another chain or contract"), "{error:?}");
        }
        other => panic!("{other:?}"),
    }
    // The twin of a good signature: n - s, and the other v.
    let order = U256::from_str_radix("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16).unwrap();
    let mut twin = signature.to_vec();
    let high = order - U256::from_be_slice(&twin[32..64]);
    twin[32..64].copy_from_slice(&high.to_be_bytes::<32>());
    twin[64] = 27 + 28 - twin[64];
    refused(client.submit(&good, &twin.into(), b"input").await, ErrorCode::InvalidSignature);
    refused(submit(TaskRequest { region: B256::ZERO, ..good }, b"input").await, ErrorCode::WrongRegion);
    refused(submit(TaskRequest { program: B256::ZERO, ..good }, b"input").await, ErrorCode::UnknownProgram);
    refused(submit(good, b"other").await, ErrorCode::WrongBlob);
    refused(submit(TaskRequest { fuel_limit: 0, ..good }, b"input").await, ErrorCode::FuelLimit);
    refused(submit(TaskRequest { fuel_limit: 1 << 40, ..good }, b"input").await, ErrorCode::FuelLimit);
    refused(submit(TaskRequest { output_length_max: 1 << 40, ..good }, b"input").await, ErrorCode::OutputLimit);
    let long = BlobRef { length: 1 << 33, ..good.input };
    refused(submit(TaskRequest { input: long, ..good }, b"input").await, ErrorCode::InputLength);
    refused(submit(TaskRequest { fee_max: 999, ..good }, b"input").await, ErrorCode::FeeTooLow);
    refused(submit(TaskRequest { deadline: 1000, ..good }, b"input").await, ErrorCode::Deadline);
    let late = client.status.l1_time + client.status.limits.deadline_max + 1000;
    refused(submit(TaskRequest { deadline: late, ..good }, b"input").await, ErrorCode::Deadline);
    let absent = TaskRequest { input: blob_root(b"absent"), ..good };
    let absent_signature = client.sign(&absent);
    let without: Result<SignedReceipt, Error> =
        client.rpc.request(methods::SUBMIT_TASK, rpc_params![absent, absent_signature]).await;
    refused(without, ErrorCode::MissingInput);
    let module: Result<Value, Error> =
        client.rpc.request(methods::REGISTER_PROGRAM, rpc_params![Bytes::from_static(b"\0asm\x01\0\0\0")]).await;
    refused(module, ErrorCode::ModuleRefused);
    let topic: Result<Subscription<Value>, Error> =
        client.rpc.subscribe(methods::SUBSCRIBE, rpc_params!["weather"], methods::UNSUBSCRIBE).await;
    refused(topic, ErrorCode::Topic);
    let nothing: Option<BatchView> = client.rpc.request(methods::GET_BATCH, rpc_params![U64::from(7)]).await.unwrap();
    assert_eq!(nothing, None);
    let receipt = submit(good, b"input").await.unwrap();
    assert_eq!(receipt.receipt.sequence, 0, "what was refused took no number");

    // Its deadline is past: a new one is refused, and this one keeps its receipt.
    stage.ask("evm_increaseTime", serde_json::json!([100_000])).await;
    eventually("the deadline is past", async || {
        let status: StatusView = client.rpc.request(methods::STATUS, rpc_params![]).await.unwrap();
        (status.l1_time > good.deadline).then_some(())
    })
    .await;
    refused(submit(TaskRequest { nonce: 1, ..good }, b"input").await, ErrorCode::Deadline);
    assert_eq!(submit(good, b"input").await.unwrap(), receipt);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn executors_are_who_they_show_to_be_and_results_are_checked() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let running = stage.sequencer(stage.config(directory.path())).await;
    let (url, region) = (running.url(), running.sequencer.region);
    let nobody = FakeExecutor::join(&url, wallet(CLIENT), stage.domain, region).await;
    refused(nobody.map(|_| ()), ErrorCode::NotRegistered);
    let bare = connect(&url).await;
    let authenticate = async |signature: &Bytes| -> Result<Session, Error> {
        bare.request(methods::EXECUTOR_AUTHENTICATE, rpc_params![signature]).await
    };
    refused(authenticate(&Bytes::from(vec![0; 65])).await, ErrorCode::NotAuthenticated);
    let executor = wallet(EXECUTOR).address();
    let hello =
        async || -> B256 { bare.request(methods::EXECUTOR_HELLO, rpc_params![executor, executor]).await.unwrap() };
    let signed = |nonce| {
        let digest = ExecutorSession { region, executor, nonce }.digest(&stage.domain);
        Bytes::from(wallet(EXECUTOR).sign_hash(&digest).unwrap().to_vec())
    };
    let old = signed(hello().await);
    hello().await;
    refused(authenticate(&old).await, ErrorCode::InvalidSignature);
    refused(authenticate(&old).await, ErrorCode::NotAuthenticated);
    let fresh = signed(hello().await);
    authenticate(&fresh).await.unwrap();
    refused(authenticate(&fresh).await, ErrorCode::NotAuthenticated);

    let worker = FakeExecutor::arrives(&url, wallet(EXECUTOR), stage.domain, region).await;
    let mut assignments = worker.subscribe(1).await;
    let other = FakeExecutor::arrives(&url, wallet(OTHER_EXECUTOR), stage.domain, region).await;
    let client = Client::new(&url, wallet(CLIENT), stage.domain).await;
    let program = client.register(&wasm()).await.program;
    client.job(program, b"a job", 0).await;
    let assignment = assignments.next().await.unwrap().unwrap();
    let own = wallet(EXECUTOR);
    let (good, output) = answer(&assignment, &own, &stage.domain);
    let anonymous: Result<bool, Error> =
        bare.request(methods::EXECUTOR_RENEW, rpc_params![good.result.task, U64::from(0)]).await;
    refused(anonymous, ErrorCode::NotAssigned);
    let stranger: Result<bool, Error> =
        client.rpc.request(methods::EXECUTOR_SUBMIT, rpc_params![good.clone(), output.clone()]).await;
    refused(stranger, ErrorCode::NotAuthenticated);
    refused(other.submit(&good, Some(&output)).await, ErrorCode::InvalidResult);
    let (theirs, _) = answer(&assignment, &wallet(OTHER_EXECUTOR), &stage.domain);
    refused(other.submit(&theirs, Some(&output)).await, ErrorCode::NotAssigned);
    let mut forged = good.clone();
    forged.signature = theirs.signature;
    refused(worker.submit(&forged, Some(&output)).await, ErrorCode::NotRegistered);
    refused(worker.submit(&good, Some(&Bytes::from_static(b"another"))).await, ErrorCode::WrongBlob);
    refused(worker.submit(&good, None).await, ErrorCode::MissingOutput);
    let of = |change: &dyn Fn(&mut assay_protocol::objects::TaskResult)| {
        let mut changed = result(&assignment, &own, good.result.output);
        change(&mut changed);
        sign(changed, &own, &stage.domain)
    };
    for bad in
        [of(&|result| result.status = 4), of(&|result| result.fuel_used = 1 << 30), of(&|result| result.status = 3)]
    {
        refused(worker.submit(&bad, Some(&output)).await, ErrorCode::InvalidResult);
    }
    refused(worker.submit(&of(&|result| result.attempt = 1), Some(&output)).await, ErrorCode::NotAssigned);
    let (task, reason) = (good.result.task, DeclineReason::Busy);
    let decline = Decline { task, attempt: 0, executor: own.address(), reason, words: "x".repeat(4000) };
    let declined: Result<bool, Error> = other.rpc.request(methods::EXECUTOR_DECLINE, rpc_params![decline]).await;
    refused(declined, ErrorCode::NotAssigned);
    assert!(worker.submit(&good, Some(&output)).await.unwrap());
    refused(worker.submit(&good, Some(&output)).await, ErrorCode::NotAssigned);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_and_dawdlers_are_cut_and_others_are_served() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut config = stage.config(directory.path());
    config.limits.connections_max = 24;
    config.limits.request_seconds = 1;
    config.limits.subscriptions_max = 3;
    config.limits.batch_length_max = 4;
    let running = stage.sequencer(config).await;
    let address = running.sequencer.rpc;
    let client = Client::new(&running.url(), wallet(CLIENT), stage.domain).await;

    for (body, wanted) in [
        ("{", "-32700"),
        ("[]", "-32600"),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"nothing\"}", "-32601"),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"assay_getTask\",\"params\":[\"0x12\"]}", "-32602"),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"assay_getTask\",\"params\":{\"task\":\"0x12\"}}", "-32602"),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\"}", "0x7a69"),
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"assay_subscribe\",\"params\":[\"batches\"]}", "-32601"),
        (
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"executor_hello\",\"params\":[]}",
            "a WebSocket: connect to the same",
        ),
    ] {
        let answer = raw(address, &post(body, "")).await;
        assert!(answer.contains(wanted), "{body}: {answer}");
    }
    let batch = format!("[{}]", ["{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\"}"; 5].join(","));
    assert!(raw(address, &post(&batch, "")).await.contains("-32010"), "too many calls in a batch");
    let deep = "[".repeat(100_000);
    assert!(raw(address, &post(&deep, "")).await.contains("-32"), "deep nesting is an error, not a crash");
    let long = raw(address, &post(&"x".repeat(3 << 20), "")).await;
    assert!(long.is_empty() || (long.contains("413") && long.contains("-32007")), "{long}");
    // A peer that says at once how long its call is gets its answer before it has sent it.
    let head = "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 3000000\r\n\r\n";
    let long = raw(address, head.as_bytes()).await;
    assert!(long.starts_with("HTTP/1.1 413") && long.contains("-32007"), "{long}");

    // Heads and bodies that never end are cut.
    let body = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\ncontent-type: application/json\r\n\r\n{";
    for (begun, status, code) in [("POST / HT", "", ""), (body, "HTTP/1.1 408", "-39012")] {
        let began = Instant::now();
        let answer = raw(address, begun.as_bytes()).await;
        assert!(answer.starts_with(status) && answer.contains(code), "{answer}");
        assert!(!answer.contains("200 OK") && began.elapsed() < Duration::from_secs(10), "{answer}");
    }

    let mut subscriptions = Vec::new();
    for _ in 0..3 {
        let subscribed: Subscription<Value> =
            client.rpc.subscribe(methods::SUBSCRIBE, rpc_params!["tasks"], methods::UNSUBSCRIBE).await.unwrap();
        subscriptions.push(subscribed);
    }
    let one_more: Result<Subscription<Value>, Error> =
        client.rpc.subscribe(methods::SUBSCRIBE, rpc_params!["tasks"], methods::UNSUBSCRIBE).await;
    let code =
        one_more.map(|_| 0).unwrap_or_else(|error| if let Error::Call(error) = error { error.code() } else { 1 });
    assert_eq!(code, -32006, "too many subscriptions");

    // More connections than there are places: those inside go on.
    let mut silent = Vec::new();
    for _ in 0..60 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let status: StatusView = client.rpc.request(methods::STATUS, rpc_params![]).await.unwrap();
    assert_eq!(status.region, running.sequencer.region);
    drop(silent);
    eventually("there are places again", async || {
        raw(address, &post("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"net_version\"}", ""))
            .await
            .contains("31337")
            .then_some(())
    })
    .await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_and_the_admin_are_where_they_should_be() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let running = stage.sequencer(stage.config(directory.path())).await;
    let (address, admin) = (running.sequencer.rpc, running.sequencer.admin.unwrap());
    let client = Client::new(&running.url(), wallet(CLIENT), stage.domain).await;
    let program = client.register(&wasm()).await.program;
    let input: Vec<u8> = (0..200_000_u32).map(|index| (index >> 3) as u8).collect();
    let path = blobs::path(&blob_root(&input));
    let mut upload =
        format!("PUT {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", input.len())
            .into_bytes();
    upload.extend_from_slice(&input);
    let answer = raw(address, &upload).await;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let (request, signature) = client.request(program, &input, 0);
    let receipt: SignedReceipt =
        client.rpc.request(methods::SUBMIT_TASK, rpc_params![request, signature]).await.unwrap();
    client.check(&request, &receipt);
    let answer = raw(
        address,
        format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nrange: bytes=8-15\r\n\r\n").as_bytes(),
    )
    .await;
    assert!(
        answer.starts_with("HTTP/1.1 206") && answer.ends_with("\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}\u{1}"),
        "{answer:?}"
    );

    let call =
        |method: &str, extra: &str| post(&format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\"}}"), extra);
    assert!(raw(admin, &call("admin_status", "")).await.starts_with("HTTP/1.1 401"));
    assert!(raw(admin, &call("admin_status", "authorization: Bearer a.b.c\r\n")).await.starts_with("HTTP/1.1 401"));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let token = format!("authorization: Bearer {}\r\n", running.sequencer.secret.clone().unwrap().token(now));
    assert!(raw(admin, &call("admin_pauseIntake", &token)).await.contains("true"));
    let (request, signature) = client.request(program, b"paused", 1);
    refused(client.submit(&request, &signature, b"paused").await, ErrorCode::Unavailable);
    let known = receipt.receipt.task;
    let (request_before, signature_before) = client.request(program, &input, 0);
    assert_eq!(request_before.id(&stage.domain), known);
    let again: SignedReceipt =
        client.rpc.request(methods::SUBMIT_TASK, rpc_params![request_before, signature_before]).await.unwrap();
    assert_eq!(again, receipt, "what is here keeps its receipt");
    assert!(raw(admin, &call("admin_status", &token)).await.contains("\"isPaused\":true"));
    assert!(raw(admin, &call("admin_resumeIntake", &token)).await.contains("true"));
    client.submit(&request, &signature, b"paused").await.unwrap();
    assert!(raw(admin, &call("admin_postNow", &token)).await.contains("true"));
    assert!(raw(address, &call("admin_status", &token)).await.contains("-32601"), "not on the public port");
    running.stop().await;
}
