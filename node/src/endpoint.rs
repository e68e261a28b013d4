//! One connection to an L1 node, over HTTP or WebSocket.
//!
//! Owns the connection, the time that a call may take, and the sorting of its errors. Assumes nothing of the node: it may be down,
//! behind, or wrong. Never retries by itself, for only the caller knows whether asking again makes sense, and never prints the URL,
//! whose path or user part is often a secret.
//!
//! A call that fails in transport drops the connection; the next call opens a new one. How long to wait before it is [`Backoff`]'s
//! matter.

use crate::Remedy;
use alloy_primitives::{Address, Bytes, TxKind};
use alloy_provider::{DynProvider, ProviderBuilder};
use alloy_rpc_types_eth::{TransactionInput, TransactionRequest};
use alloy_sol_types::SolCall;
use alloy_transport::{RpcError, TransportError};
use alloy_transport_ws::WsConnect;
use rand::RngExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::Mutex;
use url::{Host, Url};

// What a call names: no other crate depends on the provider's.
pub use alloy_eips::{BlockId, BlockNumberOrTag};
pub use alloy_provider::Provider;

/// Where L1 is, and how long to wait for it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointConfig {
    /// `http`, `https`, `ws` or `wss`.
    pub url: String,
    /// Longest time that a call, or opening a connection, may take.
    #[serde(default = "EndpointConfig::timeout_ms_usual")]
    pub timeout_ms: u64,
}

impl EndpointConfig {
    /// An endpoint with the usual time limit.
    pub fn new(url: impl Into<String>) -> Self {
        EndpointConfig { url: url.into(), timeout_ms: Self::timeout_ms_usual() }
    }

    fn timeout_ms_usual() -> u64 {
        10_000
    }
}

impl std::fmt::Debug for EndpointConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EndpointConfig").field("timeout_ms", &self.timeout_ms).finish_non_exhaustive()
    }
}

/// An L1 node. Cheap to clone; clones share the connection.
#[derive(Clone)]
pub struct Endpoint {
    inner: Arc<Inner>,
}

struct Inner {
    url: Url,
    /// What may be printed of the URL.
    origin: String,
    timeout: Duration,
    connection: Mutex<Option<DynProvider>>,
}

/// What can go wrong with a call to L1.
#[derive(Debug, Error)]
pub enum EndpointError {
    /// The URL is none that an L1 node can have.
    #[error("the address of L1 is wrong: {reason}")]
    Address {
        /// What was got and what was wanted.
        reason: String,
    },
    /// No connection, or it broke.
    #[error("L1 at {origin} can't be reached to {what}: {reason}")]
    Unreachable {
        /// The node, without secrets.
        origin: String,
        /// What was asked.
        what: &'static str,
        /// What the transport says.
        reason: String,
    },
    /// No answer in time.
    #[error("L1 at {origin} took longer than {timeout_ms} ms to {what}")]
    TimedOut {
        /// The node, without secrets.
        origin: String,
        /// What was asked.
        what: &'static str,
        /// How long it had.
        timeout_ms: u64,
    },
    /// The node answered with an error.
    #[error("L1 at {origin} refused to {what}: {message} (code {code})")]
    Refused {
        /// The node, without secrets.
        origin: String,
        /// What was asked.
        what: &'static str,
        /// The JSON-RPC error code.
        code: i64,
        /// The node's words.
        message: String,
        /// Data of a revert, if the node gave any.
        data: Option<Bytes>,
    },
    /// The node's answer is none to the question.
    #[error("L1 at {origin} answered nonsense when asked to {what}: {reason}")]
    Malformed {
        /// The node, without secrets.
        origin: String,
        /// What was asked.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl EndpointError {
    /// What helps: for all but a wrong address, to ask again later.
    pub fn remedy(&self) -> Remedy {
        match self {
            EndpointError::Address { .. } => Remedy::Stop,
            EndpointError::Unreachable { .. }
            | EndpointError::TimedOut { .. }
            | EndpointError::Refused { .. }
            | EndpointError::Malformed { .. } => Remedy::Retry,
        }
    }
}

impl Endpoint {
    /// Checks the URL. Connects when first called.
    ///
    /// # Errors
    /// [`EndpointError::Address`].
    pub fn new(config: &EndpointConfig) -> Result<Self, EndpointError> {
        let wrong = |reason: String| EndpointError::Address { reason };
        let url = Url::parse(&config.url).map_err(|error| wrong(format!("{error}")))?;
        if !matches!(url.scheme(), "http" | "https" | "ws" | "wss") {
            return Err(wrong(format!("its scheme is {}, wanted http, https, ws or wss", url.scheme())));
        }
        let origin = format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default());
        let origin = url.port().map_or(origin.clone(), |port| format!("{origin}:{port}"));
        // The libraries agree on a TLS stack only where the process has named one; a second naming changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let timeout = Duration::from_millis(config.timeout_ms.max(1));
        Ok(Endpoint { inner: Arc::new(Inner { url, origin, timeout, connection: Mutex::new(None) }) })
    }

    /// The node, as it may be printed.
    pub fn origin(&self) -> &str {
        &self.inner.origin
    }

    /// Asks the node. `what` completes the sentence "L1 can't be reached to …".
    ///
    /// # Errors
    /// All but [`EndpointError::Address`].
    pub async fn call<T, Answer>(
        &self,
        what: &'static str,
        ask: impl FnOnce(DynProvider) -> Answer,
    ) -> Result<T, EndpointError>
    where
        Answer: Future<Output = Result<T, TransportError>>,
    {
        let asked = async { ask(self.provider(what).await?).await.map_err(|error| self.sort(what, error)) };
        let answer = tokio::time::timeout(self.inner.timeout, asked).await.unwrap_or_else(|_| {
            let timeout_ms = self.inner.timeout.as_millis() as u64;
            Err(EndpointError::TimedOut { origin: self.inner.origin.clone(), what, timeout_ms })
        });
        if let Err(EndpointError::Unreachable { .. } | EndpointError::TimedOut { .. }) = &answer {
            *self.inner.connection.lock().await = None;
        }
        answer
    }

    /// Height of the head.
    ///
    /// # Errors
    /// As [`Endpoint::call`].
    pub async fn height(&self) -> Result<u64, EndpointError> {
        self.call("ask for the head", |l1| async move { l1.get_block_number().await }).await
    }

    /// Asks a contract, on the state after a block.
    ///
    /// # Errors
    /// As [`Endpoint::call`]; [`EndpointError::Refused`] with its data when the contract reverts, and [`EndpointError::Malformed`] when
    /// the answer is none, for example because there is no contract.
    pub async fn view<C: SolCall>(
        &self,
        what: &'static str,
        contract: Address,
        call: &C,
        at: BlockId,
    ) -> Result<C::Return, EndpointError> {
        let request = TransactionRequest {
            to: Some(TxKind::Call(contract)),
            input: TransactionInput::new(call.abi_encode().into()),
            ..TransactionRequest::default()
        };
        let answer = self.call(what, |l1| async move { l1.call(request).block(at).await }).await?;
        C::abi_decode_returns(&answer).map_err(|error| self.malformed(what, &error))
    }

    /// Asks by any method, for example one that only some nodes have.
    ///
    /// # Errors
    /// As [`Endpoint::call`].
    pub async fn request<T: DeserializeOwned>(
        &self,
        what: &'static str,
        method: &'static str,
        parameters: Value,
    ) -> Result<T, EndpointError> {
        let asked = self.call(what, |l1| async move { l1.raw_request(method.into(), parameters).await });
        let answer: Value = asked.await?;
        serde_json::from_value(answer).map_err(|error| self.malformed(what, &error))
    }

    fn malformed(&self, what: &'static str, error: &impl std::fmt::Display) -> EndpointError {
        EndpointError::Malformed { origin: self.inner.origin.clone(), what, reason: self.redact(&error.to_string()) }
    }

    /// The connection that there is, or a new one. The lock is never held while waiting for the network: two callers may both
    /// connect, and the later connection stays.
    async fn provider(&self, what: &'static str) -> Result<DynProvider, EndpointError> {
        if let Some(provider) = self.inner.connection.lock().await.clone() {
            return Ok(provider);
        }
        let builder = ProviderBuilder::new().disable_recommended_fillers();
        let provider = match self.inner.url.scheme() {
            "ws" | "wss" => {
                // One attempt: whoever called waits with a backoff and jitter that the library's own retries don't have.
                let connect = WsConnect::new(self.inner.url.as_str()).with_max_retries(0);
                builder.connect_ws(connect).await.map_err(|error| self.sort(what, error))?.erased()
            }
            _ => {
                let reason = |error: reqwest::Error| self.redact(&format!("no HTTP client: {error}"));
                let client = http_client(&self.inner.url).map_err(|error| {
                    let (origin, reason) = (self.inner.origin.clone(), reason(error));
                    EndpointError::Unreachable { origin, what, reason }
                })?;
                builder.connect_reqwest(client, self.inner.url.clone()).erased()
            }
        };
        *self.inner.connection.lock().await = Some(provider.clone());
        Ok(provider)
    }

    /// Takes out what may be secret: the whole URL, and its parts, for libraries print it with or without the user's.
    fn redact(&self, text: &str) -> String {
        let url = &self.inner.url;
        let parts = [url.path(), url.query().unwrap_or(""), url.password().unwrap_or(""), url.username()];
        let shown = text.replace(url.as_str(), &self.inner.origin);
        parts.into_iter().filter(|part| part.len() > 1).fold(shown, |shown, part| shown.replace(part, "***"))
    }

    fn sort(&self, what: &'static str, error: TransportError) -> EndpointError {
        let origin = self.inner.origin.clone();
        let redact = |text: String| self.redact(&text);
        match error {
            RpcError::ErrorResp(payload) => EndpointError::Refused {
                what,
                code: payload.code,
                message: redact(payload.message.to_string()),
                data: payload.as_revert_data(),
                origin,
            },
            RpcError::DeserError { .. } | RpcError::NullResp | RpcError::UnsupportedFeature(_) => {
                EndpointError::Malformed { what, reason: redact(error.to_string()), origin }
            }
            other => EndpointError::Unreachable { what, reason: redact(other.to_string()), origin },
        }
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Endpoint({})", self.inner.origin)
    }
}

/// A client for a URL. The certificates of the system are read for `https` alone, so that a machine which has none reaches a node of
/// its own; nor does a proxy stand between a process and its own machine.
fn http_client(url: &Url) -> Result<reqwest::Client, reqwest::Error> {
    let is_local = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let builder = reqwest::Client::builder();
    let builder = if url.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
    let builder = if is_local { builder.no_proxy() } else { builder };
    builder.build()
}

/// How long to wait before the next attempt: doubling from attempt to attempt up to a limit, and a random part of that, so that many
/// processes that lost one node don't come back to it at once.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// A backoff whose first wait is at most `first`, and no wait longer than `longest`.
    pub fn new(first: Duration, longest: Duration) -> Self {
        Backoff { first, longest, failures: 0 }
    }

    /// Forgets the failures: the node answered.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Failures since the last reset.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Counts a failure and waits: at least half of the ceiling, so that a node is never hammered.
    pub async fn wait(&mut self) {
        let ceiling = self.ceiling();
        self.failures = self.failures.saturating_add(1);
        // Drawn before the wait: the generator belongs to a thread, and a wait may end on another.
        let wait = ceiling.mul_f64(rand::rng().random_range(0.5..=1.0));
        tokio::time::sleep(wait).await;
    }

    /// The longest that the next wait can be.
    fn ceiling(&self) -> Duration {
        self.first.saturating_mul(1u32.checked_shl(self.failures).unwrap_or(u32::MAX)).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_its_limit_and_starts_again() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        let mut ceilings = Vec::new();
        for failures in 0..40 {
            backoff.failures = failures;
            ceilings.push(backoff.ceiling().as_millis());
        }
        assert_eq!(ceilings[..7], [100, 200, 400, 800, 1600, 3200, 5000]);
        assert!(ceilings[7..].iter().all(|&ceiling| ceiling == 5000), "a shift past the word must not start again");
        backoff.reset();
        assert_eq!(backoff.ceiling().as_millis(), 100);
    }

    #[test]
    fn an_address_says_what_is_wrong_with_it() {
        let refused = |url: &str| Endpoint::new(&EndpointConfig::new(url)).expect_err("must be refused").to_string();
        assert!(refused("ftp://host").contains("scheme is ftp, wanted http, https, ws or wss"));
        assert!(refused("host:port").contains("address of L1"));
    }

    #[tokio::test]
    async fn a_node_that_is_not_there_is_named_without_its_secret() {
        // Port 1 of this host: nothing listens there.
        for scheme in ["http", "https", "ws", "wss"] {
            let endpoint =
                Endpoint::new(&EndpointConfig::new(format!("{scheme}://user:pass@127.0.0.1:1/v2/secret-key")));
            let endpoint = endpoint.expect("the address is well-formed");
            let asked = endpoint.call("ask for its number", |p| async move { p.get_block_number().await }).await;
            let error = asked.expect_err("nobody answers");
            assert!(matches!(error, EndpointError::Unreachable { .. }), "{error}");
            assert_eq!(error.remedy(), Remedy::Retry);
            let (shown, debug) = (error.to_string(), format!("{endpoint:?}"));
            assert!(shown.contains("127.0.0.1:1") && !shown.contains("secret") && !shown.contains("pass"), "{shown}");
            assert!(!debug.contains("secret"), "{debug}");
        }
    }
}
