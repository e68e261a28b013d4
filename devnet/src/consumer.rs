//! The example consumer, called: a contract that acts on a final result.

use alloy_primitives::{Address, B256, U256};
use assay_node::endpoint::{BlockId, BlockNumberOrTag, Provider};
use assay_operator::{L1, Mined, call};
use assay_protocol::contracts::ResultConsumer;
use assay_protocol::rpc::LeafProof;
use eyre::{Result, eyre};

use crate::parties::Party;

/// Has the consumer act on a proof, and returns what it remembers.
pub async fn act(
    l1: &L1,
    from: &Party,
    consumer: Address,
    task: B256,
    proof: &LeafProof,
) -> Result<(Mined, B256, u64)> {
    let wanted = ResultConsumer::actCall { chain: proof.chain.iter().map(Into::into).collect() };
    let mined = call(l1, &from.wallet, "act on the result", consumer, U256::ZERO, &wanted).await?;
    let asked = ResultConsumer::outputOfCall { task };
    let head = BlockId::Number(BlockNumberOrTag::Latest);
    let known = l1.endpoint.view("ask the consumer", consumer, &asked, head).await?;
    Ok((mined, known.root, known.length))
}

/// Gas that a transaction used.
pub async fn gas_of(l1: &L1, transaction: B256) -> Result<u64> {
    let endpoint = &l1.endpoint;
    let receipt =
        endpoint.call("ask for a receipt", |l1| async move { l1.get_transaction_receipt(transaction).await }).await?;
    Ok(receipt.ok_or_else(|| eyre!("transaction {transaction} has no receipt"))?.gas_used)
}
