//! Faults that Rust finds, as the calls that Rust makes of them, against the bytecode of the contracts: each convicts in one
//! transaction, and none of them an innocent batch, whatever place it is accused of.
#![allow(clippy::unwrap_used)]

mod catalogue;
mod region;

use std::collections::BTreeMap;

use alloy_sol_types::{SolError, SolInterface};
use assay_protocol::B256;
use assay_protocol::contracts::{Batches, Bonds, Faults};
use assay_protocol::data::Data;
use assay_protocol::data::layout::PAGE_SIZE;
use assay_protocol::faults::{
    BoundError, EntryError, ExhibitError, Exhibits, Fault, Named, Need, Part, PredecessorError, SignerError,
    SourceError, faults,
};
use assay_protocol::objects::{Place, SourceShapeError};
use assay_protocol::signature::SignatureError;
use assay_simulation::key::Key;
use assay_simulation::stage::purse;
use assay_simulation::world::{Failure, Receipt};
use region::{BEFORE, Known, Region};
use revm::primitives::{TxKind, U256};

/// Sends the proof of a fault of the last batch, made of what is posted and nothing else.
fn accuse(region: &mut Region, prover: &Key, fault: &Fault) -> Result<Receipt, Failure> {
    let call = {
        let accused = region.posted.last().unwrap().data(region);
        let named = fault.named(&accused).map(|named| region.posted[named.batch as usize].data(region));
        let descriptor = fault.program(&accused).map(|program| {
            assert_eq!(program, region.program, "there is one program");
            region.descriptor.clone().into()
        });
        fault.proof(&accused, Exhibits { batch: named, descriptor }).unwrap()
    };
    let to = TxKind::Call(region.deployment.faults);
    region.world.send(prover.address(), to, U256::ZERO, call.abi_encode().into())
}

/// The batch is void, the sequencer's stake is gone, and the prover is owed what was not burned.
fn check_convicted(region: &mut Region, prover: &Key) {
    let (deployment, sequencer) = (region.deployment.clone(), region.sequencer.address());
    let call = Batches::batchOfCall { region: region.id, number: BEFORE };
    let posted = region.world.view(deployment.batches, &call).unwrap();
    assert_eq!(posted._2, region.world.head().time);
    let stake = region.world.view(deployment.bonds, &Bonds::stakeOfCall { role: 1, owner: sequencer }).unwrap();
    assert_eq!(stake, U256::ZERO);
    let owed = region.world.view(deployment.faults, &Faults::creditOfCall { account: prover.address() }).unwrap();
    let unburned = U256::from(10_000 - deployment.parameters.burn_share_bps);
    assert_eq!(owed, deployment.parameters.sequencer_stake * unburned / U256::from(10_000));
}

fn prover(region: &mut Region) -> Key {
    let prover = Key::named("prover", 0);
    region.world.fund(prover.address(), purse());
    prover
}

#[test]
fn every_fault_that_is_found_convicts_in_one_transaction() {
    let mut innocent = Region::new();
    let prover = prover(&mut innocent);
    let limits = innocent.deployment.parameters.limits();
    let mut gas_max: BTreeMap<u8, u64> = BTreeMap::new();
    let (mut cases, mut proofs) = (0, 0);
    for case in catalogue::all() {
        let mut region = innocent.clone();
        region.post(case.draft(&innocent));
        let found = {
            let posted = region.posted.last().unwrap();
            let Ok(found) = faults(&posted.data(&region), posted.at, &limits, &Known::new(&region));
            found
        };
        let numbers: Vec<u8> = found.iter().map(Fault::number).collect();
        assert!(numbers.contains(&case.wanted), "{}: {numbers:?}", case.name);
        for fault in &found {
            let mut region = region.clone();
            let receipt = accuse(&mut region, &prover, fault).unwrap_or_else(|failure| {
                panic!("{}: {fault} is not proven: {failure}", case.name);
            });
            check_convicted(&mut region, &prover);
            let most = gas_max.entry(fault.number()).or_default();
            *most = receipt.gas.max(*most);
        }
        (cases, proofs) = (cases + 1, proofs + found.len());
    }
    println!("{cases} faulty batches, {proofs} proofs; most gas by fault: {gas_max:?}");
    assert_eq!(gas_max.into_keys().collect::<Vec<u8>>(), (1..=15).collect::<Vec<u8>>());
}

/// Every fault at every place of a batch, whether it is there or not.
fn accusations(data: &Data<'_>) -> Vec<Fault> {
    let layout = data.layout();
    let zero = B256::ZERO;
    let mut all = Vec::new();
    for leaf in 0..layout.count {
        let signature = SignerError::Signature(SignatureError::Unrecoverable);
        all.push(Fault::ClientSignature { leaf, cause: signature });
        all.push(Fault::ExecutorSignature { leaf, cause: signature });
        all.push(Fault::Bound { leaf, cause: BoundError::Status { got: 0 } });
        all.push(Fault::Program { leaf, program: zero, as_of: 0 });
        let earlier = (0..BEFORE).map(|batch| Place { batch, index: 0 });
        let here = (0..leaf).map(|index| Place { batch: BEFORE, index });
        all.extend(earlier.chain(here).map(|earlier| Fault::Repeated { leaf, earlier }));
        all.push(Fault::Predecessor { leaf, cause: PredecessorError::First });
        all.push(Fault::Deadline { leaf, got: 0, wanted: 0 });
        all.push(Fault::Sequence { leaf, got: 0, other: 0 });
        let other = SourceError::OtherBlob { got: zero, got_length: 0, wanted: zero, wanted_length: 0 };
        all.extend([Need::Input, Need::Wasm].map(|need| Fault::Source { leaf, need, cause: other }));
    }
    let levels = layout.leaf_levels();
    for level in 0..=levels.depth() {
        for index in 0..levels.padded_width(level) {
            // Level 0 is not posted: what stands there follows from the records.
            if level == 1 && index < levels.width(1) {
                all.push(Fault::Leaves { pair: index, got: zero, wanted: zero });
            } else if level > 0 {
                all.push(Fault::LeafNode { level, index, got: zero, wanted: zero });
            }
        }
    }
    for entry in 0..layout.blob_count {
        all.push(Fault::Entry { entry, cause: EntryError::Empty });
        let length = data.entry(entry).unwrap().blob.length;
        let levels = assay_protocol::Levels::new(length.div_ceil(PAGE_SIZE as u64));
        all.extend((0..levels.width(0)).map(|page| Fault::Page { entry, page, got: zero, wanted: zero }));
        for level in 0..=levels.depth() {
            let nodes = 0..levels.padded_width(level);
            all.extend(nodes.map(|index| Fault::BlobNode { entry, level, index, got: zero, wanted: zero }));
        }
        all.extend((0..data.bytes().len() as u64).step_by(997).map(|offset| Fault::Padding { entry, offset }));
    }
    all.push(Fault::DataLength { got: 0, wanted: 0 });
    all
}

#[test]
fn an_innocent_batch_is_convicted_of_nothing_at_no_place() {
    let mut region = Region::new();
    let prover = prover(&mut region);
    region.post(region.draft(&region.claims()));
    let posted = region.posted.last().unwrap();
    let data = posted.data(&region);
    let limits = region.deployment.parameters.limits();
    assert_eq!(faults(&data, posted.at, &limits, &Known::new(&region)), Ok(Vec::new()));
    let accusations = accusations(&data);
    let mut tried: BTreeMap<u8, u32> = BTreeMap::new();
    for fault in &accusations {
        let number = fault.number();
        match accuse(&mut region.clone(), &prover, fault) {
            Err(Failure::Reverted { output, .. }) => {
                let refused = Faults::NoFault::abi_decode(&output).map(|refused| refused.fault);
                assert_eq!(refused, Ok(number), "{fault:?}: {output}");
            }
            other => panic!("{fault:?}: {other:?}"),
        }
        *tried.entry(number).or_default() += 1;
    }
    println!("{} accusations, by fault: {tried:?}", accusations.len());
    assert_eq!(tried.into_keys().collect::<Vec<u8>>(), (1..=15).collect::<Vec<u8>>());
}

#[test]
fn what_a_proof_shows_besides_must_be_given() {
    let region = Region::new();
    let accused = region.posted[1].data(&region);
    let wanted_region = region.id;
    // Leaf 2 has its input, leaf 1 its module from the batch before.
    let other = SourceError::OtherBlob { got: B256::ZERO, got_length: 0, wanted: B256::ZERO, wanted_length: 0 };
    let input = Fault::Source { leaf: 2, need: Need::Input, cause: other };
    let named = Named { batch: 0, part: Part::Entry(region::LONG) };
    assert_eq!((input.named(&accused), input.program(&accused)), (Some(named), None));
    let missing = input.proof(&accused, Exhibits::default());
    assert_eq!(missing, Err(ExhibitError::NoBatch { wanted: 0 }));
    let exhibits = Exhibits { batch: Some(accused), descriptor: None };
    let wrong = ExhibitError::OtherBatch { got: 1, got_region: region.id, wanted: 0, wanted_region };
    assert_eq!(input.proof(&accused, exhibits), Err(wrong));

    let module = Fault::Source { leaf: 1, need: Need::Wasm, cause: other };
    assert_eq!(module.program(&accused), Some(region.program));
    let exhibits = Exhibits { batch: Some(region.posted[0].data(&region)), descriptor: None };
    assert_eq!(module.proof(&accused, exhibits), Err(ExhibitError::NoDescriptor { wanted: region.program }));

    // What is wrong by itself leans on nothing.
    let shape = SourceError::Shape(SourceShapeError::Kind { got: 9 });
    let alone = Fault::Source { leaf: 0, need: Need::Wasm, cause: shape };
    assert!(alone.proof(&accused, Exhibits::default()).is_ok());
}
