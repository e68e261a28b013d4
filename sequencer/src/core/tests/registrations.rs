//! What L1 has lost of what was registered is sent again, and not more often than that.

use alloy_primitives::B256;
use assay_node::tx::{INTENTS, IntentId, IntentRow, Outcome, Sender};

use super::bench::{BEGIN, Bench, PROGRAM};
use crate::l1::{Fact, Heard};
use crate::registrations::{Registrations, opening, registration};

/// A program that L1 does not have.
const LOST: B256 = B256::repeat_byte(0x98);
/// Blocks after which it is looked again.
const LONG: u64 = 100;

/// An intent is over: it was mined, and stood as deep as is waited for.
fn settle(bench: &Bench, id: IntentId) {
    let (store, key) = (&bench.context.store, (bench.context.wallet.address(), id));
    let row = store.get(&INTENTS, &key).expect("it reads").expect("it was submitted");
    let outcome = Some(Outcome::Done { transaction: B256::ZERO, block: 1 });
    let mut batch = store.batch();
    batch.put(&INTENTS, &key, &IntentRow { outcome, ..row }).expect("it is written");
    batch.commit().expect("there is room");
}

/// Which of these were ever submitted.
fn sent<const COUNT: usize>(sender: &Sender, ids: [IntentId; COUNT]) -> [bool; COUNT] {
    ids.map(|id| sender.status(&id).expect("it reads").is_some())
}

#[tokio::test]
async fn a_program_that_l1_has_lost_is_registered_again() {
    let mut bench = Bench::open(|_| {}).await;
    let row = bench.add_program(LOST);
    let ids = [0, 1, 2].map(|round| registration(&bench.context, LOST, &row, round).id);
    let sender = bench.core.parts.sender.clone();
    sender.submit(registration(&bench.context, LOST, &row, 0)).await.expect("it is written");
    let mut registrations = Registrations::new(bench.context.clone(), sender.clone());
    for _ in 0..3 {
        bench.pass(LONG).await;
        registrations.look(&bench.core.view).await.expect("it reads");
        assert_eq!(sent(&sender, ids), [true, false, false], "it is on its way");
    }
    settle(&bench, ids[0]);
    // At the first look L1 may only be behind, and what comes too soon is no look.
    for blocks in [LONG, 1] {
        bench.pass(blocks).await;
        registrations.look(&bench.core.view).await.expect("it reads");
        assert_eq!(sent(&sender, ids), [true, false, false]);
    }
    for _ in 0..3 {
        bench.pass(LONG).await;
        registrations.look(&bench.core.view).await.expect("it reads");
        assert_eq!(sent(&sender, ids), [true, true, false], "once: it is on its way again");
    }
    // Rounds go on after a restart, which has looked at nothing yet.
    settle(&bench, ids[1]);
    let mut registrations = Registrations::new(bench.context.clone(), sender.clone());
    for wanted in [[true, true, false], [true, true, true]] {
        bench.pass(LONG).await;
        registrations.look(&bench.core.view).await.expect("it reads");
        assert_eq!(sent(&sender, ids), wanted);
    }
    settle(&bench, ids[2]);
    let next = registration(&bench.context, LOST, &row, 3).id;
    bench.hear(&[Fact::Program { program: LOST }], BEGIN + 100).await;
    for _ in 0..3 {
        bench.pass(LONG).await;
        registrations.look(&bench.core.view).await.expect("it reads");
    }
    let row = bench.add_program(PROGRAM);
    let never = registration(&bench.context, PROGRAM, &row, 0).id;
    assert_eq!(sent(&sender, [next, never]), [false, false], "L1 has both");
}

#[tokio::test]
async fn a_region_that_l1_has_lost_is_opened_again() {
    let mut bench = Bench::open(|_| {}).await;
    let ids = [0, 1].map(|round| opening(&bench.context, round).id);
    let sender = bench.core.parts.sender.clone();
    let mut registrations = Registrations::new(bench.context.clone(), sender.clone());
    let owner = bench.context.owner;
    bench.hear(&[Fact::Registered { role: 1, owner }], BEGIN + 1).await;
    registrations.look(&bench.core.view).await.expect("it reads");
    assert_eq!(sent(&sender, ids), [false, false], "it is open");
    // All is lost, and the stake comes back later than the blocks.
    bench.core.hear(Heard::RolledBack { tip: None }).await.expect("the core goes on");
    registrations.look(&bench.core.view).await.expect("nothing is read");
    bench.pass(LONG).await;
    registrations.look(&bench.core.view).await.expect("it reads");
    assert_eq!(sent(&sender, ids), [false, false], "nobody without a stake can open it");
    bench.hear(&[Fact::Registered { role: 1, owner }], BEGIN + 2).await;
    registrations.look(&bench.core.view).await.expect("it reads");
    assert_eq!(sent(&sender, ids), [true, false], "the first time it is not waited");
    settle(&bench, ids[0]);
    for wanted in [[true, false], [true, true], [true, true]] {
        bench.pass(LONG).await;
        registrations.look(&bench.core.view).await.expect("it reads");
        assert_eq!(sent(&sender, ids), wanted);
    }
    // The program, which another had brought to L1 before: it was never sent from here.
    let row = bench.add_program(PROGRAM);
    assert_eq!(sent(&sender, [registration(&bench.context, PROGRAM, &row, 0).id]), [true]);
}
