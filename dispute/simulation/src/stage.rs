//! A stage: a chain with the contracts on it, registered parties, and one posted batch of claims to fight about.

use alloy_sol_types::SolCall;
use assay_dispute::game::Claimed;
use assay_dispute::player::Case;
use assay_protocol::contracts::{Batches, Bonds, Court, Programs};
use assay_protocol::data::{data_root, encode, write_record};
use assay_protocol::objects::{
    Claim, Domain, KeyConsent, Origin, Place, Role, Source, TaskRequest, TaskResult, region_id,
};
use assay_protocol::presets::Parameters;
use assay_protocol::{Address, B256, LEAF_TREE, keccak256};
use revm::primitives::{Bytes, U256};

use crate::deployment::Deployment;
use crate::job::Job;
use crate::key::Key;
use crate::world::{CHAIN_ID, Receipt, World};

/// The descriptor as a contract's binding has it.
macro_rules! abi_descriptor {
    ($contract:ident, $job:expr) => {{
        let descriptor = &$job.descriptor;
        let mount = |(region, root): &(u8, B256)| $contract::Mount { region: *region, root: *root };
        $contract::Descriptor {
            version: descriptor.version,
            entryPc: descriptor.entry_pc,
            memoryPages: descriptor.memory_pages,
            memoryPagesMax: descriptor.memory_pages_max,
            wasm: $contract::BlobRef { root: descriptor.wasm.root, length: descriptor.wasm.length },
            mounts: descriptor.mounts.iter().map(mount).collect(),
        }
    }};
}

/// What everybody starts with: a million ether.
#[must_use]
pub fn purse() -> U256 {
    U256::from(10).pow(U256::from(24))
}

/// Bytes of a part of a batch's data but the last: 16 pages.
const PART_BYTES: usize = 16 * 4096;

/// A claim to be posted: of whom, about which job, and what it says.
pub struct Entry<'a> {
    /// The job.
    pub job: &'a Job,
    /// The owner of the stake behind it.
    pub executor: &'a Key,
    /// What it says.
    pub claimed: Claimed,
}

/// A chain with posted batches.
#[derive(Clone)]
pub struct Stage {
    /// The chain.
    pub world: World,
    /// The contracts.
    pub deployment: Deployment,
    /// One case for each entry, in order.
    pub cases: Vec<Case>,
    /// L1 time at which the batch of each case was posted.
    pub posted_at: Vec<u64>,
    client: Key,
    sequencer: Key,
    region: B256,
    /// Number and hash of the last batch.
    last: Option<(u64, B256)>,
    /// Whether the sequencer posts other bytes than those that its leaves are of.
    pub is_withheld: bool,
}

impl Stage {
    /// Deploys, registers everybody and posts the claims, if there are any.
    ///
    /// # Panics
    /// If a contract refuses what it should take.
    #[must_use]
    pub fn new(parameters: Parameters, base_fee: u64, entries: &[Entry<'_>]) -> Self {
        let mut world = World::new(1_700_000_000, base_fee);
        let deployment = Deployment::new(&mut world, parameters);
        let (client, sequencer) = (Key::named("client", 0), Key::named("sequencer", 0));
        let name = B256::repeat_byte(1);
        let region = region_id(CHAIN_ID, deployment.batches, sequencer.address(), name);
        register(&mut world, &deployment, Role::Sequencer, &sequencer);
        send(&mut world, &sequencer, deployment.batches, &Batches::openRegionCall { name });
        let (cases, posted_at, last) = (Vec::new(), Vec::new(), None);
        let is_withheld = false;
        let mut stage = Self { world, deployment, cases, posted_at, client, sequencer, region, last, is_withheld };
        if !entries.is_empty() {
            stage.post(entries);
        }
        stage
    }

    /// Posts another batch of claims.
    ///
    /// # Panics
    /// If a contract refuses what it should take.
    pub fn post(&mut self, entries: &[Entry<'_>]) {
        let (world, deployment) = (&mut self.world, &self.deployment);
        for entry in entries {
            if !is_registered(world, deployment, entry.executor.address()) {
                register(world, deployment, Role::Executor, entry.executor);
            }
            let descriptor = abi_descriptor(entry.job);
            send(world, &self.client, deployment.programs, &Programs::registerCall { descriptor });
        }
        world.advance(12);
        let as_of = world.head().time;
        // An empty blob stands first or not at all.
        let has_empty = entries.iter().any(|entry| entry.job.input.is_empty() || entry.job.wasm.is_empty());
        let mut blobs: Vec<&[u8]> = if has_empty { vec![&[]] } else { Vec::new() };
        let mut claims = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let input = source(&mut blobs, &entry.job.input);
            let wasm = source(&mut blobs, &entry.job.wasm);
            let sequence = (self.cases.len() + index) as u64;
            claims.push(claim(deployment, self.region, &self.client, entry, sequence, as_of, input, wasm));
        }
        let mut encoded = encode(self.region, &deployment.domain, &claims, &blobs).expect("the claims fit a batch");
        let (number, parent) = self.last.map_or((0, B256::ZERO), |(number, hash)| (number + 1, hash));
        if self.is_withheld {
            encoded.data.fill(0xee);
        }
        let mut batch = encoded.batch(self.region, number, parent, as_of);
        batch.data_root = data_root(&encoded.data);
        world.advance(12);
        // The last part may be a whole one.
        let last_at = encoded.data.len().saturating_sub(1) / PART_BYTES * PART_BYTES;
        for (part, data) in (0..).zip(encoded.data[..last_at].chunks(PART_BYTES)) {
            let call = Batches::stageCall { region: self.region, number, part, data: Bytes::copy_from_slice(data) };
            send(world, &self.sequencer, deployment.batches, &call);
        }
        let posted_at = world.head().time;
        let last_part = Bytes::copy_from_slice(&encoded.data[last_at..]);
        let call = Batches::postCall { batch: (&batch).into(), lastPart: last_part };
        send(world, &self.sequencer, deployment.batches, &call);
        self.last = Some((number, batch.hash()));

        self.posted_at.resize(self.posted_at.len() + entries.len(), posted_at);
        self.cases.extend(claims.iter().zip(entries).enumerate().map(|(index, (claim, entry))| Case {
            proof: Court::LeafProof {
                batch: (&batch).into(),
                index: index as u32,
                record: Bytes::copy_from_slice(&write_record(claim)),
                siblings: LEAF_TREE.proof(encoded.leaves.clone(), index),
            },
            batch_hash: batch.hash(),
            leaf: encoded.leaves[index],
            descriptor: court_descriptor(entry.job),
            claimed: entry.claimed,
        }));
    }

    /// Lets `key` move for an executor.
    ///
    /// # Panics
    /// If the key is another's.
    pub fn delegate(&mut self, owner: &Key, key: &Key) {
        let domain = Domain { chain_id: CHAIN_ID, contract: self.deployment.bonds };
        let consent = key.sign(&KeyConsent { role: Role::Executor, owner: owner.address() }, &domain).into();
        let call = Bonds::authoriseCall { role: Role::Executor as u8, key: key.address(), consent };
        send(&mut self.world, owner, self.deployment.bonds, &call);
    }

    /// The last L1 time at which a game about a case can be begun.
    #[must_use]
    pub fn window_end(&self, case: usize) -> u64 {
        self.posted_at[case] + self.deployment.parameters.window
    }

    /// The case that a claim belongs to.
    #[must_use]
    pub fn case_of(&self, claim: B256) -> Option<usize> {
        self.cases.iter().position(|case| claim_id(case) == claim)
    }
}

/// The executor that a case's record names.
#[must_use]
pub fn executor_of(case: &Case) -> Address {
    // Offset of the field: specs/12-batches.md, "Records".
    Address::from_slice(&case.proof.record[217..237])
}

/// The program that a case's record names.
#[must_use]
pub fn program_of(case: &Case) -> B256 {
    B256::from_slice(&case.proof.record[28..60])
}

/// Where a blob lies in the directory of the batch that is made; it is put there if it is not there yet.
fn source<'a>(blobs: &mut Vec<&'a [u8]>, bytes: &'a [u8]) -> Source {
    let found = blobs.iter().position(|blob| *blob == bytes);
    let index = found.unwrap_or_else(|| {
        blobs.push(bytes);
        blobs.len() - 1
    });
    Origin::Here(index as u32).into()
}

#[allow(clippy::too_many_arguments)]
fn claim(
    deployment: &Deployment,
    region: B256,
    client: &Key,
    entry: &Entry<'_>,
    index: u64,
    as_of: u64,
    input: Source,
    wasm: Source,
) -> Claim {
    let job = entry.job;
    let request = TaskRequest {
        client: client.address(),
        region,
        program: job.descriptor.id(),
        input: job.input_ref,
        fuel_limit: job.limits.fuel,
        output_length_max: job.limits.output_bytes,
        fee_max: 0,
        deadline: as_of + 1_000_000,
        nonce: index,
    };
    let result = TaskResult {
        task: request.id(&deployment.domain),
        attempt: 0,
        executor: entry.executor.address(),
        status: entry.claimed.status,
        code: entry.claimed.code,
        fuel_used: entry.claimed.fuel_used,
        output: entry.claimed.output,
    };
    Claim {
        sequence: index,
        client_signature: client.sign(&request, &deployment.domain),
        executor_signature: entry.executor.sign(&result, &deployment.domain),
        request,
        result,
        input,
        wasm,
        predecessor: Place::default(),
    }
}

fn register(world: &mut World, deployment: &Deployment, role: Role, key: &Key) {
    world.fund(key.address(), purse());
    let stake = match role {
        Role::Executor => deployment.parameters.executor_stake,
        Role::Sequencer => deployment.parameters.sequencer_stake,
    };
    let call = Bonds::registerCall { role: role as u8 };
    world.call(key.address(), deployment.bonds, stake, &call).expect("a first registration with the least stake");
}

fn is_registered(world: &mut World, deployment: &Deployment, owner: Address) -> bool {
    let call = Bonds::stakeOfCall { role: Role::Executor as u8, owner };
    world.view(deployment.bonds, &call).is_ok_and(|stake| !stake.is_zero())
}

fn send<C: SolCall>(world: &mut World, from: &Key, to: Address, call: &C) -> Receipt {
    world.fund(from.address(), purse());
    world.call(from.address(), to, U256::ZERO, call).expect("stages are set up without a fault")
}

fn abi_descriptor(job: &Job) -> Programs::Descriptor {
    abi_descriptor!(Programs, job)
}

fn court_descriptor(job: &Job) -> Court::Descriptor {
    abi_descriptor!(Court, job)
}

/// keccak256(abi.encode(region, batch number, leaf index)): the name of a claim before the court.
#[must_use]
pub fn claim_id(case: &Case) -> B256 {
    use alloy_sol_types::SolValue;
    let batch = &case.proof.batch;
    keccak256((batch.region, batch.number, case.proof.index).abi_encode())
}

/// A header of one contract's binding as another's.
#[must_use]
pub fn abi_batch_of(batch: &Court::Batch) -> Batches::Batch {
    Batches::Batch {
        region: batch.region,
        number: batch.number,
        parent: batch.parent,
        firstSequence: batch.firstSequence,
        leafRoot: batch.leafRoot,
        count: batch.count,
        dataRoot: batch.dataRoot,
        dataLength: batch.dataLength,
        blobCount: batch.blobCount,
        asOf: batch.asOf,
        minDeadline: batch.minDeadline,
    }
}
