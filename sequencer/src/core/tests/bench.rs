//! A core on a bench: everything that it is given, and everything that becomes of it, is in the test's hands.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::{Address, B256, Bytes};
use assay_node::blobs::BlobStore;
use assay_node::endpoint::{Endpoint, EndpointConfig};
use assay_node::keys::Wallet;
use assay_node::l1::BlockRef;
use assay_node::store::Store;
use assay_node::telemetry::Metrics;
use assay_node::tx::{Actor, SenderConfig, sender};
use assay_protocol::data::blob_root;
use assay_protocol::deployment::{Contracts, DEPLOYMENT_VERSION, Deployment};
use assay_protocol::objects::{TaskRequest, TaskResult, TypedData, region_id};
use assay_protocol::presets::Preset;
use assay_protocol::rpc::{Assignment, Decline, DeclineReason, SignedReceipt};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::context::{Context, now_ms};
use crate::core::{Answer, Core, Message, News, Parts, Submission};
use crate::gate::Gate;
use crate::journal::{Journal, journal};
use crate::l1::{Fact, Heard, View};
use crate::metrics::SequencerMetrics;
use crate::refusal::Refusal;
use crate::rows::{PROGRAMS, ProgramRow, schema};
use crate::workers::Workers;

/// L1 time at which all begins.
pub const BEGIN: u64 = 1_000_000;
/// The one program.
pub const PROGRAM: B256 = B256::repeat_byte(0x99);

pub fn wallet(byte: u8) -> Wallet {
    Wallet::from_secret(&B256::repeat_byte(byte)).expect("it is a key")
}

/// Who runs tasks here.
pub fn executors() -> [Wallet; 2] {
    [wallet(2), wallet(3)]
}

pub struct Bench {
    pub core: Core,
    pub context: Arc<Context>,
    pub gate: Gate,
    pub metrics: SequencerMetrics,
    journal: Journal,
    /// Nothing is sent; but who submits intents is not told that the sender has ended.
    _sending: Actor,
    _stop: tokio_util::sync::DropGuard,
    pub directory: TempDir,
    block: u64,
}

impl Bench {
    /// A region that is open on L1, with two executors and a program.
    pub async fn open(configure: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().expect("there is room");
        let mut config = Config::new(directory.path(), EndpointConfig::new("http://127.0.0.1:9"));
        config.batches.wait_ms = 0;
        configure(&mut config);
        let store = Store::open(&directory.path().join("store"), &schema()).expect("it opens");
        let mut bench = Self::start(directory, config, store);
        bench.add_program(PROGRAM);
        bench.hear(&Self::beginning(), BEGIN).await;
        bench.core.hear(Heard::AtHead).await.expect("the core goes on");
        bench
    }

    /// A program is here, whatever L1 has.
    pub fn add_program(&self, program: B256) -> ProgramRow {
        let wasm = self.context.blobs.put(&Bytes::from_static(b"module")).expect("there is room");
        let row = ProgramRow { version: 1, entry_pc: 0, memory_pages: 1, memory_pages_max: 1, wasm, mounts: vec![] };
        let mut batch = self.context.store.batch();
        batch.put(&PROGRAMS, &program, &row).expect("it is written");
        batch.commit().expect("there is room");
        row
    }

    /// What L1 has said at first.
    pub fn beginning() -> Vec<Fact> {
        let registered = executors().map(|wallet| Fact::Registered { role: 0, owner: wallet.address() });
        [&registered[..], &[Fact::Program { program: PROGRAM }, Fact::RegionOpened]].concat()
    }

    fn start(directory: TempDir, config: Config, store: Store) -> Self {
        let blobs = BlobStore::open(&store, &directory.path().join("blobs"), config.blobs.clone()).expect("it opens");
        let contracts = Contracts {
            step_verifier: Address::repeat_byte(0x11),
            bonds: Address::repeat_byte(0x12),
            programs: Address::repeat_byte(0x13),
            batches: Address::repeat_byte(0x14),
            faults: Address::repeat_byte(0x15),
            court: Address::repeat_byte(0x16),
        };
        let (version, treasury) = (DEPLOYMENT_VERSION, Address::repeat_byte(0x77));
        let deployment =
            Deployment { version, chain_id: 31337, preset: Preset::Devnet, treasury, first_block: 0, contracts };
        let (domain, wallet) = (deployment.domain(), wallet(1));
        let owner = wallet.address();
        let region = region_id(31337, deployment.contracts.batches, owner, B256::ZERO);
        let endpoint = Endpoint::new(&config.l1).expect("it is an address");
        let (sender, sending) =
            sender(store.clone(), endpoint.clone(), wallet.clone(), SenderConfig::new(31337)).expect("it opens");
        let (journal, writing) = journal(&store);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move { writing.run(stopped).await.expect("the store takes writes") });
        let parameters = deployment.preset.parameters(treasury);
        let context = Arc::new(Context { config, deployment, parameters, domain, region, owner, wallet, store, blobs });
        let (gate, figures) = (Gate::new(Duration::from_secs(600)), Metrics::new("test"));
        let metrics = SequencerMetrics::new(&figures);
        let parts = Parts {
            context: context.clone(),
            journal: journal.clone(),
            sender,
            endpoint,
            workers: Workers::new(1),
            gate: gate.clone(),
            news: News::new(),
            seen: watch::channel(Arc::new(View::default())).0,
            metrics: metrics.clone(),
        };
        let core = Core::restore(parts).expect("the tables can be read");
        let _stop = stop.drop_guard();
        Self { core, context, gate, metrics, journal, _sending: sending, _stop, directory, block: 0 }
    }

    /// Blocks come: what they say, at a time.
    pub async fn hear(&mut self, facts: &[Fact], time: u64) {
        self.block += 1;
        let (block, tip) = (self.block, self.tip(time));
        let facts = facts.iter().map(|fact| (*fact, block, time)).collect();
        self.core.hear(Heard::Blocks { tip, facts }).await.expect("the core goes on");
    }

    /// So many blocks come that say nothing.
    pub async fn pass(&mut self, blocks: u64) {
        self.block += blocks - 1;
        let time = self.core.view.time() + 1;
        self.hear(&[], time).await;
    }

    /// The newest block, if it were at a time.
    pub fn tip(&self, time: u64) -> BlockRef {
        BlockRef { number: self.block, hash: B256::ZERO, parent: B256::ZERO, timestamp: time }
    }

    pub fn request(&self, nonce: u64) -> TaskRequest {
        TaskRequest {
            client: wallet(7).address(),
            region: self.context.region,
            program: PROGRAM,
            input: blob_root(b""),
            fuel_limit: 1000,
            output_length_max: 1 << 20,
            fee_max: 0,
            deadline: BEGIN + 1000,
            nonce,
        }
    }

    /// Submits a task and waits for its receipt.
    pub async fn submit(&mut self, request: TaskRequest) -> Result<SignedReceipt, Refusal> {
        self.submit_from(request, IpAddr::from([127, 0, 0, 1])).await
    }

    /// The same from an address.
    pub async fn submit_from(&mut self, request: TaskRequest, from: IpAddr) -> Result<SignedReceipt, Refusal> {
        let task = request.id(&self.context.domain);
        let signature = wallet(7).sign_hash(&task).expect("it signs").to_vec().into();
        let (reply, mut receipt) = oneshot::channel();
        // Any other is here.
        let input = (request.input.length == 0).then(Bytes::new);
        self.tell(Message::Submit(Box::new(Submission { task, request, signature, input, from, reply }))).await;
        self.pump().await;
        receipt.try_recv().expect("it was answered")
    }

    /// Submits tasks that differ by their nonces; the first gets a number, the others those behind.
    pub async fn submit_all(&mut self, nonces: std::ops::Range<u64>) {
        for nonce in nonces {
            let request = self.request(nonce);
            self.submit(request).await.expect("it is taken in");
        }
    }

    /// An executor's connection, which is ready for so many assignments.
    pub async fn join(&mut self, connection: u64, executor: &Wallet, slots: usize) -> mpsc::Receiver<Assignment> {
        let (assignments, given) = mpsc::channel(slots);
        self.tell(Message::Join { connection, executor: executor.address(), slots, assignments }).await;
        given
    }

    pub async fn decline(&mut self, connection: u64, given: &Assignment, reason: DeclineReason, executor: &Wallet) {
        let (task, attempt, executor) = (given.task, given.attempt, executor.address());
        let decline = Decline { task, attempt, executor, reason, words: String::new() };
        let sequence = self.core.tasks.sequence(&task).expect("it is here");
        let (reply, mut answer) = oneshot::channel();
        self.tell(Message::Decline { connection, sequence, decline, reply }).await;
        assert_eq!(answer.try_recv().expect("it was answered"), Ok(()));
    }

    /// A result of a task, brought over a connection: its output is so many bytes of one value.
    pub async fn answer(
        &mut self,
        connection: u64,
        sequence: u64,
        executor: &Wallet,
        output: &[u8],
    ) -> Result<(), Refusal> {
        let task = *self.core.tasks.get(sequence).expect("it is here");
        let output_blob = blob_root(output);
        let result = TaskResult {
            task: task.id,
            attempt: task.attempt,
            executor: executor.address(),
            status: 1,
            code: 0,
            fuel_used: 10,
            output: output_blob,
        };
        let signature = executor.sign_hash(&result.digest(&self.context.domain)).expect("it signs").to_vec().into();
        let (reply, mut taken) = oneshot::channel();
        let output = Some(Bytes::copy_from_slice(output));
        self.tell(Message::Answer(Box::new(Answer { connection, sequence, result, signature, output, reply }))).await;
        self.pump().await;
        taken.try_recv().expect("it was answered")
    }

    pub async fn tell(&mut self, message: Message) {
        self.core.answer(message).await.expect("the core goes on");
    }

    /// Leases, deadlines and batches are looked at.
    pub async fn tick(&mut self) {
        self.core.tick().await.expect("the core goes on");
        self.pump().await;
    }

    /// All that was entered becomes durable, and the core hears of it; what is being built is waited for.
    pub async fn pump(&mut self) {
        self.sync().await;
        while let Ok(durable) = self.core.came.try_recv() {
            self.core.settle(durable).await.expect("the core goes on");
        }
        while self.core.batches.is_building {
            let durable = self.core.came.recv().await.expect("the core has a sender itself");
            self.core.settle(durable).await.expect("the core goes on");
        }
        self.sync().await;
    }

    /// All that was entered is durable.
    async fn sync(&self) {
        let (done, durable) = oneshot::channel();
        let done = move || {
            let _ = done.send(());
        };
        self.journal.enter(|_| Ok(()), done).await;
        durable.await.expect("the journal goes on");
    }

    /// The batch in flight can't land any more.
    pub async fn fail_posting(&mut self) {
        let batch = self.core.batches.in_flight.as_mut().expect("there is one");
        batch.settled = Some((false, self.block));
        self.pass(1000).await;
        self.core.give_up().await.expect("the core goes on");
        assert!(self.core.batches.in_flight.is_none());
    }

    /// A core that has only the tables, as one has that was started again.
    pub fn again(self) -> Self {
        let (config, store) = (self.context.config.clone(), self.context.store.clone());
        Self::start(self.directory, config, store)
    }

    pub fn is_pinned(&self, bytes: &[u8]) -> bool {
        self.context.blobs.is_pinned(&blob_root(bytes)).expect("the tables can be read")
    }
}

/// Milliseconds from now.
pub fn later(ms: u64) -> u64 {
    now_ms() + ms
}
