//! `executor_*`: who an executor is, what it gets, and what it brings (specs/17-rpc.md, "Executors").
//!
//! Owns sessions, one for each connection, and every check of a result that needs no order: what is taken in here is never a face fault.

use std::sync::{Arc, PoisonError};

use alloy_primitives::{Address, B256, Bytes};
use assay_protocol::data::blob_root;
use assay_protocol::faults::bound_error;
use assay_protocol::objects::{ExecutorSession, Role, TaskResult, TypedData};
use assay_protocol::rpc::{Decline, ErrorCode, INLINE_BYTES_MAX, Session, SignedResult, methods};
use assay_protocol::signature::recover;
use jsonrpsee::server::{RegisterMethodError, SubscriptionSink};
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::{Extensions, PendingSubscriptionSink, RpcModule};
use tokio::sync::{mpsc, oneshot};

use super::params::Positional;
use super::{Peer, Rpc, nonce};
use crate::core::{Answer, Message};
use crate::refusal::Refusal;
use crate::rows::{ORDERS, SEQUENCES};

/// What a connection has shown of itself.
#[derive(Clone, Copy, Debug)]
pub enum Sitting {
    /// It says who it is, and has to sign a nonce.
    Asked { executor: Address, key: Address, nonce: B256 },
    /// It is an executor.
    Seated { executor: Address },
}

pub(super) fn register(module: &mut RpcModule<Rpc>) -> Result<(), RegisterMethodError> {
    module.register_async_method(methods::EXECUTOR_HELLO, |params, rpc, extensions| async move {
        let mut params = Positional::of(&params);
        let (executor, key): (Address, Address) = (params.next("executor")?, params.next("key")?);
        let peer = peer(&extensions)?;
        let nonce = nonce();
        sit(&rpc, peer, Some(Sitting::Asked { executor, key, nonce }));
        Ok::<_, ErrorObjectOwned>(nonce)
    })?;
    module.register_async_method(methods::EXECUTOR_AUTHENTICATE, |params, rpc, extensions| async move {
        let signature: Bytes = Positional::of(&params).next("signature")?;
        authenticate(&rpc, peer(&extensions)?, signature).await.map_err(ErrorObjectOwned::from)
    })?;
    module.register_async_method(methods::EXECUTOR_RENEW, |params, rpc, extensions| async move {
        let mut params = Positional::of(&params);
        let (task, attempt): (B256, alloy_primitives::U32) = (params.next("task")?, params.next("attempt")?);
        let peer = peer(&extensions)?;
        seated(&rpc, peer)?;
        let (sequence, attempt) = (sequence(&rpc, task).await?, attempt.to());
        let left = rpc.ask(|reply| Message::Renew { connection: peer.0, sequence, attempt, reply }).await??;
        Ok::<_, ErrorObjectOwned>(alloy_primitives::U64::from(left))
    })?;
    module.register_async_method(methods::EXECUTOR_SUBMIT, |params, rpc, extensions| async move {
        let mut params = Positional::of(&params);
        let (signed, output) = (params.next("result")?, params.optional("output")?);
        let peer = peer(&extensions)?;
        let executor = seated(&rpc, peer)?;
        let taken = submit(&rpc, peer, executor, signed, output).await;
        if taken.is_err() {
            rpc.metrics.results_refused.inc();
        }
        taken.map(|()| true).map_err(ErrorObjectOwned::from)
    })?;
    module.register_async_method(methods::EXECUTOR_DECLINE, |params, rpc, extensions| async move {
        let mut decline: Decline = Positional::of(&params).next("decline")?;
        let peer = peer(&extensions)?;
        decline.executor = seated(&rpc, peer)?;
        let sequence = sequence(&rpc, decline.task).await?;
        rpc.ask(|reply| Message::Decline { connection: peer.0, sequence, decline, reply }).await??;
        Ok::<_, ErrorObjectOwned>(true)
    })?;
    module.register_subscription(
        methods::EXECUTOR_SUBSCRIBE,
        methods::EXECUTOR_ASSIGNMENT,
        methods::EXECUTOR_UNSUBSCRIBE,
        |params, pending, rpc, extensions| async move {
            let slots = Positional::of(&params).next::<alloy_primitives::U64>("slots");
            let asked = slots.and_then(|slots| {
                let peer = peer(&extensions)?;
                Ok((slots, peer, seated(&rpc, peer)?))
            });
            match asked {
                Ok((slots, peer, executor)) => assign(rpc, pending, peer, executor, slots.to::<u64>()).await,
                Err(refused) => pending.reject(refused).await,
            }
        },
    )?;
    Ok(())
}

fn peer(extensions: &Extensions) -> Result<Peer, Refusal> {
    extensions.get::<Peer>().copied().ok_or_else(Refusal::stopping)
}

fn sit(rpc: &Rpc, peer: Peer, sitting: Option<Sitting>) {
    let mut sessions = rpc.sessions.lock().unwrap_or_else(PoisonError::into_inner);
    match sitting {
        Some(sitting) => drop(sessions.insert(peer.0, sitting)),
        None => drop(sessions.remove(&peer.0)),
    }
}

/// An executor takes its seat, if it has not too many: it shares the connections with others.
fn seat(rpc: &Rpc, peer: Peer, executor: Address, most: usize) -> Result<(), Refusal> {
    let mut sessions = rpc.sessions.lock().unwrap_or_else(PoisonError::into_inner);
    let is_its = |sitting: &&Sitting| matches!(sitting, Sitting::Seated { executor: other } if *other == executor);
    let has = sessions.values().filter(is_its).count();
    if has >= most {
        let message = format!("executor {executor} is here on {has} connections, which is the most");
        return Err(Refusal::new(ErrorCode::Busy, message));
    }
    sessions.insert(peer.0, Sitting::Seated { executor });
    Ok(())
}

fn sitting(rpc: &Rpc, peer: Peer) -> Option<Sitting> {
    rpc.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(&peer.0).copied()
}

/// Whether a connection is an executor's.
pub(super) fn is_seated(rpc: &Rpc, peer: Peer) -> bool {
    matches!(sitting(rpc, peer), Some(Sitting::Seated { .. }))
}

/// A connection has ended.
pub(super) async fn ended(rpc: &Rpc, peer: Peer) {
    if sitting(rpc, peer).is_some() {
        sit(rpc, peer, None);
        let _ = rpc.core.send(Message::Leave { connection: peer.0 }).await;
    }
}

/// Who is on the connection, if it has shown it.
fn seated(rpc: &Rpc, peer: Peer) -> Result<Address, Refusal> {
    match sitting(rpc, peer) {
        Some(Sitting::Seated { executor }) => {
            rpc.known.note(peer.1);
            Ok(executor)
        }
        _ => {
            let message = "no session on this connection: executor_hello and executor_authenticate begin one";
            Err(Refusal::new(ErrorCode::NotAuthenticated, message))
        }
    }
}

async fn authenticate(rpc: &Arc<Rpc>, peer: Peer, signature: Bytes) -> Result<Session, Refusal> {
    let Some(Sitting::Asked { executor, key, nonce }) = sitting(rpc, peer) else {
        return Err(Refusal::new(ErrorCode::NotAuthenticated, "no nonce was asked for: executor_hello gives one"));
    };
    // A nonce serves once, whatever comes of it.
    sit(rpc, peer, None);
    let region = rpc.context.region;
    let digest = ExecutorSession { region, executor, nonce }.digest(&rpc.context.domain);
    let signer = rpc.workers.run(move || recover(&signature, &digest)).await.ok_or_else(Refusal::stopping)?;
    let signer = signer.map_err(|error| Refusal::new(ErrorCode::InvalidSignature, error))?;
    if signer != key {
        return Err(Refusal::new(ErrorCode::InvalidSignature, format!("made by {signer}, wanted {key}")));
    }
    check_standing(rpc, executor, key)?;
    let dispatch = &rpc.context.config.dispatch;
    seat(rpc, peer, executor, dispatch.connections_per_executor_max)?;
    Ok(Session { region, slots_max: dispatch.slots_max as u64, lease_ms: dispatch.lease_ms })
}

/// Whether an executor can stand behind results now, and the key sign them.
fn check_standing(rpc: &Rpc, executor: Address, key: Address) -> Result<(), Refusal> {
    let view = rpc.view();
    let time = view.time();
    if view.is_convict(executor) || !view.registry.is_registered(Role::Executor, executor, time) {
        let message = format!("executor {executor} is not registered on L1 at {time}");
        return Err(Refusal::new(ErrorCode::NotRegistered, message));
    }
    if !view.registry.is_key(Role::Executor, executor, key, time) {
        let message = format!("{key} is no key of executor {executor} on L1 at {time}");
        return Err(Refusal::new(ErrorCode::NotRegistered, message));
    }
    Ok(())
}

async fn sequence(rpc: &Arc<Rpc>, task: B256) -> Result<u64, Refusal> {
    let known = rpc.context.store.get(&SEQUENCES, &task).map_err(|_| Refusal::stopping())?;
    known.ok_or_else(|| Refusal::new(ErrorCode::NotAssigned, format!("there is no task {task}")))
}

/// Hands assignments out for as long as the subscription stands.
async fn assign(rpc: Arc<Rpc>, pending: PendingSubscriptionSink, peer: Peer, executor: Address, slots: u64) {
    let dispatch = &rpc.context.config.dispatch;
    let slots = usize::try_from(slots).unwrap_or(usize::MAX).clamp(1, dispatch.slots_max);
    let Ok(counts) = rpc.ask(|reply| Message::Count { reply }).await else {
        return pending.reject(Refusal::stopping()).await;
    };
    if counts.executors >= dispatch.executors_max {
        let message = format!("{} executors are connected, which is the most", counts.executors);
        return pending.reject(Refusal::new(ErrorCode::Busy, message)).await;
    }
    let Ok(sink) = pending.accept().await else { return };
    let (assignments, mut given) = mpsc::channel(slots);
    let connection = peer.0;
    if rpc.core.send(Message::Join { connection, executor, slots, assignments }).await.is_err() {
        return;
    }
    loop {
        let assignment = tokio::select! {
            () = rpc.stop.cancelled() => return,
            () = sink.closed() => break,
            assignment = given.recv() => assignment,
        };
        let Some(assignment) = assignment else { return };
        if !send(&sink, &assignment).await {
            break;
        }
    }
    // What it has stays with it until its connection ends.
    let _ = rpc.core.send(Message::Pause { connection }).await;
}

/// Sends a message to a subscriber that has some time to take it.
pub(super) async fn send(sink: &SubscriptionSink, message: &impl serde::Serialize) -> bool {
    let Ok(raw) = serde_json::value::to_raw_value(message) else { return false };
    sink.send_timeout(raw, std::time::Duration::from_secs(10)).await.is_ok()
}

async fn submit(
    rpc: &Arc<Rpc>,
    peer: Peer,
    executor: Address,
    signed: SignedResult,
    output: Option<Bytes>,
) -> Result<(), Refusal> {
    if signed.result.executor != executor {
        let message = format!("a result of executor {}, this is the session of {executor}", signed.result.executor);
        return Err(Refusal::new(ErrorCode::InvalidResult, message));
    }
    let sequence = sequence(rpc, signed.result.task).await?;
    let (worker, SignedResult { result, signature }) = (rpc.clone(), signed);
    let checked =
        rpc.workers.run(move || check(&worker, sequence, &result, &signature, output).map(|out| (signature, out)));
    let (signature, output) = checked.await.ok_or_else(Refusal::stopping)??;
    let (reply, taken) = oneshot::channel();
    let answer = Answer { connection: peer.0, sequence, result, signature, output, reply };
    rpc.core.send(Message::Answer(Box::new(answer))).await.map_err(|_| Refusal::stopping())?;
    taken.await.map_err(|_| Refusal::stopping())?
}

/// What would be a fault of the leaf, and whether the output is here.
fn check(
    rpc: &Rpc,
    sequence: u64,
    result: &TaskResult,
    signature: &Bytes,
    output: Option<Bytes>,
) -> Result<Option<Bytes>, Refusal> {
    let context = &rpc.context;
    let key = recover(signature, &result.digest(&context.domain));
    let key = key.map_err(|error| Refusal::new(ErrorCode::InvalidSignature, error))?;
    check_standing(rpc, result.executor, key)?;
    let order = context.store.get(&ORDERS, &sequence).map_err(|_| Refusal::stopping())?;
    let order = order.ok_or_else(Refusal::stopping)?;
    if let Some(error) = bound_error(&order.request, result, &context.parameters.limits()) {
        return Err(Refusal::new(ErrorCode::InvalidResult, error));
    }
    let output = if result.output.length == 0 { Some(Bytes::new()) } else { output };
    match &output {
        Some(bytes) if bytes.len() > INLINE_BYTES_MAX => {
            let message =
                format!("{} bytes of output in a call, at most {INLINE_BYTES_MAX}: PUT it as a blob", bytes.len());
            Err(Refusal::new(ErrorCode::OutputLimit, message))
        }
        Some(bytes) if blob_root(bytes) != result.output => {
            let message =
                format!("the output has root {}, the result names {}", blob_root(bytes).root, result.output.root);
            Err(Refusal::new(ErrorCode::WrongBlob, message))
        }
        Some(_) => Ok(output),
        None if context.blobs.contains(&result.output).map_err(|_| Refusal::stopping())? => Ok(None),
        None => {
            let path = assay_protocol::rpc::blobs::path(&result.output);
            Err(Refusal::new(ErrorCode::MissingOutput, format!("the output is not here: PUT it to {path}")))
        }
    }
}
