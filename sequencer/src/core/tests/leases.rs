//! Who gets a task, and who gets it again.

use std::net::IpAddr;

use assay_protocol::rpc::{DeclineReason, ErrorCode};
use tokio::sync::oneshot;

use super::bench::{BEGIN, Bench, executors, later};
use crate::core::{Message, Phase};
use crate::l1::Heard;

/// Reported: one address had sent many tasks, and all others waited until they were handed out.
#[tokio::test]
async fn addresses_that_tasks_came_from_take_turns() {
    let mut bench = Bench::open(|_| {}).await;
    let [one, _] = executors();
    bench.submit_all(0..20).await;
    for nonce in 20..23 {
        let request = bench.request(nonce);
        bench.submit_from(request, IpAddr::from([192, 0, 2, 1])).await.expect("it is taken in");
    }
    let mut given = bench.join(1, &one, 8).await;
    let assignments = std::iter::from_fn(|| given.try_recv().ok());
    let sequences: Vec<u64> = assignments.filter_map(|given| bench.core.tasks.sequence(&given.task)).collect();
    assert_eq!(sequences, [0, 20, 1, 21, 2, 22, 3, 4]);
    // After a restart nobody knows where they came from.
    let mut bench = bench.again();
    bench.hear(&Bench::beginning(), BEGIN).await;
    let mut given = bench.join(1, &one, 22).await;
    let assignments = std::iter::from_fn(|| given.try_recv().ok());
    let sequences: Vec<u64> = assignments.filter_map(|given| bench.core.tasks.sequence(&given.task)).collect();
    assert_eq!(sequences, (0..22).collect::<Vec<u64>>());
}

/// Reported: an executor that stops declines what it has as busy, and never got it again.
#[tokio::test]
async fn an_executor_that_was_busy_gets_its_task_again() {
    let mut bench = Bench::open(|_| {}).await;
    let [one, _] = executors();
    bench.submit_all(0..1).await;
    let mut given = bench.join(1, &one, 4).await;
    let assignment = given.try_recv().expect("it is assigned");
    bench.decline(1, &assignment, DeclineReason::Busy, &one).await;
    bench.tick().await;
    assert!(given.try_recv().is_err(), "it rests");
    bench.tell(Message::Leave { connection: 1 }).await;
    let mut given = bench.join(2, &one, 4).await;
    assert_eq!(given.try_recv().map(|again| again.task), Ok(assignment.task), "back after a restart");
}

#[tokio::test]
async fn a_blob_that_is_missing_bars_for_a_time_and_a_want_of_memory_for_the_attempt() {
    let mut bench = Bench::open(|_| {}).await;
    let [one, _] = executors();
    bench.submit_all(0..2).await;
    let mut given = bench.join(1, &one, 4).await;
    let (first, second) = (given.try_recv().expect("it is assigned"), given.try_recv().expect("it is assigned"));
    bench.decline(1, &first, DeclineReason::Missing, &one).await;
    bench.decline(1, &second, DeclineReason::Memory, &one).await;
    bench.tick().await;
    bench.tell(Message::Leave { connection: 1 }).await;
    let mut given = bench.join(2, &one, 4).await;
    bench.tick().await;
    assert!(given.try_recv().is_err());
    bench.core.expire_leases(later(40_000));
    bench.tick().await;
    assert_eq!(given.try_recv().map(|again| again.task), Ok(first.task));
    assert!(given.try_recv().is_err());
}

/// Reported: 256 tasks that everybody had declined stopped dispatch for all others.
#[tokio::test]
async fn what_everybody_declined_stops_nobody_and_comes_back() {
    let mut bench = Bench::open(|_| {}).await;
    let [one, other] = executors();
    bench.submit_all(0..300).await;
    let mut given = bench.join(1, &one, 200).await;
    let mut declined = 0;
    while let Ok(assignment) = given.try_recv() {
        bench.decline(1, &assignment, DeclineReason::Engine, &one).await;
        bench.core.dispatch().await.expect("the core goes on");
        declined += 1;
    }
    bench.pump().await;
    assert_eq!((declined, bench.core.tasks.queued()), (300, 300));
    bench.tick().await;
    assert_eq!(bench.core.tasks.queue().len(), 0, "none of them is looked at");
    bench.submit_all(300..301).await;
    bench.tick().await;
    let next = given.try_recv().expect("it is assigned");
    assert_eq!(bench.core.tasks.sequence(&next.task), Some(300));
    // Somebody else may be asked about all of them.
    let mut given = bench.join(2, &other, 100).await;
    assert_eq!(given.try_recv().map(|assignment| bench.core.tasks.sequence(&assignment.task)), Ok(Some(0)));
    assert_eq!((bench.core.tasks.running(), bench.core.tasks.queue().len()), (101, 200));
}

/// Reported: a renewal of another attempt was taken for one of this.
#[tokio::test]
async fn a_renewal_is_of_an_attempt_and_ends() {
    let mut bench = Bench::open(|config| config.dispatch.lease_max_ms = 60_000).await;
    let [one, _] = executors();
    bench.submit_all(0..1).await;
    let _given = bench.join(1, &one, 1).await;
    assert_eq!(bench.core.tasks.get(0).map(|task| task.phase), Some(Phase::Running));
    let mut renew = async |attempt| {
        let (reply, mut answer) = oneshot::channel();
        bench.tell(Message::Renew { connection: 1, sequence: 0, attempt, reply }).await;
        answer.try_recv().expect("it was answered")
    };
    assert_eq!(renew(0).await, Ok(10_000));
    assert_eq!(renew(1).await.map_err(|refusal| refusal.code), Err(ErrorCode::NotAssigned));
    bench.core.expire_leases(later(11_000));
    assert_eq!(bench.core.tasks.get(0).map(|task| task.phase), Some(Phase::Queued));
}

#[tokio::test]
async fn without_a_tip_nothing_is_handed_out() {
    let mut bench = Bench::open(|_| {}).await;
    let [one, _] = executors();
    bench.submit_all(0..1).await;
    bench.core.hear(Heard::RolledBack { tip: None }).await.expect("the core goes on");
    let mut given = bench.join(1, &one, 1).await;
    bench.tick().await;
    assert!(given.try_recv().is_err());
    let facts = executors().map(|wallet| crate::l1::Fact::Registered { role: 0, owner: wallet.address() });
    bench.hear(&facts, BEGIN + 1).await;
    bench.tick().await;
    assert!(given.try_recv().is_ok());
}
