//! Deployment of the contracts on an L1, as `bridge-contracts/script/Deploy.s.sol` does it (specs/15-presets.md, "Deployments").
//!
//! Owns the order of the contracts, whose addresses follow from the deployer's nonce, and the check that each refers to those that were
//! meant. Assumes that nobody else sends from the deployer's account meanwhile; when somebody does, the check says so. A deployment that
//! was broken off leaves contracts that refer to nothing, and is begun again.
#![forbid(unsafe_code)]

mod consumer;
mod transaction;

use alloy_primitives::Address;
use alloy_provider::Provider;
use alloy_rpc_types_eth::{TransactionInput, TransactionRequest};
use alloy_sol_types::{SolCall, SolValue};
use assay_node::endpoint::{Endpoint, EndpointError};
use assay_node::keys::{KeyError, Wallet};
use assay_protocol::contracts::{Batches, Bonds, Court, Faults, Programs, StepVerifier};
use assay_protocol::deployment::{Contracts, DEPLOYMENT_VERSION, Deployment};
use assay_protocol::presets::Preset;
use thiserror::Error;
use tracing::info;

pub use consumer::{Created, deploy_consumer};
use transaction::Deployer;

/// Why there is no deployment.
#[derive(Debug, Error)]
pub enum DeployError {
    /// The node does not answer, or refuses.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The key does not sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A creation was mined and failed.
    #[error("the creation of {contract} failed in transaction {transaction}")]
    Failed {
        /// Which contract.
        contract: &'static str,
        /// Its transaction.
        transaction: alloy_primitives::B256,
    },
    /// A creation was not mined in time.
    #[error("the creation of {contract} was not mined within {seconds} s")]
    NotMined {
        /// Which contract.
        contract: &'static str,
        /// How long it had.
        seconds: u64,
    },
    /// A contract refers to another one than was meant: somebody else sent from the deployer's account.
    #[error("{reference} is {got}, wanted {wanted}")]
    WrongReference {
        /// Which reference.
        reference: &'static str,
        /// What the contract says.
        got: Address,
        /// What was meant.
        wanted: Address,
    },
    /// A contract does not answer what it refers to.
    #[error("{reference} can't be read: {reason}")]
    Unreadable {
        /// Which reference.
        reference: &'static str,
        /// What is wrong with the answer.
        reason: String,
    },
}

/// Deploys the contracts with the numbers of a preset, in six transactions from an account.
///
/// # Errors
/// [`DeployError`]: what was deployed so far is of no use.
pub async fn deploy(
    endpoint: &Endpoint,
    wallet: &Wallet,
    preset: Preset,
    treasury: Address,
) -> Result<Deployment, DeployError> {
    let parameters = preset.parameters(treasury);
    let mut deployer = Deployer::new(endpoint, wallet).await?;
    let first = deployer.next_nonce();
    let [step_verifier, bonds, programs, batches, court, faults] =
        [0, 1, 2, 3, 4, 5].map(|after| wallet.address().create(first + after));
    let first_block = deployer.head().await?;

    deployer.create("StepVerifier", &StepVerifier::BYTECODE, &[]).await?;
    let arguments = (Bonds::Parameters::from(&parameters), court, faults).abi_encode_params();
    deployer.create("Bonds", &Bonds::BYTECODE, &arguments).await?;
    deployer.create("Programs", &Programs::BYTECODE, &step_verifier.abi_encode()).await?;
    let arguments = (Batches::Parameters::from(&parameters), bonds, court, faults).abi_encode_params();
    deployer.create("Batches", &Batches::BYTECODE, &arguments).await?;
    let arguments = (Court::Parameters::from(&parameters), bonds, programs, batches).abi_encode_params();
    deployer.create("Court", &Court::BYTECODE, &arguments).await?;
    let arguments = (Faults::Parameters::from(&parameters), bonds, programs, batches).abi_encode_params();
    deployer.create("Faults", &Faults::BYTECODE, &arguments).await?;

    let contracts = Contracts { step_verifier, bonds, programs, batches, faults, court };
    check(endpoint, &contracts).await?;
    info!(bonds = %bonds, batches = %batches, court = %court, "the contracts are deployed");
    Ok(Deployment {
        version: DEPLOYMENT_VERSION,
        chain_id: deployer.chain_id(),
        preset,
        treasury,
        first_block,
        contracts,
    })
}

/// Checks that every reference that a contract was given is to the contract that was meant.
async fn check(endpoint: &Endpoint, at: &Contracts) -> Result<(), DeployError> {
    let verifier = Programs::verifierOfCall { version: 1 };
    refers(endpoint, "bonds.court", at.bonds, &Bonds::courtCall {}, at.court).await?;
    refers(endpoint, "bonds.faults", at.bonds, &Bonds::faultsCall {}, at.faults).await?;
    refers(endpoint, "programs.verifierOf(1)", at.programs, &verifier, at.step_verifier).await?;
    refers(endpoint, "batches.bonds", at.batches, &Batches::bondsCall {}, at.bonds).await?;
    refers(endpoint, "batches.court", at.batches, &Batches::courtCall {}, at.court).await?;
    refers(endpoint, "batches.faults", at.batches, &Batches::faultsCall {}, at.faults).await?;
    refers(endpoint, "court.bonds", at.court, &Court::bondsCall {}, at.bonds).await?;
    refers(endpoint, "court.programs", at.court, &Court::programsCall {}, at.programs).await?;
    refers(endpoint, "court.batches", at.court, &Court::batchesCall {}, at.batches).await?;
    refers(endpoint, "faults.bonds", at.faults, &Faults::bondsCall {}, at.bonds).await?;
    refers(endpoint, "faults.programs", at.faults, &Faults::programsCall {}, at.programs).await?;
    refers(endpoint, "faults.batches", at.faults, &Faults::batchesCall {}, at.batches).await
}

async fn refers<C: SolCall<Return = Address>>(
    endpoint: &Endpoint,
    reference: &'static str,
    contract: Address,
    call: &C,
    wanted: Address,
) -> Result<(), DeployError> {
    let request = TransactionRequest {
        to: Some(contract.into()),
        input: TransactionInput::new(call.abi_encode().into()),
        ..Default::default()
    };
    let answer = endpoint.call("read a reference", |l1| async move { l1.call(request).await }).await?;
    let got = C::abi_decode_returns_validate(&answer)
        .map_err(|error| DeployError::Unreadable { reference, reason: error.to_string() })?;
    if got != wanted {
        return Err(DeployError::WrongReference { reference, got, wanted });
    }
    Ok(())
}
