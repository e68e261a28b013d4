//! What is on L1, read from its logs alone.

use std::collections::HashMap;

use alloy_primitives::{B256, Bytes};
use alloy_sol_types::SolEvent;
use assay_node::l1::Log;
use assay_protocol::contracts::Batches;
use assay_protocol::data::Data;
use assay_protocol::objects::{Batch, Claim};

use super::Stage;

/// Blocks whose logs are asked for at once.
const BLOCKS: u64 = 32;

async fn logs(stage: &Stage) -> Vec<Log> {
    let (contract, head) = (stage.deployment.contracts.batches, stage.anvil.head().await.unwrap());
    let mut logs = Vec::new();
    for first in (0..=head).step_by(BLOCKS as usize) {
        let (from, to) = (format!("{first:#x}"), format!("{:#x}", (first + BLOCKS - 1).min(head)));
        let filter = serde_json::json!([{ "address": contract, "fromBlock": from, "toBlock": to }]);
        logs.extend(serde_json::from_value::<Vec<Log>>(stage.ask("eth_getLogs", filter).await).unwrap());
    }
    logs
}

/// How many parts of data and how many batches there are.
pub async fn parts_and_postings(stage: &Stage) -> (usize, usize) {
    let logs = logs(stage).await;
    let parts = logs.iter().filter(|log| Batches::DataPosted::decode_log(&log.inner).is_ok()).count();
    let postings = logs.iter().filter(|log| Batches::BatchPosted::decode_log(&log.inner).is_ok()).count();
    (parts, postings)
}

/// Every leaf of every batch of the region on L1, from its logs alone: task and attempt.
pub async fn leaves(stage: &Stage, region: B256) -> Vec<(B256, u32)> {
    let claims = claims(stage, region).await;
    claims.iter().map(|claim| (claim.result.task, claim.result.attempt)).collect()
}

/// The same with all that is claimed.
pub async fn claims(stage: &Stage, region: B256) -> Vec<Claim> {
    let (mut parts, mut found): (HashMap<(u64, u32), Bytes>, Vec<_>) = (HashMap::new(), Vec::new());
    for log in logs(stage).await {
        if let Ok(part) = Batches::DataPosted::decode_log(&log.inner) {
            parts.insert((part.number, part.part), part.data.data.clone());
        }
        let Ok(event) = Batches::BatchPosted::decode_log(&log.inner) else { continue };
        assert_eq!((event.region, event.number as usize), (region, found.len()), "numbers without gaps");
        let header = &event.batch;
        let batch = Batch {
            region,
            number: header.number,
            parent: header.parent,
            first_sequence: header.firstSequence,
            leaf_root: header.leafRoot,
            count: header.count,
            data_root: header.dataRoot,
            data_length: header.dataLength,
            blob_count: header.blobCount,
            as_of: header.asOf,
            min_deadline: header.minDeadline,
        };
        let mut data = Vec::new();
        for part in 0_u32.. {
            if data.len() >= batch.data_length as usize {
                break;
            }
            data.extend_from_slice(&parts[&(batch.number, part)]);
        }
        let data = Data::decode(&batch, &stage.domain, &data).unwrap();
        found.push(data.claims().collect::<Vec<_>>());
    }
    found.concat()
}
