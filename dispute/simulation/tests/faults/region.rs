//! A region on a simulated chain: batches without fault, which the accused one names, and the facts of L1 about them.
//!
//! Owns the parties, what was posted, and the making of a batch; what is wrong with one is `catalogue`'s.

use std::cell::RefCell;
use std::convert::Infallible;

use alloy_sol_types::{SolCall, SolEvent};
use assay_protocol::contracts::{Batches, Bonds, Programs};
use assay_protocol::data::layout::{Area, Layout, PAGE_SIZE};
use assay_protocol::data::{Data, Entry, blob_root, data_root, encode};
use assay_protocol::faults::{Facts, LeafFacts, ProgramFacts};
use assay_protocol::objects::{Batch, Claim, Origin, Place, Role, TaskRequest, TaskResult, region_id};
use assay_protocol::presets::{Parameters, Preset};
use assay_protocol::{Address, B256, BlobRef};
use assay_simulation::deployment::Deployment;
use assay_simulation::key::Key;
use assay_simulation::stage::purse;
use assay_simulation::world::{CHAIN_ID, World};
use revm::primitives::{Bytes, U256};

/// Batches before the accused one, whose number this is.
pub const BEFORE: u64 = 2;
/// Entries of the directory of every batch: the empty blob, one of a page, one of three, the program.
pub const EMPTY: u32 = 0;
pub const SHORT: u32 = 1;
pub const LONG: u32 = 2;
pub const WASM: u32 = 3;

/// A batch that is not posted yet.
#[derive(Clone)]
pub struct Draft {
    pub batch: Batch,
    pub bytes: Vec<u8>,
}

/// A batch as it is on L1.
#[derive(Clone)]
pub struct Posted {
    pub batch: Batch,
    pub bytes: Vec<u8>,
    pub at: u64,
}

#[derive(Clone)]
pub struct Region {
    pub world: World,
    pub deployment: Deployment,
    pub client: Key,
    pub executor: Key,
    /// Whom L1 does not know.
    pub stranger: Key,
    pub sequencer: Key,
    pub id: B256,
    pub program: B256,
    pub descriptor: Programs::Descriptor,
    pub posted: Vec<Posted>,
}

/// The contents of the directory.
fn blobs() -> [Vec<u8>; 4] {
    let long: Vec<u8> = (0..2 * PAGE_SIZE + 100).map(|at| (at % 251) as u8).collect();
    [Vec::new(), b"a short input".to_vec(), long, b"\0asm\x01\0\0\0".to_vec()]
}

fn blob(entry: u32) -> BlobRef {
    blob_root(&blobs()[entry as usize])
}

impl Draft {
    pub fn layout(&self) -> Layout {
        Layout { count: self.batch.count, blob_count: self.batch.blob_count }
    }

    /// Where an entry's blob lies.
    pub fn area(&self, index: u32) -> Area {
        let at = self.layout().entry(index);
        let entry = Entry::parse(self.bytes[at.start as usize..at.end as usize].as_array().unwrap());
        Area { start: u64::from(entry.first_page) * PAGE_SIZE as u64, length: entry.blob.length }
    }

    pub fn flip(&mut self, at: u64) {
        self.bytes[at as usize] ^= 1;
    }

    /// Writes a field of an entry, which begins so many bytes behind its start.
    pub fn put(&mut self, entry: u32, field: u64, bytes: &[u8]) {
        let at = (self.layout().entry(entry).start + field) as usize;
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }
}

impl Posted {
    pub fn data(&self, region: &Region) -> Data<'_> {
        Data::open(&self.batch, &region.deployment.domain, &self.bytes).unwrap()
    }
}

impl Region {
    /// With its batches before the accused one.
    pub fn new() -> Self {
        let treasury = Address::repeat_byte(0x77);
        let parameters = Parameters { source_horizon: 1, ..Preset::Devnet.parameters(treasury) };
        let mut world = World::new(1_700_000_000, 1_000_000_000);
        let deployment = Deployment::new(&mut world, parameters);
        let [client, executor, stranger, sequencer] =
            ["client", "executor", "stranger", "sequencer"].map(|name| Key::named(name, 0));
        let name = B256::repeat_byte(1);
        let id = region_id(CHAIN_ID, deployment.batches, sequencer.address(), name);
        let wasm = blob(WASM);
        let descriptor = Programs::Descriptor {
            version: 1,
            entryPc: 0,
            memoryPages: 1,
            memoryPagesMax: 2,
            wasm: Programs::BlobRef { root: wasm.root, length: wasm.length },
            mounts: Vec::new(),
        };
        let (program, posted) = (B256::ZERO, Vec::new());
        let mut region =
            Self { world, deployment, client, executor, stranger, sequencer, id, program, descriptor, posted };
        region.register(Role::Sequencer);
        region.register(Role::Executor);
        region.send(&region.sequencer.clone(), region.deployment.batches, &Batches::openRegionCall { name });
        let call = Programs::registerCall { descriptor: region.descriptor.clone() };
        let logs = region.send(&region.client.clone(), region.deployment.programs, &call);
        let event = Programs::ProgramRegistered::decode_log(&logs[0]).unwrap().data;
        (region.program, region.descriptor) = (event.program, event.descriptor);
        for _ in 0..BEFORE {
            let draft = region.draft(&region.claims());
            region.post(draft);
        }
        region
    }

    /// Claims of the next batch, none of them with a fault.
    pub fn claims(&self) -> Vec<Claim> {
        let number = self.posted.len() as u64;
        let Some(before) = number.checked_sub(1) else {
            return vec![self.claim(0, blob(LONG), Origin::Here(LONG), Origin::Here(WASM))];
        };
        let output = |batch: u64| blob_root(format!("output {}", 10 * batch).as_bytes());
        vec![
            self.claim(0, blob(LONG), Origin::Here(LONG), Origin::Here(WASM)),
            self.claim(1, blob(EMPTY), Origin::Here(EMPTY), Origin::Earlier(Place { batch: before, index: WASM })),
            self.claim(2, blob(LONG), Origin::Earlier(Place { batch: before, index: LONG }), Origin::Absent),
            self.claim(3, output(number), Origin::Output(Place { batch: number, index: 0 }), Origin::Here(WASM)),
            self.claim(4, output(before), Origin::Output(Place { batch: before, index: 0 }), Origin::Here(WASM)),
        ]
    }

    fn claim(&self, index: u64, input: BlobRef, from: Origin, wasm: Origin) -> Claim {
        let sequence = 10 * self.posted.len() as u64 + index;
        let request = TaskRequest {
            client: self.client.address(),
            region: self.id,
            program: self.program,
            input,
            fuel_limit: 1000,
            output_length_max: 100,
            fee_max: 0,
            deadline: 1_800_000_000,
            nonce: sequence,
        };
        let result = TaskResult {
            task: B256::ZERO,
            attempt: 0,
            executor: self.executor.address(),
            status: 1,
            code: 0,
            fuel_used: 900,
            output: blob_root(format!("output {sequence}").as_bytes()),
        };
        let mut claim = Claim {
            sequence,
            request,
            client_signature: [0; 65],
            result,
            executor_signature: [0; 65],
            input: from.into(),
            wasm: wasm.into(),
            predecessor: Place::default(),
        };
        self.sign(&mut claim);
        claim
    }

    /// Signs what a claim says now, as client and as executor.
    pub fn sign(&self, claim: &mut Claim) {
        let domain = &self.deployment.domain;
        claim.result.task = claim.request.id(domain);
        claim.client_signature = self.client.sign(&claim.request, domain);
        claim.executor_signature = self.executor.sign(&claim.result, domain);
    }

    /// The next batch, of these claims.
    pub fn draft(&self, claims: &[Claim]) -> Draft {
        let blobs = blobs();
        let blobs: Vec<&[u8]> = blobs.iter().map(Vec::as_slice).collect();
        let encoded = encode(self.id, &self.deployment.domain, claims, &blobs).unwrap();
        let parent = self.posted.last().map_or(B256::ZERO, |last| last.batch.hash());
        let batch = encoded.batch(self.id, self.posted.len() as u64, parent, self.world.head().time);
        Draft { batch, bytes: encoded.data }
    }

    /// Posts a batch; length and root of its data are made those of its bytes.
    pub fn post(&mut self, draft: Draft) {
        let Draft { mut batch, bytes } = draft;
        (batch.data_length, batch.data_root) = (bytes.len() as u32, data_root(&bytes));
        self.world.advance(12);
        let call = Batches::postCall { batch: (&batch).into(), lastPart: Bytes::copy_from_slice(&bytes) };
        self.send(&self.sequencer.clone(), self.deployment.batches, &call);
        self.posted.push(Posted { batch, bytes, at: self.world.head().time });
    }

    fn register(&mut self, role: Role) {
        let (key, stake) = match role {
            Role::Executor => (&self.executor, self.deployment.parameters.executor_stake),
            Role::Sequencer => (&self.sequencer, self.deployment.parameters.sequencer_stake),
        };
        self.world.fund(key.address(), purse());
        let call = Bonds::registerCall { role: role as u8 };
        self.world.call(key.address(), self.deployment.bonds, stake, &call).unwrap();
    }

    fn send<C: SolCall>(&mut self, from: &Key, to: Address, call: &C) -> Vec<revm::primitives::Log> {
        self.world.fund(from.address(), purse());
        self.world.call(from.address(), to, U256::ZERO, call).unwrap().logs
    }
}

/// What L1 says now.
pub struct Known<'a> {
    region: &'a Region,
    world: RefCell<World>,
}

impl<'a> Known<'a> {
    pub fn new(region: &'a Region) -> Self {
        Self { region, world: RefCell::new(region.world.clone()) }
    }

    fn view<C: SolCall>(&self, to: Address, call: &C) -> C::Return {
        self.world.borrow_mut().view(to, call).unwrap()
    }

    fn data(&self, batch: u64) -> Option<Data<'_>> {
        self.region.posted.get(batch as usize).map(|posted| posted.data(self.region))
    }
}

impl Facts for Known<'_> {
    type Error = Infallible;

    fn is_registered(&self, owner: Address, time: u64) -> Result<bool, Infallible> {
        Ok(self.view(self.region.deployment.bonds, &Bonds::isRegisteredCall { role: 0, owner, time }))
    }

    fn is_key(&self, owner: Address, key: Address, time: u64) -> Result<bool, Infallible> {
        Ok(self.view(self.region.deployment.bonds, &Bonds::isKeyCall { role: 0, owner, key, time }))
    }

    fn program(&self, program: B256) -> Result<Option<ProgramFacts>, Infallible> {
        let registered_at = self.view(self.region.deployment.programs, &Programs::registeredAtCall { program });
        Ok((registered_at != 0).then(|| ProgramFacts { registered_at, wasm: blob(WASM) }))
    }

    fn leaf(&self, place: Place) -> Result<Option<LeafFacts>, Infallible> {
        let claim = self.data(place.batch).and_then(|data| data.claim(place.index));
        Ok(claim.map(|claim| LeafFacts {
            task: claim.result.task,
            attempt: claim.result.attempt,
            output: claim.result.output,
            voided_at: None,
        }))
    }

    fn entry(&self, batch: u64, index: u32) -> Result<Option<BlobRef>, Infallible> {
        Ok(self.data(batch).and_then(|data| data.entry(index)).map(|entry| entry.blob))
    }

    fn attempt(&self, task: B256, attempt: u32, number: u64) -> Result<Option<Place>, Infallible> {
        for batch in 0..number {
            let data = self.data(batch).unwrap();
            let is = |claim: &Claim| (claim.result.task, claim.result.attempt) == (task, attempt);
            if let Some(index) = data.claims().position(|claim| is(&claim)) {
                return Ok(Some(Place { batch, index: index as u32 }));
            }
        }
        Ok(None)
    }
}
