//! `assay_subscribe`: receipts, tasks and batches as they happen.
//!
//! Owns topics and filters, and the places that an address has over all its connections: each subscription is woken by all that happens. A
//! subscriber that is slower than the news by some thousands is cut, and finds out by calls what it has missed.

use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256};
use assay_node::addresses::Place;
use assay_protocol::rpc::{ErrorCode, methods};
use jsonrpsee::server::{RegisterMethodError, SubscriptionSink};
use jsonrpsee::types::ErrorObjectOwned;
use jsonrpsee::{Extensions, PendingSubscriptionSink, RpcModule};
use tokio::sync::broadcast;

use super::activity::Activity;
use super::params::Positional;
use super::{Peer, Rpc, executor, proofs};
use crate::refusal::Refusal;

/// Messages that may wait on a connection when a batch is to follow them: one has the names of some thousands of tasks.
const WAITING_MAX: usize = 4;
/// How often they are counted.
const LOOK: Duration = Duration::from_millis(50);

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
            match topic.and_then(|topic| Ok((topic, place(&rpc, &extensions)?))) {
                Ok((topic, _place)) => follow(rpc, pending, topic).await,
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

/// A place among the subscriptions of the address that a call comes from.
fn place(rpc: &Rpc, extensions: &Extensions) -> Result<Place, Refusal> {
    let address = extensions.get::<Peer>().ok_or_else(Refusal::stopping)?.1;
    let message = "too many subscriptions from this address, over all its connections";
    rpc.subscriptions.take(address, false).ok_or_else(|| Refusal::new(ErrorCode::Busy, message))
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
                if !has_room(&sink).await {
                    return;
                }
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

/// Returns when few messages wait on a subscriber's connection; whether that is so in time.
async fn has_room(sink: &SubscriptionSink) -> bool {
    let few = async {
        while !sink.is_closed() && sink.max_capacity() - sink.capacity() > WAITING_MAX {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(executor::PATIENCE, few).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonrpsee::core::EmptyServerParams;
    use jsonrpsee::types::Params;
    use tokio::sync::mpsc;

    /// Who hears whether there was room.
    type Tell = Arc<mpsc::UnboundedSender<bool>>;

    /// Reported: batches waited by hundreds on connections that nobody read.
    #[tokio::test(start_paused = true)]
    async fn a_batch_is_kept_back_while_others_wait() {
        let (tell, mut told) = mpsc::unbounded_channel();
        let mut module = RpcModule::new(tell);
        let follow = |_: Params<'static>, pending: PendingSubscriptionSink, tell: Tell, _: Extensions| async move {
            let sink = pending.accept().await.expect("it is wanted");
            for number in 0..=WAITING_MAX {
                tell.send(has_room(&sink).await).expect("it is listened to");
                assert!(executor::send(&sink, &number).await, "there is room for many more");
            }
            for _ in 0..2 {
                tell.send(has_room(&sink).await).expect("it is listened to");
            }
        };
        module.register_subscription("news", "news", "no_news", follow).expect("it is the only one");
        let mut news = module.subscribe("news", EmptyServerParams::new(), 256).await.expect("it is taken");
        for _ in 0..=WAITING_MAX {
            assert_eq!(told.recv().await, Some(true));
        }
        assert_eq!(told.recv().await, Some(false), "so many wait that no more is added");
        let (number, _) = news.next::<usize>().await.expect("it waits").expect("it is a number");
        assert_eq!((number, told.recv().await), (0, Some(true)));
    }
}
