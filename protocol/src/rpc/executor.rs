//! What an executor and a sequencer tell each other, on one WebSocket connection.
//!
//! ```text
//! executor                              sequencer
//!    | executor_hello(executor, key) ----->|
//!    |<------------------------- nonce ----|
//!    | executor_authenticate(signature) -->|   by a key that L1 knows as the executor's
//!    |<----------------------- Session ----|
//!    | executor_subscribe(slots) --------->|
//!    |<-------------------- Assignment ----|   a lease runs
//!    | executor_renew, _submit, _decline ->|
//! ```

use alloc::string::String;

use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::BlobRef;
use crate::objects::TaskRequest;

/// What a sequencer grants an executor that has shown who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The region, for a second look: it is part of what was signed.
    pub region: B256,
    /// Most assignments at once.
    #[serde(with = "alloy_serde::quantity")]
    pub slots_max: u64,
    /// Milliseconds that a lease lasts.
    #[serde(with = "alloy_serde::quantity")]
    pub lease_ms: u64,
}

/// An attempt at a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentId {
    /// The task's id.
    pub task: B256,
    /// Attempts before this one that became void.
    #[serde(with = "alloy_serde::quantity")]
    pub attempt: u32,
}

/// A task that an executor is asked to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assignment {
    /// The task's id.
    pub task: B256,
    /// Attempts before this one that became void.
    #[serde(with = "alloy_serde::quantity")]
    pub attempt: u32,
    /// What the client asked for.
    pub request: TaskRequest,
    /// The client's signature of it: an executor runs nothing that nobody asked for.
    pub client_signature: Bytes,
    /// The program's module, a blob of the sequencer.
    pub wasm: BlobRef,
    /// The input, if it is short; else a blob of the sequencer.
    pub input: Option<Bytes>,
    /// Milliseconds until the lease is over, unless it is renewed.
    #[serde(with = "alloy_serde::quantity")]
    pub lease_ms: u64,
}

impl Assignment {
    /// What it is an attempt at.
    #[must_use]
    pub fn id(&self) -> AssignmentId {
        AssignmentId { task: self.task, attempt: self.attempt }
    }
}

/// Why an executor has no result. None of these is the job's fault: a job that fails has a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeclineReason {
    /// No room now.
    Busy,
    /// The input or the module can't be had, or is not what its name says.
    Missing,
    /// The run took longer than this host gives a job.
    WallClock,
    /// This host has less memory than the run needs.
    Memory,
    /// No engine here has a result.
    Engine,
    /// The client's signature or a limit is wrong.
    Request,
}

/// That an executor has no result for an assignment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Decline {
    /// The task's id.
    pub task: B256,
    /// The attempt.
    #[serde(with = "alloy_serde::quantity")]
    pub attempt: u32,
    /// Who declined; a sequencer fills it in from the session.
    pub executor: Address,
    /// Why.
    pub reason: DeclineReason,
    /// The same in words, at most [`Decline::WORDS_MAX`] bytes.
    pub words: String,
}

impl Decline {
    /// Bytes of the words that are kept.
    pub const WORDS_MAX: usize = 512;
}
