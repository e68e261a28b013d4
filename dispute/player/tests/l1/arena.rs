//! An arena: a stage of the simulation on a real node, its dishonest players, and the clock.
//!
//! Owns anvil and its blocks. A stage is built in the simulation's local EVM and every transaction of it is sent again here, from the same
//! accounts, at the same times: so contracts, claims and hashes are the same on both, and the simulation's players can play here. A
//! block is a second of L1, however long it takes: the honest side is waited for before one is mined, so that a slow machine loses no
//! game.
#![allow(dead_code, reason = "each program uses its own part of this")]

use std::collections::BTreeSet;
use std::time::Duration;

use alloy_primitives::{Address, Bytes, U256};
use assay_anvil::{Anvil, Settings};
use assay_dispute::game::Side;
use assay_dispute::player::{Account, GameState, duties};
use assay_dispute::preflight::CourtPreflight;
use assay_node::endpoint::{Endpoint, EndpointConfig};
use assay_node::tx::UNMINED_MAX;
use assay_player::chain::{Chain, Follower, LeafId};
use assay_protocol::deployment::{DEPLOYMENT_VERSION, Deployment};
use assay_protocol::presets::Preset;
use assay_simulation::actor::{Actor, View, Wish};
use assay_simulation::bout::Bout;
use assay_simulation::deployment::Deployment as Simulated;
use assay_simulation::job::Job;
use assay_simulation::plan::{Conduct, Plan};
use assay_simulation::stage::{Stage, purse};
use assay_simulation::world::{CHAIN_ID, World};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::seat::{follow, open_store};

/// Nothing here takes longer, on however slow a machine, unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// How often something that is awaited is looked at.
pub const GLANCE: Duration = Duration::from_millis(10);
/// Gas of a block, as L1 has it.
const BLOCK_GAS: u64 = 60_000_000;
/// Gas of a rival's transaction.
const RIVAL_GAS: u64 = 2_500_000;

/// A stage on anvil.
pub struct Arena {
    pub anvil: Anvil,
    pub deployment: Deployment,
    /// What the test knows of L1, by a follower of its own.
    pub chain: Chain,
    follower: Follower,
    stage: Stage,
    /// Of each case: whether its claim is true.
    pub is_true: Vec<bool>,
    rivals: Vec<Actor>,
    /// Those that have sent a challenge, whatever became of it.
    challengers: BTreeSet<Address>,
    preflight: CourtPreflight,
    _directory: TempDir,
}

impl Arena {
    /// Sets the stage of a plan. Its dishonest players are the arena's; the honest ones are played by whoever opens it. `None` without
    /// an anvil.
    pub async fn open(plan: &Plan, jobs: &[Job]) -> Option<Self> {
        let Bout { stage, actors, is_true, .. } = plan.bout(jobs);
        let blocks = stage.world.blocks();
        let settings =
            Settings { timestamp: Some(blocks[0].time), block_gas_limit: Some(BLOCK_GAS), ..Settings::default() };
        let anvil = Anvil::start_or_skip(&settings).await?;
        replay(&anvil, &stage.world).await;
        let mut deployment = deployment_of(&stage.deployment);
        deployment.first_block = 1;
        for actor in &actors {
            anvil.set_balance(actor.address(), purse()).await.expect("anvil has money");
        }
        let directory = tempfile::tempdir().expect("there is room for a directory");
        let endpoint = Endpoint::new(&EndpointConfig::new(anvil.url())).expect("a good address");
        let (chain, follower) = follow(open_store(directory.path()), endpoint, &deployment);
        let honest: BTreeSet<Address> = plan
            .players
            .iter()
            .filter(|player| player.conduct == Conduct::Honest)
            .map(|player| player.key().address())
            .collect();
        let rivals = actors.into_iter().filter(|actor| !honest.contains(&actor.address())).collect();
        let (challengers, preflight) = (BTreeSet::new(), stage.deployment.preflight());
        let mut arena = Self {
            anvil,
            deployment,
            chain,
            follower,
            stage,
            is_true,
            rivals,
            challengers,
            preflight,
            _directory: directory,
        };
        arena.look().await;
        Some(arena)
    }

    /// The leaf of a case.
    pub fn leaf(&self, case: usize) -> LeafId {
        let proof = &self.stage.cases[case].proof;
        LeafId { region: proof.batch.region, batch: proof.batch.number, index: proof.index }
    }

    /// Leaves whose claims are false.
    pub fn false_leaves(&self) -> Vec<LeafId> {
        (0..self.is_true.len()).filter(|case| !self.is_true[*case]).map(|case| self.leaf(case)).collect()
    }

    /// The executor of a case.
    pub fn executor(&self, case: usize) -> Address {
        assay_simulation::stage::executor_of(&self.stage.cases[case])
    }

    /// L1 time of the newest block.
    pub fn now(&self) -> u64 {
        self.chain.head().expect("the arena has looked").time
    }

    /// The last L1 time at which any claim of the stage can be challenged.
    pub fn window_end(&self) -> u64 {
        let window = self.chain.parameters().window;
        let view = self.chain.view();
        let posted = view.regions().flat_map(|(_, region)| region.batches.iter().map(|batch| batch.posted_at));
        posted.max().unwrap_or_default() + window
    }

    /// Reads what is new.
    pub async fn look(&mut self) {
        self.follower.catch_up().await.expect("anvil can be read");
    }

    /// Lets the rivals send what they want in the next block. Returns how many transactions that were.
    pub async fn provoke(&mut self) -> usize {
        self.look().await;
        let wishes = self.wishes();
        self.challengers.extend(wishes.iter().filter(|wish| wish.duty.is_none()).map(|wish| wish.from));
        for wish in &wishes {
            self.send(wish.from, wish.intent.to, wish.intent.value, wish.intent.data.clone(), RIVAL_GAS).await;
        }
        wishes.len()
    }

    fn wishes(&mut self) -> Vec<Wish> {
        let (board, now) = (self.chain.view().board().clone(), self.now());
        let window = self.chain.parameters().window;
        let ends: Vec<u64> = {
            let view = self.chain.view();
            let posted =
                |case: usize| view.batch(self.leaf(case).region, self.leaf(case).batch).map(|batch| batch.posted_at);
            (0..self.is_true.len()).map(|case| posted(case).unwrap_or_default() + window).collect()
        };
        let mut wishes: Vec<Wish> = Vec::new();
        for rival in &mut self.rivals {
            let view = View {
                board: &board,
                cases: &self.stage.cases,
                window_ends: &ends,
                parameters: self.chain.parameters(),
                bonds: self.deployment.contracts.bonds,
                now,
                pace: 1,
                mempool: &wishes,
            };
            let made = rival.wishes(&view, &self.preflight).expect("liars are never helpless");
            wishes.extend(made);
        }
        wishes
    }

    /// Sends a call in anybody's name; it is mined with the next block.
    pub async fn send(&self, from: Address, to: Address, value: U256, data: Bytes, gas: u64) {
        send(&self.anvil, from, Some(to), value, data, gas).await;
    }

    /// Mines a block, a second after the one before.
    pub async fn mine(&mut self) {
        self.anvil.mine(1).await.expect("anvil mines");
        self.look().await;
    }

    /// Things that an honest account has to do now.
    pub fn due(&self, account: &Account) -> u64 {
        duties(self.chain.view().board(), account, self.now()).len() as u64
    }

    /// Least that is left on a running clock of an account, in seconds.
    pub fn clock_least(&self, account: &Account) -> u64 {
        let view = self.chain.view();
        let is_mine = |game: &&GameState| match game.mover() {
            Some(Side::Challenger) => account.challenger == Some(game.challenge.challenger),
            Some(Side::Executor) => account.executor == Some(game.executor),
            None => false,
        };
        let left = view.board().games().filter(is_mine).map(|game| game.expiry.saturating_sub(self.now()));
        left.min().unwrap_or(u64::MAX)
    }

    /// Waits until an honest account has sent something for each thing that it has to do, as far as these go out at once, or for so long
    /// that it never will. Returns whether there was anything to send, and it was.
    pub async fn wait_for(&mut self, account: &Account, sender: Address) -> bool {
        self.look().await;
        let due = self.due(account);
        self.wait_for_pending(sender, due).await && due > 0
    }

    /// Waits for so many transactions of an account, or for as many as a sender lets wait at once, or for so long that they will never
    /// be.
    pub async fn wait_for_pending(&self, sender: Address, count: u64) -> bool {
        let count = count.min(UNMINED_MAX as u64);
        let began = std::time::Instant::now();
        while self.pending(sender).await < count {
            if began.elapsed() > PATIENCE {
                return false;
            }
            tokio::time::sleep(GLANCE).await;
        }
        true
    }

    /// Transactions of an account that wait to be mined.
    pub async fn pending(&self, account: Address) -> u64 {
        let count = async |at: &str| number(&self.anvil.request("eth_getTransactionCount", json!([account, at])).await);
        let (pending, mined) = (count("pending").await, count("latest").await);
        pending.saturating_sub(mined)
    }

    /// Whether every window is over and every game too.
    pub fn is_over(&self) -> bool {
        self.now() > self.window_end() && self.chain.view().board().games().all(|game| !game.is_running())
    }

    /// Gas of all transactions of these accounts.
    pub async fn gas_of(&self, accounts: &[Address]) -> u64 {
        let mut gas = 0;
        for block in 1..=self.anvil.head().await.expect("anvil answers") {
            let receipts = self.anvil.request("eth_getBlockReceipts", json!([U256::from(block)])).await;
            let receipts = receipts.expect("anvil has its blocks");
            for receipt in receipts.as_array().into_iter().flatten() {
                let from: Address = serde_json::from_value(receipt["from"].clone()).expect("it has a sender");
                if accounts.contains(&from) {
                    gas += number(&Ok::<_, ()>(receipt["gasUsed"].clone()));
                }
            }
        }
        gas
    }

    /// How many dishonest players have sent a challenge. They send it again as long as L1 has no game of it and the window is open.
    pub fn challengers(&self) -> usize {
        self.challengers.len()
    }

    /// Addresses of the dishonest players.
    pub fn rivals(&self) -> Vec<Address> {
        self.rivals.iter().map(Actor::address).collect()
    }
}

fn number<E: std::fmt::Debug>(answer: &Result<Value, E>) -> u64 {
    let answer = answer.as_ref().expect("anvil answers");
    let number: U256 = serde_json::from_value(answer.clone()).expect("it is a number");
    number.to()
}

async fn send(anvil: &Anvil, from: Address, to: Option<Address>, value: U256, data: Bytes, gas: u64) {
    let call = json!([{ "from": from, "to": to, "value": value, "data": data, "gas": U256::from(gas) }]);
    anvil.request("eth_sendTransaction", call).await.expect("anvil takes transactions in anybody's name");
}

/// Sends everything that made a world once more, from the same accounts at the same times.
pub async fn replay(anvil: &Anvil, world: &World) {
    anvil.request("anvil_autoImpersonateAccount", json!([true])).await.expect("anvil impersonates");
    let mut known = BTreeSet::new();
    let mut last = world.blocks()[0].time;
    for block in &world.blocks()[1..] {
        for transaction in &block.transactions {
            if known.insert(transaction.from) {
                anvil.set_balance(transaction.from, purse() * U256::from(10)).await.expect("anvil has money");
            }
            let gas = (transaction.gas * 2 + 100_000).min(1 << 24);
            send(anvil, transaction.from, transaction.to, transaction.value, transaction.data.clone(), gas).await;
        }
        last = block.time.max(last + 1);
        anvil.request("evm_setNextBlockTimestamp", json!([last])).await.expect("anvil sets its clock");
        anvil.mine(1).await.expect("anvil mines");
        // What did not fit comes a second later.
        while number(&anvil.request("txpool_status", json!([])).await.map(|status| status["pending"].clone())) > 0 {
            last += 1;
            anvil.request("evm_setNextBlockTimestamp", json!([last])).await.expect("anvil sets its clock");
            anvil.mine(1).await.expect("anvil mines");
        }
    }
    // From here on a block is a second.
    anvil.request("anvil_setBlockTimestampInterval", json!([1])).await.expect("anvil sets its clock");
}

/// The file that processes read, for a stage.
pub fn deployment_of(of: &Simulated) -> Deployment {
    let contracts = of.contracts();
    let (chain_id, treasury) = (CHAIN_ID, of.parameters.treasury);
    Deployment { version: DEPLOYMENT_VERSION, chain_id, preset: Preset::Devnet, treasury, first_block: 0, contracts }
}
