//! Orders: a number, a promise, and both on the disk before anybody hears of them.

use std::sync::Arc;

use alloy_primitives::Bytes;
use assay_node::addresses::network;
use assay_protocol::objects::{SoftReceipt, TypedData};
use assay_protocol::rpc::{ErrorCode, TaskState};
use tokio::sync::oneshot;

use super::{Core, CoreError, Durable, Submission};
use crate::context::time_ms;
use crate::refusal::Refusal;
use crate::rows::{LIVE, ORDERS, OrderRow, PIN_INPUT, SEQUENCES};

impl Core {
    /// Takes a task in. A task that is here already gets the receipt that it got before.
    pub(super) async fn submit(&mut self, submission: Submission) -> Result<(), CoreError> {
        let Submission { task, request, signature, input, from, reply } = submission;
        let from = network(from);
        let known = match self.tasks.sequence(&task) {
            // It may have ended since it was looked for.
            None => self.parts.context.store.get(&SEQUENCES, &task)?,
            known => known,
        };
        if let Some(sequence) = known {
            self.repeat(sequence, reply).await;
            return Ok(());
        }
        if let Some(reason) = self.parts.gate.closed() {
            let _ = reply.send(Err(Refusal::new(ErrorCode::Unavailable, reason)));
            return Ok(());
        }
        let most = self.parts.context.config.intake.tasks_max;
        if self.tasks.open() >= most {
            let message = format!("{most} tasks wait or run, which is the most: try again later");
            let _ = reply.send(Err(Refusal::new(ErrorCode::Busy, message)));
            return Ok(());
        }
        let most = self.parts.context.config.intake.tasks_per_address_max;
        if self.tasks.open_from(from) >= most {
            let message = format!("{most} tasks from this address wait or run, which is the most: try again later");
            let _ = reply.send(Err(Refusal::new(ErrorCode::Busy, message)));
            return Ok(());
        }
        let sequence = self.tasks.accept(task, request.deadline, from);
        let include_by = request.deadline.min(self.view.time() + self.parts.context.config.intake.include_within);
        let region = self.parts.context.region;
        let receipt = SoftReceipt { region, task, sequence, time_ms: time_ms(), include_by };
        let (context, durable, news) = (self.parts.context.clone(), self.durable.clone(), self.parts.news.clone());
        let (signed, told) = (Arc::new(std::sync::Mutex::new(None)), self.parts.metrics.clone());
        let kept = signed.clone();
        let write = move |batch: &mut assay_node::store::Batch| {
            let receipt_signature = Bytes::from(context.wallet.sign_hash(&receipt.digest(&context.domain))?.to_vec());
            let order = OrderRow { task, request, client_signature: signature, receipt, receipt_signature };
            batch.put(&ORDERS, &sequence, &order)?;
            batch.put(&SEQUENCES, &task, &sequence)?;
            batch.put(&LIVE, &sequence, &())?;
            if let Some(input) = input {
                context.blobs.put_small(batch, &request.input, &input)?;
            }
            context.blobs.pin(batch, &request.input, (PIN_INPUT, sequence))?;
            *kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(order.signed_receipt());
            Ok(())
        };
        let done = move || {
            let Some(receipt) = signed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() else { return };
            told.tasks_accepted.inc();
            let _ = news.receipts.send((request.client, receipt.clone()));
            let event = assay_protocol::rpc::TaskEvent { task, state: TaskState::Queued, attempt: 0, place: None };
            let _ = news.tasks.send(event);
            // Whoever stopped waiting finds the task under its id.
            let _ = reply.send(Ok(receipt));
            let _ = durable.send(Durable::Accepted(sequence));
        };
        self.parts.journal.enter(write, done).await;
        Ok(())
    }

    /// Gives the receipt of a task that is here: behind everything that is on the way to the disk, so that it is there.
    async fn repeat(&self, sequence: u64, reply: oneshot::Sender<Result<assay_protocol::rpc::SignedReceipt, Refusal>>) {
        let store = self.parts.context.store.clone();
        let done = move || {
            let order = store.get(&ORDERS, &sequence).ok().flatten();
            let _ = reply.send(order.map(|order| order.signed_receipt()).ok_or_else(Refusal::stopping));
        };
        self.parts.journal.enter(|_| Ok(()), done).await;
    }
}
