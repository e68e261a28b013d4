//! An L1 for the tests: anvil with a contract that logs, and what tests do to it.
//!
//! Owns the contract and the panics: where anvil does not do as it is told, a test has failed.

#![allow(dead_code, reason = "each test file uses its own part of this")]

pub mod narrow;

use alloy_primitives::{Address, B256, Bytes, U256, address, hex};
use assay_anvil::{ACCOUNTS, Anvil, Settings};
use assay_node::endpoint::{Endpoint, EndpointConfig};
use serde_json::{Value, json};

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

/// Where the same contract lies once more: nobody reads its logs.
pub const STRANGER: Address = address!("00000000000000000000000000000000000a55aa");

/// A running L1, ended when dropped.
pub struct L1 {
    anvil: Anvil,
    pub endpoint: Endpoint,
}

impl L1 {
    /// Starts one that mines only when told to. `None` when there is no anvil.
    pub async fn start() -> Option<L1> {
        let anvil = Anvil::start_or_skip(&Settings::default()).await?;
        let endpoint = anvil.endpoint().clone();
        Some(L1::with_logger(anvil, endpoint).await)
    }

    /// The same, asked over a WebSocket.
    pub async fn start_websocket() -> Option<L1> {
        let anvil = Anvil::start_or_skip(&Settings::default()).await?;
        let endpoint = Endpoint::new(&EndpointConfig::new(anvil.websocket_url())).expect("a good address");
        Some(L1::with_logger(anvil, endpoint).await)
    }

    /// Another chain, whose first block is of another time, at a port that another one had.
    pub async fn start_again(port: u16) -> L1 {
        let settings = Settings { port, timestamp: Some(1_000_000_000), ..Settings::default() };
        let anvil = Anvil::start(&settings).await.expect("the port is free again");
        let endpoint = anvil.endpoint().clone();
        L1::with_logger(anvil, endpoint).await
    }

    async fn with_logger(anvil: Anvil, endpoint: Endpoint) -> L1 {
        for at in [LOGGER, STRANGER] {
            anvil.set_code(at, Bytes::from_static(&LOGGER_CODE)).await.expect("anvil answers");
        }
        L1 { anvil, endpoint }
    }

    pub fn port(&self) -> u16 {
        self.anvil.port()
    }

    /// Asks anvil something of its own.
    pub async fn ask(&self, method: &'static str, parameters: Value) -> Value {
        self.anvil.request(method, parameters).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    pub async fn mine(&self, blocks: u64) {
        self.anvil.mine(blocks).await.expect("anvil answers");
    }

    /// Replaces the newest blocks by as many empty ones.
    pub async fn reorganise(&self, depth: u64) {
        self.anvil.reorganise(depth).await.expect("anvil answers");
    }

    pub async fn head(&self) -> u64 {
        self.anvil.head().await.expect("anvil answers")
    }

    /// Sets an account's balance.
    pub async fn set_balance(&self, of: Address, wei: u128) {
        self.anvil.set_balance(of, U256::from(wei)).await.expect("anvil answers");
    }

    /// Sets the base fee of the next block: for it only, for anvil's base fee falls in empty blocks.
    pub async fn set_next_base_fee(&self, wei: u128) {
        self.anvil.set_next_base_fee(wei).await.expect("anvil answers");
    }

    /// Makes a log with a topic from anvil's second account; it is mined with the next block.
    pub async fn log(&self, topic: u64) {
        self.log_of(LOGGER, topic).await;
    }

    /// The same, from either of the contracts.
    pub async fn log_of(&self, contract: Address, topic: u64) {
        let data = Bytes::copy_from_slice(B256::left_padding_from(&topic.to_be_bytes()).as_slice());
        self.anvil.send(ACCOUNTS[1].0, contract, data, 100_000).await.expect("anvil takes it");
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
