//! A client: signs requests, submits them, follows them.

use std::net::IpAddr;

use alloy_primitives::{B256, Bytes};
use assay_node::keys::Wallet;
use assay_protocol::data::blob_root;
use assay_protocol::objects::{Domain, TaskRequest, TypedData};
use assay_protocol::rpc::{ErrorCode, ProgramView, SignedReceipt, StatusView, TaskState, TaskView, methods};
use assay_protocol::signature::recover;
use jsonrpsee::client_transport::ws::{Url, WsHandshakeError, WsTransportClientBuilder};
use jsonrpsee::core::client::{
    Client as RpcClient, ClientBuilder, ClientT, Error, TransportReceiverT, TransportSenderT,
};
use jsonrpsee::rpc_params;

use super::eventually;

/// A connection.
pub async fn connect(url: &str) -> RpcClient {
    over(WsTransportClientBuilder::default().build(Url::parse(url).unwrap()).await.expect("the sequencer listens"))
}

/// A connection from an address of this machine.
pub async fn connect_from(from: IpAddr, url: &str) -> Result<RpcClient, WsHandshakeError> {
    let to = url.strip_prefix("ws://").unwrap().parse().unwrap();
    let socket = super::raw::socket_from(from, to).await;
    Ok(over(WsTransportClientBuilder::default().build_with_stream(Url::parse(url).unwrap(), socket).await?))
}

fn over((sender, receiver): (impl TransportSenderT + Send, impl TransportReceiverT + Send)) -> RpcClient {
    ClientBuilder::default()
        .max_concurrent_requests(4096)
        .max_buffer_capacity_per_subscription(4096)
        .request_timeout(super::PATIENCE)
        .build_with_tokio(sender, receiver)
}

/// A client with a key.
pub struct Client {
    pub rpc: RpcClient,
    pub wallet: Wallet,
    pub domain: Domain,
    pub status: StatusView,
}

impl Client {
    pub async fn new(url: &str, wallet: Wallet, domain: Domain) -> Self {
        Self::over(connect(url).await, wallet, domain).await
    }

    /// The same over a connection.
    pub async fn over(rpc: RpcClient, wallet: Wallet, domain: Domain) -> Self {
        let status = rpc.request(methods::STATUS, rpc_params![]).await.unwrap();
        Self { rpc, wallet, domain, status }
    }

    /// Registers a program, as soon as the sequencer takes work.
    pub async fn register(&self, wasm: &[u8]) -> ProgramView {
        super::eventually("the sequencer takes work", async || {
            let parameters = rpc_params![Bytes::copy_from_slice(wasm)];
            match self.rpc.request(methods::REGISTER_PROGRAM, parameters).await {
                Ok(program) => Some(program),
                Err(Error::Call(error)) if error.code() == ErrorCode::Unavailable.code() => None,
                Err(error) => panic!("{error}"),
            }
        })
        .await
    }

    /// A request that can be met, and its signature.
    pub fn request(&self, program: B256, input: &[u8], nonce: u64) -> (TaskRequest, Bytes) {
        let request = TaskRequest {
            client: self.wallet.address(),
            region: self.status.region,
            program,
            input: blob_root(input),
            fuel_limit: 1_000_000,
            output_length_max: 1 << 20,
            fee_max: 1_000,
            deadline: self.status.l1_time + 100_000,
            nonce,
        };
        (request, self.sign(&request))
    }

    pub fn sign(&self, request: &TaskRequest) -> Bytes {
        self.wallet.sign_hash(&request.id(&self.domain)).unwrap().to_vec().into()
    }

    pub async fn submit(&self, request: &TaskRequest, signature: &Bytes, input: &[u8]) -> Result<SignedReceipt, Error> {
        let input = Bytes::copy_from_slice(input);
        self.rpc.request(methods::SUBMIT_TASK, rpc_params![request, signature, input]).await
    }

    /// Submits a job; its id.
    pub async fn job(&self, program: B256, input: &[u8], nonce: u64) -> B256 {
        let (request, signature) = self.request(program, input, nonce);
        let receipt = self.submit(&request, &signature, input).await.unwrap();
        self.check(&request, &receipt);
        receipt.receipt.task
    }

    /// Whether a receipt is the sequencer's word on a request.
    pub fn check(&self, request: &TaskRequest, receipt: &SignedReceipt) {
        assert_eq!(receipt.receipt.task, request.id(&self.domain));
        assert_eq!(receipt.receipt.region, self.status.region);
        let signer = recover(&receipt.signature, &receipt.receipt.digest(&self.domain)).unwrap();
        assert_eq!(signer, self.status.key);
    }

    pub async fn task(&self, task: B256) -> Option<TaskView> {
        self.rpc.request(methods::GET_TASK, rpc_params![task]).await.unwrap()
    }

    pub async fn reaches(&self, task: B256, state: TaskState) -> TaskView {
        let what = format!("task {task} is {state:?}");
        eventually(&what, async || self.task(task).await.filter(|view| view.state == state)).await
    }
}
