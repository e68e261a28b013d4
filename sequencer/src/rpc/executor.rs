//! `executor_*`: who an executor is, what it gets, and what it brings (specs/17-rpc.md, "Executors").
//!
//! Owns every check of a result that needs no order: what is taken in here is never a face fault. An executor that takes no assignment, or is
//! given none any more, loses its connection: so it knows, and comes again.

use std::sync::Arc;
use std::time::Duration;

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
use tracing::debug;

use super::params::Positional;
use super::sessions::Claim;
use super::{Cut, Peer, Rpc, nonce};
use crate::core::{Answer, Message};
use crate::refusal::Refusal;
use crate::rows::{ORDERS, SEQUENCES};

/// How long a subscriber has to take a message.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn register(module: &mut RpcModule<Rpc>) -> Result<(), RegisterMethodError> {
    module.register_async_method(methods::EXECUTOR_HELLO, |params, rpc, extensions| async move {
        let mut params = Positional::of(&params);
        let (executor, key): (Address, Address) = (params.next("executor")?, params.next("key")?);
        let nonce = nonce();
        rpc.sessions.claim(peer(&extensions)?.0, Claim { executor, key, nonce })?;
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
                let cut = extensions.get::<Cut>().cloned().ok_or_else(Refusal::stopping)?;
                Ok((slots, peer, cut, seated(&rpc, peer)?))
            });
            match asked {
                Ok((slots, peer, cut, executor)) => assign(rpc, pending, peer, cut, executor, slots.to::<u64>()).await,
                Err(refused) => pending.reject(refused).await,
            }
        },
    )?;
    Ok(())
}

fn peer(extensions: &Extensions) -> Result<Peer, Refusal> {
    extensions.get::<Peer>().copied().ok_or_else(Refusal::stopping)
}

/// Whether a connection is an executor's.
pub(super) fn is_seated(rpc: &Rpc, peer: Peer) -> bool {
    rpc.sessions.executor(peer.0).is_some()
}

/// A connection has ended.
pub(super) async fn ended(rpc: &Rpc, peer: Peer) {
    if rpc.sessions.end(peer.0) {
        let _ = rpc.core.send(Message::Leave { connection: peer.0 }).await;
    }
}

/// Who is on the connection, if it has shown it.
fn seated(rpc: &Rpc, peer: Peer) -> Result<Address, Refusal> {
    let Some(executor) = rpc.sessions.executor(peer.0) else {
        let message = "no session on this connection: executor_hello and executor_authenticate begin one";
        return Err(Refusal::new(ErrorCode::NotAuthenticated, message));
    };
    rpc.known.note(peer.1);
    Ok(executor)
}

async fn authenticate(rpc: &Arc<Rpc>, peer: Peer, signature: Bytes) -> Result<Session, Refusal> {
    let Some(Claim { executor, key, nonce }) = rpc.sessions.take(peer.0) else {
        return Err(Refusal::new(ErrorCode::NotAuthenticated, "no nonce was asked for: executor_hello gives one"));
    };
    let region = rpc.context.region;
    let digest = ExecutorSession { region, executor, nonce }.digest(&rpc.context.domain);
    let signer = rpc.workers.run(move || recover(&signature, &digest)).await.ok_or_else(Refusal::stopping)?;
    let signer = signer.map_err(|error| Refusal::new(ErrorCode::InvalidSignature, error))?;
    if signer != key {
        return Err(Refusal::new(ErrorCode::InvalidSignature, format!("made by {signer}, wanted {key}")));
    }
    check_standing(rpc, executor, key)?;
    let dispatch = &rpc.context.config.dispatch;
    rpc.sessions.seat(peer.0, executor, dispatch.connections_per_executor_max)?;
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

/// Hands assignments out for as long as the subscription stands. Where it is not the executor that ends it, its connection ends too.
async fn assign(rpc: Arc<Rpc>, pending: PendingSubscriptionSink, peer: Peer, cut: Cut, executor: Address, slots: u64) {
    let dispatch = &rpc.context.config.dispatch;
    let slots = usize::try_from(slots).unwrap_or(usize::MAX).clamp(1, dispatch.slots_max);
    let Ok(counts) = rpc.ask(|reply| Message::Count { reply }).await else {
        return pending.reject(Refusal::stopping()).await;
    };
    if counts.executors >= dispatch.executors_max {
        let message = format!("{} executors are connected, which is the most", counts.executors);
        return pending.reject(Refusal::new(ErrorCode::Busy, message)).await;
    }
    let connection = peer.0;
    if let Err(refused) = rpc.sessions.subscribe(connection) {
        return pending.reject(refused).await;
    }
    let Ok(sink) = pending.accept().await else { return rpc.sessions.unsubscribe(connection) };
    let (assignments, mut given) = mpsc::channel(slots);
    if rpc.core.send(Message::Join { connection, executor, slots, assignments }).await.is_err() {
        return;
    }
    // A connection that has ended meanwhile may have left before it joined.
    if rpc.sessions.executor(connection).is_none() {
        let _ = rpc.core.send(Message::Leave { connection }).await;
        return;
    }
    let is_its_wish = tokio::select! {
        () = rpc.stop.cancelled() => return,
        is_its_wish = hand_out(&sink, &mut given) => is_its_wish,
    };
    if !is_its_wish {
        debug!(%executor, "an executor takes no assignments, its connection ends");
        // Its seat ends with its connection, which may take its time to end: what it has is free for others now.
        let _ = rpc.core.send(Message::Leave { connection }).await;
        return cut.0.cancel();
    }
    // What it has stays with it until its connection ends.
    let _ = rpc.core.send(Message::Pause { connection }).await;
    rpc.sessions.unsubscribe(connection);
    // Until here the core could hand out to it; what it did is leased to nobody, and goes to another when the lease is over.
    drop(given);
}

/// Hands out until the subscriber wants no more, which is true, or does not take what it is given, or is given no more.
async fn hand_out<T: serde::Serialize>(sink: &SubscriptionSink, given: &mut mpsc::Receiver<T>) -> bool {
    loop {
        let next = tokio::select! {
            () = sink.closed() => return true,
            next = given.recv() => next,
        };
        let is_taken = match next {
            Some(next) => send(sink, &next).await,
            None => false,
        };
        if !is_taken {
            return sink.is_closed();
        }
    }
}

/// Sends a message to a subscriber that has some time to take it.
pub(super) async fn send(sink: &SubscriptionSink, message: &impl serde::Serialize) -> bool {
    let Ok(raw) = serde_json::value::to_raw_value(message) else { return false };
    sink.send_timeout(raw, PATIENCE).await.is_ok()
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
        None if context.blobs.renew(&result.output).map_err(|_| Refusal::stopping())? => Ok(None),
        None => {
            let path = assay_protocol::rpc::blobs::path(&result.output);
            Err(Refusal::new(ErrorCode::MissingOutput, format!("the output is not here: PUT it to {path}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonrpsee::core::EmptyServerParams;
    use jsonrpsee::types::Params;

    /// Who hears how a subscription ended.
    type Tell = Arc<mpsc::UnboundedSender<bool>>;

    /// Reported: an executor that had stopped to read for some seconds was given nothing any more, over a connection that stood.
    #[tokio::test(start_paused = true)]
    async fn who_does_not_take_what_it_is_given_is_told_apart_from_who_wants_no_more() {
        let (tell, mut told) = mpsc::unbounded_channel();
        let mut module = RpcModule::new(tell);
        // So many are given; then nothing, or the end.
        let follow = |given: u32, goes_on: bool| {
            move |_: Params<'static>, pending: PendingSubscriptionSink, tell: Tell, _: Extensions| async move {
                let sink = pending.accept().await.expect("it is wanted");
                let (give, mut given_out) = mpsc::channel(4);
                for number in 0..given {
                    give.send(number).await.expect("there is room");
                }
                let _held = goes_on.then_some(give);
                tell.send(hand_out(&sink, &mut given_out).await).expect("it is listened to");
            }
        };
        module.register_subscription("full", "news", "no_full", follow(2, true)).expect("it is the only one");
        module.register_subscription("over", "news", "no_over", follow(0, false)).expect("it is the only one");
        module.register_subscription("quiet", "news", "no_quiet", follow(1, true)).expect("it is the only one");
        // There is room for one message that is not read.
        let _full = module.subscribe("full", EmptyServerParams::new(), 1).await.expect("it is taken");
        assert_eq!(told.recv().await, Some(false), "it did not take the second");
        let _over = module.subscribe("over", EmptyServerParams::new(), 1).await.expect("it is taken");
        assert_eq!(told.recv().await, Some(false), "it is given no more");
        drop(module.subscribe("quiet", EmptyServerParams::new(), 1).await.expect("it is taken"));
        assert_eq!(told.recv().await, Some(true), "it has gone");
    }
}
