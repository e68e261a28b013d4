//! What processes say to each other over JSON-RPC (specs/17-rpc.md): names of methods, parameters, answers, errors.
//!
//! ```text
//! task       tasks as clients see them, from receipt to fate
//! program    programs and their descriptors
//! batch      batches, places and proofs
//! executor   what an executor and a sequencer tell each other
//! error      the table of errors: code, name, whether to try again
//! blobs      paths and headers of blobs over HTTP
//! ```
//!
//! Owns the wire's types. Parameters are positional; integers are hex quantities, as Ethereum writes them; bytes are `0x`-prefixed hex;
//! names of fields are camel case. Fields are added and never change their meaning, so that readers skip what they don't know.

mod batch;
pub mod blobs;
mod error;
mod executor;
mod program;
mod task;

pub use batch::{BatchView, LeafOpening, LeafProof};
pub use error::{ErrorCode, ErrorData, UnknownErrorCode};
pub use executor::{Assignment, AssignmentId, Decline, DeclineReason, Session};
pub use program::{Mount, ProgramView};
pub use task::{SignedReceipt, SignedResult, TaskEvent, TaskState, TaskView};

use alloc::string::String;

use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

/// Bytes of an input or an output that may travel inside a call; longer ones are blobs over HTTP.
pub const INLINE_BYTES_MAX: usize = 64 << 10;

/// What clients call.
pub mod methods {
    /// `(request, signature, input?) -> SignedReceipt`.
    pub const SUBMIT_TASK: &str = "assay_submitTask";
    /// `(task) -> TaskView | null`.
    pub const GET_TASK: &str = "assay_getTask";
    /// `(task) -> SignedResult | null`.
    pub const GET_RESULT: &str = "assay_getResult";
    /// `(wasm) -> ProgramView`.
    pub const REGISTER_PROGRAM: &str = "assay_registerProgram";
    /// `(program) -> ProgramView | null`.
    pub const GET_PROGRAM: &str = "assay_getProgram";
    /// `(number) -> BatchView | null`.
    pub const GET_BATCH: &str = "assay_getBatch";
    /// `(task) -> LeafProof | null`.
    pub const GET_PROOF: &str = "assay_getProof";
    /// `() -> StatusView`.
    pub const STATUS: &str = "assay_status";
    /// `(topic, filter?)`: `receipts` gives SignedReceipt, `tasks` TaskEvent, `batches` BatchView.
    pub const SUBSCRIBE: &str = "assay_subscribe";
    /// Ends a subscription.
    pub const UNSUBSCRIBE: &str = "assay_unsubscribe";
    /// What a subscription's messages are named.
    pub const SUBSCRIPTION: &str = "assay_subscription";
    /// `(executor, key) -> nonce`: begins a session on this connection.
    pub const EXECUTOR_HELLO: &str = "executor_hello";
    /// `(signature) -> Session`: of [`crate::objects::ExecutorSession`] by the key.
    pub const EXECUTOR_AUTHENTICATE: &str = "executor_authenticate";
    /// `(slots)`: assignments, at most so many at once.
    pub const EXECUTOR_SUBSCRIBE: &str = "executor_subscribe";
    /// Ends it; what is assigned stays assigned until its lease is over.
    pub const EXECUTOR_UNSUBSCRIBE: &str = "executor_unsubscribe";
    /// What the subscription's messages are named.
    pub const EXECUTOR_ASSIGNMENT: &str = "executor_assignment";
    /// `(task, attempt) -> leaseMs`: still at it.
    pub const EXECUTOR_RENEW: &str = "executor_renew";
    /// `(result, output?) -> true`: the output inside the call, or as a blob before it.
    pub const EXECUTOR_SUBMIT: &str = "executor_submit";
    /// `(Decline) -> true`: this host has no result.
    pub const EXECUTOR_DECLINE: &str = "executor_decline";
}

/// What a sequencer says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    /// Name and version of the program that answers.
    pub version: String,
    /// EIP-155 id of the chain.
    #[serde(with = "alloy_serde::quantity")]
    pub chain_id: u64,
    /// The region.
    pub region: B256,
    /// Owner of the stake behind the region.
    pub sequencer: Address,
    /// The key that signs receipts.
    pub key: Address,
    /// Contract that requests and results are signed for.
    pub batches_contract: Address,
    /// Newest block of L1 that was taken in.
    #[serde(with = "alloy_serde::quantity")]
    pub l1_block: u64,
    /// Time of that block, in seconds since 1970: deadlines are measured by it.
    #[serde(with = "alloy_serde::quantity")]
    pub l1_time: u64,
    /// Number of the next task.
    #[serde(with = "alloy_serde::quantity")]
    pub next_sequence: u64,
    /// Number of the next batch.
    #[serde(with = "alloy_serde::quantity")]
    pub next_batch: u64,
    /// Tasks that wait for an executor.
    #[serde(with = "alloy_serde::quantity")]
    pub tasks_queued: u64,
    /// Tasks that an executor has.
    #[serde(with = "alloy_serde::quantity")]
    pub tasks_running: u64,
    /// Results that wait for a batch.
    #[serde(with = "alloy_serde::quantity")]
    pub results_unposted: u64,
    /// Executors that are connected.
    #[serde(with = "alloy_serde::quantity")]
    pub executors: u64,
    /// What a request may ask for.
    pub limits: LimitsView,
}

/// Bounds of requests here: those of the deployment, or tighter ones of this sequencer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitsView {
    /// Largest fuel limit.
    #[serde(with = "alloy_serde::quantity")]
    pub fuel_limit_max: u64,
    /// Largest output limit, in bytes.
    #[serde(with = "alloy_serde::quantity")]
    pub output_length_max: u64,
    /// Longest input, in bytes.
    #[serde(with = "alloy_serde::quantity")]
    pub input_length_max: u64,
    /// Longest input that is posted to L1, so that its result can become final. Longer ones can become attested.
    #[serde(with = "alloy_serde::quantity")]
    pub posted_input_length_max: u64,
    /// Least fee ceiling, in wei.
    #[serde(with = "alloy_serde::quantity")]
    pub fee_min: u128,
    /// Least seconds from now to a deadline.
    #[serde(with = "alloy_serde::quantity")]
    pub deadline_min: u64,
    /// Most seconds from now to a deadline.
    #[serde(with = "alloy_serde::quantity")]
    pub deadline_max: u64,
}
