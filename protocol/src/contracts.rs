//! Bindings of the contracts, and their bytecode: from the committed artefacts, so that building needs no Solidity compiler.
//!
//! `bridge-contracts/check.sh` checks that the artefacts are those of the sources.

use alloy_sol_types::sol;

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
    Court,
    "../bridge-contracts/artifacts/Court.json"
);

sol!(
    #[allow(missing_docs)]
    #[derive(Debug, PartialEq, Eq)]
    ResultConsumer,
    "../bridge-contracts/artifacts/ResultConsumer.json"
);
