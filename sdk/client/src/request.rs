//! A task request: made with defaults, named, signed; and the receipt for it, checked.
//!
//! Owns the defaults. A request with another nonce is another task.

use alloy_primitives::{Address, Bytes};
use alloy_signer::{Signer, SignerSync};
use assay_protocol::objects::{Domain, TaskRequest, TypedData};
use assay_protocol::rpc::{SignedReceipt, StatusView};
use assay_protocol::signature::Signature;
use assay_protocol::{B256, BlobRef};

use crate::error::ClientError;

/// Fuel of a request that names none: some seconds of a processor.
const FUEL_LIMIT: u64 = 1 << 32;
/// Bytes of output of a request that names no limit.
const OUTPUT_LENGTH_MAX: u64 = 1 << 20;
/// Seconds to the deadline of a request that names none.
const DEADLINE_AFTER: u64 = 3600;

/// What a task is to be, before it is anybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The program's id.
    pub program: B256,
    /// What it reads.
    pub input: BlobRef,
    /// Fuel that it may use; if none is named, 2^32, or what the sequencer takes at most.
    pub fuel_limit: Option<u64>,
    /// Bytes that it may output; if none are named, 1 MiB, or what the sequencer takes at most.
    pub output_length_max: Option<u64>,
    /// Most that the client pays, in wei; if none is named, the least that the sequencer asks for.
    pub fee_max: Option<u128>,
    /// Seconds from now until which it may be posted; an hour, if none are named.
    pub deadline_after: Option<u64>,
}

impl Draft {
    /// A program on an input, all else by default.
    #[must_use]
    pub fn new(program: B256, input: BlobRef) -> Self {
        Self { program, input, fuel_limit: None, output_length_max: None, fee_max: None, deadline_after: None }
    }

    /// The request of a client to a sequencer. The nonce tells tasks apart that are otherwise the same.
    #[must_use]
    pub fn request(&self, client: Address, sequencer: &StatusView, nonce: u64) -> TaskRequest {
        let limits = &sequencer.limits;
        let usual = DEADLINE_AFTER.max(limits.deadline_min).min(limits.deadline_max);
        let deadline_after = self.deadline_after.unwrap_or(usual);
        TaskRequest {
            client,
            region: sequencer.region,
            program: self.program,
            input: self.input,
            fuel_limit: self.fuel_limit.unwrap_or_else(|| FUEL_LIMIT.min(limits.fuel_limit_max)),
            output_length_max: self
                .output_length_max
                .unwrap_or_else(|| OUTPUT_LENGTH_MAX.min(limits.output_length_max)),
            fee_max: self.fee_max.unwrap_or(limits.fee_min),
            deadline: sequencer.l1_time.saturating_add(deadline_after),
            nonce,
        }
    }
}

/// A request with its client's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRequest {
    /// What is asked for.
    pub request: TaskRequest,
    /// 65 bytes.
    pub signature: Bytes,
    /// The task's id.
    pub task: B256,
}

/// What requests and receipts are signed for, by a sequencer's own account of itself.
#[must_use]
pub fn domain(sequencer: &StatusView) -> Domain {
    Domain { chain_id: sequencer.chain_id, contract: sequencer.batches_contract }
}

impl SignedRequest {
    /// Signs a request. Whoever does not trust the sequencer's word for chain and contract compares them with the deployment first.
    ///
    /// # Errors
    /// [`ClientError::Unsigned`].
    pub fn sign(
        request: TaskRequest,
        sequencer: &StatusView,
        signer: &(impl SignerSync + Signer),
    ) -> Result<Self, ClientError> {
        let unsigned = |reason: String| ClientError::Unsigned { reason };
        if signer.address() != request.client {
            return Err(unsigned(format!("the key is of {}, the client is {}", signer.address(), request.client)));
        }
        Self::sign_with(request, sequencer, |hash| {
            signer
                .sign_hash_sync(hash)
                .map(|signature| signature.as_bytes())
                .map_err(|error| unsigned(error.to_string()))
        })
    }

    /// Signs a request with whatever signs hashes: 65 bytes `r || s || v`, v being 27 or 28.
    ///
    /// # Errors
    /// Whatever `sign` fails with.
    pub fn sign_with<E>(
        request: TaskRequest,
        sequencer: &StatusView,
        sign: impl FnOnce(&B256) -> Result<[u8; 65], E>,
    ) -> Result<Self, E> {
        let task = request.id(&domain(sequencer));
        Ok(Self { request, signature: Bytes::from(sign(&task)?.to_vec()), task })
    }

    /// Whether a receipt is the sequencer's promise of this task.
    ///
    /// # Errors
    /// [`ClientError::WrongReceipt`], [`ClientError::Signature`].
    pub fn check(&self, receipt: &SignedReceipt, sequencer: &StatusView) -> Result<(), ClientError> {
        let wrong = |what, got: String, wanted: String| Err(ClientError::WrongReceipt { what, got, wanted });
        let promised = &receipt.receipt;
        if promised.task != self.task {
            return wrong("task", promised.task.to_string(), self.task.to_string());
        }
        if promised.region != self.request.region {
            return wrong("region", promised.region.to_string(), self.request.region.to_string());
        }
        let signer = Signature::parse(&receipt.signature)?.recover(&promised.digest(&domain(sequencer)))?;
        if signer != sequencer.key {
            return wrong("key", signer.to_string(), sequencer.key.to_string());
        }
        Ok(())
    }
}
