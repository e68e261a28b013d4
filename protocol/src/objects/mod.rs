//! What clients, executors and sequencers sign, and what a batch says of itself (specs/11-objects.md).
//!
//! Owns the objects and their hashes. Values are as they came: whether a status, a limit or a signature is any good is for
//! [`crate::faults`] and [`crate::signature`] to say.

mod claim;
mod typed;

use alloy_primitives::{Address, B256, Keccak256, U256};
use serde::{Deserialize, Serialize};

use crate::BlobRef;

pub use claim::{Claim, Origin, Place, Source, SourceShapeError};
pub use typed::{DOMAIN_NAME, DOMAIN_VERSION, Domain, TypedData};

/// What a client asks for and signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskRequest {
    /// Who asks and pays.
    pub client: Address,
    /// Where it is to be run, see [`region_id`].
    pub region: B256,
    /// The program's id.
    pub program: B256,
    /// What the program reads.
    pub input: BlobRef,
    /// Fuel that the run may use.
    #[serde(with = "alloy_serde::quantity")]
    pub fuel_limit: u64,
    /// Bytes that the run may output.
    #[serde(with = "alloy_serde::quantity")]
    pub output_length_max: u64,
    /// Most that the client pays, in wei.
    #[serde(with = "alloy_serde::quantity")]
    pub fee_max: u128,
    /// L1 time in seconds until which the task may be posted.
    #[serde(with = "alloy_serde::quantity")]
    pub deadline: u64,
    /// Tells tasks apart that are otherwise the same.
    #[serde(with = "alloy_serde::quantity")]
    pub nonce: u64,
}

impl TaskRequest {
    /// The task id: what the client signs.
    #[must_use]
    pub fn id(&self, domain: &Domain) -> B256 {
        self.digest(domain)
    }
}

impl TypedData for TaskRequest {
    type Typed = typed::TaskRequest;

    fn typed(&self) -> Self::Typed {
        typed::TaskRequest {
            client: self.client,
            region: self.region,
            program: self.program,
            input: typed_blob(&self.input),
            fuelLimit: self.fuel_limit,
            outputLengthMax: self.output_length_max,
            feeMax: self.fee_max,
            deadline: self.deadline,
            nonce: self.nonce,
        }
    }
}

/// What an executor claims and signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskResult {
    /// The task's id.
    pub task: B256,
    /// Runs of the task that went before and became void.
    #[serde(with = "alloy_serde::quantity")]
    pub attempt: u32,
    /// The owner of the stake behind the claim.
    pub executor: Address,
    /// A [`crate::Status`], if the claim is sound.
    #[serde(with = "alloy_serde::quantity")]
    pub status: u8,
    /// Exit code or trap code.
    #[serde(with = "alloy_serde::quantity")]
    pub code: u32,
    /// Fuel that the run used.
    #[serde(with = "alloy_serde::quantity")]
    pub fuel_used: u64,
    /// What the program wrote.
    pub output: BlobRef,
}

impl TypedData for TaskResult {
    type Typed = typed::TaskResult;

    fn typed(&self) -> Self::Typed {
        typed::TaskResult {
            task: self.task,
            attempt: self.attempt,
            executor: self.executor,
            status: self.status,
            code: self.code,
            fuelUsed: self.fuel_used,
            output: typed_blob(&self.output),
        }
    }
}

/// What a sequencer promises and signs: this task has this place in the order, and is posted by this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SoftReceipt {
    /// Whose promise it is.
    pub region: B256,
    /// The task's id.
    pub task: B256,
    /// The task's number at intake.
    #[serde(with = "alloy_serde::quantity")]
    pub sequence: u64,
    /// Milliseconds since 1970 on the sequencer's clock; for the client's information.
    #[serde(with = "alloy_serde::quantity")]
    pub time_ms: u64,
    /// L1 time in seconds by which a batch contains the task.
    #[serde(with = "alloy_serde::quantity")]
    pub include_by: u64,
}

impl TypedData for SoftReceipt {
    type Typed = typed::SoftReceipt;

    fn typed(&self) -> Self::Typed {
        typed::SoftReceipt {
            region: self.region,
            task: self.task,
            sequence: self.sequence,
            timeMs: self.time_ms,
            includeBy: self.include_by,
        }
    }
}

/// What a region's sequencer posts: the header of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// Whose batch it is, see [`region_id`].
    pub region: B256,
    /// Number within the region, from 0, without gaps.
    #[serde(with = "alloy_serde::quantity")]
    pub number: u64,
    /// Hash of the batch before; zero for number 0.
    pub parent: B256,
    /// Sequence number of leaf 0.
    #[serde(with = "alloy_serde::quantity")]
    pub first_sequence: u64,
    /// Root over the leaves, see [`crate::LEAF_TREE`].
    pub leaf_root: B256,
    /// Leaves, at least 1.
    #[serde(with = "alloy_serde::quantity")]
    pub count: u32,
    /// Root over the pages of the data, see [`crate::PAGE_TREE`].
    pub data_root: B256,
    /// Bytes of the data.
    #[serde(with = "alloy_serde::quantity")]
    pub data_length: u32,
    /// Entries of the directory.
    #[serde(with = "alloy_serde::quantity")]
    pub blob_count: u32,
    /// L1 time in seconds at which executors, keys and programs are judged.
    #[serde(with = "alloy_serde::quantity")]
    pub as_of: u64,
    /// No task of the batch has an earlier deadline.
    #[serde(with = "alloy_serde::quantity")]
    pub min_deadline: u64,
}

impl Batch {
    /// The batch's hash. It needs no domain: the region's id binds chain and contract.
    #[must_use]
    pub fn hash(&self) -> B256 {
        self.struct_hash()
    }
}

impl TypedData for Batch {
    type Typed = typed::Batch;

    fn typed(&self) -> Self::Typed {
        typed::Batch {
            region: self.region,
            number: self.number,
            parent: self.parent,
            firstSequence: self.first_sequence,
            leafRoot: self.leaf_root,
            count: self.count,
            dataRoot: self.data_root,
            dataLength: self.data_length,
            blobCount: self.blob_count,
            asOf: self.as_of,
            minDeadline: self.min_deadline,
        }
    }
}

/// What a stake stands behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Role {
    /// Of results.
    Executor = 0,
    /// Of a region's batches.
    Sequencer = 1,
}

/// What a key signs to be an owner's hot key, so that nobody's key is taken by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyConsent {
    /// In which role.
    pub role: Role,
    /// The owner of the stake.
    pub owner: Address,
}

impl TypedData for KeyConsent {
    type Typed = typed::KeyConsent;

    fn typed(&self) -> Self::Typed {
        typed::KeyConsent { role: self.role as u8, owner: self.owner }
    }
}

/// What an executor's key signs to open a session with a region's sequencer (specs/17-rpc.md). Bound to the contract of batches, and by
/// the nonce to one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExecutorSession {
    /// The sequencer's region.
    pub region: B256,
    /// The owner of the stake.
    pub executor: Address,
    /// What the sequencer gave for this connection.
    pub nonce: B256,
}

impl TypedData for ExecutorSession {
    type Typed = typed::ExecutorSession;

    fn typed(&self) -> Self::Typed {
        typed::ExecutorSession { region: self.region, executor: self.executor, nonce: self.nonce }
    }
}

/// The id of a region: of a chain, a contract of batches, the owner of the sequencer's stake, and a name.
#[must_use]
pub fn region_id(chain_id: u64, batches: Address, sequencer: Address, name: B256) -> B256 {
    let chain_id = number_word(chain_id);
    hash_words(&[chain_id, batches.into_word(), sequencer.into_word(), name])
}

/// A number as a 32-byte big-endian word.
pub(crate) fn number_word(number: u64) -> B256 {
    B256::from(U256::from(number))
}

/// Hash of words one after the other, as `abi.encode` puts them.
pub(crate) fn hash_words(words: &[B256]) -> B256 {
    let mut hasher = Keccak256::new();
    words.iter().for_each(|word| hasher.update(word));
    hasher.finalize()
}

fn typed_blob(blob: &BlobRef) -> typed::BlobRef {
    typed::BlobRef { root: blob.root, length: blob.length }
}
