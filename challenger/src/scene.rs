//! What tests of this crate stand on: a chain of the simulation with one claim in one batch, read from its logs.

use alloy_primitives::{Address, B256, Bytes, Log, U256};
use alloy_sol_types::SolEvent;
use assay_node::store::{Schema, Store};
use assay_node::{blobs, l1, tx};
use assay_player::chain::{self, Chain, LeafId, Placed};
use assay_player::player;
use assay_protocol::contracts::Court;
use assay_protocol::deployment::{DEPLOYMENT_VERSION, Deployment};
use assay_protocol::presets::Preset;
use assay_simulation::job::Job;
use assay_simulation::key::Key;
use assay_simulation::stage::{Entry, Stage};
use assay_simulation::world::CHAIN_ID;
use tempfile::TempDir;

use crate::rows;

/// The claim, and the logs of its chain.
pub struct Scene {
    pub folder: TempDir,
    pub store: Store,
    pub leaf: LeafId,
    pub executor: Address,
    pub posted_at: u64,
    deployment: Deployment,
    logs: Vec<Placed>,
}

impl Scene {
    /// A claim about a job, which is true.
    pub fn new(job: &Job) -> Self {
        let key = Key::named("executor", 1);
        let entry = Entry { job, executor: &key, claimed: job.truth };
        let parameters = Preset::Devnet.parameters(Address::repeat_byte(9));
        let stage = Stage::new(parameters, 1_000_000_000, &[entry]);
        let deployment = Deployment {
            version: DEPLOYMENT_VERSION,
            chain_id: CHAIN_ID,
            preset: Preset::Devnet,
            treasury: stage.deployment.parameters.treasury,
            first_block: 0,
            contracts: stage.deployment.contracts(),
        };
        let mut logs = Vec::new();
        for block in stage.world.blocks() {
            let placed = |(index, log): (u64, &Log)| {
                let place = (block.number, index);
                Placed { place, time: block.time, log: log.clone() }
            };
            logs.extend((0..).zip(block.logs()).map(placed));
        }
        let batch = &stage.cases[0].proof.batch;
        let leaf = LeafId { region: batch.region, batch: batch.number, index: 0 };
        let folder = tempfile::tempdir().unwrap();
        let schema = chain::schema(tx::schema(l1::schema(blobs::schema(Schema::new("scene", 1)))));
        let store = Store::open(&folder.path().join("store"), &rows::schema(player::rows::schema(schema))).unwrap();
        let (executor, posted_at) = (key.address(), stage.posted_at[0]);
        Self { folder, store, leaf, executor, posted_at, deployment, logs }
    }

    /// The executor is convicted, in another challenger's game on the claim.
    pub fn convict(&mut self) {
        let (game, none) = (B256::repeat_byte(1), U256::ZERO);
        let challenge = Court::Challenge {
            challenger: Address::repeat_byte(8),
            batchHash: B256::ZERO,
            index: self.leaf.index,
            leaf: B256::ZERO,
            commitment: B256::ZERO,
            bond: U256::from(1),
            isStay: false,
            expiry: self.posted_at + 100,
        };
        let (claim, executor, from) = (self.leaf.claim(), self.executor, self.posted_at);
        self.tell(&Court::Committed { game, claim, executor, challenge, record: Bytes::new() });
        let (pot, winners, share) = (none, none, none);
        self.tell(&Court::Convicted { executor, game, voidFrom: from, pot, costPaid: none, winners, share });
    }

    fn tell(&mut self, event: &impl SolEvent) {
        let log = Log { address: self.deployment.contracts.court, data: event.encode_log_data() };
        let place = (1_000, self.logs.len() as u64);
        self.logs.push(Placed { place, time: self.posted_at + 1, log });
    }

    /// The chain, as far as it has come.
    pub fn chain(&self) -> Chain {
        Chain::still(self.store.clone(), self.deployment.clone(), &self.logs).unwrap()
    }
}
