//! `assay_subscribe`: receipts, tasks and batches as they happen.
//!
//! Owns topics and filters. A subscriber that is slower than the news by some thousands is cut, and finds out by calls what it has missed.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use assay_protocol::rpc::{ErrorCode, methods};
use jsonrpsee::server::{RegisterMethodError, SubscriptionSink};
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::{PendingSubscriptionSink, RpcModule};
use tokio::sync::broadcast;

use super::activity::Activity;
use super::params::Positional;
use super::{Rpc, executor, proofs};
use crate::refusal::Refusal;

enum Topic {
    /// Of one client, or of all.
    Receipts(Option<Address>),
    /// Of one task, or of all.
    Tasks(Option<B256>),
    Batches,
}

pub(super) fn register(module: &mut RpcModule<Rpc>) -> Result<(), RegisterMethodError> {
    module.register_subscription(
        methods::SUBSCRIBE,
        methods::SUBSCRIPTION,
        methods::UNSUBSCRIBE,
        |params, pending, rpc, extensions| async move {
            let _going = extensions.get::<Activity>().map(Activity::begin);
            let mut params = Positional::of(&params);
            let topic = params.next::<String>("topic").and_then(|topic| parse(&topic, &mut params));
            match topic {
                Ok(topic) => follow(rpc, pending, topic).await,
                Err(refused) => pending.reject(refused).await,
            }
        },
    )?;
    Ok(())
}

fn parse(topic: &str, params: &mut Positional<'_>) -> Result<Topic, ErrorObjectOwned> {
    match topic {
        "receipts" => Ok(Topic::Receipts(params.optional("client")?)),
        "tasks" => Ok(Topic::Tasks(params.optional("task")?)),
        "batches" => Ok(Topic::Batches),
        _ => {
            let message = format!("no topic {topic:?}: there are receipts (client), tasks (task) and batches");
            Err(Refusal::new(ErrorCode::Topic, message).into())
        }
    }
}

async fn follow(rpc: Arc<Rpc>, pending: PendingSubscriptionSink, topic: Topic) {
    // Listening begins before the subscriber hears that it is subscribed, so that nothing is missed after.
    let (mut receipts, mut tasks, mut batches) =
        (rpc.news.receipts.subscribe(), rpc.news.tasks.subscribe(), rpc.news.batches.subscribe());
    let Ok(sink) = pending.accept().await else { return };
    match topic {
        Topic::Receipts(client) => {
            drop((tasks, batches));
            while let Some((by, receipt)) = next(&rpc, &sink, &mut receipts).await {
                if client.is_none_or(|client| client == by) && !executor::send(&sink, &receipt).await {
                    return;
                }
            }
        }
        Topic::Tasks(task) => {
            drop((receipts, batches));
            while let Some(event) = next(&rpc, &sink, &mut tasks).await {
                if task.is_none_or(|task| task == event.task) && !executor::send(&sink, &event).await {
                    return;
                }
            }
        }
        Topic::Batches => {
            drop((receipts, tasks));
            while let Some(event) = next(&rpc, &sink, &mut batches).await {
                let Ok(Some(view)) = proofs::batch_view(&rpc, event.number).await else { continue };
                if !executor::send(&sink, &view).await {
                    return;
                }
            }
        }
    }
}

/// The next news, until the subscriber goes, is too slow, or the process stops.
async fn next<T: Clone>(rpc: &Rpc, sink: &SubscriptionSink, news: &mut broadcast::Receiver<T>) -> Option<T> {
    tokio::select! {
        () = rpc.stop.cancelled() => None,
        () = sink.closed() => None,
        next = news.recv() => next.ok(),
    }
}
