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
