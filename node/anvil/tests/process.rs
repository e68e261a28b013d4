//! Anvil as a process: it answers, is steered, ends with its owner, and says why when it does not start.
#![allow(clippy::unwrap_used)]

use alloy_primitives::{U256, bytes};
use assay_anvil::{ACCOUNTS, Anvil, AnvilError, CHAIN_ID, Mining, Settings};
use assay_node::Remedy;
use assay_node::endpoint::{Endpoint, EndpointConfig};
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Set in the child.
const CHILD: &str = "ASSAY_TEST_ANVIL";

#[tokio::test]
async fn it_is_started_steered_and_gone_when_dropped() {
    let Some(anvil) = Anvil::start_or_skip(&Settings::default()).await else { return };
    assert_eq!(anvil.head().await.unwrap(), 0);
    anvil.mine(3).await.unwrap();
    let snapshot = anvil.snapshot().await.unwrap();
    anvil.mine(2).await.unwrap();
    assert_eq!(anvil.head().await.unwrap(), 5);
    anvil.revert_to(snapshot).await.unwrap();
    assert_eq!(anvil.head().await.unwrap(), 3);
    let id = anvil.request("eth_chainId", json!([])).await.unwrap();
    assert_eq!(id, json!(format!("{CHAIN_ID:#x}")));

    let (poor, rich) = (ACCOUNTS[1].0, ACCOUNTS[0].0);
    anvil.set_balance(poor, U256::from(5)).await.unwrap();
    let balance = anvil.request("eth_getBalance", json!([poor, "latest"])).await.unwrap();
    assert_eq!(balance, json!("0x5"));
    let hash = anvil.send(rich, poor, bytes!(""), 21_000).await.unwrap();
    anvil.pass_time(1_000).await.unwrap();
    anvil.mine(1).await.unwrap();
    let receipt = anvil.request("eth_getTransactionReceipt", json!([hash])).await.unwrap();
    assert_eq!(receipt["status"], json!("0x1"));

    assert!(anvil.is_running());
    let endpoint = Endpoint::new(&EndpointConfig::new(anvil.url())).unwrap();
    drop(anvil);
    endpoint.height().await.expect_err("nobody listens any more");
}

#[tokio::test]
async fn it_goes_on_with_the_chain_that_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings { state: Some(folder.path().join("chain.json")), ..Settings::default() };
    let Some(anvil) = Anvil::start_or_skip(&settings).await else { return };
    let hash = anvil.send(ACCOUNTS[0].0, ACCOUNTS[1].0, bytes!(""), 21_000).await.unwrap();
    anvil.mine(2).await.unwrap();
    let block = async |anvil: &Anvil| anvil.request("eth_getBlockByNumber", json!(["0x1", false])).await.unwrap();
    let (before, port) = (block(&anvil).await, anvil.port());
    anvil.stop().await.unwrap();

    let anvil = Anvil::start(&Settings { port, ..settings }).await.unwrap();
    assert_eq!((anvil.port(), anvil.head().await.unwrap()), (port, 2));
    assert_eq!(block(&anvil).await["hash"], before["hash"]);
    let receipt = anvil.request("eth_getTransactionReceipt", json!([hash])).await.unwrap();
    assert_eq!((&receipt["status"], &receipt["blockNumber"]), (&json!("0x1"), &json!("0x1")));
}

#[tokio::test]
async fn it_mines_by_itself_when_told_so() {
    let each = Settings { mining: Mining::EachTransaction, ..Settings::default() };
    let Some(anvil) = Anvil::start_or_skip(&each).await else { return };
    anvil.send(ACCOUNTS[0].0, ACCOUNTS[1].0, bytes!(""), 21_000).await.unwrap();
    // It answers before it mines.
    for _ in 0..200 {
        if anvil.head().await.unwrap() == 1 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("no block within four seconds");
}

#[tokio::test]
async fn a_port_that_is_taken_and_a_file_that_is_no_anvil_are_named() {
    let Some(anvil) = Anvil::start_or_skip(&Settings::default()).await else { return };
    let error = Anvil::start(&Settings { port: anvil.port(), ..Settings::default() }).await.unwrap_err();
    assert!(matches!(&error, AnvilError::Deaf { reason, .. } if reason.contains("in use")), "{error}");
    assert_eq!(error.remedy(), Remedy::Stop);

    let other = Settings { binary: Some("/bin/true".into()), ..Settings::default() };
    let error = Anvil::start(&other).await.unwrap_err();
    assert!(matches!(&error, AnvilError::Deaf { reason, .. } if reason.contains("without a word")), "{error}");
}

/// The child of the next test; as a test of its own it has nothing to do.
#[tokio::test]
async fn child_starts_one_and_waits() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let anvil = Anvil::start(&Settings::default()).await.expect("the parent has one too");
    println!("\nlistens {}", anvil.port());
    std::future::pending::<()>().await;
}

/// A process that is killed can't clean up; its anvil ends all the same.
#[cfg(unix)]
#[tokio::test]
async fn it_does_not_outlive_an_owner_that_was_killed() {
    // Whether there is an anvil at all.
    let Some(_anvil) = Anvil::start_or_skip(&Settings::default()).await else { return };
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_starts_one_and_waits", "--nocapture", "--test-threads=1"])
        .env(CHILD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let port = lines.find_map(|line| line.strip_prefix("listens ").map(str::to_owned)).expect("it listens");
    let endpoint = Endpoint::new(&EndpointConfig::new(format!("http://127.0.0.1:{port}"))).unwrap();
    endpoint.height().await.expect("it is there");
    child.kill().unwrap();
    child.wait().unwrap();
    // The guard needs a moment to see it.
    let gone = async {
        while endpoint.height().await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("it ends with its owner");
}
