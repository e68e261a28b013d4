//! The executor against a sequencer that is well behaved, broken, or hostile. L1 is not to be reached here: nothing of this needs it.
#![allow(clippy::unwrap_used)]

mod desk;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alloy_primitives::{B256, Bytes};
use assay_executor_node::ExecutorConfig;
use assay_protocol::objects::{TaskRequest, TypedData};
use assay_protocol::rpc::{Assignment, DeclineReason, ErrorCode};
use assay_protocol::signature::recover;

use desk::{
    Brought, Desk, assignment, burning, domain, eventually, executor, keep, program, request, wasm, work, writing,
};

fn anywhere() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_is_run_and_its_result_signed_once() {
    let folder = tempfile::tempdir().unwrap();
    let module = wasm(true);
    keep(folder.path(), std::slice::from_ref(&module));
    let desk = Desk::open(anywhere(), Arc::default()).await;
    let working = work(desk.address, folder.path(), |_| {});
    let given = assignment(request(program(&module), 0), &module);
    desk.give(&given).await;
    let signed = desk.results(1).await[0].clone();
    let result = signed.result;
    assert_eq!((result.task, result.attempt, result.executor), (given.task, 0, executor().address()));
    assert_eq!((result.status, result.code, result.output.length), (1, 0, 0));
    assert_eq!(recover(&signed.signature, &result.digest(&domain())), Ok(executor().address()));

    // Asked again, on this connection and after a restart, it gives what it has signed.
    desk.give(&given).await;
    assert_eq!(desk.results(2).await[1], signed);
    assert!(working.stop().await < Duration::from_secs(5));
    let working = work(desk.address, folder.path(), |_| {});
    eventually("another session", || (desk.brought.lock().unwrap().sessions == 2).then_some(())).await;
    desk.give(&given).await;
    assert_eq!(desk.results(3).await[2], signed);
    working.stop().await;
    desk.close().await;
}

/// Results that no sequencer has said it has are handed in again by the next session, as they were signed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_taken_is_handed_in_again() {
    let folder = tempfile::tempdir().unwrap();
    let module = wasm(true);
    keep(folder.path(), std::slice::from_ref(&module));
    let desk = Desk::open(anywhere(), Arc::default()).await;
    desk.brought.lock().unwrap().refusing = Some(ErrorCode::Unavailable);
    let working = work(desk.address, folder.path(), |_| {});
    desk.give(&assignment(request(program(&module), 0), &module)).await;
    let signed = desk.results(1).await[0].clone();
    working.stop().await;
    let address = desk.address;
    desk.close().await;

    let brought = Arc::new(Mutex::new(Brought::default()));
    let working = work(address, folder.path(), |_| {});
    // It asks in vain for a while, and comes back by itself.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let desk = Desk::open(address, brought).await;
    assert_eq!(desk.results(1).await, [signed]);
    working.stop().await;
    let working = work(address, folder.path(), |_| {});
    eventually("another session", || (desk.brought.lock().unwrap().sessions == 2).then_some(())).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(desk.results(1).await.len(), 1, "what was taken is not handed in again");
    working.stop().await;
    desk.close().await;
}

/// Waits until the desk was brought results of so many tasks.
async fn brought(desk: &Desk, tasks: u64) {
    eventually("results of so many tasks", || {
        let brought = desk.brought.lock().unwrap();
        let distinct: HashSet<B256> = brought.results.iter().map(|signed| signed.result.task).collect();
        (distinct.len() as u64 >= tasks).then_some(())
    })
    .await;
}

/// Reported: of what earlier sessions had signed, only the first 256 results were handed in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_was_not_taken_is_handed_in_a_page_at_a_time() {
    const TASKS: u64 = 260;
    let folder = tempfile::tempdir().unwrap();
    let module = wasm(true);
    keep(folder.path(), std::slice::from_ref(&module));
    let desk = Desk::open(anywhere(), Arc::default()).await;
    desk.brought.lock().unwrap().refusing = Some(ErrorCode::Unavailable);
    let working = work(desk.address, folder.path(), |_| {});
    let id = program(&module);
    for nonce in 0..TASKS {
        desk.give(&assignment(request(id, nonce), &module)).await;
        brought(&desk, nonce + 1).await;
    }
    working.stop().await;
    let address = desk.address;
    desk.close().await;

    let desk = Desk::open(address, Arc::default()).await;
    let working = work(address, folder.path(), |_| {});
    brought(&desk, TASKS).await;
    working.stop().await;
    desk.close().await;
}

/// Whatever a hostile sequencer gives is declined with its reason, and nothing of it is signed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_assignments_are_declined_and_never_signed() {
    let folder = tempfile::tempdir().unwrap();
    let (module, other) = (wasm(true), wasm(false));
    keep(folder.path(), &[module.clone(), other.clone(), b"no module".to_vec()]);
    let desk = Desk::open(anywhere(), Arc::default()).await;
    let working = work(desk.address, folder.path(), |_| {});
    let id = program(&module);
    let hostile: Vec<(Assignment, DeclineReason)> = vec![
        // Somebody else's signature.
        (
            Assignment { client_signature: Bytes::from(vec![1; 65]), ..assignment(request(id, 0), &module) },
            DeclineReason::Request,
        ),
        // Another program than the module.
        (assignment(request(id, 1), &other), DeclineReason::Request),
        (assignment(request(B256::repeat_byte(0xaa), 2), b"no module"), DeclineReason::Request),
        // A module that nobody has.
        (assignment(request(B256::repeat_byte(0xbb), 3), b"nowhere"), DeclineReason::Missing),
        // Another input than the client's.
        (
            Assignment { input: Some(Bytes::from_static(b"xx")), ..assignment(request(id, 4), &module) },
            DeclineReason::Missing,
        ),
        // An input that nobody has.
        (Assignment { input: None, ..assignment(request(id, 5), &module) }, DeclineReason::Missing),
        // Limits beyond the deployment's, and a region that is not the session's.
        (assignment(TaskRequest { fuel_limit: u64::MAX, ..request(id, 6) }, &module), DeclineReason::Request),
        (assignment(TaskRequest { region: B256::ZERO, ..request(id, 7) }, &module), DeclineReason::Request),
        // A deadline that would bind what the result needs for ever.
        (assignment(TaskRequest { deadline: u64::MAX, ..request(id, 8) }, &module), DeclineReason::Request),
    ];
    for (count, (given, reason)) in hostile.into_iter().enumerate() {
        desk.give(&given).await;
        let declined = desk.declined(count + 1).await;
        assert_eq!(declined[count].task, given.task);
        assert_eq!(declined[count].reason, reason, "{}", declined[count].words);
    }
    assert!(desk.brought.lock().unwrap().results.is_empty());
    // It is none the worse for it.
    desk.give(&assignment(request(id, 100), &module)).await;
    desk.results(1).await;
    working.stop().await;
    desk.close().await;
}

/// Limits of the host lead to a refusal; a lease that is lost stops the run; a process that stops says so, and stops in time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_do_not_end_are_declined_or_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let module = wasm(false);
    keep(folder.path(), std::slice::from_ref(&module));
    let desk = Desk::open(anywhere(), Arc::default()).await;
    let endless = |nonce| assignment(request(program(&module), nonce), &module);
    let working = work(desk.address, folder.path(), |config| config.runner.wall_clock_ms = 50);
    desk.give(&endless(0)).await;
    assert_eq!(desk.declined(1).await[0].reason, DeclineReason::WallClock);
    working.stop().await;
    let working = work(desk.address, folder.path(), |config| config.runner.memory_bytes_max = 1000);
    desk.give(&endless(1)).await;
    assert_eq!(desk.declined(2).await[1].reason, DeclineReason::Memory);
    working.stop().await;

    // The only worker is free again as soon as the sequencer says that the task is another's.
    let working = work(desk.address, folder.path(), |_| {});
    desk.brought.lock().unwrap().lost = Some(endless(2).task);
    let renewed = |task: B256| desk.brought.lock().unwrap().renewals.contains(&task).then_some(());
    desk.give(&endless(2)).await;
    eventually("a renewal", || renewed(endless(2).task)).await;
    desk.give(&endless(3)).await;
    eventually("another", || renewed(endless(3).task)).await;
    assert_eq!(desk.brought.lock().unwrap().declines.len(), 2, "a task that is another's is not declined");
    assert!(working.stop().await < Duration::from_secs(5));
    let declined = desk.declined(3).await;
    assert_eq!((declined[2].task, declined[2].reason), (endless(3).task, DeclineReason::Busy));
    assert!(desk.brought.lock().unwrap().results.is_empty());
    desk.close().await;
}

/// An output that there is no room for is declined, and the process lives on, for its games are played there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outputs_that_can_t_be_kept_end_no_process() {
    const OUTPUT: u32 = 400_000;
    let folder = tempfile::tempdir().unwrap();
    let module = writing(OUTPUT);
    keep(folder.path(), std::slice::from_ref(&module));
    let desk = Desk::open(anywhere(), Arc::default()).await;
    let long = |nonce| {
        let request = TaskRequest { output_length_max: u64::from(OUTPUT), ..request(program(&module), nonce) };
        assignment(request, &module)
    };
    let working = work(desk.address, folder.path(), |config| config.blobs.total_bytes_max = u64::from(OUTPUT) / 2);
    desk.give(&long(0)).await;
    let declined = desk.declined(1).await[0].clone();
    assert_eq!((declined.task, declined.reason), (long(0).task, DeclineReason::Busy), "{}", declined.words);
    // It has not ended by itself.
    working.stop().await;
    desk.close().await;
}

/// What could not be defended besides what is open is declined, whatever it comes to: counted to the step, by the rows after a restart too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_could_not_be_defended_are_declined_and_never_signed() {
    let folder = tempfile::tempdir().unwrap();
    let (long, short) = (burning(), wasm(true));
    keep(folder.path(), &[long.clone(), short.clone()]);
    let desk = Desk::open(anywhere(), Arc::default()).await;
    // One worker of a devnet has 48 seconds for three passes at 100 million steps a second: 1.6 * 10^9 steps.
    let one = |config: &mut ExecutorConfig| config.defence.workers = 1;
    let longest = (1 << 30) - 1;
    let burnt = |nonce, fuel_limit| assignment(TaskRequest { fuel_limit, ..request(program(&long), nonce) }, &long);
    let working = work(desk.address, folder.path(), one);
    desk.give(&burnt(0, longest)).await;
    let first = desk.results(1).await[0].clone();
    assert_eq!((first.result.status, first.result.fuel_used), (3, longest));
    // Two of them would have 2^31 steps.
    desk.give(&burnt(1, longest)).await;
    let declined = desk.declined(1).await[0].clone();
    assert_eq!((declined.task, declined.reason), (burnt(1, longest).task, DeclineReason::WallClock));
    assert!(declined.words.contains("2147483648") && declined.words.contains("1600000000"), "{}", declined.words);
    // All that is left, to the step. Then not even a module is asked for that nobody has.
    desk.give(&burnt(2, 1_600_000_000 - longest - 2)).await;
    assert_eq!(desk.results(2).await[1].result.fuel_used, 526_258_175);
    let nowhere = assignment(request(B256::repeat_byte(0xbb), 3), b"nowhere");
    desk.give(&nowhere).await;
    let declined = desk.declined(2).await[1].clone();
    assert_eq!((declined.task, declined.reason), (nowhere.task, DeclineReason::WallClock), "{}", declined.words);
    working.stop().await;

    let working = work(desk.address, folder.path(), one);
    eventually("another session", || (desk.brought.lock().unwrap().sessions == 2).then_some(())).await;
    desk.give(&burnt(0, longest)).await;
    assert_eq!(desk.results(3).await[2], first, "what was signed is handed in as it was");
    let counted = assignment(request(program(&short), 4), &short);
    desk.give(&counted).await;
    assert_eq!(desk.declined(3).await[2].reason, DeclineReason::WallClock);
    working.stop().await;

    // Another worker defends as much again.
    let working = work(desk.address, folder.path(), |_| {});
    eventually("a third session", || (desk.brought.lock().unwrap().sessions == 3).then_some(())).await;
    desk.give(&counted).await;
    assert_eq!(desk.results(4).await[3].result.task, counted.task);
    assert_eq!(desk.brought.lock().unwrap().declines.len(), 3);
    working.stop().await;
    desk.close().await;
}
