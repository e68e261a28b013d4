//! What the core does while L1 changes its mind, and with tasks that L1 has.

use assay_protocol::objects::Place;
use assay_protocol::rpc::{ErrorCode, TaskState};

use super::bench::{BEGIN, Bench, executors};
use crate::batch::newest_build;
use crate::core::Phase;
use crate::l1::{Fact, Heard};
use crate::rows::{DIRECTORY, ENDS};

/// Reported: with the first block that was taken back L1's time was 0, receipts promised by it, and results were thrown away by it.
#[tokio::test]
async fn a_reorganisation_leaves_the_time_of_the_block_that_stands() {
    let mut bench = Bench::open(|_| {}).await;
    let tip = bench.tip(BEGIN);
    bench.hear(&[], BEGIN + 60).await;
    bench.core.hear(Heard::RolledBack { tip: Some(tip) }).await.expect("the core goes on");
    assert_eq!(bench.core.view.time(), BEGIN);
    let request = bench.request(0);
    let receipt = bench.submit(request).await.expect("it is taken in");
    assert_eq!(receipt.receipt.include_by, request.deadline, "the deadline, which is earlier than an hour from now");
}

#[tokio::test]
async fn without_a_block_that_stands_nothing_is_taken_in_and_nothing_built() {
    let mut bench = Bench::open(|_| {}).await;
    let [one, _] = executors();
    bench.submit_all(0..1).await;
    bench.answer(9, 0, &one, b"result").await.expect("it is taken");
    bench.core.hear(Heard::RolledBack { tip: None }).await.expect("the core goes on");
    assert_eq!(bench.gate.closed(), Some("L1's state is not known yet"));
    let request = bench.request(1);
    let refused = bench.submit(request).await.map_err(|refusal| refusal.code);
    assert_eq!(refused.err(), Some(ErrorCode::Unavailable));
    // The region still stands; its blocks are not read yet.
    std::sync::Arc::make_mut(&mut bench.core.view).apply(&Fact::RegionOpened, 1, BEGIN);
    bench.tick().await;
    assert_eq!(bench.core.tasks.get(0).map(|task| task.phase), Some(Phase::Ready), "the result waits");
    assert!(bench.is_pinned(b"result"));
    bench.core.hear(Heard::AtHead).await.expect("the core goes on");
    assert_eq!(bench.gate.closed(), None);
}

/// A batch that was being built when L1 was reorganised leans on blocks that stand no more.
#[tokio::test]
async fn what_was_built_before_a_reorganisation_is_built_anew() {
    let mut bench = Bench::open(|_| {}).await;
    let [one, _] = executors();
    bench.submit_all(0..1).await;
    bench.answer(9, 0, &one, b"result").await.expect("it is taken");
    bench.core.seal().await.expect("the core goes on");
    assert!(bench.core.batches.is_building);
    let tip = bench.tip(BEGIN - 50);
    bench.core.hear(Heard::RolledBack { tip: Some(tip) }).await.expect("the core goes on");
    bench.pump().await;
    assert!(bench.core.batches.in_flight.is_none() && !bench.core.batches.is_building);
    assert_eq!(bench.core.tasks.get(0).map(|task| task.phase), Some(Phase::Ready), "nor is it thrown away");
}

/// Reported: tasks that are posted counted until they were final, a week on mainnet, against the most that are taken in.
#[tokio::test]
async fn only_tasks_in_no_batch_count_against_the_most() {
    let mut bench = Bench::open(|config| config.intake.tasks_max = 2).await;
    let [one, _] = executors();
    bench.submit_all(0..2).await;
    let (third, first) = (bench.request(2), bench.request(0));
    assert_eq!(bench.submit(third).await.map_err(|refusal| refusal.code).err(), Some(ErrorCode::Busy));
    assert!(bench.submit(first).await.is_ok(), "what is here keeps its receipt");
    bench.answer(9, 0, &one, b"first").await.expect("it is taken");
    bench.answer(9, 1, &one, b"second").await.expect("it is taken");
    bench.tick().await;
    assert!(matches!(bench.core.tasks.get(1).map(|task| task.phase), Some(Phase::Sealed(_))));
    bench.submit(third).await.expect("there is room");
    // Deadlines of what is in a batch are not looked at.
    assert_eq!(bench.core.tasks.past(u64::MAX), [2]);
}

/// Submits a task from an address: its number, or why it is refused.
async fn number(bench: &mut Bench, nonce: u64, from: &str) -> Result<u64, ErrorCode> {
    let (request, from) = (bench.request(nonce), from.parse().expect("it is an address"));
    let taken = bench.submit_from(request, from).await;
    taken.map(|receipt| receipt.receipt.sequence).map_err(|refusal| refusal.code)
}

/// Reported: one address could take all places that there are.
#[tokio::test]
async fn an_address_has_its_share_of_the_places() {
    let mut bench = Bench::open(|config| config.intake.tasks_per_address_max = 2).await;
    let [one, _] = executors();
    let [own, neighbour, other] = ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"];
    assert_eq!(number(&mut bench, 0, own).await, Ok(0));
    assert_eq!(number(&mut bench, 1, neighbour).await, Ok(1));
    assert_eq!(number(&mut bench, 2, own).await, Err(ErrorCode::Busy), "a network of 64 bits is one address");
    assert_eq!(number(&mut bench, 0, own).await, Ok(0), "what is here keeps its receipt");
    assert_eq!(number(&mut bench, 3, other).await, Ok(2), "others have their own");
    bench.answer(9, 0, &one, b"first").await.expect("it is taken");
    bench.tick().await;
    assert_eq!(number(&mut bench, 2, own).await, Ok(3), "one is in a batch");
    assert_eq!(number(&mut bench, 4, own).await, Err(ErrorCode::Busy));
    bench.fail_posting().await;
    bench.answer(9, 1, &one, b"second").await.expect("it is taken");
    assert_eq!(number(&mut bench, 4, own).await, Err(ErrorCode::Busy), "it is in none any more");
    bench.tick().await;
    assert_eq!(number(&mut bench, 4, own).await, Ok(4), "two are in the batch that was built anew");
}

/// Memory has nothing of tasks that are posted, and has them again when they are so no more.
#[tokio::test]
async fn what_is_posted_is_in_the_tables_only_and_comes_back() {
    let mut bench = Bench::open(|_| {}).await;
    let [one, _] = executors();
    bench.submit_all(0..2).await;
    bench.answer(9, 0, &one, b"first").await.expect("it is taken");
    bench.answer(9, 1, &one, b"second").await.expect("it is taken");
    bench.tick().await;
    let (_, row) = newest_build(&bench.context.store, 0).expect("it reads").expect("it is there");
    let posted = [Fact::RegionOpened, Fact::Posted { number: 0, hash: row.header.hash() }];
    let state = |bench: &Bench, sequence| {
        bench.core.inspect(sequence).expect("it reads").map(|inspection| (inspection.state, inspection.attempt))
    };
    assert_eq!(state(&bench, 0), Some((TaskState::Executed, 0)));
    bench.hear(&posted, BEGIN + 10).await;
    assert_eq!((bench.core.tasks.len(), state(&bench, 0)), (0, Some((TaskState::Posted, 0))));
    assert!(bench.core.batches.in_flight.is_none());
    let tip = bench.tip(BEGIN);
    bench.core.hear(Heard::RolledBack { tip: Some(tip) }).await.expect("the core goes on");
    assert_eq!((bench.core.tasks.len(), state(&bench, 0)), (2, Some((TaskState::Executed, 0))));
    assert_eq!(bench.core.batches.in_flight.as_ref().map(|batch| batch.number), Some(0), "it flies again");
    bench.hear(&posted, BEGIN + 12).await;
    assert_eq!((bench.core.tasks.len(), state(&bench, 1)), (0, Some((TaskState::Posted, 0))));
    assert!(bench.core.batches.in_flight.is_none());
    // An executor is convicted: what it said is void, and is run again.
    let (executor, void_from) = (one.address(), BEGIN);
    bench.hear(&[Fact::Convicted { executor, void_from }], BEGIN + 20).await;
    bench.pump().await;
    assert_eq!((bench.core.tasks.len(), state(&bench, 1)), (2, Some((TaskState::Queued, 1))));
    let task = bench.core.tasks.get(1).expect("it is here");
    assert_eq!(task.predecessor, Some(Place { batch: 0, index: 1 }));
    assert!(!bench.is_pinned(b"second"));
}

#[tokio::test]
async fn a_window_that_is_over_ends_tasks_that_memory_does_not_have() {
    let mut bench = Bench::open(|_| {}).await;
    let [one, _] = executors();
    bench.submit_all(0..1).await;
    bench.answer(9, 0, &one, b"first").await.expect("it is taken");
    bench.tick().await;
    let (_, row) = newest_build(&bench.context.store, 0).expect("it reads").expect("it is there");
    bench.hear(&[Fact::Posted { number: 0, hash: row.header.hash() }], BEGIN + 10).await;
    let window = bench.context.parameters.window;
    bench.hear(&[], BEGIN + 10 + window).await;
    assert_eq!(bench.core.batches.undecided.len(), 1);
    bench.hear(&[], BEGIN + 11 + window).await;
    bench.pump().await;
    assert!(bench.core.batches.undecided.is_empty());
    let end = bench.context.store.get(&ENDS, &0).expect("it reads").map(|end| end.state);
    assert_eq!(end, Some(TaskState::Final));
    assert!(bench.core.inspect(0).expect("it reads").is_none());
    assert!(!bench.is_pinned(b"first") && !bench.is_pinned(b""));
}

/// Batches follow each other before L1 has them, each behind the one before, when they are full.
#[tokio::test]
async fn full_batches_follow_those_on_their_way() {
    let mut bench = Bench::open(|config| {
        config.batches.leaves_max = 2;
        config.batches.unposted_max = 3;
    })
    .await;
    let [one, _] = executors();
    bench.submit_all(0..9).await;
    for sequence in 0..2 {
        bench.answer(9, sequence, &one, b"result").await.expect("it is taken");
        bench.tick().await;
    }
    let sealed = |bench: &Bench| {
        let place = |sequence| match bench.core.tasks.get(sequence)?.phase {
            Phase::Sealed(place) => Some((place.batch, place.index)),
            _ => None,
        };
        (0..9).filter_map(place).collect::<Vec<_>>()
    };
    assert_eq!(sealed(&bench), [(0, 0)], "what is not full does not follow");
    for sequence in 2..9 {
        bench.answer(9, sequence, &one, b"result").await.expect("it is taken");
        bench.tick().await;
    }
    assert_eq!(sealed(&bench), [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1)], "three at most");
    let headers =
        [0, 1, 2].map(|number| newest_build(&bench.context.store, number).expect("it reads").expect("it is there"));
    let headers = headers.map(|(_, row)| row.header);
    assert_eq!([headers[1].parent, headers[2].parent], [headers[0].hash(), headers[1].hash()]);
    let module = assay_protocol::data::blob_root(b"module");
    let place =
        bench.context.store.get(&DIRECTORY, &(module.root, module.length)).expect("it reads").map(|row| row.0.batch);
    assert_eq!(place, Some(0), "what they all need is posted once");
    // After a restart all are on their way still.
    let mut bench = bench.again();
    assert_eq!(sealed(&bench), [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1)]);
    let first = Fact::Posted { number: 0, hash: headers[0].hash() };
    bench.hear(&[&Bench::beginning()[..], &[first]].concat(), BEGIN + 10).await;
    assert_eq!(bench.core.batches.in_flight.as_ref().map(|batch| batch.number), Some(1));
    bench.tick().await;
    assert_eq!(bench.core.batches.next(&bench.core.view).0, 4, "there is a place again");
    // The second comes to nothing: those behind it go with it, and all is built anew.
    bench.fail_posting().await;
    assert_eq!((sealed(&bench), bench.core.batches.next(&bench.core.view)), (vec![], (1, headers[0].hash())));
    bench.tick().await;
    let (build, row) = newest_build(&bench.context.store, 1).expect("it reads").expect("it is there");
    assert_eq!((build, row.header.parent, row.header.count), (1, headers[0].hash(), 2));
    // L1 has the first builds after all.
    let late = [1, 2].map(|number| Fact::Posted { number, hash: headers[number as usize].hash() });
    bench.hear(&late, BEGIN + 2000).await;
    assert_eq!(bench.core.batches.next(&bench.core.view), (3, headers[2].hash()));
}

/// With a batch on its way behind one that L1 took back, the one behind was forgotten once the first was back.
#[tokio::test]
async fn a_batch_behind_one_that_is_posted_again_is_still_on_its_way() {
    let mut bench = Bench::open(|_| {}).await;
    let [one, _] = executors();
    bench.submit_all(0..2).await;
    bench.answer(9, 0, &one, b"first").await.expect("it is taken");
    bench.tick().await;
    let (_, row) = newest_build(&bench.context.store, 0).expect("it reads").expect("it is there");
    let first = Fact::Posted { number: 0, hash: row.header.hash() };
    bench.hear(&[first], BEGIN + 10).await;
    bench.answer(9, 1, &one, b"second").await.expect("it is taken");
    bench.tick().await;
    assert_eq!(bench.core.batches.in_flight.as_ref().map(|batch| batch.number), Some(1));
    let tip = bench.tip(BEGIN + 5);
    bench.core.hear(Heard::RolledBack { tip: Some(tip) }).await.expect("the core goes on");
    assert_eq!(bench.core.batches.in_flight.as_ref().map(|batch| batch.number), Some(0));
    bench.hear(&[Fact::RegionOpened, first], BEGIN + 12).await;
    bench.tick().await;
    assert_eq!(bench.core.batches.in_flight.as_ref().map(|batch| (batch.number, batch.build)), Some((1, 0)));
    assert!(newest_build(&bench.context.store, 1).expect("it reads").is_some_and(|(build, _)| build == 0));
}
