//! The verifier: from a record and a witness to the next record, in the shape of the contract on L1.
//!
//! Owns that exactly the touched chunks are opened and that they are chunks of the record's memory. It is pure.

use super::{Witness, WitnessError};
use crate::memory::layout::chunk_address;
use crate::memory::proof::ChunkProof;
use crate::record::Record;
use crate::step::{Access, step};
use alloc::vec::Vec;
use alloy_primitives::B256;

/// The successor of `record`, if `witness` proves it.
///
/// # Errors
/// If the witness is not the one that chapter 9 asks for.
pub fn verify_step(record: Record, witness: &[u8]) -> Result<Record, WitnessError> {
    let witness = Witness::parse(witness)?;
    let mut opened = Opened::new(&witness);
    let next = step(record, &mut opened)?;
    let memory_root = opened.fold(record.memory_root)?;
    Ok(Record { memory_root, ..next })
}

/// The opened chunks as the step sees and changes them.
struct Opened<'a> {
    chunks: Vec<OpenedChunk<'a>>,
}

struct OpenedChunk<'a> {
    old: &'a ChunkProof,
    new: Vec<u8>,
    touched: bool,
}

impl<'a> Opened<'a> {
    fn new(witness: &'a Witness) -> Self {
        let open = |old: &'a ChunkProof| OpenedChunk { old, new: old.bytes.clone(), touched: false };
        Self { chunks: witness.entries().iter().map(open).collect() }
    }

    /// The bytes from `address` to the end of its chunk.
    fn touch(&mut self, address: u64) -> Result<&mut [u8], WitnessError> {
        let start = chunk_address(address);
        let found = self.chunks.binary_search_by_key(&start, |chunk| chunk.old.address);
        let chunk = &mut self.chunks[found.map_err(|_| WitnessError::NotOpened { address: start })?];
        chunk.touched = true;
        Ok(&mut chunk.new[(address - start) as usize..])
    }

    /// Replaces chunk after chunk in the tree under `root`; returns its new root.
    fn fold(&self, root: B256) -> Result<B256, WitnessError> {
        if let Some(chunk) = self.chunks.iter().find(|chunk| !chunk.touched) {
            return Err(WitnessError::NotTouched { address: chunk.old.address });
        }
        let mut root = root;
        for OpenedChunk { old, new, .. } in &self.chunks {
            let got = old.fold(&old.bytes);
            if got != root {
                return Err(WitnessError::WrongRoot { address: old.address, wanted: root, got });
            }
            if *new != old.bytes {
                root = old.fold(new);
            }
        }
        Ok(root)
    }
}

impl Access for Opened<'_> {
    type Error = WitnessError;

    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), WitnessError> {
        bytes.copy_from_slice(&self.touch(address)?[..bytes.len()]);
        Ok(())
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), WitnessError> {
        self.touch(address)?[..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
}
