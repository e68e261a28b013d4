//! The reader against a real node: logs in order and once, through reorganisations, restarts, pages, and a node that goes away.

mod logger;

use alloy_primitives::B256;
use assay_node::Remedy;
use assay_node::l1::{self, Delivery, Event, L1Error, Reader, ReaderConfig};
use assay_node::store::{Record, Schema, Store, Table};
use logger::narrow::Narrow;
use logger::{L1, LOGGER, STRANGER, entry};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// What the consumer keeps: logs by block and place in it, in the same batch as the cursor.
const SEEN: Table<(u64, u64), Seen> = Table::new("seen");

/// Hash of a log's block, and its topic.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Seen(B256, u64);

impl Record for Seen {
    const VERSION: u8 = 1;
}

fn open(directory: &std::path::Path) -> Store {
    Store::open(directory, &l1::schema(Schema::new("test", 1)).table(&SEEN)).expect("it opens")
}

fn config(confirmations: u64) -> ReaderConfig {
    let poll_interval = Duration::from_millis(5);
    ReaderConfig { confirmations, depth_max: 12, page_max: 16, poll_interval, ..ReaderConfig::new(vec![LOGGER], 1) }
}

/// Applies a delivery as a role does: its own rows and the mark in one commit. Nothing may come twice.
fn apply(store: &Store, delivery: &Delivery) {
    let mut batch = store.batch();
    match &delivery.event {
        Event::Blocks { first, last, logs } => {
            for (place, log) in (0..).zip(logs) {
                let (number, hash, topic) = entry(log);
                assert!(number >= *first && number <= last.number);
                assert_eq!(store.get(&SEEN, &(number, place)).expect("it reads"), None, "a block came twice");
                batch.put(&SEEN, &(number, place), &Seen(hash, topic)).expect("it is writable");
            }
        }
        Event::RolledBack { void_from } => {
            for row in store.range(&SEEN, (*void_from, 0)..) {
                batch.delete(&SEEN, &row.expect("it reads").0);
            }
        }
    }
    delivery.mark(&mut batch).expect("it is writable");
    batch.commit_lazily().expect("there is room");
}

async fn sync(store: &Store, reader: &mut Reader) {
    let taken = reader.sync_to_head(async |delivery| {
        apply(store, &delivery);
        Ok::<_, L1Error>(())
    });
    taken.await.expect("it follows");
}

fn seen(store: &Store) -> Vec<(u64, B256, u64)> {
    let rows = store.range(&SEEN, ..).map(|row| row.expect("it reads"));
    rows.map(|((number, _), Seen(hash, topic))| (number, hash, topic)).collect()
}

fn random(seed: &mut u64, bound: u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed % bound
}

/// Logs and reorganisations of depth 1 to 5 in a random order, with restarts of the reader in between.
async fn follows(anvil: L1, confirmations: u64) {
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let store = open(directory.path());
    let mut reader =
        Reader::open(&store, anvil.endpoint.clone(), config(confirmations)).expect("nothing is written yet");
    let (mut seed, mut topic, mut reorganised) = (0x9e37_79b9_u64, 0, 0);
    for _ in 0..60 {
        for _ in 0..random(&mut seed, 3) {
            topic += 1;
            anvil.log(topic).await;
        }
        anvil.mine(1 + random(&mut seed, 3)).await;
        if random(&mut seed, 3) == 0 && anvil.head().await > 6 {
            anvil.reorganise(1 + random(&mut seed, 5)).await;
            reorganised += 1;
        }
        if random(&mut seed, 2) == 0 {
            sync(&store, &mut reader).await;
        }
        if random(&mut seed, 4) == 0 {
            reader = Reader::open(&store, anvil.endpoint.clone(), config(confirmations)).expect("it goes on");
        }
    }
    // What is not confirmed yet becomes so, without a log more.
    anvil.mine(confirmations).await;
    sync(&store, &mut reader).await;
    let expected = anvil.logs().await;
    assert!(expected.len() > 20 && reorganised > 10, "{} logs, {reorganised} reorganisations", expected.len());
    assert_eq!(seen(&store), expected);
}

#[tokio::test]
async fn reorganisations_are_followed_over_http() {
    let Some(anvil) = L1::start().await else { return };
    follows(anvil, 0).await;
}

#[tokio::test]
async fn reorganisations_are_followed_over_a_websocket_with_confirmations() {
    let Some(anvil) = L1::start_websocket().await else { return };
    follows(anvil, 2).await;
}

/// A chain that is much longer than what may be taken back is read in pages, and the end of it block by block.
#[tokio::test]
async fn long_chains_are_read_in_pages() {
    let Some(anvil) = L1::start().await else { return };
    for topic in 1..=40 {
        anvil.log(topic).await;
        anvil.mine(7).await;
    }
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let store = open(directory.path());
    let mut reader = Reader::open(&store, anvil.endpoint.clone(), config(0)).expect("nothing is written yet");
    let (mut pages, mut blocks) = (0, 0);
    let synced = reader.sync_to_head(async |delivery| {
        apply(&store, &delivery);
        match &delivery.event {
            Event::Blocks { first, last, .. } if *first < last.number => pages += 1,
            Event::Blocks { .. } => blocks += 1,
            Event::RolledBack { .. } => panic!("nothing was reorganised"),
        }
        Ok::<_, L1Error>(())
    });
    let tip = synced.await.expect("it follows").expect("there are blocks");
    assert_eq!(tip.number, 280);
    assert_eq!(seen(&store), anvil.logs().await);
    assert!(pages >= 268 / 16 && blocks <= 14, "{pages} pages, {blocks} blocks");
    assert_eq!(reader.position(), 281);
    assert!(reader.try_next().await.expect("anvil answers").is_none());
}

/// Blocks with more logs than a provider gives at once are read from their receipts, a settled one and the head, once the node has them:
/// of all that is there, what the filter names.
#[tokio::test]
async fn blocks_flooded_with_logs_are_read_from_their_receipts() {
    let Some(anvil) = L1::start().await else { return };
    let narrow = Narrow::before(anvil.endpoint.clone(), 2).await;
    let (wanted, unwanted) = (1..=10, 99);
    anvil.mine(3).await;
    // The floods are in blocks 4 and 21.
    for (topics, blocks) in [(1..=5, 17), (6..=10, 1)] {
        anvil.log_of(STRANGER, 1).await;
        anvil.log(unwanted).await;
        for topic in topics {
            anvil.log(topic).await;
        }
        anvil.mine(blocks).await;
    }
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let store = open(directory.path());
    let topics = wanted.clone().map(|topic: u64| B256::left_padding_from(&topic.to_be_bytes())).collect();
    let config = ReaderConfig { topics, page_max: 2, ..config(0) };
    let mut reader = Reader::open(&store, narrow.endpoint.clone(), config).expect("nothing is written yet");
    sync(&store, &mut reader).await;

    let mut expected = anvil.logs().await;
    expected.retain(|(_, _, topic)| wanted.contains(topic));
    assert_eq!(expected.len(), 10);
    assert_eq!(seen(&store), expected);
    let (settled, newest) = (json!(expected[0].1), json!(expected[9].1));
    assert_eq!(narrow.receipts_of(), [&settled, &settled, &settled, &settled, &newest].map(Clone::clone));
}

/// `next` waits for a block, and for a node that is not there yet.
#[tokio::test]
async fn a_node_that_comes_back_is_followed_and_another_chain_is_refused() {
    let Some(anvil) = L1::start().await else { return };
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let store = open(directory.path());
    let mut reader = Reader::open(&store, anvil.endpoint.clone(), config(0)).expect("nothing is written yet");
    let (next, ()) = tokio::join!(reader.next(), anvil.mine(1));
    apply(&store, &next.expect("a block was mined"));

    // Gone; then back with another first block: two chains of one id.
    let port = anvil.port();
    drop(anvil);
    let (next, anvil) = tokio::join!(reader.next(), L1::start_again(port));
    let error = next.expect_err("it is another chain");
    assert!(matches!(error, L1Error::AnotherChain { .. }), "{error}");
    assert_eq!(error.remedy(), Remedy::Stop);
    drop(anvil);
}

#[tokio::test]
async fn a_reorganisation_that_is_too_deep_asks_for_a_rebuild() {
    let Some(anvil) = L1::start().await else { return };
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let store = open(directory.path());
    let shallow = ReaderConfig { depth_max: 3, ..config(0) };
    anvil.mine(20).await;
    let mut reader = Reader::open(&store, anvil.endpoint.clone(), shallow.clone()).expect("nothing is written yet");
    sync(&store, &mut reader).await;
    anvil.log(1).await;
    anvil.reorganise(10).await;
    anvil.mine(1).await;
    let error = reader.next().await.expect_err("ten blocks were replaced");
    assert!(matches!(error, L1Error::TooDeep { depth_max: 3, .. }), "{error}");
    assert_eq!(error.remedy(), Remedy::Reset);

    // The remedy: forget everything and read again.
    let mut batch = store.batch();
    l1::forget(&mut batch, shallow.stream);
    batch.commit().expect("there is room");
    let mut reader = Reader::open(&store, anvil.endpoint.clone(), shallow).expect("nothing is written any more");
    sync(&store, &mut reader).await;
    assert_eq!(seen(&store), anvil.logs().await);
}
