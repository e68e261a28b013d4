//! A seat: the honest player as a process has it, with a store in a directory, a follower, a sender and the player's actor.
#![allow(dead_code, reason = "each program uses its own part of this")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256, keccak256};
use assay_dispute::game::Side;
use assay_dispute::player::Account;
use assay_node::endpoint::{Endpoint, EndpointConfig};
use assay_node::keys::Wallet;
use assay_node::shutdown::Process;
use assay_node::store::{Schema, Store};
use assay_node::telemetry::Metrics;
use assay_node::tx::{self, SenderConfig};
use assay_player::cases::{Cases, RunsConfig};
use assay_player::chain::{self, Blobs, Chain, ChainConfig, Follower, LeafId, Nowhere, Reexecution, Sources};
use assay_player::player::{Player, PlayerConfig, player, rows, secret_of};
use assay_protocol::deployment::Deployment;
use tokio_util::sync::CancellationToken;

/// The honest player.
pub struct Seat {
    pub chain: Chain,
    pub player: Player,
    pub metrics: Metrics,
    pub process: Process,
}

/// Which account sits, on which side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sitter {
    pub side: Side,
    pub number: u32,
}

impl Sitter {
    /// Its key: that of the simulation's player of the same side and number.
    pub fn secret(&self) -> B256 {
        let name = match self.side {
            Side::Challenger => "challenger",
            Side::Executor => "executor",
        };
        keccak256([name.as_bytes(), &self.number.to_be_bytes()].concat())
    }

    pub fn wallet(&self) -> Wallet {
        Wallet::from_secret(&self.secret()).expect("a hash is a key")
    }

    pub fn address(&self) -> Address {
        self.wallet().address()
    }

    pub fn account(&self) -> Account {
        let own = Some(self.address());
        match self.side {
            Side::Challenger => Account { challenger: own, executor: None },
            Side::Executor => Account { challenger: None, executor: own },
        }
    }
}

pub fn open_store(directory: &Path) -> Store {
    let schema = assay_node::l1::schema(Schema::new("player", 1));
    let schema = rows::schema(tx::schema(chain::schema(schema)));
    Store::open(&directory.join("store"), &schema).expect("it opens")
}

pub fn follow(store: Store, endpoint: Endpoint, deployment: &Deployment) -> (Chain, Follower) {
    follow_to(store, endpoint, deployment, ChainConfig::default().depth_max)
}

/// As [`follow`]; reorganisations deeper than so many blocks are healed by reading all again.
pub fn follow_to(store: Store, endpoint: Endpoint, deployment: &Deployment, depth_max: u64) -> (Chain, Follower) {
    let config = ChainConfig { poll_interval: Duration::from_millis(20), depth_max, ..ChainConfig::default() };
    Follower::open(store, endpoint, deployment.clone(), config).expect("rows can be read")
}

/// Sits down: everything that a process does at its start.
pub fn sit(sitter: Sitter, url: &str, deployment: &Deployment, directory: &Path) -> Seat {
    sit_with(sitter, url, deployment, directory, ChainConfig::default().depth_max, Arc::new(Nowhere))
}

/// As [`sit`]; reorganisations deeper than so many blocks are healed by reading all again, and what L1 has not is looked for elsewhere.
pub fn sit_with(
    sitter: Sitter,
    url: &str,
    deployment: &Deployment,
    directory: &Path,
    depth_max: u64,
    elsewhere: Arc<dyn Blobs>,
) -> Seat {
    let endpoint = Endpoint::new(&EndpointConfig::new(url)).expect("a good address");
    let store = open_store(directory);
    let (chain, follower) = follow_to(store.clone(), endpoint.clone(), deployment, depth_max);
    // As it is shipped, but for a chain whose blocks come within a second.
    let config = SenderConfig {
        tick: Duration::from_millis(20),
        resubmit_after: Duration::from_secs(2),
        ..SenderConfig::new(deployment.chain_id)
    };
    let (sender, transactions) = tx::sender(store, endpoint, sitter.wallet(), config).expect("rows can be read");
    let sources = Sources::new(chain.clone(), Arc::new(Reexecution), elsewhere);
    let cases = Arc::new(Cases::new(sources, RunsConfig::default()));
    let secret = secret_of(&sitter.wallet()).expect("a key signs");
    let metrics = Metrics::new("test");
    let config = PlayerConfig::new(sitter.account());
    let (player, actor) = player(chain.clone(), cases, sender, secret, config, &metrics);
    let mut process = Process::new();
    process.critical("follower", follower.run(process.token()));
    process.critical("sender", transactions.run(process.token()));
    process.critical("player", actor.run(process.token()));
    Seat { chain, player, metrics, process }
}

impl Seat {
    /// Challenges these claims and plays until the token is cancelled.
    pub async fn play(self, leaves: &[LeafId]) {
        for leaf in leaves {
            self.player.challenge(*leaf, false).await.expect("there is room");
        }
        self.process.run().await.expect("nothing dies");
    }

    /// Plays beside the test; the token ends it.
    pub fn play_beside(self, leaves: Vec<LeafId>) -> (CancellationToken, tokio::task::JoinHandle<()>) {
        (self.process.token(), tokio::spawn(async move { self.play(&leaves).await }))
    }
}
