//! The life of tasks, on a real L1: receipts, results, batches, fates.
#![allow(clippy::unwrap_used)]

mod stage;

use alloy_primitives::{B256, U64};
use assay_protocol::contracts::Batches;
use assay_protocol::data::{blob_root, parse_record};
use assay_protocol::objects::{Origin, Place};
use assay_protocol::rpc::{BatchView, LeafOpening, LeafProof, ProgramView, TaskState, methods};
use jsonrpsee::core::client::ClientT;
use jsonrpsee::rpc_params;
use stage::{Behaviour, CLIENT, Client, EXECUTOR, FakeExecutor, OTHER_EXECUTOR, Stage, eventually, wallet, wasm};

/// A proof as the contract takes it.
fn chain(proof: &LeafProof) -> Vec<Batches::LeafProof> {
    let opened = |opening: &LeafOpening| Batches::LeafProof {
        batch: (&opening.batch).into(),
        index: opening.index,
        record: opening.record.clone(),
        siblings: opening.siblings.clone(),
    };
    proof.chain.iter().map(opened).collect()
}

async fn registered(client: &Client, program: B256) {
    eventually("the program is registered", async || {
        let view: Option<ProgramView> = client.rpc.request(methods::GET_PROGRAM, rpc_params![program]).await.unwrap();
        view?.registered_at
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_goes_from_its_receipt_to_final_and_is_proven_to_a_contract() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut config = stage.config(directory.path());
    // So short that the second job's input, which is the first one's output, is too long to be posted.
    config.batches.posted_input_bytes_max = 5000;
    let running = stage.sequencer(config).await;
    let region = running.sequencer.region;
    let mut executor = FakeExecutor::arrives(&running.url(), wallet(EXECUTOR), stage.domain, region).await;
    executor.start(8, Behaviour::Works).await;
    let client = Client::new(&running.url(), wallet(CLIENT), stage.domain).await;
    let program = client.register(&wasm()).await.program;

    // Before L1 knows the program: taken in, and posted when it does.
    let first = client.job(program, b"first", 0).await;
    assert_eq!(client.job(program, b"first", 0).await, first);
    let (request, signature) = client.request(program, b"first", 0);
    let again = client.submit(&request, &signature, b"first").await.unwrap();
    assert_eq!((again.receipt.sequence, again.receipt.task), (0, first), "the same receipt again");
    let empty = client.job(program, b"", 1).await;
    let posted = client.reaches(first, TaskState::Posted).await;
    assert_eq!(posted.result.unwrap().result.output, blob_root(b"tsrif"));
    let view: BatchView = client.rpc.request(methods::GET_BATCH, rpc_params![U64::from(0)]).await.unwrap();
    assert!(view.tasks.contains(&first) && view.batch.number == 0 && view.hash == view.batch.hash());
    registered(&client, program).await;

    // Long inputs: one that is posted nowhere, and one that is the output of a leaf before.
    let long: Vec<u8> = (0..6000_u32).map(|index| index as u8).collect();
    let short: Vec<u8> = long[..4000].to_vec();
    let absent = client.job(program, &long, 2).await;
    let here = client.job(program, &short, 3).await;
    client.reaches(absent, TaskState::Posted).await;
    let place = client.reaches(here, TaskState::Posted).await.place.unwrap();

    // Time passes: every window is over.
    stage.ask("evm_increaseTime", serde_json::json!([61])).await;
    for (task, state) in
        [(first, TaskState::Final), (empty, TaskState::Final), (here, TaskState::Final), (absent, TaskState::Attested)]
    {
        client.reaches(task, state).await;
        let proof: LeafProof = client.rpc.request(methods::GET_PROOF, rpc_params![task]).await.unwrap();
        let call = Batches::fateOfCall { chain: chain(&proof), programs: vec![program] };
        let fate = stage.call(stage.deployment.contracts.batches, call).await as u8;
        // Pending, challenged, void, attested, final.
        assert_eq!(fate, if state == TaskState::Final { 4 } else { 3 }, "{task}");
    }
    let proof: LeafProof = client.rpc.request(methods::GET_PROOF, rpc_params![here]).await.unwrap();
    let claim = parse_record(proof.chain[0].record.as_ref().try_into().unwrap(), region, &stage.domain);
    assert_eq!((proof.place, claim.request.input), (place, blob_root(&short)));
    assert!(matches!(claim.wasm.origin().unwrap(), Origin::Earlier(Place { batch: 0, .. })), "posted once");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_go_where_they_are_taken_and_a_stop_loses_nothing() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut config = stage.config(directory.path());
    config.dispatch.lease_ms = 700;
    let running = stage.sequencer(config.clone()).await;
    let region = running.sequencer.region;
    let client = Client::new(&running.url(), wallet(CLIENT), stage.domain).await;
    let program = client.register(&wasm()).await.program;
    let mut declines = FakeExecutor::arrives(&running.url(), wallet(EXECUTOR), stage.domain, region).await;
    declines.start(4, Behaviour::Declines).await;
    let task = client.job(program, b"declined", 0).await;
    let view = eventually("it is declined", async || {
        client.task(task).await.filter(|view| !view.declines.is_empty() && view.state == TaskState::Queued)
    });
    assert_eq!(view.await.declines[0].executor, wallet(EXECUTOR).address());
    // It was busy: it is asked again, and is not asked without a pause.
    eventually("it is asked again", async || (declines.work.lock().unwrap().given.len() >= 2).then_some(())).await;
    drop(declines);
    // One that does nothing: its leases run out, and after a while, in which others have a turn, the task comes back to it.
    let mut sleeps = FakeExecutor::arrives(&running.url(), wallet(OTHER_EXECUTOR), stage.domain, region).await;
    sleeps.start(4, Behaviour::Sleeps).await;
    eventually("its lease has run out twice", async || (sleeps.work.lock().unwrap().given.len() >= 3).then_some(()))
        .await;
    drop(sleeps);
    running.stop().await;

    let running = stage.sequencer(config).await;
    let client = Client::new(&running.url(), wallet(CLIENT), stage.domain).await;
    assert_eq!(client.task(task).await.unwrap().state, TaskState::Queued);
    let mut works = FakeExecutor::arrives(&running.url(), wallet(OTHER_EXECUTOR), stage.domain, region).await;
    works.start(4, Behaviour::Works).await;
    client.reaches(task, TaskState::Posted).await;
    let next = client.job(program, b"next", 1).await;
    assert_eq!(client.task(next).await.unwrap().receipt.receipt.sequence, 1, "numbers go on where they were");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_in_many_parts_is_posted() {
    let Some(stage) = Stage::open().await else { return };
    let directory = tempfile::tempdir().unwrap();
    let running = stage.sequencer(stage.config(directory.path())).await;
    let region = running.sequencer.region;
    let client = Client::new(&running.url(), wallet(CLIENT), stage.domain).await;
    let program = client.register(&wasm()).await.program;
    let mut executor = FakeExecutor::arrives(&running.url(), wallet(EXECUTOR), stage.domain, region).await;
    let mut tasks = Vec::new();
    for nonce in 0..6_u64 {
        let input: Vec<u8> = (0..60_000_u64).map(|index| (index * (nonce + 3)) as u8).collect();
        tasks.push(client.job(program, &input, nonce).await);
    }
    executor.start(8, Behaviour::Works).await;
    for task in tasks {
        client.reaches(task, TaskState::Posted).await;
    }
    let view: BatchView = client.rpc.request(methods::GET_BATCH, rpc_params![U64::from(0)]).await.unwrap();
    assert!(view.batch.data_length > 4 << 16, "{} bytes", view.batch.data_length);
    running.stop().await;
}
