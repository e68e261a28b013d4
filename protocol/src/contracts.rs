//! Bindings of the contracts, and their bytecode: from the committed artefacts, so that building needs no Solidity compiler.
//!
//! `bridge-contracts/check.sh` checks that the artefacts are those of the sources.

pub mod errors;

use alloy_sol_types::sol;

use crate::objects::Batch;
use crate::presets::Parameters;
use crate::rpc::LeafOpening;

sol!(
    #[allow(missing_docs)]
    #[derive(Debug)]
    StepVerifier,
    "../bridge-contracts/artifacts/StepVerifier.json"
);

sol!(
    #[allow(missing_docs)]
    #[derive(Debug, PartialEq, Eq)]
    Bonds,
    "../bridge-contracts/artifacts/Bonds.json"
);

sol!(
    #[allow(missing_docs)]
    #[derive(Debug, PartialEq, Eq)]
    Programs,
    "../bridge-contracts/artifacts/Programs.json"
);

sol!(
    #[allow(missing_docs)]
    #[derive(Debug, PartialEq, Eq)]
    Batches,
    "../bridge-contracts/artifacts/Batches.json"
);

sol!(
    #[allow(missing_docs)]
    #[derive(Debug, PartialEq, Eq)]
    Faults,
    "../bridge-contracts/artifacts/Faults.json"
);

sol!(
    #[allow(missing_docs)]
    #[derive(Debug, PartialEq, Eq)]
    Court,
    "../bridge-contracts/artifacts/Court.json"
);

// The court makes its own; nobody else calls it, and its errors come through the court.
sol!(
    #[allow(missing_docs)]
    #[derive(Debug, PartialEq, Eq)]
    Examiner,
    "../bridge-contracts/artifacts/Examiner.json"
);

sol!(
    #[allow(missing_docs)]
    #[derive(Debug, PartialEq, Eq)]
    ResultConsumer,
    "../bridge-contracts/artifacts/ResultConsumer.json"
);

/// The header as the bindings have it.
macro_rules! header_of {
    ($($contract:ident),*) => {$(
        impl From<&Batch> for $contract::Batch {
            fn from(batch: &Batch) -> Self {
                Self {
                    region: batch.region,
                    number: batch.number,
                    parent: batch.parent,
                    firstSequence: batch.first_sequence,
                    leafRoot: batch.leaf_root,
                    count: batch.count,
                    dataRoot: batch.data_root,
                    dataLength: batch.data_length,
                    blobCount: batch.blob_count,
                    asOf: batch.as_of,
                    minDeadline: batch.min_deadline,
                }
            }
        }
    )*};
}
header_of!(Batches, Court, Faults, ResultConsumer);

/// An opened leaf as the bindings have it.
macro_rules! leaf_proof_of {
    ($($contract:ident),*) => {$(
        impl From<&LeafOpening> for $contract::LeafProof {
            fn from(opening: &LeafOpening) -> Self {
                Self {
                    batch: (&opening.batch).into(),
                    index: opening.index,
                    record: opening.record.clone(),
                    siblings: opening.siblings.clone(),
                }
            }
        }
    )*};
}
leaf_proof_of!(Batches, ResultConsumer);

/// The numbers of a deployment as constructors take them.
macro_rules! parameters_of {
    ($($contract:ident),*) => {$(
        impl From<&Parameters> for $contract::Parameters {
            fn from(parameters: &Parameters) -> Self {
                Self {
                    window: parameters.window,
                    clock: parameters.clock,
                    noticePeriod: parameters.notice_period,
                    withdrawalMargin: parameters.withdrawal_margin,
                    asOfAgeMax: parameters.as_of_age_max,
                    executorStake: parameters.executor_stake,
                    sequencerStake: parameters.sequencer_stake,
                    challengeBond: parameters.challenge_bond,
                    burnShareBps: parameters.burn_share_bps,
                    gasMarginBps: parameters.gas_margin_bps,
                    baseFeeMax: parameters.base_fee_max,
                    fuelLimitMax: parameters.fuel_limit_max,
                    outputLengthMax: parameters.output_length_max,
                    inputLengthMax: parameters.input_length_max,
                    sourceHorizon: parameters.source_horizon,
                    chainLengthMax: parameters.chain_length_max,
                    treasury: parameters.treasury,
                }
            }
        }
    )*};
}
parameters_of!(Bonds, Batches, Court, Faults);

/// As [`Programs`] emits it when the program is registered.
impl From<Programs::Descriptor> for Faults::Descriptor {
    fn from(descriptor: Programs::Descriptor) -> Self {
        let Programs::Descriptor { version, entryPc, memoryPages, memoryPagesMax, wasm, mounts } = descriptor;
        let mounts = mounts.into_iter().map(|mount| Faults::Mount { region: mount.region, root: mount.root });
        let wasm = Faults::BlobRef { root: wasm.root, length: wasm.length };
        Self { version, entryPc, memoryPages, memoryPagesMax, wasm, mounts: mounts.collect() }
    }
}
