//! Real jobs: sample programs with inputs, and the outputs that independent programs computed for them.
//!
//! Owns the samples and what a client does with them: submit, wait, compare.

use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256};
use assay_client::{AssayApi, BlobClient, ClientError, Draft, Goal, SignedRequest, connect, wait_for};
use assay_machine::program::Program;
use assay_node::keys::Wallet;
use assay_operator::grouped;
use assay_protocol::BlobRef;
use assay_protocol::rpc::{LeafProof, StatusView, TaskState, TaskView};
use eyre::{Result, bail, ensure, eyre};
use serde_json::json;

use crate::net::Devnet;
use crate::parties::Parties;
use crate::teller::Teller;

/// Jobs that are handed in at once so that one of them reaches the liar, and how often.
const BURST: usize = 4;
const BURSTS_MAX: usize = 10;
/// How long a task may take to become final: the window, and a dispute before it.
const FINAL_WITHIN: Duration = Duration::from_secs(240);

/// A job with what it must come to.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// What it is called.
    pub name: &'static str,
    wasm: &'static [u8],
    input: &'static [u8],
    /// What an independent program computed.
    pub expected: &'static [u8],
}

macro_rules! sample {
    ($name:ident, $wasm:literal, $input:literal, $expected:literal) => {
        pub fn $name() -> Self {
            Self {
                name: stringify!($name),
                wasm: include_bytes!(concat!("../../../jobs/wasm/", $wasm)),
                input: include_bytes!(concat!("../../../jobs/inputs/", $input)),
                expected: include_bytes!(concat!("../../../jobs/expected/", $expected)),
            }
        }
    };
}

impl Sample {
    sample!(csv, "csv.wasm", "csv.csv", "csv.csv");
    sample!(json, "json.wasm", "json-group.jsonl", "json-group.jsonl");
    sample!(mandelbrot, "mandelbrot.wasm", "mandelbrot.txt", "mandelbrot.png");
    sample!(sha256, "sha256.wasm", "sha256.txt", "sha256.txt");
    sample!(primes, "primes.wasm", "primes.txt", "primes.txt");

    /// Fails unless a result is the right one.
    pub async fn check(&self, done: &Done, client: &Client) -> Result<()> {
        ensure!(
            (done.status, done.code) == (1, 0),
            "{} ended with status {} and code {}",
            self.name,
            done.status,
            done.code
        );
        let output = client.blobs.fetch(&done.output, 1 << 20).await?;
        ensure!(output == self.expected, "{} has another output than it should", self.name);
        Ok(())
    }
}

/// A task that was handed in.
#[derive(Clone, Copy, Debug)]
pub struct Handed {
    /// Its id.
    pub task: B256,
    /// Its program.
    pub program: B256,
    /// What it is.
    pub sample: Sample,
}

/// A result.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// Who signed it.
    pub executor: Address,
    /// Attempts before.
    pub attempt: u32,
    /// How it ended.
    pub status: u8,
    /// With which code.
    pub code: u32,
    /// Fuel that was used.
    pub fuel_used: u64,
    /// What it wrote.
    pub output: BlobRef,
}

/// Who hands jobs in.
pub struct Client {
    api: alloy_provider::DynProvider,
    blobs: BlobClient,
    status: StatusView,
    wallet: Wallet,
    nonce: std::cell::Cell<u64>,
}

impl Client {
    pub async fn new(devnet: &Devnet) -> Result<Self> {
        let api = connect(&devnet.sequencer())?;
        let status = api.status().await?;
        let wallet = devnet.parties.client.wallet.clone();
        Ok(Self { api, blobs: BlobClient::new(&devnet.sequencer())?, status, wallet, nonce: 0.into() })
    }

    /// Hands a job in, waits for its result, and compares that.
    pub async fn submit(&self, sample: &Sample, teller: &mut Teller) -> Result<Handed> {
        let program = self.program(sample).await?;
        let (handed, receipt_ms) = self.hand_in(sample, program).await?;
        let view = self.executed(handed.task).await?;
        let done = done_of(&view)?;
        sample.check(&done, self).await?;
        teller.tell(
            "job",
            format!(
                "{}: receipt after {receipt_ms:.0} ms; {} bytes of output, fuel {}, as it should be",
                sample.name,
                grouped(done.output.length),
                grouped(done.fuel_used)
            ),
            json!({ "name": sample.name, "task": handed.task, "program": program, "receipt_ms": receipt_ms,
                "executor": done.executor, "fuel_used": done.fuel_used, "output": done.output }),
        );
        Ok(handed)
    }

    /// Hands jobs in until an executor has claimed the result of one.
    pub async fn submit_until(
        &self,
        sample: &Sample,
        executor: Address,
        parties: &Parties,
        teller: &mut Teller,
    ) -> Result<Handed> {
        let program = self.program(sample).await?;
        for _ in 0..BURSTS_MAX {
            teller.progress("handing jobs in until the liar gets one …");
            let mut burst = Vec::new();
            for _ in 0..BURST {
                burst.push(self.hand_in(sample, program).await?.0);
            }
            for handed in burst {
                let done = done_of(&self.executed(handed.task).await?)?;
                if done.executor == executor {
                    let said = format!(
                        "{} says that {} ended with exit code {}; the truth is 0. Nobody has noticed yet.",
                        parties.name_of(executor),
                        sample.name,
                        done.code
                    );
                    teller.tell("lie", said, json!({ "task": handed.task, "executor": executor, "code": done.code }));
                    return Ok(handed);
                }
            }
        }
        bail!("the dishonest executor got none of {} jobs", BURST * BURSTS_MAX);
    }

    /// Follows a task until it is final, telling how far it comes.
    pub async fn follow_to_final(&self, task: B256, parties: &Parties, teller: &mut Teller) -> Result<Done> {
        let deadline = Instant::now() + FINAL_WITHIN;
        let mut known = None;
        loop {
            ensure!(Instant::now() < deadline, "task {task} is not final after {} s", FINAL_WITHIN.as_secs());
            let view = self.view(task).await?;
            let now = (view.state, view.attempt);
            if known != Some(now) && matches!(view.state, TaskState::Posted | TaskState::Challenged | TaskState::Final)
            {
                known = Some(now);
                let done = done_of(&view)?;
                let text = format!(
                    "task {}…: attempt {}, by {}, is {}",
                    &task.to_string()[..10],
                    view.attempt + 1,
                    parties.name_of(done.executor),
                    match view.state {
                        TaskState::Final => "final: L1 has the last word on it, for ever",
                        TaskState::Challenged => "challenged",
                        _ => "on L1; anybody can challenge it while its window is open",
                    }
                );
                teller.tell("task", text, json!({ "task": task, "state": view.state, "attempt": view.attempt }));
            }
            match view.state {
                TaskState::Final => return done_of(&view),
                TaskState::Expired | TaskState::Attested => bail!("task {task} is {:?}", view.state),
                _ => {}
            }
            let left = deadline.saturating_duration_since(Instant::now()).as_secs();
            teller.progress(&format!(
                "the task is {:?}; its window closes after a minute ({left} s at most) …",
                view.state
            ));
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    /// The proof of a task's result.
    pub async fn proof(&self, task: B256) -> Result<LeafProof> {
        self.api.get_proof(task).await?.ok_or_else(|| eyre!("there is no proof of task {task}"))
    }

    async fn view(&self, task: B256) -> Result<TaskView> {
        Ok(self.api.get_task(task).await?.ok_or(ClientError::UnknownTask { task })?)
    }

    async fn executed(&self, task: B256) -> Result<TaskView> {
        let waited = tokio::time::timeout(Duration::from_secs(120), wait_for(&self.api, task, Goal::Executed)).await;
        Ok(waited.map_err(|_| eyre!("task {task} has no result after two minutes"))??)
    }

    async fn program(&self, sample: &Sample) -> Result<B256> {
        let program = Program::from_wasm(sample.wasm)?.id();
        let view = self.api.register_program(sample.wasm.to_vec().into()).await?;
        ensure!(view.program == program, "the sequencer has lowered {} to another program", sample.name);
        Ok(program)
    }

    async fn hand_in(&self, sample: &Sample, program: B256) -> Result<(Handed, f64)> {
        let nonce = self.nonce.replace(self.nonce.get() + 1);
        let input = assay_machine::memory::commit_blob(sample.input)?;
        let draft = Draft { fuel_limit: Some(self.status.limits.fuel_limit_max), ..Draft::new(program, input) };
        // The deadline is measured by L1's clock, which goes on.
        let status = self.api.status().await?;
        let request = draft.request(self.wallet.address(), &status, nonce);
        let signed = SignedRequest::sign_with(request, &status, |hash| self.wallet.sign_hash(hash))?;
        let started = Instant::now();
        let receipt = self.api.submit_task(&signed, Some(sample.input.to_vec().into())).await?;
        let receipt_ms = started.elapsed().as_secs_f64() * 1e3;
        signed.check(&receipt, &status)?;
        Ok((Handed { task: signed.task, program, sample: *sample }, receipt_ms))
    }
}

fn done_of(view: &TaskView) -> Result<Done> {
    let signed = view.result.as_ref().ok_or_else(|| eyre!("task {} has no result", view.task))?;
    let result = &signed.result;
    Ok(Done {
        executor: result.executor,
        attempt: view.attempt,
        status: result.status,
        code: result.code,
        fuel_used: result.fuel_used,
        output: result.output,
    })
}
