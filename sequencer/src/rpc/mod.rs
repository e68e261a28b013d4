//! The sequencer's RPC: JSON-RPC over HTTP and WebSocket and blobs on one port, `admin_*` on another (specs/17-rpc.md).
//!
//! ```text
//! listener    connections: how many, from whom, how slow
//! known       addresses of executors, for which some places are kept
//! activity    whether anything goes on over a connection
//! throttle    calls of a connection that are not answered
//! methods     the table of methods, and OpenRPC made of it
//! client      assay_*: tasks and results
//! proofs      assay_*: batches and proofs
//! program     assay_*: programs; admission bounds how many come
//! executor    executor_*: sessions, assignments, results
//! sessions    who is on which connection
//! news        subscriptions
//! chain       eth_chainId and its like
//! admin, jwt  admin_* for whoever has the secret
//! ```

mod activity;
mod admin;
mod admission;
mod chain;
mod client;
mod executor;
mod jwt;
mod known;
mod listener;
mod methods;
mod news;
mod openrpc;
mod params;
mod program;
mod proofs;
mod sessions;
#[cfg(test)]
mod tests;
mod throttle;

use std::net::IpAddr;
use std::sync::Arc;

use alloy_primitives::B256;
use assay_node::addresses::Places;
use assay_node::store::StoreError;
use assay_node::tx::Sender;
use assay_protocol::rpc::methods as name;
use jsonrpsee::server::RegisterMethodError;
use jsonrpsee::types::ErrorObject;
use jsonrpsee::types::error::METHOD_NOT_FOUND_CODE;
use jsonrpsee::{Methods, RpcModule};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::batch::OpenedBatches;
use crate::context::Context;
use crate::core::{Connection, Message, News};
use crate::gate::Gate;
use crate::l1::View;
use crate::metrics::SequencerMetrics;
use crate::refusal::Refusal;
use crate::workers::Workers;

use admission::Admission;

pub use admin::{Secret, SecretError, module as admin_module};
pub use listener::{Listener, serve, serve_admin};
pub use openrpc::document;

/// The connection that a call came over, and the address that it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer(pub Connection, pub IpAddr);

/// Ends the connection that a call came over.
#[derive(Clone, Debug, Default)]
pub struct Cut(CancellationToken);

/// What answers calls.
pub struct Rpc {
    /// Names and tables.
    pub context: Arc<Context>,
    /// The core's mailbox.
    pub core: mpsc::Sender<Message>,
    /// What L1 says.
    pub seen: watch::Receiver<Arc<View>>,
    /// Whether new work is taken.
    pub gate: Gate,
    /// News for subscribers.
    pub news: News,
    /// Threads for signatures and rows.
    pub workers: Workers,
    /// Threads for batches and proofs.
    pub readers: Workers,
    /// Batches that were asked for lately.
    pub opened: OpenedBatches,
    /// Transactions, for registrations of programs.
    pub sender: Sender,
    /// Figures.
    pub metrics: SequencerMetrics,
    /// Executors' sessions by connection.
    pub sessions: sessions::Sessions,
    /// Subscriptions to news, by the addresses that they come from.
    pub subscriptions: Places,
    /// Addresses of executors.
    pub known: known::Known,
    /// Programs that come.
    pub admission: Admission,
    /// Stops subscriptions.
    pub stop: CancellationToken,
}

impl Rpc {
    /// What answers calls, with nothing going on yet.
    ///
    /// # Errors
    /// If the rows can't be read.
    #[allow(clippy::too_many_arguments, reason = "each is a part of its own, and named where this is called")]
    pub fn new(
        context: Arc<Context>,
        core: mpsc::Sender<Message>,
        seen: watch::Receiver<Arc<View>>,
        gate: Gate,
        news: News,
        workers: Workers,
        sender: Sender,
        metrics: SequencerMetrics,
        stop: CancellationToken,
    ) -> Result<Self, StoreError> {
        let readers = Workers::new(context.config.intake.readers.max(1));
        let (opened, sessions, known) = Default::default();
        // What all addresses together have is bounded by their connections.
        let subscriptions = Places::new(Semaphore::MAX_PERMITS, context.config.limits.subscriptions_per_address_max, 0);
        let admission = Admission::open(&context)?;
        Ok(Self {
            context,
            core,
            seen,
            gate,
            news,
            workers,
            readers,
            opened,
            sender,
            metrics,
            sessions,
            subscriptions,
            known,
            admission,
            stop,
        })
    }

    /// L1 as it is known now.
    pub fn view(&self) -> Arc<View> {
        self.seen.borrow().clone()
    }

    /// Asks the core something and waits for its answer.
    pub async fn ask<T>(&self, ask: impl FnOnce(tokio::sync::oneshot::Sender<T>) -> Message) -> Result<T, Refusal> {
        let (reply, answer) = tokio::sync::oneshot::channel();
        self.core.send(ask(reply)).await.map_err(|_| Refusal::stopping())?;
        answer.await.map_err(|_| Refusal::stopping())
    }
}

/// Every public method.
///
/// # Errors
/// If two have one name, which a test sees.
pub fn module(rpc: Arc<Rpc>) -> Result<RpcModule<Rpc>, RegisterMethodError> {
    let mut module = RpcModule::from_arc(rpc);
    client::register(&mut module)?;
    proofs::register(&mut module)?;
    program::register(&mut module)?;
    executor::register(&mut module)?;
    news::register(&mut module)?;
    chain::register(&mut module)?;
    Ok(module)
}

/// Methods by the way over which they are called.
#[derive(Clone)]
pub struct Answers {
    /// Over a WebSocket.
    pub socket: Methods,
    /// Over HTTP.
    pub http: Methods,
}

impl Answers {
    /// The same over both ways.
    pub fn alike(methods: impl Into<Methods>) -> Self {
        let methods = methods.into();
        Self { socket: methods.clone(), http: methods }
    }

    /// Every public method; over HTTP, where nothing can be told unasked and each call may come over a connection of its own, subscriptions
    /// and the beginning of a session are refused, and the refusal says why.
    ///
    /// # Errors
    /// As of [`module`].
    pub fn public(rpc: Arc<Rpc>) -> Result<Self, RegisterMethodError> {
        let (socket, mut http) = (module(rpc.clone())?, module(rpc)?);
        let (subscription, session) = (
            "subscriptions need a WebSocket: connect to the same address by ws://",
            "an executor's session is a WebSocket: connect to the same address by ws://",
        );
        for (method, message) in [
            (name::SUBSCRIBE, subscription),
            (name::UNSUBSCRIBE, subscription),
            (name::EXECUTOR_SUBSCRIBE, subscription),
            (name::EXECUTOR_UNSUBSCRIBE, subscription),
            (name::EXECUTOR_HELLO, session),
        ] {
            http.remove_method(method);
            http.register_method(method, move |_, _, _| {
                Err::<(), _>(ErrorObject::borrowed(METHOD_NOT_FOUND_CODE, message, None))
            })?;
        }
        Ok(Self { socket: socket.into(), http: http.into() })
    }
}

/// A nonce that nobody can guess.
fn nonce() -> B256 {
    B256::from(rand::random::<[u8; 32]>())
}
