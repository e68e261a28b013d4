//! Calls to a sequencer, on one WebSocket connection (`assay_protocol::rpc`).
//!
//! Owns names, parameters and the sorting of errors. Assumes nothing of the peer: messages are bounded, calls have a time limit, and an
//! answer of another form is an error that says so.

use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes, U64};
use assay_protocol::rpc::{
    Assignment, AssignmentId, Decline, ErrorCode, ErrorData, INLINE_BYTES_MAX, Session, SignedResult, StatusView,
    methods,
};
use jsonrpsee::client_transport::ws::{Url, WsTransportClientBuilder};
use jsonrpsee::core::ClientError;
use jsonrpsee::core::client::async_client::PingConfig;
use jsonrpsee::core::client::{Client, ClientBuilder, ClientT, Subscription, SubscriptionClientT};
use jsonrpsee::core::traits::ToRpcParams;
use jsonrpsee::rpc_params;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Longest message: an inline input as hex, and all around it.
const MESSAGE_BYTES_MAX: u32 = 4 * INLINE_BYTES_MAX as u32;
/// Longest time of a call.
const CALL_TIME_MAX: Duration = Duration::from_secs(10);
/// How often a silent connection is asked whether it is alive.
const PING_EVERY: Duration = Duration::from_secs(10);

/// What can go wrong with a call.
#[derive(Debug, Error)]
pub enum WireError {
    /// The address is none.
    #[error("the sequencer's address is wrong: {reason}")]
    Address {
        /// What is wrong with it.
        reason: String,
    },
    /// No connection, or it broke, or there was no answer in time.
    #[error("the sequencer can't be reached to {what}: {reason}")]
    Unreachable {
        /// What was asked.
        what: &'static str,
        /// What the transport says.
        reason: String,
    },
    /// The sequencer answers with an error.
    #[error("the sequencer refused to {what}: {message} (code {code})")]
    Refused {
        /// What was asked.
        what: &'static str,
        /// Its number.
        code: i32,
        /// Which of the table it is, if it is one.
        known: Option<ErrorCode>,
        /// Whether the same call can succeed later.
        retryable: bool,
        /// The sequencer's words.
        message: String,
    },
    /// The answer is none to the question.
    #[error("the sequencer answers nonsense when asked to {what}: {reason}")]
    Malformed {
        /// What was asked.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl WireError {
    /// Whether it is this error of the table.
    #[must_use]
    pub fn is(&self, code: ErrorCode) -> bool {
        matches!(self, Self::Refused { known: Some(known), .. } if *known == code)
    }

    /// Whether the same call, on this connection or another, can succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused { retryable, .. } => *retryable,
            Self::Unreachable { .. } => true,
            Self::Address { .. } | Self::Malformed { .. } => false,
        }
    }
}

/// A connection.
pub struct Wire {
    client: Client,
}

impl Wire {
    /// Connects. At most `assignments_max` assignments that were not taken yet are kept; a sequencer that sends more loses the
    /// subscription.
    ///
    /// # Errors
    /// [`WireError::Address`], [`WireError::Unreachable`].
    pub async fn connect(address: &str, assignments_max: usize) -> Result<Self, WireError> {
        let what = "connect";
        let url = Url::parse(address).map_err(|error| WireError::Address { reason: error.to_string() })?;
        if !matches!(url.scheme(), "ws" | "wss") {
            return Err(WireError::Address { reason: format!("{} is neither ws nor wss", url.scheme()) });
        }
        // See assay_node::endpoint: the libraries agree on a TLS stack only where the process has named one.
        let builder = WsTransportClientBuilder::default()
            .max_request_size(MESSAGE_BYTES_MAX)
            .max_response_size(MESSAGE_BYTES_MAX)
            .connection_timeout(CALL_TIME_MAX);
        let connected = builder.build(url).await;
        let (sender, receiver) =
            connected.map_err(|error| WireError::Unreachable { what, reason: error.to_string() })?;
        let client = ClientBuilder::default()
            .request_timeout(CALL_TIME_MAX)
            .max_buffer_capacity_per_subscription(assignments_max)
            .max_concurrent_requests(4096)
            .enable_ws_ping(PingConfig::new().ping_interval(PING_EVERY).inactive_limit(3 * PING_EVERY).max_failures(1))
            .build_with_tokio(sender, receiver);
        Ok(Self { client })
    }

    /// What the sequencer says of itself.
    ///
    /// # Errors
    /// [`WireError`], here and below.
    pub async fn status(&self) -> Result<StatusView, WireError> {
        self.call("say who it is", methods::STATUS, rpc_params![]).await
    }

    /// Begins a session: gives the nonce to be signed.
    ///
    /// # Errors
    /// As [`Wire::status`].
    pub async fn hello(&self, executor: Address, key: Address) -> Result<B256, WireError> {
        self.call("begin a session", methods::EXECUTOR_HELLO, rpc_params![executor, key]).await
    }

    /// Shows who this is.
    ///
    /// # Errors
    /// As [`Wire::status`].
    pub async fn authenticate(&self, signature: Bytes) -> Result<Session, WireError> {
        self.call("open the session", methods::EXECUTOR_AUTHENTICATE, rpc_params![signature]).await
    }

    /// Asks for assignments, at most so many at once.
    ///
    /// # Errors
    /// As [`Wire::status`].
    pub async fn subscribe(&self, slots: u64) -> Result<Subscription<Assignment>, WireError> {
        let (subscribe, unsubscribe) = (methods::EXECUTOR_SUBSCRIBE, methods::EXECUTOR_UNSUBSCRIBE);
        let subscribed = self.client.subscribe(subscribe, rpc_params![U64::from(slots)], unsubscribe).await;
        subscribed.map_err(|error| sorted("assign tasks", error))
    }

    /// Still at it. Gives the milliseconds until the lease is over.
    ///
    /// # Errors
    /// As [`Wire::status`].
    pub async fn renew(&self, id: AssignmentId) -> Result<u64, WireError> {
        let parameters = rpc_params![id.task, U64::from(id.attempt)];
        let lease: U64 = self.call("renew a lease", methods::EXECUTOR_RENEW, parameters).await?;
        Ok(lease.to())
    }

    /// Hands a result in; its output inside the call, or as a blob before it.
    ///
    /// # Errors
    /// As [`Wire::status`].
    pub async fn submit(&self, signed: &SignedResult, output: Option<Bytes>) -> Result<(), WireError> {
        let taken: bool = self.call("take a result", methods::EXECUTOR_SUBMIT, rpc_params![signed, output]).await?;
        accepted("take a result", taken)
    }

    /// This host has no result.
    ///
    /// # Errors
    /// As [`Wire::status`].
    pub async fn decline(&self, decline: &Decline) -> Result<(), WireError> {
        let taken: bool = self.call("take a refusal", methods::EXECUTOR_DECLINE, rpc_params![decline]).await?;
        accepted("take a refusal", taken)
    }

    async fn call<T: DeserializeOwned>(
        &self,
        what: &'static str,
        method: &str,
        parameters: impl ToRpcParams + Send,
    ) -> Result<T, WireError> {
        self.client.request(method, parameters).await.map_err(|error| sorted(what, error))
    }
}

fn accepted(what: &'static str, taken: bool) -> Result<(), WireError> {
    if taken { Ok(()) } else { Err(WireError::Malformed { what, reason: "it answers false".into() }) }
}

fn sorted(what: &'static str, error: ClientError) -> WireError {
    match error {
        ClientError::Call(refused) => {
            let data = refused.data().and_then(|data| serde_json::from_str::<ErrorData>(data.get()).ok());
            let known = data.as_ref().and_then(|data| data.code.parse().ok());
            WireError::Refused {
                what,
                code: refused.code(),
                known,
                retryable: data.is_some_and(|data| data.retryable),
                message: refused.message().to_owned(),
            }
        }
        ClientError::ParseError(error) => WireError::Malformed { what, reason: error.to_string() },
        error @ (ClientError::InvalidRequestId(_) | ClientError::InvalidSubscriptionId) => {
            WireError::Malformed { what, reason: error.to_string() }
        }
        error => WireError::Unreachable { what, reason: error.to_string() },
    }
}
