//! Any bytes as the data of a batch: whatever faults they have, alone and by any facts of L1, each has its proof.
//!
//! It holds that nothing panics, that a proof lacks nothing but what the fault says it leans on, that it opens pages of the
//! data with siblings that lead to its root, and that the call can be read back. Seeded tests and libFuzzer drive it alike.

use std::convert::Infallible;

use alloy_sol_types::SolInterface;
use assay_protocol::contracts::Faults::{BlobRef as AbiBlob, Descriptor, FaultsCalls};
use assay_protocol::data::{Data, DataError, data_root};
use assay_protocol::faults::{ExhibitError, Exhibits, Facts, Fault, LeafFacts, Limits, ProgramFacts, faults};
use assay_protocol::objects::{Batch, Domain, Place};
use assay_protocol::{Address, B256, BlobRef, LEAF_TREE, keccak256};

const DOMAIN: Domain = Domain { chain_id: 1, contract: Address::ZERO };
const NUMBER: u64 = 7;
const LIMITS: Limits =
    Limits { fuel_limit_max: 1 << 36, output_length_max: 1 << 28, input_length_max: 1 << 32, source_horizon: 4 };

/// Facts that follow from a seed and from what is asked: neither likely nor of one world.
struct Drawn(u8);

impl Drawn {
    fn draw(&self, asked: &[u8]) -> B256 {
        keccak256([&[self.0], asked].concat())
    }

    fn blob(hash: B256) -> BlobRef {
        BlobRef { root: hash, length: u64::from(hash[0]) }
    }
}

impl Facts for Drawn {
    type Error = Infallible;

    fn is_registered(&self, executor: Address, time: u64) -> Result<bool, Infallible> {
        Ok(!self.draw(&[executor.as_slice(), &time.to_be_bytes()].concat())[1].is_multiple_of(4))
    }

    fn is_key(&self, executor: Address, key: Address, _: u64) -> Result<bool, Infallible> {
        Ok(self.draw(&[executor.as_slice(), key.as_slice()].concat())[1].is_multiple_of(2))
    }

    fn program(&self, program: B256) -> Result<Option<ProgramFacts>, Infallible> {
        let hash = self.draw(program.as_slice());
        let facts = ProgramFacts { registered_at: u64::from(hash[2]), wasm: Self::blob(hash) };
        Ok((!hash[1].is_multiple_of(4)).then_some(facts))
    }

    fn leaf(&self, place: Place) -> Result<Option<LeafFacts>, Infallible> {
        let hash = self.draw(&[place.batch.to_be_bytes(), u64::from(place.index).to_be_bytes()].concat());
        let facts = LeafFacts {
            task: hash,
            attempt: u32::from(hash[2] % 2),
            output: Self::blob(hash),
            voided_at: hash[3].is_multiple_of(2).then(|| u64::from(hash[4])),
        };
        Ok(hash[1].is_multiple_of(2).then_some(facts))
    }

    fn entry(&self, batch: u64, index: u32) -> Result<Option<BlobRef>, Infallible> {
        let hash = self.draw(&[batch.to_be_bytes(), u64::from(index).to_be_bytes()].concat());
        Ok(hash[1].is_multiple_of(2).then(|| Self::blob(hash)))
    }

    fn attempt(&self, task: B256, attempt: u32, number: u64) -> Result<Option<Place>, Infallible> {
        let hash = self.draw(&[task.as_slice(), &attempt.to_be_bytes()].concat());
        let place = Place { batch: u64::from(hash[2]) % number, index: u32::from(hash[3]) };
        Ok(hash[1].is_multiple_of(4).then_some(place))
    }
}

/// Finds the faults of what the bytes say, and proves each. Returns how many there were.
///
/// # Panics
/// If a fault has no proof, or not the one that it should have.
pub fn evidence(bytes: &[u8]) -> usize {
    let Some(([count, blob_count, seed], bytes)) = bytes.split_first_chunk::<3>() else { return 0 };
    let mut batch = Batch {
        region: B256::ZERO,
        number: NUMBER,
        parent: B256::ZERO,
        first_sequence: bytes.first_chunk().map_or(0, |sequence| u64::from_be_bytes(*sequence)),
        leaf_root: B256::ZERO,
        count: u32::from(*count),
        data_root: data_root(bytes),
        data_length: bytes.len() as u32,
        blob_count: u32::from(*blob_count),
        as_of: u64::from(*seed),
        min_deadline: u64::from(*seed),
    };
    let data = match Data::open(&batch, &DOMAIN, bytes) {
        Ok(data) => data,
        Err(DataError::Empty | DataError::Fault(_)) => return 0,
        Err(error) => panic!("the header is that of the bytes: {error}"),
    };
    // Nobody guesses a root: half of the time take the one of the records, so that all the rest may be well-formed.
    if seed.is_multiple_of(2) {
        batch.leaf_root = LEAF_TREE.root(data.claims().map(|claim| claim.leaf(&DOMAIN)).collect());
    }
    let data = Data::open(&batch, &DOMAIN, bytes).expect("only the root has changed");
    let Ok(found) = faults(&data, u64::from(*seed), &LIMITS, &Drawn(*seed));
    for fault in &found {
        prove(fault, &data, bytes);
    }
    found.len()
}

fn prove(fault: &Fault, data: &Data<'_>, bytes: &[u8]) {
    assert!(!fault.to_string().is_empty(), "it can be told");
    // Without exhibits the proof lacks what the fault says, and nothing else.
    let needed = fault.named(data).map(|named| named.batch).filter(|batch| *batch != data.batch().number);
    match (fault.proof(data, Exhibits::default()), needed, fault.program(data)) {
        (Ok(_), None, None) => {}
        (Err(ExhibitError::NoBatch { wanted }), Some(batch), _) if wanted == batch => {}
        (Err(ExhibitError::NoDescriptor { wanted }), None, Some(program)) if wanted == program => {}
        (got, needed, program) => panic!("{fault}: needs batch {needed:?} and program {program:?}, got {got:?}"),
    }
    // An earlier batch of the same bytes stands for any.
    let earlier = Batch { number: needed.unwrap_or(0), count: 1, ..*data.batch() };
    let earlier = Data::open(&earlier, &DOMAIN, bytes).expect("a head of fewer records is there as well");
    let wasm = AbiBlob { root: B256::ZERO, length: 0 };
    let descriptor = Descriptor { version: 1, entryPc: 0, memoryPages: 0, memoryPagesMax: 0, wasm, mounts: Vec::new() };
    let exhibits = Exhibits { batch: Some(earlier), descriptor: Some(descriptor) };
    let call = fault.proof(data, exhibits).unwrap_or_else(|error| panic!("{fault}: {error}"));
    let again = FaultsCalls::abi_decode(&call.abi_encode()).expect("what was written can be read");
    assert_eq!(again.abi_encode(), call.abi_encode(), "{fault}: the call reads back");
    let spans = fault.evidence(data);
    assert!(spans.iter().all(|span| span.start < bytes.len() as u64), "{fault}: evidence out of the data");
}
