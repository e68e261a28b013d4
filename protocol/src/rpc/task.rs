//! Tasks as clients see them.

use alloc::vec::Vec;

use alloy_primitives::{B256, Bytes};
use serde::{Deserialize, Serialize};

use super::Decline;
use crate::objects::{Place, SoftReceipt, TaskRequest, TaskResult};

/// A receipt with its signature by a key of the sequencer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedReceipt {
    /// What is promised.
    pub receipt: SoftReceipt,
    /// 65 bytes, see [`crate::signature`].
    pub signature: Bytes,
}

/// A result with its signature by a key of the executor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedResult {
    /// What is claimed.
    pub result: TaskResult,
    /// 65 bytes, see [`crate::signature`].
    pub signature: Bytes,
}

/// How far a task has come. The last three are what L1 says of its leaf (specs/12-batches.md, "Fates"); a void leaf takes the task back
/// to [`TaskState::Queued`], its next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TaskState {
    /// Ordered, waits for an executor.
    Queued,
    /// An executor has it.
    Running,
    /// A signed result is here, waits for a batch.
    Executed,
    /// On L1, its window is open.
    Posted,
    /// A game on it is open, or a stay holds it.
    Challenged,
    /// Its deadline passed before it could be posted; it never will be.
    Expired,
    /// It stands, on the executor's word and stake: not all that the run needs is L1 data.
    Attested,
    /// It stands, and everybody can have checked it.
    Final,
}

impl TaskState {
    /// Whether nothing more becomes of the task.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Expired | Self::Attested | Self::Final)
    }
}

/// All that a sequencer says of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskView {
    /// The task's id.
    pub task: B256,
    /// What was asked for.
    pub request: TaskRequest,
    /// The client's signature of it.
    pub client_signature: Bytes,
    /// The promise that was given.
    pub receipt: SignedReceipt,
    /// How far it has come.
    pub state: TaskState,
    /// The attempt that the state is about.
    #[serde(with = "alloy_serde::quantity")]
    pub attempt: u32,
    /// The result of that attempt, once there is one.
    pub result: Option<SignedResult>,
    /// Where the leaf of that attempt is, once it is posted.
    pub place: Option<Place>,
    /// Executors that had no result for it, newest last, the last few.
    pub declines: Vec<Decline>,
}

/// That a task has come further.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskEvent {
    /// The task's id.
    pub task: B256,
    /// Its state now.
    pub state: TaskState,
    /// The attempt that the state is about.
    #[serde(with = "alloy_serde::quantity")]
    pub attempt: u32,
    /// Where the leaf is, once it is posted.
    pub place: Option<Place>,
}
