//! A region on this machine: anvil, the contracts, a sequencer in this process or another, clients and executors that pretend to run.
//!
//! Executors here sign results of their own making: the output is the input backwards. What a sequencer does with results does not depend
//! on their being true.
#![allow(dead_code, unused_imports, reason = "each test file uses its own part of this")]
#![allow(clippy::unwrap_used, reason = "this is part of tests")]

mod client;
mod executor;
mod line;
mod posted;
pub mod raw;

pub use client::{Client, connect, connect_from};
pub use executor::{Behaviour, FakeExecutor, Work, answer, result, sign};
pub use line::Line;
pub use posted::{claims, leaves, parts_and_postings};

use std::path::{Path, PathBuf};
use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;
use assay_anvil::{Anvil, Mining, Settings, account};
use assay_node::endpoint::EndpointConfig;
use assay_node::keys::Wallet;
use assay_node::shutdown::{Process, Stopped};
use assay_node::store::StoreError;
use assay_protocol::contracts::Bonds;
use assay_protocol::deployment::Deployment;
use assay_protocol::objects::{Domain, Role};
use assay_protocol::presets::Preset;
use assay_sequencer::config::{self, Config};
use assay_sequencer::{Sequencer, SequencerError};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Accounts of anvil by what they are here.
pub const DEPLOYER: usize = 0;
pub const SEQUENCER: usize = 1;
pub const EXECUTOR: usize = 2;
pub const OTHER_EXECUTOR: usize = 3;
pub const CLIENT: usize = 4;

/// Nothing here takes longer, on however slow a machine, unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(180);

pub fn wallet(index: usize) -> Wallet {
    Wallet::from_secret(&account(index).1).unwrap()
}

/// L1 with the contracts, a registered sequencer and two registered executors.
pub struct Stage {
    pub anvil: Anvil,
    pub deployment: Deployment,
    pub domain: Domain,
}

impl Stage {
    /// A chain with a block every second.
    pub fn settings() -> Settings {
        let mining = Mining::Every(Duration::from_secs(1));
        Settings { mining, block_gas_limit: Some(60_000_000), ..Settings::default() }
    }

    /// `None`, said aloud, where there is no anvil.
    pub async fn open() -> Option<Self> {
        Self::open_on(&Self::settings()).await
    }

    /// The same on a chain of its own kind.
    pub async fn open_on(settings: &Settings) -> Option<Self> {
        let anvil = Anvil::start_or_skip(settings).await?;
        let treasury = Address::repeat_byte(0x77);
        let deployment = assay_deploy::deploy(anvil.endpoint(), &wallet(DEPLOYER), Preset::Devnet, treasury).await;
        let deployment = deployment.unwrap();
        let domain = Domain { chain_id: deployment.chain_id, contract: deployment.contracts.batches };
        let stage = Self { anvil, deployment, domain };
        let parameters = Preset::Devnet.parameters(treasury);
        let mut sent = Vec::new();
        for (index, role, stake) in [
            (SEQUENCER, Role::Sequencer, parameters.sequencer_stake),
            (EXECUTOR, Role::Executor, parameters.executor_stake),
            (OTHER_EXECUTOR, Role::Executor, parameters.executor_stake),
        ] {
            let call = Bonds::registerCall { role: role as u8 };
            sent.push(stage.send(index, stage.deployment.contracts.bonds, stake, call.abi_encode().into()).await);
        }
        for transaction in sent {
            stage.mined(transaction).await;
        }
        Some(stage)
    }

    pub async fn ask(&self, method: &'static str, parameters: Value) -> Value {
        self.anvil.endpoint().request("ask anvil", method, parameters).await.unwrap()
    }

    pub async fn send(&self, from: usize, to: Address, value: U256, data: Bytes) -> B256 {
        let call = json!([{ "from": account(from).0, "to": to, "value": value, "data": data, "gas": "0x4c4b40" }]);
        serde_json::from_value(self.ask("eth_sendTransaction", call).await).unwrap()
    }

    pub async fn mined(&self, transaction: B256) {
        let receipt = eventually("a transaction is mined", async || {
            let receipt = self.ask("eth_getTransactionReceipt", json!([transaction])).await;
            (!receipt.is_null()).then_some(receipt)
        });
        assert_eq!(receipt.await["status"], "0x1", "{transaction} failed");
    }

    /// What a contract answers.
    pub async fn call<C: SolCall>(&self, to: Address, call: C) -> C::Return {
        let data = Bytes::from(call.abi_encode());
        let answer = self.ask("eth_call", json!([{ "to": to, "data": data }, "latest"])).await;
        let bytes: Bytes = serde_json::from_value(answer).unwrap();
        C::abi_decode_returns(&bytes).unwrap()
    }

    pub async fn l1_time(&self) -> u64 {
        let block = self.ask("eth_getBlockByNumber", json!(["latest", false])).await;
        let time: U256 = serde_json::from_value(block["timestamp"].clone()).unwrap();
        time.to()
    }

    /// A configuration with free ports, whose data lie in a folder.
    pub fn config(&self, data: &Path) -> Config {
        config(data, &self.anvil.url())
    }

    /// A sequencer in this process.
    pub async fn sequencer(&self, config: Config) -> Running {
        // One that has just stopped in this process may still be letting go of its store.
        let running = eventually("the store is free", async || {
            let mut process = Process::new();
            let (stop, deployment) = (process.token(), self.deployment.clone());
            match Sequencer::start(config.clone(), deployment, wallet(SEQUENCER), &mut process).await {
                Ok(sequencer) => Some(Running { sequencer, stop, ended: tokio::spawn(process.run()) }),
                Err(SequencerError::Store(StoreError::Locked { .. })) => None,
                Err(error) => panic!("{error}"),
            }
        })
        .await;
        eventually("the sequencer is ready", async || running.sequencer.health.waits_for().is_empty().then_some(()))
            .await;
        running
    }
}

/// A configuration with free ports, for a development chain.
pub fn config(data: &Path, l1: &str) -> Config {
    let mut config = Config::new(data, EndpointConfig::new(l1)).on_devnet();
    config.listen = config::Listen {
        rpc: "127.0.0.1:0".into(),
        admin: Some("127.0.0.1:0".into()),
        admin_secret: None,
        telemetry: None,
    };
    config.batches.wait_ms = 500;
    config.limits.connections_per_address_max = 512;
    config
}

/// A sequencer that runs in this process.
pub struct Running {
    pub sequencer: Sequencer,
    stop: CancellationToken,
    ended: JoinHandle<Result<(), Stopped>>,
}

impl Running {
    pub fn url(&self) -> String {
        format!("ws://{}", self.sequencer.rpc)
    }

    /// Waits until it ends by itself.
    pub async fn ended(self) -> Result<(), Stopped> {
        self.ended.await.unwrap()
    }

    /// Stops it, in order and in time.
    pub async fn stop(self) {
        self.stop.cancel();
        self.ended.await.unwrap().unwrap();
    }
}

/// Asks again until there is something.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = std::time::Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "not within {} s: {what}", PATIENCE.as_secs());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A small program of the repository.
pub fn wasm() -> Vec<u8> {
    std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../jobs/wasm/primes.wasm")).unwrap()
}
