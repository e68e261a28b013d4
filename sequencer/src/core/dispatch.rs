//! Assignments and what comes back of them.

use assay_node::store::Batch as Commit;
use assay_protocol::objects::Role;
use assay_protocol::rpc::{Assignment, Decline, DeclineReason, ErrorCode, INLINE_BYTES_MAX, TaskState};

use super::executors::Round;
use super::{Answer, Connection, Core, CoreError, Durable, Message, Phase};
use crate::context::now_ms;
use crate::refusal::Refusal;
use crate::rows::{ORDERS, PIN_OUTPUT, PROGRAMS, PROGRESS, ProgressRow};

/// Milliseconds for which an executor that was busy gets nothing.
const BUSY_REST_MS: u64 = 1000;
/// Milliseconds for which an executor that could not have a blob is not asked about its task.
const MISSING_BAR_MS: u64 = 30_000;

/// The refusal of a word on a task that the connection does not have.
pub(super) fn not_assigned(sequence: u64) -> Refusal {
    Refusal::new(ErrorCode::NotAssigned, format!("task number {sequence} is not assigned to this executor, or no more"))
}

impl Core {
    /// Hands out what waits.
    pub(super) async fn dispatch(&mut self) -> Result<(), CoreError> {
        if self.tasks.queue().is_empty() || self.executors.len() == 0 || self.view.tip().is_none() {
            return Ok(());
        }
        let (view, time) = (self.view.clone(), self.view.time());
        let is_welcome =
            |executor| !view.is_convict(executor) && view.registry.is_registered(Role::Executor, executor, time);
        let lease_ms = self.parts.context.config.dispatch.lease_ms;
        let Round { given, nobodys } = self.executors.assign(self.tasks.queue_mut(), now_ms(), is_welcome);
        nobodys.into_iter().for_each(|sequence| self.tasks.put_aside(sequence));
        for (sequence, connection) in given {
            self.tasks.set(sequence, Phase::Running, now_ms());
            let sent = match self.assignment(sequence, lease_ms)? {
                Some(assignment) => self.assignments.get(&connection).map(|to| to.try_send(assignment).is_ok()),
                None => Some(false),
            };
            match sent {
                Some(true) => self.tell(sequence, TaskState::Running, None),
                // Its mailbox holds as many as it has slots: it does not read any more.
                _ => {
                    self.executors.release(sequence);
                    self.requeue(sequence);
                    self.leave(connection).await?;
                }
            }
        }
        Ok(())
    }

    /// A task as an executor gets it.
    fn assignment(&self, sequence: u64, lease_ms: u64) -> Result<Option<Assignment>, CoreError> {
        let context = &self.parts.context;
        let (Some(order), Some(task)) = (context.store.get(&ORDERS, &sequence)?, self.tasks.get(sequence)) else {
            return Ok(None);
        };
        let Some(program) = context.store.get(&PROGRAMS, &order.request.program)? else { return Ok(None) };
        // An input that can't be read is fetched by its name, or declined as missing.
        let input = match order.request.input.length <= INLINE_BYTES_MAX as u64 {
            true => context.blobs.read_all(&order.request.input, INLINE_BYTES_MAX as u64).ok().flatten(),
            false => None,
        };
        Ok(Some(Assignment {
            task: order.task,
            attempt: task.attempt,
            request: order.request,
            client_signature: order.client_signature,
            wasm: program.wasm,
            input,
            lease_ms,
        }))
    }

    /// A task is with nobody any more.
    pub(super) fn requeue(&mut self, sequence: u64) {
        if self.tasks.get(sequence).is_some_and(|task| task.phase == Phase::Running) {
            self.tasks.set(sequence, Phase::Queued, now_ms());
            self.tell(sequence, TaskState::Queued, None);
        }
    }

    /// An executor is ready for assignments: what was nobody's may be for it.
    pub(super) async fn join(&mut self, message: Message) -> Result<(), CoreError> {
        let Message::Join { connection, executor, slots, assignments } = message else { return Ok(()) };
        self.assignments.insert(connection, assignments);
        self.executors.join(connection, executor, slots);
        let bars = &self.executors.bars;
        self.tasks.bring_back(|sequence| !bars.is_barred(sequence, executor));
        self.dispatch().await
    }

    /// Leases and bars end.
    pub(super) fn expire_leases(&mut self, now_ms: u64) {
        for sequence in self.executors.expire(now_ms) {
            self.parts.metrics.leases_expired.inc();
            self.requeue(sequence);
        }
        let freed = self.executors.bars.expire(now_ms);
        if !freed.is_empty() {
            let freed: std::collections::HashSet<u64> = freed.into_iter().collect();
            self.tasks.bring_back(|sequence| freed.contains(&sequence));
        }
    }

    /// A connection has ended.
    pub(super) async fn leave(&mut self, connection: Connection) -> Result<(), CoreError> {
        self.assignments.remove(&connection);
        for sequence in self.executors.leave(connection) {
            self.requeue(sequence);
        }
        Ok(())
    }

    /// Takes a result in, of a task that its executor has, or that nobody has: an executor that was cut off brings what it has done.
    pub(super) async fn take_answer(&mut self, answer: Answer) -> Result<(), CoreError> {
        let Answer { connection, sequence, result, signature, output, reply } = answer;
        let task = self.tasks.get(sequence).copied().filter(|task| task.attempt == result.attempt);
        let is_free = task.is_some_and(|task| task.phase == Phase::Queued);
        let Some(task) = task.filter(|_| is_free || self.executors.has(connection, sequence)) else {
            let _ = reply.send(Err(not_assigned(sequence)));
            return Ok(());
        };
        if self.executors.bars.is_refused(sequence, result.executor) {
            let message = "what this executor said of the attempt can't be posted, and it is not asked again";
            let _ = reply.send(Err(Refusal::new(ErrorCode::InvalidResult, message)));
            return Ok(());
        }
        self.executors.release(sequence);
        self.tasks.set(sequence, Phase::Storing, now_ms());
        let (context, durable, metrics) =
            (self.parts.context.clone(), self.durable.clone(), self.parts.metrics.clone());
        let write = move |batch: &mut Commit| {
            let before = context.store.get(&PROGRESS, &sequence)?.unwrap_or_default();
            // An output of an earlier result of this attempt is nobody's from now on.
            if let Some((earlier, _)) = &before.result {
                context.blobs.unpin(batch, &earlier.output, (PIN_OUTPUT, sequence));
            }
            let attempt = task.attempt;
            let row =
                ProgressRow { attempt, predecessor: task.predecessor, result: Some((result, signature)), ..before };
            batch.put(&PROGRESS, &sequence, &row)?;
            if let Some(output) = output {
                context.blobs.put_small(batch, &result.output, &output)?;
            }
            Ok(context.blobs.pin(batch, &result.output, (PIN_OUTPUT, sequence))?)
        };
        let done = move || {
            metrics.results_accepted.inc();
            let _ = reply.send(Ok(()));
            let _ = durable.send(Durable::Executed(sequence, task.attempt));
        };
        self.parts.journal.enter(write, done).await;
        Ok(())
    }

    /// Takes in that an executor has no result.
    pub(super) async fn decline(
        &mut self,
        connection: Connection,
        sequence: u64,
        mut decline: Decline,
    ) -> Result<Result<(), Refusal>, CoreError> {
        let task = self.tasks.get(sequence).copied().filter(|task| task.attempt == decline.attempt);
        let Some(task) = task.filter(|_| self.executors.has(connection, sequence)) else {
            return Ok(Err(not_assigned(sequence)));
        };
        decline.words.truncate(decline.words.floor_char_boundary(Decline::WORDS_MAX));
        self.parts.metrics.declines.inc();
        self.executors.release(sequence);
        match decline.reason {
            // It may stop, and be back soon: what it has no room for now it is asked about again.
            DeclineReason::Busy => self.executors.rest(connection, now_ms() + BUSY_REST_MS),
            DeclineReason::Missing => {
                self.executors.bars.until(sequence, decline.executor, now_ms() + MISSING_BAR_MS);
            }
            DeclineReason::WallClock | DeclineReason::Memory | DeclineReason::Engine | DeclineReason::Request => {
                self.executors.bars.lasting(sequence, decline.executor);
            }
        }
        self.requeue(sequence);
        let store = self.parts.context.store.clone();
        let write = move |batch: &mut Commit| {
            // What memory says of the attempt is right even if the row that is read waits to be overwritten in this very commit.
            let mut row = store.get(&PROGRESS, &sequence)?.unwrap_or_default();
            (row.attempt, row.predecessor, row.result) = (task.attempt, task.predecessor, None);
            row.declines.push(decline);
            let surplus = row.declines.len().saturating_sub(ProgressRow::DECLINES_MAX);
            row.declines.drain(..surplus);
            Ok(batch.put(&PROGRESS, &sequence, &row)?)
        };
        self.parts.journal.enter(write, || {}).await;
        Ok(Ok(()))
    }
}
