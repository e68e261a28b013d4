//! An L1 on this machine for the tests: anvil, its contract that logs, and what tests do to it.
//!
//! Owns the process and ends it. The binary is the one that `ANVIL` names, or the one that the contracts' tools bring. Where there is
//! none, a test says on standard error that it is skipped, and why.

#![allow(dead_code, reason = "each test file uses its own part of this")]

use alloy_primitives::{Address, B256, U256, address, b256, hex};
use alloy_provider::Provider;
use assay_node::endpoint::{Endpoint, EndpointConfig};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// The chain id that anvil takes when it is told none.
pub const CHAIN_ID: u64 = 31_337;

/// A contract that emits one log without data whose topic is the first word of its calldata, and reverts with the word 42 when that is
/// zero. By hand, in bytecode:
///
/// ```text
///   00 PUSH1 0  CALLDATALOAD  DUP1  ISZERO  PUSH1 0x0e  JUMPI
///   08 PUSH1 0  PUSH1 0  LOG1  STOP
///   0e JUMPDEST  PUSH1 42  PUSH1 0  MSTORE  PUSH1 32  PUSH1 0  REVERT
/// ```
const LOGGER_CODE: [u8; 25] = hex!("600035801560 0e57 60006000a100 5b602a60005260206000fd");

/// Where the contract lies.
pub const LOGGER: Address = address!("00000000000000000000000000000000000a55a9");

/// The key of anvil's first account, which has 10,000 ether. Everybody knows it.
pub const RICH: B256 = b256!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
pub const RICH_ADDRESS: Address = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");

/// A running anvil, stopped when dropped.
pub struct Anvil {
    process: Child,
    pub port: u16,
    pub endpoint: Endpoint,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The binary, or `None`, said aloud.
fn binary() -> Option<PathBuf> {
    let tools = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../bridge-contracts/node_modules/@foundry-rs");
    // The script that npm links starts the binary as a child of its own, which would outlive it.
    let from_npm = std::fs::read_dir(tools).ok().and_then(|packages| {
        let binaries = packages.flatten().map(|package| package.path().join("bin/anvil"));
        binaries.filter(|path| path.is_file()).max()
    });
    let found = std::env::var_os("ANVIL").map(PathBuf::from).or(from_npm);
    if found.is_none() {
        // Not `eprintln`, which the test harness keeps to itself when a test passes.
        let name = std::thread::current().name().unwrap_or("a test").to_owned();
        let _ = writeln!(
            std::io::stderr(),
            "skipped {name}: no anvil, neither by ANVIL nor in bridge-contracts/node_modules"
        );
    }
    found
}

impl Anvil {
    /// Starts one that mines only when told to. `None` when there is no binary.
    pub async fn start() -> Option<Anvil> {
        Some(Anvil::start_with(binary()?, &["--port", "0"], "http").await)
    }

    /// The same, asked over a WebSocket.
    pub async fn start_websocket() -> Option<Anvil> {
        Some(Anvil::start_with(binary()?, &["--port", "0"], "ws").await)
    }

    /// Another chain, whose first block is of another time, at a port that another one had.
    pub async fn start_again(port: u16) -> Option<Anvil> {
        Some(Anvil::start_with(binary()?, &["--port", &port.to_string(), "--timestamp", "1000000000"], "http").await)
    }

    async fn start_with(binary: PathBuf, arguments: &[&str], scheme: &str) -> Anvil {
        let mut process = Command::new(binary)
            .args(["--no-mining", "--order", "fifo"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("anvil starts");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let listening = lines.by_ref().map(|line| line.expect("it prints text"));
        let listening = listening.filter_map(|line| line.strip_prefix("Listening on ").map(str::to_owned)).next();
        let address = listening.expect("anvil says where it listens");
        let port =
            address.rsplit(':').next().and_then(|port| port.trim().parse().ok()).expect("an address ends with a port");
        // Its output is read to the end, or it would stop at a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let endpoint =
            Endpoint::new(&EndpointConfig::new(format!("{scheme}://127.0.0.1:{port}"))).expect("a good address");
        let anvil = Anvil { process, port, endpoint };
        anvil.ask("anvil_setCode", json!([LOGGER, hex::encode_prefixed(LOGGER_CODE)])).await;
        anvil
    }

    /// Asks anvil something of its own.
    pub async fn ask(&self, method: &'static str, parameters: Value) -> Value {
        let asked =
            self.endpoint.call("ask anvil", |l1| async move { l1.raw_request(method.into(), parameters).await });
        asked.await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    pub async fn mine(&self, blocks: u64) {
        self.ask("anvil_mine", json!([U256::from(blocks)])).await;
    }

    /// Replaces the newest blocks by as many empty ones.
    pub async fn reorganise(&self, depth: u64) {
        self.ask("anvil_reorg", json!([depth, []])).await;
    }

    pub async fn head(&self) -> u64 {
        self.endpoint
            .call("ask for the head", |l1| async move { l1.get_block_number().await })
            .await
            .expect("anvil answers")
    }

    /// Makes a log with a topic from anvil's second account; it is mined with the next block.
    pub async fn log(&self, topic: u64) {
        let from = address!("70997970C51812dc3A010C7d01b50e0d17dc79C8");
        let data = B256::left_padding_from(&topic.to_be_bytes());
        self.ask("eth_sendTransaction", json!([{ "from": from, "to": LOGGER, "data": data, "gas": "0x186a0" }])).await;
    }

    /// All logs of the canonical chain: number and hash of the block, topic. From anvil itself, by one question.
    pub async fn logs(&self) -> Vec<(u64, B256, u64)> {
        let filter = json!([{ "address": LOGGER, "fromBlock": "0x0", "toBlock": "latest" }]);
        let logs = self.ask("eth_getLogs", filter).await;
        let logs: Vec<alloy_rpc_types_eth::Log> = serde_json::from_value(logs).expect("logs are logs");
        logs.iter().map(entry).collect()
    }
}

/// Number and hash of a log's block, and its topic.
pub fn entry(log: &alloy_rpc_types_eth::Log) -> (u64, B256, u64) {
    let topic = U256::from_be_bytes(log.topics()[0].0);
    (log.block_number.expect("it is mined"), log.block_hash.expect("it is mined"), topic.to())
}
