//! Where the contracts of a deployment are: the file that every process reads (specs/15-presets.md, "Deployments").
//!
//! Owns the form of the file. It asks no chain whether the contracts are there.

use alloc::string::String;

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::objects::Domain;
use crate::presets::Preset;

/// The form of the file that this code reads.
pub const DEPLOYMENT_VERSION: u32 = 1;

/// A deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deployment {
    /// Form of the file, [`DEPLOYMENT_VERSION`].
    pub version: u32,
    /// EIP-155 id of the chain.
    pub chain_id: u64,
    /// Which numbers it was made with.
    pub preset: Preset,
    /// Receives the burned shares.
    pub treasury: Address,
    /// Block of the first contract: no event is earlier.
    pub first_block: u64,
    /// The contracts.
    pub contracts: Contracts,
}

/// Addresses of the contracts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Contracts {
    /// One step of the machine.
    pub step_verifier: Address,
    /// Stakes and keys.
    pub bonds: Address,
    /// Programs by id.
    pub programs: Address,
    /// Batches and fates.
    pub batches: Address,
    /// Proofs of face faults.
    pub faults: Address,
    /// Games.
    pub court: Address,
}

/// Why text is no deployment.
#[derive(Debug, Error)]
pub enum DeploymentError {
    /// Not the JSON that it should be; unknown fields are refused.
    #[error("deployment file: {0}")]
    Form(#[from] serde_json::Error),
    /// Of a form that this code does not know.
    #[error("deployment file of version {got}, wanted {wanted}")]
    Version {
        /// The file's.
        got: u32,
        /// This code's.
        wanted: u32,
    },
    /// An address that is nobody's.
    #[error("deployment file: {field} is the zero address")]
    Zero {
        /// Its field.
        field: &'static str,
    },
    /// Two contracts in one place.
    #[error("deployment file: contracts {first} and {second} are both at {address}")]
    Same {
        /// Field of the one.
        first: &'static str,
        /// Field of the other.
        second: &'static str,
        /// Where.
        address: Address,
    },
}

impl Deployment {
    /// Reads the file's text.
    ///
    /// # Errors
    /// [`DeploymentError`] says what is wrong with it.
    pub fn from_json(text: &str) -> Result<Self, DeploymentError> {
        let deployment: Self = serde_json::from_str(text)?;
        let (got, wanted) = (deployment.version, DEPLOYMENT_VERSION);
        if got != wanted {
            return Err(DeploymentError::Version { got, wanted });
        }
        if deployment.treasury.is_zero() {
            return Err(DeploymentError::Zero { field: "treasury" });
        }
        let named = deployment.contracts.named();
        for (i, (contract, address)) in named.iter().enumerate() {
            if address.is_zero() {
                return Err(DeploymentError::Zero { field: contract });
            }
            if let Some((first, _)) = named[..i].iter().find(|(_, other)| other == address) {
                return Err(DeploymentError::Same { first, second: contract, address: *address });
            }
        }
        Ok(deployment)
    }

    /// The file's text.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data is JSON")
    }

    /// What requests, results and receipts are signed for.
    #[must_use]
    pub fn domain(&self) -> Domain {
        Domain { chain_id: self.chain_id, contract: self.contracts.batches }
    }

    /// What consents of keys are signed for.
    #[must_use]
    pub fn consent_domain(&self) -> Domain {
        Domain { chain_id: self.chain_id, contract: self.contracts.bonds }
    }
}

impl Contracts {
    fn named(&self) -> [(&'static str, Address); 6] {
        [
            ("stepVerifier", self.step_verifier),
            ("bonds", self.bonds),
            ("programs", self.programs),
            ("batches", self.batches),
            ("faults", self.faults),
            ("court", self.court),
        ]
    }
}

#[cfg(test)]
mod tests;
