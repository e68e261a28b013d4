//! The sequencer's methods, on any provider of alloy's.

use std::future::Future;

use alloy_primitives::{B256, Bytes};
use alloy_provider::{DynProvider, Provider, ProviderBuilder};
use assay_protocol::BlobRef;
use assay_protocol::rpc::{
    BatchView, LeafProof, ProgramView, SignedReceipt, SignedResult, StatusView, TaskView, methods,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::error::ClientError;
use crate::request::SignedRequest;

/// What a sequencer answers (specs/17-rpc.md). Implemented for every provider of alloy's, over HTTP as over WebSocket.
pub trait AssayApi: Send + Sync {
    /// Hands in a task: with its input, if that is short and not uploaded; else it must be there as a blob. The receipt is signed; what
    /// it says is for [`SignedRequest::check`].
    ///
    /// # Errors
    /// [`ClientError`].
    fn submit_task(
        &self,
        request: &SignedRequest,
        input: Option<Bytes>,
    ) -> impl Future<Output = Result<SignedReceipt, ClientError>> + Send;

    /// A task, with its result and its place as far as there are any.
    ///
    /// # Errors
    /// [`ClientError`].
    fn get_task(&self, task: B256) -> impl Future<Output = Result<Option<TaskView>, ClientError>> + Send;

    /// A task's result, signed by the executor's key.
    ///
    /// # Errors
    /// [`ClientError`].
    fn get_result(&self, task: B256) -> impl Future<Output = Result<Option<SignedResult>, ClientError>> + Send;

    /// Has a program registered, by its module. Modules above half a MiB are uploaded first, see [`AssayApi::register_uploaded`].
    ///
    /// # Errors
    /// [`ClientError`].
    fn register_program(&self, wasm: Bytes) -> impl Future<Output = Result<ProgramView, ClientError>> + Send;

    /// Has a program registered whose module was uploaded as a blob.
    ///
    /// # Errors
    /// [`ClientError`].
    fn register_uploaded(&self, wasm: BlobRef) -> impl Future<Output = Result<ProgramView, ClientError>> + Send;

    /// A program.
    ///
    /// # Errors
    /// [`ClientError`].
    fn get_program(&self, program: B256) -> impl Future<Output = Result<Option<ProgramView>, ClientError>> + Send;

    /// A batch.
    ///
    /// # Errors
    /// [`ClientError`].
    fn get_batch(&self, number: u64) -> impl Future<Output = Result<Option<BatchView>, ClientError>> + Send;

    /// The proof of a task's result that contracts take.
    ///
    /// # Errors
    /// [`ClientError`].
    fn get_proof(&self, task: B256) -> impl Future<Output = Result<Option<LeafProof>, ClientError>> + Send;

    /// What the sequencer says of itself.
    ///
    /// # Errors
    /// [`ClientError`].
    fn status(&self) -> impl Future<Output = Result<StatusView, ClientError>> + Send;
}

impl<P: Provider> AssayApi for P {
    async fn submit_task(&self, request: &SignedRequest, input: Option<Bytes>) -> Result<SignedReceipt, ClientError> {
        // Trailing nulls are left out: a positional parameter that is not there is the same for every server.
        match input {
            Some(input) => ask(self, methods::SUBMIT_TASK, (request.request, request.signature.clone(), input)).await,
            None => ask(self, methods::SUBMIT_TASK, (request.request, request.signature.clone())).await,
        }
    }

    async fn get_task(&self, task: B256) -> Result<Option<TaskView>, ClientError> {
        ask(self, methods::GET_TASK, (task,)).await
    }

    async fn get_result(&self, task: B256) -> Result<Option<SignedResult>, ClientError> {
        ask(self, methods::GET_RESULT, (task,)).await
    }

    async fn register_program(&self, wasm: Bytes) -> Result<ProgramView, ClientError> {
        ask(self, methods::REGISTER_PROGRAM, (wasm,)).await
    }

    async fn register_uploaded(&self, wasm: BlobRef) -> Result<ProgramView, ClientError> {
        ask(self, methods::REGISTER_PROGRAM, (wasm,)).await
    }

    async fn get_program(&self, program: B256) -> Result<Option<ProgramView>, ClientError> {
        ask(self, methods::GET_PROGRAM, (program,)).await
    }

    async fn get_batch(&self, number: u64) -> Result<Option<BatchView>, ClientError> {
        ask(self, methods::GET_BATCH, (format!("{number:#x}"),)).await
    }

    async fn get_proof(&self, task: B256) -> Result<Option<LeafProof>, ClientError> {
        ask(self, methods::GET_PROOF, (task,)).await
    }

    async fn status(&self) -> Result<StatusView, ClientError> {
        ask(self, methods::STATUS, Vec::<u8>::new()).await
    }
}

async fn ask<T: DeserializeOwned>(
    provider: &impl Provider,
    method: &'static str,
    parameters: impl Serialize,
) -> Result<T, ClientError> {
    let parameters = serde_json::to_value(parameters).expect("the wire's types are JSON");
    let asked = provider.raw_request::<_, serde_json::Value>(method.into(), parameters).await;
    let answer = asked.map_err(ClientError::from_transport)?;
    serde_json::from_value(answer).map_err(|error| ClientError::Malformed { reason: format!("to {method}: {error}") })
}

/// A provider for a sequencer at `http://` or `https://host:port`. Who has a provider already, needs none.
///
/// # Errors
/// [`ClientError::Address`].
pub fn connect(address: &str) -> Result<DynProvider, ClientError> {
    let wrong = |reason: String| ClientError::Address { reason };
    let url = Url::parse(address).map_err(|error| wrong(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(format!("its scheme is {}, wanted http or https", url.scheme())));
    }
    let client = http_client(&url).map_err(|error| wrong(error.to_string()))?;
    Ok(ProviderBuilder::new().disable_recommended_fillers().connect_reqwest(client, url).erased())
}

/// A client for a URL. Certificates are read for `https` alone, so that a machine which has none reaches a process of its own.
pub(crate) fn http_client(url: &Url) -> Result<reqwest::Client, reqwest::Error> {
    // The libraries agree on a TLS stack only where the process has named one; a second naming changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let patience = std::time::Duration::from_secs(20);
    let builder = reqwest::Client::builder().connect_timeout(patience).read_timeout(patience);
    let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let builder = if is_local { builder.no_proxy() } else { builder };
    let builder = if url.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
    builder.build()
}
