//! Records and directory entries as bytes (specs/12-batches.md, "Records", "Directory"). Integers are big-endian.
//!
//! Owns the two fixed layouts. Every sequence of so many bytes is a record, and one record only: what may stand in it is
//! judged elsewhere.

use alloy_primitives::{Address, B256};

use super::layout::{ENTRY_SIZE, RECORD_SIZE};
use crate::BlobRef;
use crate::objects::{Claim, Domain, Place, Source, TaskRequest, TaskResult};
use crate::signature::SIGNATURE_LENGTH;

/// The bytes of a record.
pub type Record = [u8; RECORD_SIZE as usize];

/// The claim that a record makes in a batch of `region`. The task id is computed, not read.
#[must_use]
pub fn parse_record(record: &Record, region: B256, domain: &Domain) -> Claim {
    let mut fields = Fields(record);
    let sequence = fields.number(8);
    let request = TaskRequest {
        client: Address::from(fields.take()),
        region,
        program: fields.hash(),
        input: fields.blob(),
        fuel_limit: fields.number(8),
        output_length_max: fields.number(8),
        fee_max: u128::from_be_bytes(fields.take()),
        deadline: fields.number(8),
        nonce: fields.number(8),
    };
    Claim {
        sequence,
        request,
        client_signature: fields.take::<SIGNATURE_LENGTH>(),
        result: TaskResult {
            task: request.id(domain),
            attempt: fields.number(4) as u32,
            executor: Address::from(fields.take()),
            status: fields.number(1) as u8,
            code: fields.number(4) as u32,
            fuel_used: fields.number(8),
            output: fields.blob(),
        },
        executor_signature: fields.take::<SIGNATURE_LENGTH>(),
        input: fields.source(),
        wasm: fields.source(),
        predecessor: fields.place(),
    }
}

/// The record of a claim. The region and the task id are left out: they follow from where the record stands.
#[must_use]
pub fn write_record(claim: &Claim) -> Record {
    let mut record = [0; RECORD_SIZE as usize];
    let mut rest = &mut record[..];
    let mut put = |bytes: &[u8]| {
        let (head, tail) = core::mem::take(&mut rest).split_at_mut(bytes.len());
        head.copy_from_slice(bytes);
        rest = tail;
    };
    let Claim { request, result, .. } = claim;
    put(&claim.sequence.to_be_bytes());
    put(request.client.as_slice());
    put(request.program.as_slice());
    put(request.input.root.as_slice());
    for number in [request.input.length, request.fuel_limit, request.output_length_max] {
        put(&number.to_be_bytes());
    }
    put(&request.fee_max.to_be_bytes());
    put(&request.deadline.to_be_bytes());
    put(&request.nonce.to_be_bytes());
    put(&claim.client_signature);
    put(&result.attempt.to_be_bytes());
    put(result.executor.as_slice());
    put(&[result.status]);
    put(&result.code.to_be_bytes());
    put(&result.fuel_used.to_be_bytes());
    put(result.output.root.as_slice());
    put(&result.output.length.to_be_bytes());
    put(&claim.executor_signature);
    for Source { kind, batch, index } in [claim.input, claim.wasm] {
        put(&[kind]);
        put(&batch.to_be_bytes());
        put(&index.to_be_bytes());
    }
    put(&claim.predecessor.batch.to_be_bytes());
    put(&claim.predecessor.index.to_be_bytes());
    assert!(rest.is_empty(), "the fields fill a record");
    record
}

/// What a batch's directory says of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The blob.
    pub blob: BlobRef,
    /// How its bytes are written; 0, which is raw, is the only way so far.
    pub encoding: u32,
    /// Number of the page of the data on which its area begins.
    pub first_page: u32,
}

impl Entry {
    /// The entry of these bytes.
    #[must_use]
    pub fn parse(bytes: &[u8; ENTRY_SIZE as usize]) -> Self {
        let mut fields = Fields(bytes);
        Self { blob: fields.blob(), encoding: fields.number(4) as u32, first_page: fields.number(4) as u32 }
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; ENTRY_SIZE as usize] {
        let mut bytes = [0; ENTRY_SIZE as usize];
        bytes[..32].copy_from_slice(self.blob.root.as_slice());
        bytes[32..40].copy_from_slice(&self.blob.length.to_be_bytes());
        bytes[40..44].copy_from_slice(&self.encoding.to_be_bytes());
        bytes[44..].copy_from_slice(&self.first_page.to_be_bytes());
        bytes
    }
}

/// What is left of a fixed layout that is read from its beginning.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (head, tail) = self.0.split_first_chunk().expect("the fields of a layout fill it");
        self.0 = tail;
        *head
    }

    /// A number of `size` bytes, at most 8.
    fn number(&mut self, size: usize) -> u64 {
        let (head, tail) = self.0.split_at(size);
        self.0 = tail;
        head.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn hash(&mut self) -> B256 {
        B256::from(self.take::<32>())
    }

    fn blob(&mut self) -> BlobRef {
        BlobRef { root: self.hash(), length: self.number(8) }
    }

    fn source(&mut self) -> Source {
        Source { kind: self.number(1) as u8, batch: self.number(8), index: self.number(4) as u32 }
    }

    fn place(&mut self) -> Place {
        Place { batch: self.number(8), index: self.number(4) as u32 }
    }
}
