//! The sender against a real node: each intent once, through dead actors, reorganisations, dear blocks and empty accounts.

mod logger;

use alloy_primitives::{Address, B256, Bytes, U256, address, hex};
use assay_anvil::{ACCOUNTS, CHAIN_ID};
use assay_node::keys::Wallet;
use assay_node::store::{Schema, Store, StoreError, Table};
use assay_node::telemetry::Metrics;
use assay_node::tx::{self, FeePolicy, Intent, Outcome, Priority, Sender, SenderConfig, Status, TxError};
use logger::{L1, LOGGER};
use serde_json::json;
use std::future::Future;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A role's own table, for commits that hold an intent and rows.
const MOVES: Table<u64, u64> = Table::new("moves");

/// Address and key of the account that sends.
const RICH: (Address, B256) = ACCOUNTS[0];

/// A contract that a call without calldata closes, and that reverts from then on. By hand, in bytecode:
///
/// ```text
///   00 CALLDATASIZE  ISZERO  PUSH1 0x10  JUMPI
///   05 PUSH0  SLOAD  PUSH1 0x16  JUMPI  STOP
///   10 JUMPDEST  PUSH1 1  PUSH0  SSTORE  STOP
///   16 JUMPDEST  PUSH0  PUSH0  REVERT
/// ```
const GATE_CODE: [u8; 26] = hex!("3615601057 5f54601657 00 0000000000 5b60015f5500 5b5f5ffd");

/// Where the contract lies.
const GATE: Address = address!("0000000000000000000000000000000000009a7e");

/// Nothing here takes longer, on however slow a machine, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

fn open(directory: &std::path::Path) -> Store {
    Store::open(directory, &tx::schema(Schema::new("test", 1)).table(&MOVES)).expect("it opens")
}

/// As `open`, once the commit that a dead actor had begun is over: the store is open until then.
async fn reopen(directory: &std::path::Path) -> Store {
    let free = async {
        loop {
            match Store::open(directory, &tx::schema(Schema::new("test", 1)).table(&MOVES)) {
                Err(StoreError::Locked { .. }) => tokio::task::yield_now().await,
                opened => return opened.expect("it opens"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, free).await.expect("a commit ends")
}

fn config() -> SenderConfig {
    SenderConfig {
        confirmations: 2,
        resubmit_after: Duration::from_millis(100),
        tick: Duration::from_millis(10),
        ..SenderConfig::new(CHAIN_ID)
    }
}

fn start(
    anvil: &L1,
    store: &Store,
    config: SenderConfig,
) -> (Sender, CancellationToken, JoinHandle<Result<(), TxError>>) {
    start_counted(anvil, store, config, &Metrics::new("test"))
}

fn start_counted(
    anvil: &L1,
    store: &Store,
    config: SenderConfig,
    metrics: &Metrics,
) -> (Sender, CancellationToken, JoinHandle<Result<(), TxError>>) {
    let wallet = Wallet::from_secret(&RICH.1).expect("it is a key");
    let (sender, actor) = tx::sender(store.clone(), anvil.endpoint.clone(), wallet, config).expect("it reads its rows");
    let stop = CancellationToken::new();
    (sender, stop.clone(), tokio::spawn(actor.metered(metrics).run(stop)))
}

/// An intent that makes one log with a topic.
fn log(topic: u64, priority: Priority) -> Intent {
    let word = B256::left_padding_from(&topic.to_be_bytes());
    Intent {
        id: word,
        to: LOGGER,
        data: Bytes::copy_from_slice(word.as_slice()),
        value: U256::ZERO,
        gas_limit: Some(60_000),
        priority,
        expires_at: None,
        after: None,
    }
}

/// Mines a block every few milliseconds while something is awaited.
async fn mining<T>(anvil: &L1, awaited: impl Future<Output = T>) -> T {
    let mine = async {
        loop {
            anvil.mine(1).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        result = awaited => result,
        () = mine => unreachable!("it mines for ever"),
        () = tokio::time::sleep(PATIENCE) => panic!("nothing came of it"),
    }
}

/// Topics of all logs of the canonical chain.
async fn topics(anvil: &L1) -> Vec<u64> {
    anvil.logs().await.into_iter().map(|(_, _, topic)| topic).collect()
}

#[tokio::test]
async fn intents_are_carried_out_once_and_remembered() {
    let Some(anvil) = L1::start().await else { return };
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let store = open(directory.path());
    let (sender, stop, actor) = start(&anvil, &store, config());
    let mut tickets = Vec::new();
    for topic in 1..=20 {
        tickets.push(sender.submit(log(topic, Priority::Routine)).await.expect("there is room"));
    }
    let again = sender.submit(log(7, Priority::Routine)).await.expect("the same intent is no second one");
    let other = Intent { data: Bytes::new(), ..log(7, Priority::Routine) };
    let error = sender.submit(other).await.err().expect("another intent under one id");
    assert!(matches!(error, TxError::IdReused { what: "calldata", .. }), "{error}");

    for ticket in &tickets {
        let outcome = mining(&anvil, ticket.settled()).await.expect("the actor runs");
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    }
    assert_eq!(topics(&anvil).await, (1..=20).collect::<Vec<_>>());
    let outcome = again.settled().await.expect("it is settled");
    assert_eq!(sender.status(&again.id()).expect("it reads"), Some(Status::Settled(outcome)));
    assert_eq!(sender.status(&B256::ZERO).expect("it reads"), None);
    let error = sender.withdraw(again.id()).await.expect_err("it is settled");
    assert!(matches!(error, TxError::WrongStatus { wanted: "queued", .. }), "{error}");

    // Intents and rows in one commit, or neither.
    let mut batch = store.batch();
    batch.put(&MOVES, &1, &21).expect("it is writable");
    let refused = sender
        .submit_with(batch, vec![log(21, Priority::Urgent), Intent { value: U256::ONE, ..log(7, Priority::Urgent) }]);
    assert!(matches!(refused.await, Err(TxError::IdReused { what: "value", .. })));
    assert_eq!(
        (store.get(&MOVES, &1).expect("it reads"), sender.status(&log(21, Priority::Urgent).id).expect("it reads")),
        (None, None)
    );
    let mut batch = store.batch();
    batch.put(&MOVES, &1, &21).expect("it is writable");
    let tickets = sender.submit_with(batch, vec![log(21, Priority::Urgent)]).await.expect("there is room");
    assert_eq!(store.get(&MOVES, &1).expect("it reads"), Some(21));
    mining(&anvil, tickets[0].settled()).await.expect("the actor runs");

    let mut batch = store.batch();
    sender.forget(&mut batch, &tickets[0].id()).expect("it is settled");
    batch.commit().expect("there is room");
    assert_eq!(sender.status(&tickets[0].id()).expect("it reads"), None);
    let mut batch = store.batch();
    assert!(matches!(sender.forget(&mut batch, &B256::ZERO), Err(TxError::WrongStatus { got: "not known", .. })));

    stop.cancel();
    actor.await.expect("it does not panic").expect("it ends well");
    let error = sender.ticket(B256::ZERO).settled().await.expect_err("there is no such intent");
    assert!(matches!(error, TxError::WrongStatus { .. }), "{error}");
    assert!(matches!(sender.withdraw(B256::ZERO).await, Err(TxError::Stopped { .. })));
}

/// A revert is told before anything is sent, if gas must be estimated, and after, with what the contract said.
#[tokio::test]
async fn reverts_are_explained() {
    let Some(anvil) = L1::start().await else { return };
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let (sender, _stop, _actor) = start(&anvil, &open(directory.path()), config());
    let word = Bytes::from(U256::from(42).to_be_bytes::<32>());
    let failing = Intent { data: Bytes::new(), ..log(1, Priority::Urgent) };
    let ticket = sender.submit(Intent { gas_limit: None, ..failing.clone() }).await.expect("there is room");
    let outcome = mining(&anvil, ticket.settled()).await.expect("the actor runs");
    assert!(matches!(&outcome, Outcome::Reverted { transaction: None, data, .. } if *data == word), "{outcome:?}");

    let ticket = sender.submit(Intent { id: B256::with_last_byte(2), ..failing }).await.expect("there is room");
    let outcome = mining(&anvil, ticket.settled()).await.expect("the actor runs");
    let Outcome::Reverted { transaction: Some(_), data, reason } = outcome else { panic!("{outcome:?}") };
    assert_eq!((data, reason), (word, "custom error 0x00000000 with 28 bytes".to_owned()));

    // An estimate that succeeds is enough gas.
    let ticket = sender.submit(Intent { gas_limit: None, ..log(3, Priority::Urgent) }).await.expect("there is room");
    let outcome = mining(&anvil, ticket.settled()).await.expect("the actor runs");
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");

    // More gas than any block has: no node takes it, and what comes after it is not stuck.
    let greedy = Intent { gas_limit: Some(1 << 40), ..log(4, Priority::Urgent) };
    let ticket = sender.submit(greedy).await.expect("there is room");
    let outcome = mining(&anvil, ticket.settled()).await.expect("the actor runs");
    assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    let ticket = sender.submit(log(5, Priority::Urgent)).await.expect("there is room");
    mining(&anvil, ticket.settled()).await.expect("the actor runs");
}

/// Whoever has a transaction in the pool can make a call fail in a node's pending block, and have it do nothing when it is mined: that
/// must not keep anybody's move from L1.
#[tokio::test]
async fn a_call_that_fails_only_in_the_pending_block_is_sent() {
    let Some(anvil) = L1::start().await else { return };
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let (sender, _stop, _actor) = start(&anvil, &open(directory.path()), config());
    anvil.ask("anvil_setCode", json!([GATE, Bytes::from_static(&GATE_CODE)])).await;
    let poke = json!([{ "from": ACCOUNTS[1].0, "to": GATE, "gas": U256::from(100_000) }]);
    let poke = anvil.ask("eth_sendTransaction", poke).await;
    let call = json!({ "from": RICH.0, "to": GATE, "data": "0x01" });
    let called = anvil.ask("eth_call", json!([call, "latest"])).await;
    assert_eq!(called, json!("0x"), "the newest block takes the call");
    let ticket = sender
        .submit(Intent { to: GATE, data: Bytes::from_static(&[1]), gas_limit: None, ..log(1, Priority::Urgent) })
        .await
        .expect("there is room");
    loop {
        match sender.status(&ticket.id()).expect("it reads") {
            Some(Status::InFlight { .. }) => break,
            Some(Status::Settled(outcome)) => panic!("unsent: {outcome:?}"),
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    // As good as one that does nothing when it is mined.
    anvil.ask("anvil_dropTransaction", json!([poke])).await;
    let outcome = mining(&anvil, ticket.settled()).await.expect("the actor runs");
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
}

/// The actor is torn out of its work at arbitrary awaits, again and again; blocks are reorganised meanwhile.
#[tokio::test]
async fn dead_actors_and_reorganisations_lose_and_double_nothing() {
    let Some(anvil) = L1::start().await else { return };
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let config = SenderConfig { confirmations: 4, ..config() };
    let mut seed = 0x9e37_79b9_u64;
    let mut random = move |bound: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % bound
    };
    const INTENTS: u64 = 30;
    for life in 0..10 {
        let store = reopen(directory.path()).await;
        let (sender, _, actor) = start(&anvil, &store, config.clone());
        for topic in 3 * life..3 * life + 3 {
            let priority = if random(2) == 0 { Priority::Routine } else { Priority::Urgent };
            sender.submit(log(topic + 1, priority)).await.expect("there is room");
        }
        for _ in 0..random(6) {
            tokio::time::sleep(Duration::from_millis(random(40))).await;
            anvil.mine(1).await;
            if random(4) == 0 && anvil.head().await > 4 {
                anvil.reorganise(1 + random(2)).await;
            }
        }
        tokio::time::sleep(Duration::from_millis(random(30))).await;
        actor.abort();
        let _ = actor.await;
        drop(sender);
        drop(store);
    }
    let store = reopen(directory.path()).await;
    let (sender, stop, actor) = start(&anvil, &store, config);
    for topic in 1..=INTENTS {
        let ticket = sender.ticket(log(topic, Priority::Routine).id);
        let outcome = mining(&anvil, ticket.settled()).await.expect("the actor runs");
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    }
    let mut topics = topics(&anvil).await;
    topics.sort_unstable();
    assert_eq!(topics, (1..=INTENTS).collect::<Vec<_>>());
    stop.cancel();
    actor.await.expect("it does not panic").expect("it ends well");
}

/// Routine work that the market has left behind stands before urgent work, and makes way.
#[tokio::test]
async fn urgent_work_passes_what_is_stuck() {
    let Some(anvil) = L1::start().await else { return };
    let directory = tempfile::tempdir().expect("there is room for a directory");
    const GWEI: u128 = 1_000_000_000;
    let fees = FeePolicy { routine_cap: 5 * GWEI, urgent_cap: 500 * GWEI, ..FeePolicy::default() };
    let (sender, _stop, _actor) = start(&anvil, &open(directory.path()), SenderConfig { fees, ..config() });
    let routine = sender.submit(log(1, Priority::Routine)).await.expect("there is room");
    while !matches!(sender.status(&routine.id()).expect("it reads"), Some(Status::InFlight { .. })) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Blocks are dear from now on: every one of them, for anvil's base fee falls in empty ones.
    anvil.set_next_base_fee(100 * GWEI).await;
    anvil.mine(1).await;
    let urgent = sender.submit(log(2, Priority::Urgent)).await.expect("there is room");
    let staying_dear = async {
        loop {
            anvil.set_next_base_fee(100 * GWEI).await;
            anvil.mine(1).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let outcome = tokio::select! {
        outcome = urgent.settled() => outcome.expect("the actor runs"),
        () = staying_dear => unreachable!("it mines for ever"),
        () = tokio::time::sleep(PATIENCE) => panic!("urgent work is stuck"),
    };
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    assert_eq!(topics(&anvil).await, [2]);
    // When blocks are cheap again, the routine work is done too.
    anvil.set_next_base_fee(GWEI).await;
    let outcome = mining(&anvil, routine.settled()).await.expect("the actor runs");
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    assert_eq!(topics(&anvil).await, [2, 1]);
}

#[tokio::test]
async fn a_poor_account_says_so_and_goes_on_when_money_comes() {
    let Some(anvil) = L1::start().await else { return };
    let directory = tempfile::tempdir().expect("there is room for a directory");
    anvil.set_balance(RICH.0, 1_000_000).await;
    let metrics = Metrics::new("test");
    let (sender, _stop, _actor) = start_counted(&anvil, &open(directory.path()), config(), &metrics);
    let mut shortage = sender.shortage();
    let ticket = sender.submit(log(1, Priority::Urgent)).await.expect("there is room");
    let short = shortage.wait_for(Option::is_some).await.expect("the actor runs").expect("it is short");
    assert_eq!(short.got, U256::from(1_000_000));
    assert!(!metrics.text().contains("test_sender_shortage_gwei 0\n"), "{}", metrics.text());
    let withdrawn = sender.submit(log(2, Priority::Urgent)).await.expect("there is room");
    sender.withdraw(withdrawn.id()).await.expect("it is queued");
    assert_eq!(withdrawn.settled().await.expect("it is settled"), Outcome::Withdrawn);
    anvil.set_balance(RICH.0, 1_000_000_000_000_000_000).await;
    let outcome = mining(&anvil, ticket.settled()).await.expect("the actor runs");
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    assert_eq!(*shortage.borrow_and_update(), None);
    assert_eq!(topics(&anvil).await, [1]);
    let text = metrics.text();
    for line in
        ["test_sender_shortage_gwei 0\n", "test_sender_transactions_total 1\n", "test_sender_reverted_total 0\n"]
    {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    let value = |name: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("it is counted");
        line.trim().parse().expect("it is a number")
    };
    let (gas, cost, balance) =
        (value("test_sender_gas_total"), value("test_sender_cost_gwei_total"), value("test_sender_balance_gwei"));
    assert!(gas > 21_000 && gas <= 60_000, "{gas}");
    // Between the least tip and what urgent work may cost.
    assert!(cost >= gas / 100 && cost <= 2_000 * gas, "{cost}");
    assert!(balance <= 1_000_000_000 && balance > 900_000_000, "{balance}");
}

/// Another process with the same key takes a nonce: what had it goes on with the next.
#[tokio::test]
async fn somebody_elses_transaction_costs_a_nonce_not_an_intent() {
    let Some(anvil) = L1::start().await else { return };
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let (sender, _stop, _actor) = start(&anvil, &open(directory.path()), config());
    let ticket = sender.submit(log(1, Priority::Urgent)).await.expect("there is room");
    while !matches!(sender.status(&ticket.id()).expect("it reads"), Some(Status::InFlight { .. })) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Anvil has this key too. All that waits is dropped, and the foreign transaction is mined with its nonce.
    let fee = U256::from(1_000_000_000_000_u64);
    let foreign = json!([{ "from": RICH.0, "to": Address::ZERO, "nonce": "0x0", "gas": "0x5208",
        "maxFeePerGas": fee, "maxPriorityFeePerGas": fee }]);
    anvil.ask("anvil_dropAllTransactions", json!([])).await;
    anvil.ask("eth_sendTransaction", foreign).await;
    let outcome = mining(&anvil, ticket.settled()).await.expect("the actor runs");
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    assert_eq!(topics(&anvil).await, [1]);
}

#[tokio::test]
async fn another_chain_ends_the_actor() {
    let Some(anvil) = L1::start().await else { return };
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let (sender, _, actor) = start(&anvil, &open(directory.path()), SenderConfig { chain_id: 1, ..config() });
    let ticket = sender.submit(log(1, Priority::Urgent)).await.expect("there is room");
    let error = actor.await.expect("it does not panic").expect_err("it is another chain");
    assert!(matches!(error, TxError::AnotherChain { got: CHAIN_ID, wanted: 1 }), "{error}");
    assert!(matches!(ticket.settled().await, Err(TxError::Stopped { .. })));
    assert_eq!(anvil.head().await, 0);
}
