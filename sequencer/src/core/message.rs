//! What the core is asked and told.

use std::net::IpAddr;

use alloy_primitives::{Address, B256, Bytes};
use assay_node::l1::BlockRef;
use assay_protocol::objects::{Place, TaskRequest, TaskResult};
use assay_protocol::rpc::{Assignment, Decline, SignedReceipt, TaskState};
use tokio::sync::{mpsc, oneshot};

use super::executors::Connection;
use crate::refusal::Refusal;

/// A request that has passed all checks that need no order.
#[derive(Debug)]
pub struct Submission {
    /// The task's id.
    pub task: B256,
    /// The request.
    pub request: TaskRequest,
    /// The client's signature, which is good.
    pub signature: Bytes,
    /// The input, if it came with the call.
    pub input: Option<Bytes>,
    /// Where it came from.
    pub from: IpAddr,
    /// Who waits for the receipt.
    pub reply: oneshot::Sender<Result<SignedReceipt, Refusal>>,
}

/// A result that has passed all checks that need no state.
#[derive(Debug)]
pub struct Answer {
    /// Who brings it.
    pub connection: Connection,
    /// The number of its task.
    pub sequence: u64,
    /// The result.
    pub result: TaskResult,
    /// The executor's signature, by a key that L1 knows as its.
    pub signature: Bytes,
    /// The output, if it came with the call.
    pub output: Option<Bytes>,
    /// Who waits.
    pub reply: oneshot::Sender<Result<(), Refusal>>,
}

/// What the core is asked.
#[derive(Debug)]
pub enum Message {
    /// Take a task in.
    Submit(Box<Submission>),
    /// Take a result in.
    Answer(Box<Answer>),
    /// An executor is ready for so many assignments at once.
    Join { connection: Connection, executor: Address, slots: usize, assignments: mpsc::Sender<Assignment> },
    /// An executor takes no more for now; what it has stays with it.
    Pause { connection: Connection },
    /// A connection has ended.
    Leave { connection: Connection },
    /// An executor is still at it: for how many milliseconds more it has the task.
    Renew { connection: Connection, sequence: u64, attempt: u32, reply: oneshot::Sender<Result<u64, Refusal>> },
    /// An executor has no result.
    Decline { connection: Connection, sequence: u64, decline: Decline, reply: oneshot::Sender<Result<(), Refusal>> },
    /// How far a task has come.
    Inspect { sequence: u64, reply: oneshot::Sender<Option<Inspection>> },
    /// What is here.
    Count { reply: oneshot::Sender<Counts> },
    /// Make a batch now.
    PostNow,
}

/// How far a task has come that is not over.
#[derive(Clone, Copy, Debug)]
pub struct Inspection {
    /// Its state.
    pub state: TaskState,
    /// The attempt.
    pub attempt: u32,
    /// Where its leaf is, if it is posted.
    pub place: Option<Place>,
}

/// What is here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// The newest block that counts.
    pub tip: Option<BlockRef>,
    /// Number of the next task.
    pub next_sequence: u64,
    /// Number of the next batch.
    pub next_batch: u64,
    /// Tasks that are not posted.
    pub tasks: usize,
    /// Of them, those that wait for an executor.
    pub queued: usize,
    /// Those that an executor has.
    pub running: usize,
    /// Results that wait for a batch.
    pub ready: usize,
    /// Executors.
    pub executors: usize,
}
