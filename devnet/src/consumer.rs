//! The example consumer: a contract that acts on a final result, deployed and called.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolValue;
use assay_node::endpoint::{BlockId, BlockNumberOrTag, Provider};
use assay_operator::{L1, Mined, call};
use assay_protocol::contracts::ResultConsumer;
use assay_protocol::rpc::LeafProof;
use eyre::{Result, WrapErr, eyre};
use serde_json::{Value, json};

use crate::parties::Party;

/// Deploys the consumer of a program. The node signs: its accounts are a development chain's.
pub async fn deploy(l1: &L1, from: &Party, program: B256) -> Result<Address> {
    let batches = l1.deployment.contracts.batches;
    let code = Bytes::from([&ResultConsumer::BYTECODE[..], &(batches, program).abi_encode_params()].concat());
    let wanted = json!([{ "from": from.address(), "data": code, "gas": "0x4c4b40" }]);
    let sent: B256 = l1.endpoint.request("deploy a consumer", "eth_sendTransaction", wanted).await?;
    loop {
        let receipt: Value =
            l1.endpoint.request("ask for a receipt", "eth_getTransactionReceipt", json!([sent])).await?;
        if let Some(address) = receipt.get("contractAddress").and_then(Value::as_str) {
            return address.parse().wrap_err("the node names no contract");
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

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
