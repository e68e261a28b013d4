//! The producer: a step over a whole memory, with or without its witness.
//!
//! Owns the order in which chunks are opened and replaced. It assumes a memory that holds every byte of the image.

use super::Witness;
use crate::memory::Memory;
use crate::memory::layout::{Region, chunk_address};
use crate::record::Record;
use crate::step::{Access, step};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::convert::Infallible;

/// Makes the step from `record` and the witness that proves it; `memory` becomes that of the next record.
///
/// # Panics
/// If the root of `memory` is not the record's, or `memory` lacks bytes that the step needs.
pub fn prove_step<M: Memory>(record: Record, memory: &mut M) -> (Vec<u8>, Record) {
    assert_eq!(memory.commit(), record.memory_root, "the memory is the record's");
    let mut recorder = Recorder { memory, touched: BTreeMap::new() };
    let Ok(next) = step(record, &mut recorder);
    let touched = recorder.touched;
    let mut entries = Vec::with_capacity(touched.len());
    for (address, new) in touched {
        // Opened in the tree in which the chunks before are replaced already, and replaced before the next is opened.
        let proof = memory.chunk_proof(address);
        if proof.bytes != new {
            memory.write(address, &new);
        }
        entries.push(proof);
    }
    let next = Record { memory_root: memory.commit(), ..next };
    (Witness::new(entries).to_bytes(), next)
}

/// Makes the step from `record` in `memory`. Its root is not computed: that of the result is the record's, and
/// [`Memory::commit`] gives the new one.
///
/// # Panics
/// If `memory` lacks bytes that the step needs.
pub fn step_in_place<M: Memory>(record: Record, memory: &mut M) -> Record {
    let Ok(next) = step(record, &mut Direct(memory));
    next
}

/// A memory that is changed at once.
struct Direct<'a, M>(&'a mut M);

impl<M: Memory> Access for Direct<'_, M> {
    type Error = Infallible;

    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.read(address, bytes);
        Ok(())
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.write(address, bytes);
        Ok(())
    }
}

/// A memory that is not changed, and the chunks that the step touched, as it leaves them.
struct Recorder<'a, M> {
    memory: &'a M,
    touched: BTreeMap<u64, Vec<u8>>,
}

impl<M: Memory> Recorder<'_, M> {
    /// The bytes from `address` to the end of its chunk.
    fn touch(&mut self, address: u64) -> &mut [u8] {
        let start = chunk_address(address);
        let chunk = self.touched.entry(start).or_insert_with(|| {
            let mut bytes = alloc::vec![0; Region::of(start).kind().chunk_size()];
            self.memory.read(start, &mut bytes);
            bytes
        });
        &mut chunk[(address - start) as usize..]
    }
}

impl<M: Memory> Access for Recorder<'_, M> {
    type Error = Infallible;

    fn read(&mut self, address: u64, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.copy_from_slice(&self.touch(address)[..bytes.len()]);
        Ok(())
    }

    fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Infallible> {
        self.touch(address)[..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
}
