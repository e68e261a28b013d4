//! `assay_getBatch`, `assay_getProof`: what is on L1, for whoever wants to show it there.
//!
//! Owns calls that read megabytes: they have threads of their own, few, so that however many are asked for, signatures are checked in time.

use std::sync::Arc;

use alloy_primitives::B256;
use assay_node::store::StoreError;
use assay_protocol::objects::Origin;
use assay_protocol::rpc::{BatchView, ErrorCode, LeafProof, methods};
use jsonrpsee::RpcModule;
use jsonrpsee::server::RegisterMethodError;
use jsonrpsee::types::ErrorObjectOwned;

use super::Rpc;
use super::params::Positional;
use crate::refusal::Refusal;
use crate::rows::{LEAVES, PROGRESS, SEQUENCES};

pub(super) fn register(module: &mut RpcModule<Rpc>) -> Result<(), RegisterMethodError> {
    module.register_async_method(methods::GET_BATCH, |params, rpc, _| async move {
        let number: alloy_primitives::U64 = Positional::of(&params).next("number")?;
        batch_view(&rpc, number.to()).await.map_err(ErrorObjectOwned::from)
    })?;
    module.register_async_method(methods::GET_PROOF, |params, rpc, _| async move {
        let task = Positional::of(&params).next("task")?;
        proof(&rpc, task).await.map_err(ErrorObjectOwned::from)
    })?;
    Ok(())
}

/// Reads the store on a thread for that.
async fn read<T: Send + 'static>(
    rpc: &Arc<Rpc>,
    read: impl FnOnce(&Rpc) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Refusal> {
    let worker = rpc.clone();
    let read = rpc.readers.run(move || read(&worker)).await.ok_or_else(Refusal::stopping)?;
    read.map_err(|error| {
        tracing::error!(%error, "the store can't be read");
        Refusal::new(ErrorCode::Unavailable, "the store can't be read now")
    })
}

/// A batch that is posted.
pub(super) async fn batch_view(rpc: &Arc<Rpc>, number: u64) -> Result<Option<BatchView>, Refusal> {
    let view = rpc.view();
    read(rpc, move |rpc| {
        let context = &rpc.context;
        let Some(posting) = view.posting(number) else { return Ok(None) };
        let Some(batch) = rpc.opened.open(&context.store, &context.domain, number, posting.hash)? else {
            return Ok(None);
        };
        Ok(Some(BatchView {
            batch: batch.header,
            hash: posting.hash,
            posted_at: posting.posted_at,
            block: posting.block,
            voided_at: posting.voided_at,
            tasks: batch.tasks().to_vec(),
        }))
    })
    .await
}

async fn proof(rpc: &Arc<Rpc>, task: B256) -> Result<Option<LeafProof>, Refusal> {
    let view = rpc.view();
    read(rpc, move |rpc| {
        let (context, store) = (&rpc.context, &rpc.context.store);
        let Some(sequence) = store.get(&SEQUENCES, &task)? else { return Ok(None) };
        let attempt = store.get(&PROGRESS, &sequence)?.unwrap_or_default().attempt;
        let Some(place) = store.get(&LEAVES, &(sequence, attempt))?.map(|row| row.0) else { return Ok(None) };
        let (mut chain, mut next) = (Vec::new(), Some(place));
        while let Some(at) = next.take() {
            let Some(posting) = view.posting(at.batch) else { return Ok(None) };
            let batch = rpc.opened.open(store, &context.domain, at.batch, posting.hash)?;
            let Some((opening, claim)) = batch.and_then(|batch| batch.leaf(at.index)) else { return Ok(None) };
            chain.push(opening);
            // As the contract walks it: an output's leaf follows, up to the longest chain.
            if let Ok(Origin::Output(before)) = claim.input.origin() {
                next = (chain.len() < usize::from(context.parameters.chain_length_max)).then_some(before);
            }
        }
        Ok(Some(LeafProof { place, chain }))
    })
    .await
}
