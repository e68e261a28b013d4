//! Errors of the contracts by name: what any contract of a deployment can refuse a call with, whoever called it.
//!
//! Owns the one table of them, made of the bindings. A library's error is in it as that of the contracts that use the library; one that
//! several contracts have stands there for each, with the same selector. Not in it: `Error(string)` and `Panic(uint256)`, which belong
//! to no contract.

use alloc::format;
use alloc::string::String;

use alloy_sol_types::SolInterface;

use super::{Batches, Bonds, Court, Examiner, Faults, Programs, ResultConsumer, StepVerifier};

/// Makes the table and its reader of the bindings.
macro_rules! table {
    ($($contract:ident::$errors:ident),* $(,)?) => {
        /// Signature and selector of every error, contract by contract.
        pub fn all() -> impl Iterator<Item = (&'static str, [u8; 4])> {
            let contracts = [$(($contract::$errors::SIGNATURES, $contract::$errors::SELECTORS)),*];
            contracts.into_iter().flat_map(|(signatures, selectors)| {
                signatures.iter().copied().zip(selectors.iter().copied())
            })
        }

        /// An error as its binding is shown: `Name(Name { field: value })`.
        fn shown(data: &[u8]) -> Option<String> {
            $(
                if let Ok(error) = $contract::$errors::abi_decode(data) {
                    return Some(format!("{error:?}"));
                }
            )*
            None
        }
    };
}

table! {
    StepVerifier::StepVerifierErrors,
    Bonds::BondsErrors,
    Programs::ProgramsErrors,
    Batches::BatchesErrors,
    Faults::FaultsErrors,
    Court::CourtErrors,
    Examiner::ExaminerErrors,
    ResultConsumer::ResultConsumerErrors,
}

/// Revert data as `Name { argument: value }`; none if it is no error of the contracts.
#[must_use]
pub fn words(data: &[u8]) -> Option<String> {
    let shown = shown(data)?;
    let inner = shown.split_once('(').and_then(|(_, inner)| inner.strip_suffix(')'));
    Some(inner.unwrap_or(&shown).into())
}

#[cfg(test)]
mod tests;
