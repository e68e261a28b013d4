//! What becomes of leaves when a process dies while they are decided, and of those that lean on each other.

use assay_protocol::data::blob_root;
use assay_protocol::rpc::TaskState;

use super::bench::{BEGIN, Bench, executors};
use crate::batch::newest_build;
use crate::core::Phase;
use crate::journal::journal;
use crate::l1::Fact;
use crate::rows::{ENDS, FACTS, FactRow, LIVE, UNDECIDED};

/// The newest build of a batch, posted.
fn posted(bench: &Bench, number: u64) -> Fact {
    let (_, row) = newest_build(&bench.context.store, number).expect("it reads").expect("it is there");
    Fact::Posted { number, hash: row.header.hash() }
}

/// Facts are on the disk, as whoever follows L1 writes them before the core hears of them.
fn write_down(bench: &Bench, facts: &[(Fact, u64)]) {
    let mut batch = bench.context.store.batch();
    for (index, (fact, time)) in (0..).zip(facts) {
        batch.put(&FACTS, &(1, index), &FactRow { fact: *fact, time: *time }).expect("it is written");
    }
    batch.commit().expect("there is room");
}

fn end(bench: &Bench, sequence: u64) -> Option<TaskState> {
    bench.context.store.get(&ENDS, &sequence).expect("it reads").map(|end| end.state)
}

/// Two results in batch 0, which is posted; and what L1 has said until then.
async fn two_posted() -> (Bench, Vec<(Fact, u64)>) {
    let mut bench = Bench::open(|_| {}).await;
    let [one, _] = executors();
    bench.submit_all(0..2).await;
    bench.answer(9, 0, &one, b"first").await.expect("it is taken");
    bench.answer(9, 1, &one, b"second").await.expect("it is taken");
    bench.tick().await;
    let posted = posted(&bench, 0);
    let facts = Bench::beginning().into_iter().map(|fact| (fact, BEGIN)).chain([(posted, BEGIN + 10)]).collect();
    bench.hear(&[posted], BEGIN + 10).await;
    (bench, facts)
}

/// What was forgotten first was that the batch is undecided: tasks that are final on L1 were taken for unposted after a restart.
#[tokio::test]
async fn a_kill_while_a_batch_is_decided_leaves_the_rest_to_be_decided() {
    let (mut bench, facts) = two_posted().await;
    let (entered, dying) = journal(&bench.context.store);
    bench.core.parts.journal = entered;
    let over = BEGIN + 11 + bench.context.parameters.window;
    bench.hear(&[], over).await;
    dying.write_one_and_die().await;
    write_down(&bench, &facts);

    let mut bench = bench.again();
    assert_eq!(bench.core.tasks.len(), 0, "both are posted");
    bench.hear(&[], over).await;
    bench.pump().await;
    assert_eq!([end(&bench, 0), end(&bench, 1)], [Some(TaskState::Final); 2]);
    assert_eq!(bench.context.store.range(&UNDECIDED, ..).count() + bench.context.store.range(&LIVE, ..).count(), 0);
}

/// A conviction is on the disk before what follows from it.
#[tokio::test]
async fn what_is_void_is_run_again_after_a_kill() {
    let (mut bench, mut facts) = two_posted().await;
    let [one, _] = executors();
    let convicted = Fact::Convicted { executor: one.address(), void_from: BEGIN };
    let (entered, dying) = journal(&bench.context.store);
    bench.core.parts.journal = entered;
    bench.hear(&[convicted], BEGIN + 20).await;
    drop(dying);
    facts.push((convicted, BEGIN + 20));
    write_down(&bench, &facts);

    let mut bench = bench.again();
    bench.hear(&[], BEGIN + 21).await;
    bench.pump().await;
    let tasks = [0, 1].map(|sequence| bench.core.tasks.get(sequence).map(|task| (task.phase, task.attempt)));
    assert_eq!(tasks, [Some((Phase::Queued, 1)); 2], "long before the window is over");
}

/// The end of the first was on its way to the disk when that of the second was looked for there.
#[tokio::test]
async fn outputs_that_are_inputs_are_final_together() {
    let mut bench = Bench::open(|config| config.batches.posted_input_bytes_max = 10).await;
    let [one, _] = executors();
    bench.submit_all(0..1).await;
    bench.answer(9, 0, &one, &[1; 100]).await.expect("it is taken");
    bench.tick().await;
    let first = posted(&bench, 0);
    bench.hear(&[first], BEGIN + 10).await;
    let request = assay_protocol::objects::TaskRequest { input: blob_root(&[1; 100]), ..bench.request(1) };
    bench.submit(request).await.expect("it is taken in");
    bench.answer(9, 1, &one, b"result").await.expect("it is taken");
    bench.tick().await;
    let second = posted(&bench, 1);
    bench.hear(&[second], BEGIN + 12).await;
    bench.hear(&[], BEGIN + 13 + bench.context.parameters.window).await;
    bench.pump().await;
    assert_eq!([end(&bench, 0), end(&bench, 1)], [Some(TaskState::Final); 2]);
}

/// A stay holds what it names past its window: it is looked at again when the court has spoken.
#[tokio::test]
async fn what_is_held_is_decided_when_the_game_is_over() {
    let (mut bench, _) = two_posted().await;
    let [one, _] = executors();
    let (game, claim) = (alloy_primitives::B256::repeat_byte(5), alloy_primitives::B256::repeat_byte(6));
    let begun = Fact::GameBegun { game, claim, executor: one.address(), is_stay: true };
    let over = BEGIN + 11 + bench.context.parameters.window;
    bench.hear(&[begun], BEGIN + 11).await;
    for time in [over, over + 1] {
        bench.hear(&[], time).await;
        bench.pump().await;
        assert_eq!([end(&bench, 0), end(&bench, 1)], [None; 2]);
    }
    bench.hear(&[Fact::GameLost { game }], over + 2).await;
    bench.pump().await;
    assert_eq!([end(&bench, 0), end(&bench, 1)], [Some(TaskState::Final); 2]);
}
