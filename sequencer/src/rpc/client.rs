//! `assay_*` for clients: submit, follow, fetch.
//!
//! Owns the checks that need no order: cheap ones first, then, on a worker, the signature, the input's root, and the tables.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use alloy_primitives::{B256, Bytes};
use assay_node::blobs::SMALL_BYTES_MAX;
use assay_protocol::data::blob_root;
use assay_protocol::objects::TaskRequest;
use assay_protocol::rpc::{
    ErrorCode, INLINE_BYTES_MAX, LimitsView, SignedReceipt, SignedResult, StatusView, TaskState, TaskView, methods,
};
use assay_protocol::signature::recover;
use jsonrpsee::RpcModule;
use jsonrpsee::server::RegisterMethodError;
use jsonrpsee::types::ErrorObjectOwned;
use tokio::sync::{mpsc::error::TrySendError, oneshot};

use super::params::Positional;
use super::{Peer, Rpc};
use crate::context::Context;
use crate::core::{Counts, Inspection, Message, Submission};
use crate::refusal::Refusal;
use crate::rows::{ENDS, LEAVES, ORDERS, OrderRow, PROGRAMS, PROGRESS, SEQUENCES};

const _: () = assert!(INLINE_BYTES_MAX as u64 <= SMALL_BYTES_MAX, "what comes with a call lies in the store");

/// Program and version.
pub const VERSION: &str = concat!("assay-sequencer/", env!("CARGO_PKG_VERSION"));

pub(super) fn register(module: &mut RpcModule<Rpc>) -> Result<(), RegisterMethodError> {
    module.register_async_method(methods::SUBMIT_TASK, |params, rpc, extensions| async move {
        let began = Instant::now();
        let mut params = Positional::of(&params);
        let (request, signature) = (params.next("request")?, params.next("signature")?);
        let input = params.optional("input")?;
        let from = extensions.get::<Peer>().ok_or_else(Refusal::stopping)?.1;
        let answered = submit(&rpc, request, signature, input, from).await;
        match &answered {
            Ok(_) => rpc.metrics.receipt_seconds.observe(began.elapsed().as_secs_f64()),
            Err(_) => {
                rpc.metrics.tasks_refused.inc();
            }
        }
        answered.map_err(ErrorObjectOwned::from)
    })?;
    module.register_async_method(methods::GET_TASK, |params, rpc, _| async move {
        let task = Positional::of(&params).next("task")?;
        task_view(&rpc, task).await.map_err(ErrorObjectOwned::from)
    })?;
    module.register_async_method(methods::GET_RESULT, |params, rpc, _| async move {
        let task = Positional::of(&params).next("task")?;
        result(&rpc, task).await.map_err(ErrorObjectOwned::from)
    })?;
    module.register_async_method(methods::STATUS, |_, rpc, _| async move {
        status(&rpc).await.map_err(ErrorObjectOwned::from)
    })?;
    Ok(())
}

/// Takes a task in.
async fn submit(
    rpc: &Arc<Rpc>,
    request: TaskRequest,
    signature: Bytes,
    input: Option<Bytes>,
    from: IpAddr,
) -> Result<SignedReceipt, Refusal> {
    let limits = check_limits(rpc, &request, input.as_ref());
    let worker = rpc.clone();
    let checked = rpc.workers.run(move || {
        // A task that was taken in before keeps its receipt, whatever would be said of it now.
        let task = request.id(&worker.context.domain);
        match known(&worker.context, &task)? {
            Some(order) => Ok((task, Some(order), signature, None)),
            None => limits.and_then(|()| check(&worker.context, task, &request, signature, input)),
        }
    });
    let checked = checked.await;
    let (task, known, signature, input) = checked.ok_or_else(Refusal::stopping)??;
    if let Some(order) = known {
        return Ok(order.signed_receipt());
    }
    let (reply, receipt) = oneshot::channel();
    let submission = Submission { task, request, signature, input, from, reply };
    match rpc.core.try_send(Message::Submit(Box::new(submission))) {
        Ok(()) => receipt.await.map_err(|_| Refusal::stopping())?,
        Err(TrySendError::Full(_)) => Err(Refusal::new(ErrorCode::Busy, "too many submissions wait, try again later")),
        Err(TrySendError::Closed(_)) => Err(Refusal::stopping()),
    }
}

/// What numbers alone say.
fn check_limits(rpc: &Rpc, request: &TaskRequest, input: Option<&Bytes>) -> Result<(), Refusal> {
    let context = &rpc.context;
    if request.region != context.region {
        let message = format!("the request is for region {}, this is {}", request.region, context.region);
        return Err(Refusal::new(ErrorCode::WrongRegion, message));
    }
    let above = |code, what: &str, got: u64, most: u64| match got > most {
        true => Err(Refusal::new(code, format!("{what} {got}, at most {most}"))),
        false => Ok(()),
    };
    if request.fuel_limit == 0 {
        return Err(Refusal::new(ErrorCode::FuelLimit, "fuel limit 0: no program gets anywhere with it"));
    }
    let parameters = &context.parameters;
    above(ErrorCode::FuelLimit, "fuel limit", request.fuel_limit, parameters.fuel_limit_max)?;
    above(ErrorCode::OutputLimit, "output limit", request.output_length_max, parameters.output_length_max)?;
    let input_max = parameters.input_length_max.min(context.blobs.config().blob_bytes_max);
    above(ErrorCode::InputLength, "input length", request.input.length, input_max)?;
    if let Some(input) = input {
        above(ErrorCode::InputLength, "bytes of input in a call", input.len() as u64, INLINE_BYTES_MAX as u64)?;
    }
    let (got, least) = (request.fee_max, context.config.intake.fee_min);
    if got < least {
        return Err(Refusal::new(ErrorCode::FeeTooLow, format!("fee ceiling {got} wei, at least {least}")));
    }
    if let Some(reason) = rpc.gate.closed() {
        return Err(Refusal::new(ErrorCode::Unavailable, reason));
    }
    let (got, now, intake) = (request.deadline, rpc.view().time(), &context.config.intake);
    let (least, most) = (now.saturating_add(intake.deadline_min), now.saturating_add(intake.deadline_max));
    if got < least || got > most {
        let message = format!("deadline {got}, at least {least} and at most {most}: it is measured by L1's clock");
        return Err(Refusal::new(ErrorCode::Deadline, message));
    }
    Ok(())
}

type Checked = (B256, Option<OrderRow>, Bytes, Option<Bytes>);

fn unreadable(error: &dyn std::fmt::Display) -> Refusal {
    tracing::error!(%error, "the store can't be read");
    Refusal::new(ErrorCode::Unavailable, "the store can't be read now")
}

/// A task that was taken in before.
fn known(context: &Context, task: &B256) -> Result<Option<OrderRow>, Refusal> {
    let order = || match context.store.get(&SEQUENCES, task)? {
        Some(sequence) => context.store.get(&ORDERS, &sequence),
        None => Ok(None),
    };
    order().map_err(|error| unreadable(&error))
}

/// What takes a processor, or the disk.
fn check(
    context: &Context,
    task: B256,
    request: &TaskRequest,
    signature: Bytes,
    input: Option<Bytes>,
) -> Result<Checked, Refusal> {
    let signer = recover(&signature, &task).map_err(|error| Refusal::new(ErrorCode::InvalidSignature, error))?;
    if signer != request.client {
        let message = format!(
            "made by {signer}, who can't sign for {}, or the typed data's domain is of another chain or contract",
            request.client
        );
        return Err(Refusal::new(ErrorCode::InvalidSignature, message));
    }
    let program = context.store.get(&PROGRAMS, &request.program).map_err(|error| unreadable(&error))?;
    if program.is_none() {
        let message = format!("program {} is not registered here: assay_registerProgram does it", request.program);
        return Err(Refusal::new(ErrorCode::UnknownProgram, message));
    }
    let input = if request.input.length == 0 { Some(Bytes::new()) } else { input };
    match &input {
        Some(bytes) => {
            let (got, wanted) = (blob_root(bytes), request.input);
            if got != wanted {
                let message = format!(
                    "the input is blob {} of {} bytes, the request names {} of {}",
                    got.root, got.length, wanted.root, wanted.length
                );
                return Err(Refusal::new(ErrorCode::WrongBlob, message));
            }
        }
        // What is here is not thrown away before the task has it pinned.
        None if !context.blobs.renew(&request.input).map_err(|error| unreadable(&error))? => {
            let path = assay_protocol::rpc::blobs::path(&request.input);
            let message = format!("the input is not here: PUT it to {path}, then submit again");
            return Err(Refusal::new(ErrorCode::MissingInput, message));
        }
        None => {}
    }
    Ok((task, None, signature, input))
}

/// Reads the store on a worker.
async fn read<T: Send + 'static>(
    rpc: &Arc<Rpc>,
    read: impl FnOnce(&Context) -> Result<T, assay_node::store::StoreError> + Send + 'static,
) -> Result<T, Refusal> {
    let worker = rpc.clone();
    let read = rpc.workers.run(move || read(&worker.context)).await.ok_or_else(Refusal::stopping)?;
    read.map_err(|error| unreadable(&error))
}

async fn task_view(rpc: &Arc<Rpc>, task: B256) -> Result<Option<TaskView>, Refusal> {
    let Some(sequence) = read(rpc, move |context| context.store.get(&SEQUENCES, &task)).await? else { return Ok(None) };
    let inspection: Option<Inspection> = rpc.ask(|reply| Message::Inspect { sequence, reply }).await?;
    let view = rpc.view();
    read(rpc, move |context| {
        let store = &context.store;
        let Some(order) = store.get(&ORDERS, &sequence)? else { return Ok(None) };
        let progress = store.get(&PROGRESS, &sequence)?.unwrap_or_default();
        let (state, attempt, place) = match inspection {
            Some(Inspection { state, attempt, place }) => (state, attempt, place),
            None => {
                let end = store.get(&ENDS, &sequence)?;
                let place = store.get(&LEAVES, &(sequence, progress.attempt))?.map(|row| row.0);
                // Over, but its end is on the way to the disk: what it was before is as true.
                let state = end.map_or(TaskState::Posted, |end| end.state);
                (state, progress.attempt, place.filter(|place| view.posting(place.batch).is_some()))
            }
        };
        let result = progress.signed_result().filter(|result| result.result.attempt == attempt);
        Ok(Some(TaskView {
            task,
            request: order.request,
            client_signature: order.client_signature.clone(),
            receipt: order.signed_receipt(),
            state,
            attempt,
            result,
            place,
            declines: progress.declines,
        }))
    })
    .await
}

async fn result(rpc: &Arc<Rpc>, task: B256) -> Result<Option<SignedResult>, Refusal> {
    read(rpc, move |context| {
        let Some(sequence) = context.store.get(&SEQUENCES, &task)? else { return Ok(None) };
        Ok(context.store.get(&PROGRESS, &sequence)?.and_then(|row| row.signed_result()))
    })
    .await
}

async fn status(rpc: &Arc<Rpc>) -> Result<StatusView, Refusal> {
    let counts: Counts = rpc.ask(|reply| Message::Count { reply }).await?;
    let context = &rpc.context;
    let (parameters, config) = (&context.parameters, &context.config);
    Ok(StatusView {
        version: VERSION.into(),
        chain_id: context.deployment.chain_id,
        region: context.region,
        sequencer: context.owner,
        key: context.wallet.address(),
        batches_contract: context.deployment.contracts.batches,
        l1_block: counts.tip.map_or(0, |tip| tip.number),
        l1_time: counts.tip.map_or(0, |tip| tip.timestamp),
        next_sequence: counts.next_sequence,
        next_batch: counts.next_batch,
        tasks_queued: counts.queued as u64,
        tasks_running: counts.running as u64,
        results_unposted: counts.ready as u64,
        executors: counts.executors as u64,
        limits: LimitsView {
            fuel_limit_max: parameters.fuel_limit_max,
            output_length_max: parameters.output_length_max,
            input_length_max: parameters.input_length_max.min(context.blobs.config().blob_bytes_max),
            posted_input_length_max: config.batches.posted_input_bytes_max,
            fee_min: config.intake.fee_min,
            deadline_min: config.intake.deadline_min,
            deadline_max: config.intake.deadline_max,
        },
    })
}
