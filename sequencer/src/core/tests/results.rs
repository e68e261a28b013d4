//! Results that are taken, thrown away, or never posted: what remains of them.

use alloy_primitives::B256;
use assay_protocol::objects::{Place, TaskRequest};
use assay_protocol::rpc::ErrorCode;

use super::bench::{BEGIN, Bench, executors};
use crate::core::{Message, Phase};
use crate::l1::Fact;
use crate::rows::PROGRESS;

/// Reported: a result that can't be posted stayed, was given again by its executor, and so on without end.
#[tokio::test]
async fn a_result_that_cant_be_posted_is_forgotten_and_its_executor_asked_no_more() {
    let mut bench = Bench::open(|_| {}).await;
    let [one, other] = executors();
    bench.submit_all(0..1).await;
    bench.answer(9, 0, &one, b"bad").await.expect("it is taken");
    assert!(bench.is_pinned(b"bad"));
    bench.hear(&[Fact::Slashed { role: 0, owner: one.address() }], BEGIN + 5).await;
    bench.tick().await;
    assert_eq!(bench.core.tasks.get(0).map(|task| task.phase), Some(Phase::Queued));
    let row = bench.context.store.get(&PROGRESS, &0).expect("it reads").expect("it is there");
    assert_eq!((row.attempt, row.result), (0, None));
    assert!(!bench.is_pinned(b"bad"));
    assert_eq!(bench.metrics.results_blocked.get(), 1);
    // It is registered again, and has the same result.
    bench.hear(&[Fact::Registered { role: 0, owner: one.address() }], BEGIN + 6).await;
    let mut given = bench.join(1, &one, 1).await;
    bench.tick().await;
    assert!(given.try_recv().is_err());
    let again = bench.answer(1, 0, &one, b"bad").await.map_err(|refusal| refusal.code);
    assert_eq!(again, Err(ErrorCode::InvalidResult));
    let mut given = bench.join(2, &other, 1).await;
    assert!(given.try_recv().is_ok());
    bench.answer(2, 0, &other, b"good").await.expect("it is taken");
    bench.hear(&[], BEGIN + 7).await;
    bench.tick().await;
    assert!(matches!(bench.core.tasks.get(0).map(|task| task.phase), Some(Phase::Sealed(_))));
    assert!(bench.is_pinned(b"good"));
}

/// Reported: the output of a task that expired with a result stayed pinned for ever.
#[tokio::test]
async fn a_task_that_expires_gives_its_output_back() {
    let mut bench = Bench::open(|config| config.batches.wait_ms = 1 << 40).await;
    let [one, _] = executors();
    bench.submit_all(0..1).await;
    bench.answer(9, 0, &one, b"output").await.expect("it is taken");
    assert!(bench.is_pinned(b"output") && bench.is_pinned(b""));
    bench.hear(&[], BEGIN + 2000).await;
    bench.tick().await;
    assert!(bench.core.tasks.get(0).is_none(), "it has expired");
    assert!(!bench.is_pinned(b"output") && !bench.is_pinned(b""));
}

#[tokio::test]
async fn a_task_that_has_ended_keeps_its_receipt() {
    let mut bench = Bench::open(|_| {}).await;
    let request = bench.request(0);
    let receipt = bench.submit(request).await.expect("it is taken in");
    bench.hear(&[], BEGIN + 2000).await;
    bench.tick().await;
    assert!(bench.core.tasks.get(0).is_none(), "it has expired");
    bench.gate.pause(true);
    assert_eq!(bench.submit(request).await, Ok(receipt));
    bench.tell(Message::PostNow).await;
}

/// Reported: results of programs that L1 does not have were all that was tried, and nothing else was posted.
#[tokio::test]
async fn results_of_a_program_that_l1_does_not_have_keep_no_others_waiting() {
    let mut bench = Bench::open(|config| config.batches.leaves_max = 2).await;
    let [one, _] = executors();
    let program = B256::repeat_byte(0x98);
    bench.add_program(program);
    for nonce in 0..3 {
        let request = TaskRequest { program, ..bench.request(nonce) };
        bench.submit(request).await.expect("it is taken in");
    }
    bench.submit_all(3..4).await;
    for sequence in 0..4 {
        bench.answer(9, sequence, &one, b"result").await.expect("it is taken");
    }
    let sealed = |bench: &Bench| {
        let place = |sequence| match bench.core.tasks.get(sequence)?.phase {
            Phase::Sealed(place) => Some((sequence, place)),
            _ => None,
        };
        (0..4).filter_map(place).collect::<Vec<_>>()
    };
    // Two at a time, and no new block is waited for.
    bench.tick().await;
    assert_eq!((sealed(&bench), bench.core.tasks.ready(), bench.core.tasks.unposted()), (vec![], 2, 4));
    bench.tick().await;
    let fourth = (3, Place { batch: 0, index: 0 });
    assert_eq!((sealed(&bench), bench.core.tasks.ready(), bench.core.tasks.unposted()), (vec![fourth], 0, 3));
    // After a restart they are tried again.
    let mut bench = bench.again();
    bench.hear(&Bench::beginning(), BEGIN).await;
    assert_eq!(bench.core.tasks.ready(), 3);
    bench.tick().await;
    assert_eq!((sealed(&bench), bench.core.tasks.ready(), bench.core.tasks.unposted()), (vec![fourth], 1, 3));
    bench.hear(&[Fact::Program { program }], BEGIN + 1).await;
    assert_eq!(bench.core.tasks.ready(), 3);
    bench.tick().await;
    let [first, second] = [0, 1].map(|index| (u64::from(index), Place { batch: 1, index }));
    assert_eq!(sealed(&bench), [first, second, fourth]);
}

/// A build leans on what L1 had when it began: a program that has come since is not waited for any more.
#[tokio::test]
async fn a_program_that_comes_while_a_batch_is_built_is_there() {
    let mut bench = Bench::open(|_| {}).await;
    let [one, _] = executors();
    let program = B256::repeat_byte(0x98);
    bench.add_program(program);
    let request = TaskRequest { program, ..bench.request(0) };
    bench.submit(request).await.expect("it is taken in");
    bench.answer(9, 0, &one, b"result").await.expect("it is taken");
    bench.core.seal().await.expect("the core goes on");
    assert!(bench.core.batches.is_building);
    bench.hear(&[Fact::Program { program }], BEGIN + 1).await;
    bench.pump().await;
    assert_eq!((bench.core.tasks.ready(), bench.core.tasks.unposted()), (1, 1));
    bench.tick().await;
    assert!(matches!(bench.core.tasks.get(0).map(|task| task.phase), Some(Phase::Sealed(_))));
}
