//! A batch as intents: a transaction for each full part, then the posting with the last.
//!
//! Owns the names of intents. A name binds region, number, build, part and the batch's hash: after a restart the same wish has the same
//! name, and is carried out once; a build that takes the place of another has other names.

use alloy_primitives::{B256, Bytes, Keccak256, U256};
use alloy_sol_types::SolCall;
use assay_node::tx::{Intent, Priority};
use assay_protocol::contracts::Batches;
use assay_protocol::data::parts;
use assay_protocol::objects::Batch;

use crate::context::Context;

/// Domain tag of the names.
const TAG: &[u8] = b"assay.sequencer.intent.v1";

/// The intents that post a batch, each behind the one before, and the first behind `after`. They are worth nothing after `expires_at`.
pub fn intents(
    context: &Context,
    header: &Batch,
    build: u32,
    data: &[u8],
    expires_at: u64,
    after: Option<B256>,
) -> Vec<Intent> {
    let hash = header.hash();
    let parts: Vec<&[u8]> = parts(data).collect();
    let intent = |part: u32, call: Vec<u8>| Intent {
        id: name(header, build, part, &hash),
        to: context.deployment.contracts.batches,
        gas_limit: Some(gas_limit(call.len() as u64, parts.len() as u64)),
        data: call.into(),
        value: U256::ZERO,
        priority: Priority::Routine,
        expires_at: Some(expires_at),
        after: if part == 0 { after } else { Some(name(header, build, part - 1, &hash)) },
    };
    let (last, full) = parts.split_last().expect("a batch has data");
    let staged = (0..).zip(full).map(|(part, bytes)| {
        let data = Bytes::copy_from_slice(bytes);
        let call = Batches::stageCall { region: header.region, number: header.number, part, data };
        intent(part, call.abi_encode())
    });
    let mut intents: Vec<Intent> = staged.collect();
    let call = Batches::postCall { batch: header.into(), lastPart: Bytes::copy_from_slice(last) };
    intents.push(intent(full.len() as u32, call.abi_encode()));
    intents
}

fn name(header: &Batch, build: u32, part: u32, hash: &B256) -> B256 {
    let mut hasher = Keccak256::new();
    hasher.update(TAG);
    hasher.update(header.region);
    hasher.update(header.number.to_be_bytes());
    hasher.update(build.to_be_bytes());
    hasher.update(part.to_be_bytes());
    hasher.update(hash);
    hasher.finalize()
}

/// Gas for a call of so many bytes. An estimate would be asked of a state in which the parts before are not there yet. 40 a byte is what
/// calldata costs at least (EIP-7623), and more than calldata, log and hashing cost together; then come the fixed costs, and a slot to
/// read for each part.
fn gas_limit(bytes: u64, parts: u64) -> u64 {
    21_000 + 42 * bytes + 300_000 + 5_000 * parts
}
