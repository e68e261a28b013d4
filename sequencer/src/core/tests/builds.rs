//! Builds that L1 has after all.

use assay_protocol::objects::Place;

use super::bench::{BEGIN, Bench, executors};
use crate::batch::newest_build;
use crate::core::Phase;
use crate::l1::Fact;
use crate::rows::{BUILDS, DIRECTORY, FACTS, FactRow, LEAVES, OUTPUTS};

fn phases(bench: &Bench, sequences: std::ops::Range<u64>) -> Vec<Phase> {
    sequences.filter_map(|sequence| bench.core.tasks.get(sequence).map(|task| task.phase)).collect()
}

/// Reported: the rows of tasks that only the newer build has were left, so that after a restart they were taken for posted.
#[tokio::test]
async fn a_build_that_is_adopted_leaves_nothing_of_the_newer_one() {
    let mut bench = Bench::open(|config| config.batches.posted_input_bytes_max = 10).await;
    let [one, _] = executors();
    bench.submit_all(0..3).await;
    // Outputs that are too long to be posted are remembered.
    bench.answer(9, 1, &one, &[1; 100]).await.expect("it is taken");
    bench.answer(9, 2, &one, &[2; 100]).await.expect("it is taken");
    bench.tick().await;
    let sealed = |index| Phase::Sealed(Place { batch: 0, index });
    assert_eq!(phases(&bench, 0..3), [Phase::Queued, sealed(0), sealed(1)]);
    let (first, row) = newest_build(&bench.context.store, 0).expect("it reads").expect("it is there");
    bench.fail_posting().await;
    bench.answer(9, 0, &one, &[0; 100]).await.expect("it is taken");
    bench.tick().await;
    assert_eq!(phases(&bench, 0..3), [sealed(0), sealed(1), sealed(2)]);
    let hash = row.header.hash();
    bench.hear(&[Fact::Posted { number: 0, hash }], BEGIN + 10).await;
    assert_eq!(phases(&bench, 0..3), [Phase::Ready], "the others are posted");

    let bench = bench.again();
    assert_eq!(phases(&bench, 0..3), [Phase::Ready, sealed(0), sealed(1)], "after a restart as well");
    let store = &bench.context.store;
    let place = |sequence| store.get(&LEAVES, &(sequence, 0)).expect("it reads").map(|row| row.0);
    let at = |index| Some(Place { batch: 0, index });
    assert_eq!([place(0), place(1), place(2)], [None, at(0), at(1)]);
    let output = |byte: u8| {
        let blob = assay_protocol::data::blob_root(&[byte; 100]);
        store.get(&OUTPUTS, &(blob.root, blob.length)).expect("it reads").map(|row| row.place)
    };
    assert_eq!([output(0), output(1), output(2)], [None, at(0), at(1)]);
    for (index, blob) in (0..).zip(&row.blobs) {
        let place = store.get(&DIRECTORY, &(blob.root, blob.length)).expect("it reads").map(|row| row.0);
        assert_eq!(place, at(index));
    }
    assert_eq!(store.range(&BUILDS, ..).count(), 1);
    assert_eq!(newest_build(store, 0).expect("it reads").map(|(build, _)| build), Some(first));
}

/// The same, if the process dies after the posting was written down and before it was taken in.
#[tokio::test]
async fn a_build_that_landed_after_all_is_adopted_at_the_next_start() {
    let mut bench = Bench::open(|_| {}).await;
    let [one, _] = executors();
    bench.submit_all(0..2).await;
    bench.answer(9, 0, &one, b"first").await.expect("it is taken");
    bench.tick().await;
    let (_, row) = newest_build(&bench.context.store, 0).expect("it reads").expect("it is there");
    bench.fail_posting().await;
    assert_eq!(phases(&bench, 0..2), [Phase::Ready, Phase::Queued]);
    let mut batch = bench.context.store.batch();
    let fact = Fact::Posted { number: 0, hash: row.header.hash() };
    batch.put(&FACTS, &(5000, 0), &FactRow { fact, time: BEGIN + 9 }).expect("it is written");
    batch.commit().expect("there is room");
    let bench = bench.again();
    assert_eq!(phases(&bench, 0..2), [Phase::Queued], "the first is posted, and is not posted again");
    let place = bench.context.store.get(&LEAVES, &(0, 0)).expect("it reads").map(|row| row.0);
    assert_eq!(place, Some(Place { batch: 0, index: 0 }));
    assert_eq!(bench.again().core.batches.undecided.len(), 1, "once is enough");
}
