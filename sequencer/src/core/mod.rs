//! The core: the one actor that knows how far every task is.
//!
//! ```text
//!   calls ── Message ──┐                      ┌── journal ── durable ──┐ (never waits for the core)
//!   L1 ──── Heard ─────┼──> core ── writes ──>┤                        │
//!   clock ─────────────┘      ^               └── sender (intents)     │
//!                             └───────────────── Durable <─────────────┘
//! ```
//!
//! *Mailbox*: bounded; who calls is refused as BUSY when it is full, L1 waits. What has become durable comes back through a queue without
//! a bound of its own: there are no more entries in it than the journal and the tasks that are not over. *Persisted*: see `rows`; memory is
//! made anew from it. *States* of a task: [`tasks`]; of a batch: [`batches`]. *Failures*: whatever the store refuses ends the core and with
//! it the process; L1 that is down only delays.

mod bars;
mod batches;
mod builds;
mod dispatch;
mod executors;
mod fates;
mod intake;
mod message;
mod posted;
mod restore;
mod tasks;
#[cfg(test)]
mod tests;
mod turns;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::Address;
use assay_node::endpoint::Endpoint;
use assay_node::store::StoreError;
use assay_node::tx::{Sender, TxError};
use assay_protocol::objects::Place;
use assay_protocol::rpc::{Assignment, SignedReceipt, TaskEvent, TaskState};
use thiserror::Error;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::batch::BuildError;
use crate::context::{Context, now_ms};
use crate::gate::Gate;
use crate::journal::Journal;
use crate::l1::{Heard, View};
use crate::metrics::SequencerMetrics;
use crate::workers::Workers;

pub use batches::BatchEvent;
pub use executors::Connection;
pub use message::{Answer, Counts, Inspection, Message, Submission};

use batches::{Batches, Finished};
use executors::Executors;
use tasks::{Phase, Tasks};

/// How often leases, deadlines and batches are looked at.
const TICK: Duration = Duration::from_millis(20);
/// Messages that are taken from the mailbox before the other sources have a turn.
const MESSAGES_AT_ONCE: usize = 256;

/// What has become durable, or was finished elsewhere.
pub enum Durable {
    /// An order: the task waits for an executor.
    Accepted(u64),
    /// A result of an attempt: it waits for a batch.
    Executed(u64, u32),
    /// A batch was built, or was not.
    Built(Box<Result<Finished, BuildError>>),
    /// What became of a batch's intents: whether its posting is done for ever.
    Settled { number: u64, build: u32, is_done: bool },
}

/// Why the core has ended.
#[derive(Debug, Error)]
pub enum CoreError {
    /// The tables.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The sender.
    #[error(transparent)]
    Sender(#[from] TxError),
    /// A batch can't be built, which no waiting helps against.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// L1 has a batch of this region that was not built here.
    #[error(
        "batch {number} of the region is {got} on L1, and was not built here: another sequencer posts with this stake"
    )]
    ForeignBatch {
        /// Its number.
        number: u64,
        /// Its hash.
        got: alloy_primitives::B256,
    },
}

/// News for subscribers. Cheap to clone.
#[derive(Clone)]
pub struct News {
    /// Receipts, with the client.
    pub receipts: broadcast::Sender<(Address, SignedReceipt)>,
    /// Tasks that have come further.
    pub tasks: broadcast::Sender<TaskEvent>,
    /// Batches that are posted.
    pub batches: broadcast::Sender<BatchEvent>,
}

/// News that wait for a slow subscriber; one that is slower is cut.
const NEWS: usize = 4096;

impl News {
    /// No subscribers yet.
    pub fn new() -> Self {
        let (receipts, tasks, batches) =
            (broadcast::channel(NEWS).0, broadcast::channel(NEWS).0, broadcast::channel(256).0);
        Self { receipts, tasks, batches }
    }
}

/// What the core is made of besides its own state.
pub struct Parts {
    /// Names and tables.
    pub context: Arc<Context>,
    /// Group commit.
    pub journal: Journal,
    /// Transactions.
    pub sender: Sender,
    /// L1, for figures.
    pub endpoint: Endpoint,
    /// Threads for building.
    pub workers: Workers,
    /// Whether new work is taken.
    pub gate: Gate,
    /// Subscribers.
    pub news: News,
    /// What L1 says, for whoever answers calls.
    pub seen: watch::Sender<Arc<View>>,
    /// Figures.
    pub metrics: SequencerMetrics,
}

/// The core.
pub struct Core {
    parts: Parts,
    tasks: Tasks,
    executors: Executors,
    assignments: HashMap<Connection, mpsc::Sender<Assignment>>,
    batches: Batches,
    view: Arc<View>,
    /// Whether no block has come since the start, or since blocks were taken back.
    is_fresh: bool,
    durable: mpsc::UnboundedSender<Durable>,
    came: mpsc::UnboundedReceiver<Durable>,
}

impl Core {
    /// Works until the token is cancelled.
    ///
    /// # Errors
    /// [`CoreError`].
    pub async fn run(
        mut self,
        mut messages: mpsc::Receiver<Message>,
        mut heard: mpsc::Receiver<Heard>,
        stop: CancellationToken,
    ) -> Result<(), CoreError> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut at_once = Vec::with_capacity(MESSAGES_AT_ONCE);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Some(durable) = self.came.recv() => {
                    self.settle(durable).await?;
                    // More of the same is there when it was a group.
                    while let Ok(durable) = self.came.try_recv() {
                        self.settle(durable).await?;
                    }
                    self.dispatch().await?;
                }
                Some(heard) = heard.recv() => self.hear(heard).await?,
                got = messages.recv_many(&mut at_once, MESSAGES_AT_ONCE) => {
                    if got == 0 {
                        return Ok(());
                    }
                    for message in at_once.drain(..) {
                        self.answer(message).await?;
                    }
                }
                _ = tick.tick() => self.tick().await?,
            }
        }
    }

    async fn answer(&mut self, message: Message) -> Result<(), CoreError> {
        match message {
            Message::Submit(submission) => self.submit(*submission).await?,
            Message::Answer(answer) => self.take_answer(*answer).await?,
            Message::Join { .. } => self.join(message).await?,
            Message::Pause { connection } => self.executors.pause(connection),
            Message::Leave { connection } => self.leave(connection).await?,
            Message::Renew { connection, sequence, attempt, reply } => {
                let is_its = self.tasks.get(sequence).is_some_and(|task| task.attempt == attempt);
                let left = is_its.then(|| self.executors.renew(connection, sequence, now_ms())).flatten();
                let _ = reply.send(left.ok_or_else(|| dispatch::not_assigned(sequence)));
            }
            Message::Decline { connection, sequence, decline, reply } => {
                let _ = reply.send(self.decline(connection, sequence, decline).await?);
            }
            Message::Inspect { sequence, reply } => drop(reply.send(self.inspect(sequence)?)),
            Message::Count { reply } => drop(reply.send(self.count())),
            Message::PostNow => self.batches.post_now = true,
        }
        Ok(())
    }

    async fn settle(&mut self, durable: Durable) -> Result<(), CoreError> {
        match durable {
            Durable::Accepted(sequence) => {
                if self.tasks.get(sequence).is_some_and(|task| task.phase == Phase::Accepting) {
                    self.tasks.set(sequence, Phase::Queued, now_ms());
                }
                Ok(())
            }
            Durable::Executed(sequence, attempt) => {
                let is_storing = |task: &tasks::Task| task.attempt == attempt && task.phase == Phase::Storing;
                if self.tasks.get(sequence).is_some_and(is_storing) {
                    self.tasks.set(sequence, Phase::Ready, now_ms());
                    self.tell(sequence, TaskState::Executed, None);
                }
                Ok(())
            }
            Durable::Built(built) => self.built(*built).await,
            Durable::Settled { number, build, is_done } => {
                self.batches.settled(number, build, is_done);
                Ok(())
            }
        }
    }

    async fn tick(&mut self) -> Result<(), CoreError> {
        self.expire_leases(now_ms());
        self.expire_tasks().await?;
        self.dispatch().await?;
        self.seal().await?;
        self.measure();
        Ok(())
    }

    /// Tells subscribers that a task has come further.
    fn tell(&self, sequence: u64, state: TaskState, place: Option<Place>) {
        if let Some(task) = self.tasks.get(sequence) {
            // Nobody listening is no error.
            let _ = self.parts.news.tasks.send(TaskEvent { task: task.id, state, attempt: task.attempt, place });
        }
    }

    fn inspect(&self, sequence: u64) -> Result<Option<Inspection>, StoreError> {
        let Some(task) = self.tasks.get(sequence) else { return self.inspect_posted(sequence) };
        Ok(Some(Inspection { state: tasks::state_of(task.phase), attempt: task.attempt, place: None }))
    }

    fn count(&self) -> Counts {
        Counts {
            tip: self.view.tip().copied(),
            next_sequence: self.tasks.next_sequence(),
            next_batch: self.batches.next(&self.view).0,
            tasks: self.tasks.len(),
            queued: self.tasks.queued(),
            running: self.tasks.running(),
            ready: self.tasks.unposted(),
            executors: self.executors.len(),
        }
    }

    fn measure(&self) {
        let metrics = &self.parts.metrics;
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        metrics.tasks_live.set(count(self.tasks.len()));
        metrics.tasks_queued.set(count(self.tasks.queued()));
        metrics.tasks_running.set(count(self.tasks.running()));
        metrics.results_unposted.set(count(self.tasks.unposted()));
        metrics.executors.set(count(self.executors.len()));
        metrics.leases.set(count(self.executors.leases()));
    }
}
