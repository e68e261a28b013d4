//! The example consumer: a contract that acts on final results of one program (`bridge-contracts/src/examples/ResultConsumer.sol`).

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolValue;
use assay_node::endpoint::Endpoint;
use assay_node::keys::Wallet;
use assay_protocol::contracts::ResultConsumer;
use assay_protocol::deployment::Deployment;

use crate::DeployError;
use crate::transaction::Deployer;

/// A contract that was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Created {
    /// Where it is.
    pub address: Address,
    /// The transaction that created it.
    pub transaction: B256,
    /// Gas that this used.
    pub gas: u64,
}

/// Deploys the consumer of a program's results, in one transaction from an account, and waits until it is mined.
///
/// # Errors
/// [`DeployError`].
pub async fn deploy_consumer(
    endpoint: &Endpoint,
    wallet: &Wallet,
    deployment: &Deployment,
    program: B256,
) -> Result<Created, DeployError> {
    let mut deployer = Deployer::new(endpoint, wallet).await?;
    let arguments = (deployment.contracts.batches, program).abi_encode_params();
    deployer.create("ResultConsumer", &ResultConsumer::BYTECODE, &arguments).await
}
