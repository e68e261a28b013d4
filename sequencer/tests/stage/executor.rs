//! An executor that pretends to run: it answers with the input backwards, or as it is told to.

use std::sync::{Arc, Mutex};

use alloy_primitives::{B256, Bytes};
use assay_node::keys::Wallet;
use assay_protocol::BlobRef;
use assay_protocol::data::blob_root;
use assay_protocol::objects::{Domain, ExecutorSession, TaskResult, TypedData};
use assay_protocol::rpc::{Assignment, Decline, DeclineReason, Session, SignedResult, methods};
use jsonrpsee::core::client::{Client as RpcClient, ClientT, Error, Subscription, SubscriptionClientT};
use jsonrpsee::rpc_params;
use tokio::task::JoinHandle;

use super::connect;

/// What it does with assignments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Answers each.
    Works,
    /// Declines each.
    Declines,
    /// Does nothing.
    Sleeps,
}

/// What it was given, and what it has answered, in order.
#[derive(Debug, Default)]
pub struct Work {
    pub given: Vec<(B256, u32)>,
    pub answered: Vec<(B256, u32)>,
    pub refused: Vec<String>,
}

/// An executor on a connection.
pub struct FakeExecutor {
    pub rpc: Arc<RpcClient>,
    pub wallet: Wallet,
    pub domain: Domain,
    pub work: Arc<Mutex<Work>>,
    task: Option<JoinHandle<()>>,
}

impl Drop for FakeExecutor {
    fn drop(&mut self) {
        self.task.iter().for_each(JoinHandle::abort);
    }
}

impl FakeExecutor {
    /// Connects and shows who it is.
    pub async fn join(url: &str, wallet: Wallet, domain: Domain, region: B256) -> Result<Self, Error> {
        Self::join_over(connect(url).await, wallet, domain, region).await
    }

    /// The same over a connection.
    pub async fn join_over(rpc: RpcClient, wallet: Wallet, domain: Domain, region: B256) -> Result<Self, Error> {
        let rpc = Arc::new(rpc);
        let executor = wallet.address();
        let nonce: B256 = rpc.request(methods::EXECUTOR_HELLO, rpc_params![executor, executor]).await?;
        let digest = ExecutorSession { region, executor, nonce }.digest(&domain);
        let signature = Bytes::from(wallet.sign_hash(&digest).unwrap().to_vec());
        let _: Session = rpc.request(methods::EXECUTOR_AUTHENTICATE, rpc_params![signature]).await?;
        Ok(Self { rpc, wallet, domain, work: Arc::default(), task: None })
    }

    /// The same, as soon as the sequencer has seen its registration on L1: until then it is told to come again.
    pub async fn arrives(url: &str, wallet: Wallet, domain: Domain, region: B256) -> Self {
        let joined = async || Self::join(url, wallet.clone(), domain, region).await.ok();
        super::eventually("the executor's registration is seen", joined).await
    }

    pub async fn subscribe(&self, slots: u64) -> Subscription<Assignment> {
        let params = rpc_params![alloy_primitives::U64::from(slots)];
        let (subscribe, unsubscribe) = (methods::EXECUTOR_SUBSCRIBE, methods::EXECUTOR_UNSUBSCRIBE);
        self.rpc.subscribe(subscribe, params, unsubscribe).await.unwrap()
    }

    /// Takes assignments from now on.
    pub async fn start(&mut self, slots: u64, behaviour: Behaviour) {
        let mut assignments = self.subscribe(slots).await;
        let (rpc, wallet, domain, work) = (self.rpc.clone(), self.wallet.clone(), self.domain, self.work.clone());
        self.task = Some(tokio::spawn(async move {
            while let Some(Ok(assignment)) = assignments.next().await {
                work.lock().unwrap().given.push((assignment.task, assignment.attempt));
                let (rpc, wallet, work) = (rpc.clone(), wallet.clone(), work.clone());
                tokio::spawn(async move {
                    let id = (assignment.task, assignment.attempt);
                    let answered: Result<bool, Error> = match behaviour {
                        Behaviour::Sleeps => return,
                        Behaviour::Declines => {
                            let (executor, reason) = (wallet.address(), DeclineReason::Busy);
                            let decline = Decline { task: id.0, attempt: id.1, executor, reason, words: "no".into() };
                            rpc.request(methods::EXECUTOR_DECLINE, rpc_params![decline]).await
                        }
                        Behaviour::Works => {
                            let (result, output) = answer(&assignment, &wallet, &domain);
                            rpc.request(methods::EXECUTOR_SUBMIT, rpc_params![result, output]).await
                        }
                    };
                    let mut work = work.lock().unwrap();
                    match answered {
                        Ok(_) => work.answered.push(id),
                        Err(error) => work.refused.push(error.to_string()),
                    }
                });
            }
        }));
    }

    pub async fn submit(&self, result: &SignedResult, output: Option<&Bytes>) -> Result<bool, Error> {
        self.rpc.request(methods::EXECUTOR_SUBMIT, rpc_params![result, output]).await
    }
}

/// The input backwards, signed.
pub fn answer(assignment: &Assignment, wallet: &Wallet, domain: &Domain) -> (SignedResult, Bytes) {
    let output: Vec<u8> =
        assignment.input.as_ref().map(|input| input.iter().rev().copied().collect()).unwrap_or_default();
    let result = result(assignment, wallet, blob_root(&output));
    (sign(result, wallet, domain), output.into())
}

pub fn result(assignment: &Assignment, wallet: &Wallet, output: BlobRef) -> TaskResult {
    TaskResult {
        task: assignment.task,
        attempt: assignment.attempt,
        executor: wallet.address(),
        status: 1,
        code: 0,
        fuel_used: 1000,
        output,
    }
}

pub fn sign(result: TaskResult, wallet: &Wallet, domain: &Domain) -> SignedResult {
    let signature = wallet.sign_hash(&result.digest(domain)).unwrap();
    SignedResult { result, signature: signature.to_vec().into() }
}
