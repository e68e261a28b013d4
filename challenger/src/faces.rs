//! Faces of batches: what is wrong with one by its bytes, and the call that proves it.
//!
//! Owns the look at a batch. It blocks for a pass over the batch's bytes and two signatures a leaf. What it needs besides, an earlier
//! batch or a descriptor, comes from the chain.

use alloy_primitives::{U256, keccak256};
use alloy_sol_types::{SolInterface, SolValue};
use assay_node::tx::{Intent, Priority};
use assay_player::chain::{BatchState, Chain, ChainError, Program};
use assay_protocol::contracts::Faults;
use assay_protocol::faults::{ExhibitError, Exhibits, Fault, faults};
use thiserror::Error;

/// Faults of one batch that are kept: one proof is enough.
const FAULTS_MAX: usize = 16;

/// Why a face can't be judged, or a fault not be proven.
#[derive(Debug, Error)]
pub enum FaceError {
    /// The store or L1's data fails.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The proof needs what the chain has not.
    #[error(transparent)]
    Exhibit(#[from] ExhibitError),
    /// L1 has dropped the batch, or the fault is not there any more.
    #[error("batch {number} is not what it was")]
    Gone {
        /// Its number.
        number: u64,
    },
}

/// What is wrong with a batch, in the order of the list, the first few.
///
/// # Errors
/// [`FaceError`].
pub fn look(chain: &Chain, batch: &BatchState) -> Result<Vec<Fault>, FaceError> {
    let (region, number) = (batch.header.region, batch.header.number);
    let Some(bytes) = chain.batch_data(region, number)? else { return Err(FaceError::Gone { number }) };
    let data = bytes.open()?;
    let limits = chain.parameters().limits();
    let mut found = faults(&data, batch.posted_at, &limits, &chain.facts(region))?;
    found.truncate(FAULTS_MAX);
    Ok(found)
}

/// A call that proves that a batch is faulty.
pub struct Proof {
    /// The call.
    pub intent: Intent,
    /// Faults that there are to be proven in turn.
    pub faults: u32,
}

/// The call that proves a fault of a batch. Attempts, counted from 0, go through the faults that [`look`] finds, again and again.
///
/// # Errors
/// [`FaceError`].
pub fn prove(chain: &Chain, batch: &BatchState, attempt: u32) -> Result<Proof, FaceError> {
    let (region, number) = (batch.header.region, batch.header.number);
    let gone = || FaceError::Gone { number };
    let found = look(chain, batch)?;
    let faults = found.len() as u32;
    let fault = attempt.checked_rem(faults).and_then(|index| found.get(index as usize)).ok_or_else(gone)?;
    let bytes = chain.batch_data(region, number)?.ok_or_else(gone)?;
    let data = bytes.open()?;
    let named = match fault.named(&data) {
        Some(named) if named.batch != number => Some(chain.batch_data(region, named.batch)?.ok_or_else(gone)?),
        _ => None,
    };
    let descriptor = fault.program(&data).and_then(|program| chain.view().program(program).map(descriptor_of));
    let exhibits = Exhibits { batch: named.as_ref().map(|named| named.open()).transpose()?, descriptor };
    let call = fault.proof(&data, exhibits)?;
    let intent = Intent {
        id: keccak256((keccak256("assay.challenger.proof.v1"), batch.hash, batch.posted_at, attempt).abi_encode()),
        to: chain.deployment().contracts.faults,
        data: call.abi_encode().into(),
        value: U256::ZERO,
        gas_limit: None,
        priority: Priority::Urgent,
        expires_at: Some(batch.posted_at + chain.parameters().window + 1),
        after: None,
    };
    Ok(Proof { intent, faults })
}

fn descriptor_of(program: &Program) -> Faults::Descriptor {
    let descriptor = &program.descriptor;
    let mount = |(region, root): &(u8, assay_protocol::B256)| Faults::Mount { region: *region, root: *root };
    Faults::Descriptor {
        version: descriptor.version,
        entryPc: descriptor.entry_pc,
        memoryPages: descriptor.memory_pages,
        memoryPagesMax: descriptor.memory_pages_max,
        wasm: Faults::BlobRef { root: descriptor.wasm.root, length: descriptor.wasm.length },
        mounts: descriptor.mounts.iter().map(mount).collect(),
    }
}
