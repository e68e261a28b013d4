//! A sequencer's desk that does as it is told: gives assignments, true or false, and keeps what it is brought.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, Bytes, U64};
use assay_executor_node::{Executor, ExecutorConfig, ExecutorError};
use assay_machine::program::Program;
use assay_node::blobs::{self, BlobConfig, BlobStore};
use assay_node::keys::Wallet;
use assay_node::store::{Schema, Store};
use assay_node::telemetry::{Health, Metrics};
use assay_protocol::BlobRef;
use assay_protocol::deployment::{Contracts, DEPLOYMENT_VERSION, Deployment};
use assay_protocol::objects::{Domain, ExecutorSession, TaskRequest, TypedData};
use assay_protocol::presets::Preset;
use assay_protocol::rpc::{
    Assignment, Decline, ErrorCode, ErrorData, LimitsView, Session, SignedResult, StatusView, methods,
};
use assay_protocol::signature::recover;
use assay_runner::{L1Config, blob_of};
use jsonrpsee::RpcModule;
use jsonrpsee::server::{Server, ServerHandle};
use jsonrpsee::types::ErrorObjectOwned;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Nothing here takes longer, on however slow a machine, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);
pub const REGION: B256 = B256::repeat_byte(1);
const NONCE: B256 = B256::repeat_byte(9);

pub fn executor() -> Wallet {
    Wallet::from_secret(&B256::repeat_byte(3)).unwrap()
}

pub fn client() -> Wallet {
    Wallet::from_secret(&B256::repeat_byte(7)).unwrap()
}

/// A deployment that nobody asks: L1 is not to be reached here.
pub fn deployment() -> Deployment {
    let at = |byte| Address::repeat_byte(byte);
    let contracts =
        Contracts { step_verifier: at(1), bonds: at(2), programs: at(3), batches: at(4), faults: at(5), court: at(6) };
    let (chain_id, preset, treasury) = (31_337, Preset::Devnet, at(7));
    Deployment { version: DEPLOYMENT_VERSION, chain_id, preset, treasury, first_block: 0, contracts }
}

pub fn domain() -> Domain {
    deployment().domain()
}

/// A program that counts to a thousand and ends, or divides until its fuel is used, which takes seconds.
pub fn wasm(ends: bool) -> Vec<u8> {
    let body = match ends {
        true => {
            "(local i32) (loop (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 1000))))"
        }
        false => {
            "(local i64) (loop (local.set 0 (i64.rem_u (i64.const -1) (i64.or (local.get 0) (i64.const 77)))) (br 0))"
        }
    };
    start(body)
}

/// A program that uses up its fuel as fast as can be: many instructions, and little to do.
pub fn burning() -> Vec<u8> {
    let sums = "(local.set 0 (i64.add (local.get 0) (i64.const 1))) ".repeat(100);
    start(&format!("(local i64) (loop {sums} (br 0))"))
}

/// A program that outputs so many bytes, all zero.
pub fn writing(bytes: u32) -> Vec<u8> {
    let write = r#"(import "assay" "output_write" (func $write (param i32 i32)))"#;
    let body = format!("(call $write (i32.const 0) (i32.const {bytes}))");
    let start = format!(r#"(func (export "_start") {body})"#);
    wat::parse_str(format!(r#"(module {write} (memory (export "memory") 8) {start})"#)).unwrap()
}

/// A module that does this and nothing else.
fn start(body: &str) -> Vec<u8> {
    wat::parse_str(format!(r#"(module (memory (export "memory") 1) (func (export "_start") {body}))"#)).unwrap()
}

pub fn program(wasm: &[u8]) -> B256 {
    Program::from_wasm(wasm).unwrap().id()
}

pub fn request(program: B256, nonce: u64) -> TaskRequest {
    TaskRequest {
        client: client().address(),
        region: REGION,
        program,
        input: blob_of(b"in"),
        fuel_limit: (1 << 30) - 1,
        output_length_max: 64,
        fee_max: 1,
        deadline: u64::MAX / 2,
        nonce,
    }
}

pub fn assignment(request: TaskRequest, wasm: &[u8]) -> Assignment {
    let task = request.id(&domain());
    Assignment {
        task,
        attempt: 0,
        request,
        client_signature: client().sign_hash(&task).unwrap().to_vec().into(),
        wasm: blob_of(wasm),
        input: Some(Bytes::from_static(b"in")),
        lease_ms: 400,
    }
}

/// What the desk was brought.
#[derive(Default)]
pub struct Brought {
    pub results: Vec<SignedResult>,
    pub declines: Vec<Decline>,
    pub sessions: usize,
    /// Tasks of renewals, refused ones too.
    pub renewals: Vec<B256>,
    /// Error that results are answered with, as long as there is one.
    pub refusing: Option<ErrorCode>,
    /// A task whose renewals are refused: it is another's.
    pub lost: Option<B256>,
    given: Option<mpsc::UnboundedSender<Assignment>>,
}

/// A desk.
pub struct Desk {
    pub brought: Arc<Mutex<Brought>>,
    pub address: SocketAddr,
    handle: ServerHandle,
}

impl Desk {
    /// Opens one at an address; port 0 takes a free one.
    pub async fn open(address: SocketAddr, brought: Arc<Mutex<Brought>>) -> Self {
        let server = Server::builder().build(address).await.unwrap();
        let address = server.local_addr().unwrap();
        Self { handle: server.start(module(brought.clone())), brought, address }
    }

    pub async fn close(self) {
        self.handle.stop().unwrap();
        self.handle.stopped().await;
    }

    /// Gives an assignment, when there is a session.
    pub async fn give(&self, assignment: &Assignment) {
        let given =
            eventually("a session", || self.brought.lock().unwrap().given.clone().filter(|given| !given.is_closed()));
        given.await.send(assignment.clone()).unwrap();
    }

    pub async fn declined(&self, count: usize) -> Vec<Decline> {
        eventually("refusals", || Some(self.brought.lock().unwrap().declines.clone()).filter(|all| all.len() >= count))
            .await
    }

    pub async fn results(&self, count: usize) -> Vec<SignedResult> {
        eventually("results", || Some(self.brought.lock().unwrap().results.clone()).filter(|all| all.len() >= count))
            .await
    }
}

fn refused(code: ErrorCode) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(code.code(), code.meaning(), Some(ErrorData::from(code)))
}

fn status() -> StatusView {
    let limits = LimitsView {
        fuel_limit_max: 1 << 30,
        output_length_max: 1 << 28,
        input_length_max: 1 << 30,
        posted_input_length_max: 1 << 17,
        fee_min: 0,
        deadline_min: 0,
        deadline_max: u64::MAX,
    };
    StatusView {
        version: "desk".into(),
        chain_id: deployment().chain_id,
        region: REGION,
        sequencer: Address::repeat_byte(8),
        key: Address::repeat_byte(8),
        batches_contract: deployment().contracts.batches,
        l1_block: 0,
        l1_time: 0,
        next_sequence: 0,
        next_batch: 0,
        tasks_queued: 0,
        tasks_running: 0,
        results_unposted: 0,
        executors: 0,
        limits,
    }
}

fn module(brought: Arc<Mutex<Brought>>) -> RpcModule<Arc<Mutex<Brought>>> {
    let mut module = RpcModule::new(brought);
    module.register_method(methods::STATUS, |_, _, _| Ok::<_, ErrorObjectOwned>(status())).unwrap();
    module.register_method(methods::EXECUTOR_HELLO, |_, _, _| Ok::<_, ErrorObjectOwned>(NONCE)).unwrap();
    module
        .register_method(methods::EXECUTOR_AUTHENTICATE, |params, brought, _| {
            let signature: Bytes = params.one()?;
            let signed = ExecutorSession { region: REGION, executor: executor().address(), nonce: NONCE };
            if recover(&signature, &signed.digest(&domain())) != Ok(executor().address()) {
                return Err(refused(ErrorCode::InvalidSignature));
            }
            brought.lock().unwrap().sessions += 1;
            Ok(Session { region: REGION, slots_max: 8, lease_ms: 400 })
        })
        .unwrap();
    module
        .register_subscription(
            methods::EXECUTOR_SUBSCRIBE,
            methods::EXECUTOR_ASSIGNMENT,
            methods::EXECUTOR_UNSUBSCRIBE,
            |_, pending, brought, _| async move {
                let Ok(sink) = pending.accept().await else { return };
                let (give, mut given) = mpsc::unbounded_channel();
                brought.lock().unwrap().given = Some(give);
                loop {
                    let assignment = tokio::select! {
                        () = sink.closed() => return,
                        assignment = given.recv() => assignment,
                    };
                    let Some(assignment) = assignment else { return };
                    if sink.send(serde_json::value::to_raw_value(&assignment).unwrap()).await.is_err() {
                        return;
                    }
                }
            },
        )
        .unwrap();
    module
        .register_method(methods::EXECUTOR_RENEW, |params, brought, _| {
            let task: B256 = params.sequence().next()?;
            let mut brought = brought.lock().unwrap();
            brought.renewals.push(task);
            if brought.lost == Some(task) { Err(refused(ErrorCode::NotAssigned)) } else { Ok(U64::from(400)) }
        })
        .unwrap();
    module
        .register_method(methods::EXECUTOR_SUBMIT, |params, brought, _| {
            let mut sequence = params.sequence();
            let signed: SignedResult = sequence.next()?;
            let mut brought = brought.lock().unwrap();
            brought.results.push(signed);
            brought.refusing.map_or(Ok(true), |code| Err(refused(code)))
        })
        .unwrap();
    module
        .register_method(methods::EXECUTOR_DECLINE, |params, brought, _| {
            brought.lock().unwrap().declines.push(params.one()?);
            Ok::<_, ErrorObjectOwned>(true)
        })
        .unwrap();
    module
}

/// An executor that runs, without an L1.
pub struct Working {
    stop: CancellationToken,
    ended: JoinHandle<Result<(), ExecutorError>>,
}

/// Starts one whose data lie in a folder, with these modules at hand.
pub fn work(desk: SocketAddr, data: &Path, change: impl FnOnce(&mut ExecutorConfig)) -> Working {
    let l1 = L1Config::devnet("http://127.0.0.1:1");
    let mut config = ExecutorConfig::new(l1, "none".into(), data.to_owned(), vec![format!("ws://{desk}")]);
    config.jobs.workers = 1;
    // As far as those of requests here.
    config.jobs.deadline_seconds_max = u64::MAX / 2;
    change(&mut config);
    let (health, metrics, stop) = (Health::new(), Metrics::new("test"), CancellationToken::new());
    let executor = Executor::open(config, deployment(), executor(), &health, &metrics).unwrap();
    Working { ended: tokio::spawn(executor.run(stop.clone())), stop }
}

impl Working {
    /// Stops it, and says how long that took.
    pub async fn stop(self) -> Duration {
        let began = Instant::now();
        self.stop.cancel();
        self.ended.await.unwrap().unwrap();
        began.elapsed()
    }
}

/// Puts modules where the executor keeps blobs, as if it had fetched them.
pub fn keep(data: &Path, modules: &[Vec<u8>]) -> Vec<BlobRef> {
    let schema = blobs::schema(Schema::new("assay-executor", 1));
    let store = Store::open(&data.join("store"), &schema).unwrap();
    let blobs = BlobStore::open(&store, &data.join("blobs"), BlobConfig::default()).unwrap();
    modules.iter().map(|module| blobs.put(&module.clone().into()).unwrap()).collect()
}

/// Asks again until there is something.
pub async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "not within {} s: {what}", PATIENCE.as_secs());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
