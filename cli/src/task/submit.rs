//! `assay job submit`: a request, its receipt, and what becomes of it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use alloy_primitives::{B256, Bytes};
use assay_client::{AssayApi, Draft, Goal, SignedRequest, wait_for};
use assay_protocol::rpc::{INLINE_BYTES_MAX, SignedReceipt, TaskView};
use assay_protocol::{BLOB_LENGTH_MAX, BlobRef};
use eyre::{Result, WrapErr, eyre};
use serde::Serialize;

use super::follow::{TaskReport, report, text, write_output};
use super::{Certainty, Open, Sequencer, program_id};
use crate::console;
use crate::failure::HandedIn;
use crate::job::{lower, read_module};
use crate::l1::{Amount, KeyFlags, block_on};
use crate::progress::{Progress, scaled};
use crate::report::grouped;

/// What `assay job submit --help` teaches.
pub const EXAMPLES: &str = "\
Examples:
  assay job submit job.wasm --input data.csv --wait soft             prints the output, milliseconds later
  assay job submit 0x8a…PROGRAM --input data.csv --wait final        waits until L1 has the last word
  assay job submit job.wasm --input big.bin --json                   the receipt only

A module is registered first, if the sequencer does not know it. Inputs above 64 KiB are uploaded; an upload that broke
off goes on where it was. Without --wait the command ends with the receipt, and `job status` follows the task. The task's
id is on stderr as soon as the sequencer has the task, also with --json; a failure after that has it as JSON too.

Exit codes: 0 done, 1 failed, 2 usage, 3 module refused, 5 the sequencer refuses, 6 it can't be reached or is busy.";

/// Modules above this many bytes are uploaded instead of sent in a call, where hex doubles them.
const MODULE_INLINE_BYTES_MAX: usize = 256 << 10;

/// The command line of `assay job submit`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The module (.wasm), or the id of a program that the sequencer knows
    #[arg(value_name = "FILE.wasm|PROGRAM_ID")]
    program: PathBuf,
    /// The job's input: a file, or `-` for stdin. Without it the input is empty
    #[arg(long, value_name = "FILE|-")]
    input: Option<PathBuf>,
    /// How certain the result is to be before the command ends
    #[arg(long, value_enum)]
    wait: Option<Certainty>,
    /// Write the output to this file instead of stdout, once --wait has it
    #[arg(long, value_name = "FILE", requires = "wait")]
    output: Option<PathBuf>,
    /// Fuel that the job may use [default: 2^32, or the sequencer's bound]
    #[arg(long, value_name = "N")]
    fuel: Option<u64>,
    /// Bytes that the job may output [default: 1 MiB, or the sequencer's bound]
    #[arg(long, value_name = "N")]
    output_limit: Option<u64>,
    /// Most that is paid for it: `1gwei`, `5wei`; ether without a unit [default: the sequencer's least]
    #[arg(long, value_name = "AMOUNT")]
    fee: Option<Amount>,
    /// Seconds from now until which it may be posted to L1
    #[arg(long, value_name = "SECONDS")]
    deadline: Option<u64>,
    /// Tells tasks apart that are otherwise the same; the same nonce names the same task [default: the time]
    #[arg(long, value_name = "N")]
    nonce: Option<u64>,
    #[command(flatten)]
    sequencer: Sequencer,
    #[command(flatten)]
    key: KeyFlags,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    task: String,
    program: String,
    sequence: u64,
    include_by: u64,
    receipt_ms: f64,
    /// Whether the input is longer than those that this sequencer posts to L1.
    may_end_attested: bool,
    receipt: SignedReceipt,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<TaskReport>,
}

/// An input that is where the sequencer finds it, or small enough to travel in the call.
struct Input {
    blob: BlobRef,
    inline: Option<Bytes>,
}

pub(super) fn run(arguments: &Arguments) -> Result<()> {
    if let Some(path) = &arguments.output {
        console::check_place(path)?;
    }
    let wallet = arguments.key.open(&arguments.sequencer.l1)?;
    block_on(async {
        let open = arguments.sequencer.open().await?;
        let program = program(&open, &arguments.program).await?;
        let input = input(&open, arguments.input.as_deref()).await?;
        let draft = Draft {
            fuel_limit: arguments.fuel,
            output_length_max: arguments.output_limit,
            fee_max: arguments.fee.map(|fee| fee.0),
            deadline_after: arguments.deadline,
            ..Draft::new(program, input.blob)
        };
        let nonce = arguments.nonce.unwrap_or_else(now_ns);
        let request = draft.request(wallet.address(), &open.status, nonce);
        let signed = SignedRequest::sign_with(request, &open.status, |hash| wallet.sign_hash(hash))?;
        let started = Instant::now();
        let receipt = open.api.submit_task(&signed, input.inline).await?;
        let receipt_ms = started.elapsed().as_secs_f64() * 1e3;
        // By its id the task is found again, however this command ends.
        console::note(&format!("task {}\n", signed.task));
        signed.check(&receipt, &open.status).wrap_err(HandedIn(signed.task))?;
        let (length, posted_length_max) = (input.blob.length, open.status.limits.posted_input_length_max);
        let may_end_attested = length > posted_length_max;
        if !arguments.json {
            console::note(&format!(
                "  receipt      number {}, signed by {}, after {receipt_ms:.1} ms\n",
                receipt.receipt.sequence, open.status.key
            ));
            if may_end_attested {
                console::note(&format!(
                    "  certainty    attested at most, unless the input is an output on L1: it has {} bytes, up to {} are posted\n",
                    grouped(length),
                    grouped(posted_length_max)
                ));
            }
        }
        let outcome = outcome(&open, signed.task, arguments).await.wrap_err(HandedIn(signed.task))?;
        if arguments.json {
            return console::print_json(&Report {
                task: signed.task.to_string(),
                program: program.to_string(),
                sequence: receipt.receipt.sequence,
                include_by: receipt.receipt.include_by,
                receipt_ms,
                may_end_attested,
                receipt,
                outcome: outcome.as_ref().map(report),
            });
        }
        match &outcome {
            Some(view) => console::note(&text(view)),
            None => console::print(&format!("{}\n", signed.task))?,
        }
        Ok(())
    })
}

/// What became of a task, if that is waited for; its output goes where it is wanted.
async fn outcome<A: AssayApi>(open: &Open<A>, task: B256, arguments: &Arguments) -> Result<Option<TaskView>> {
    let Some(certainty) = arguments.wait else { return Ok(None) };
    let view = waited(open, task, certainty).await?;
    write_output(open, &view, arguments.output.as_deref(), arguments.json).await?;
    Ok(Some(view))
}

/// Waits, with progress.
async fn waited<A: AssayApi>(open: &Open<A>, task: B256, certainty: Certainty) -> Result<TaskView> {
    if open.status.executors == 0 {
        console::note("no executor is connected to the sequencer now; the task waits for one\n");
    }
    let goal = match certainty {
        Certainty::Soft => Goal::Executed,
        Certainty::Batch => Goal::Posted,
        Certainty::Final => Goal::Final,
    };
    let mut progress = Progress::start();
    let waiting = wait_for(&open.api, task, goal);
    tokio::pin!(waiting);
    loop {
        tokio::select! {
            done = &mut waiting => return Ok(done?),
            () = tokio::time::sleep(std::time::Duration::from_millis(200)) => {
                progress.tick(|seconds| format!("waiting until the task is {} … {seconds:.0} s", goal_name(goal)));
            }
        }
    }
}

fn goal_name(goal: Goal) -> &'static str {
    match goal {
        Goal::Executed => "executed",
        Goal::Posted => "on L1",
        Goal::Final => "final",
    }
}

/// The program, registered if it comes as a module that the sequencer does not know.
async fn program<A: AssayApi>(open: &Open<A>, given: &Path) -> Result<B256> {
    if let Some(id) = program_id(given)? {
        let known = open.api.get_program(id).await?;
        return Ok(known.ok_or_else(|| eyre!("the sequencer does not know program {id}; hand in its module"))?.program);
    }
    let wasm = read_module(given)?;
    let program = lower(&wasm).map_err(|error| crate::job::explain(error, given))?.id();
    if open.api.get_program(program).await?.is_none() {
        console::note("the sequencer does not know the program yet; registering it\n");
        let view = match wasm.len() <= MODULE_INLINE_BYTES_MAX {
            true => open.api.register_program(wasm.into()).await?,
            false => open.api.register_uploaded(open.blobs.upload(&wasm).await?).await?,
        };
        if view.program != program {
            return Err(eyre!("the sequencer says that the module is program {}, here it is {program}", view.program));
        }
    }
    Ok(program)
}

async fn input<A: AssayApi>(open: &Open<A>, given: Option<&Path>) -> Result<Input> {
    let Some(path) = given else { return whole(open, Vec::new()).await };
    if path.as_os_str() == OsStr::new("-") {
        let bytes = crate::job::read_at_most(std::io::stdin().lock(), BLOB_LENGTH_MAX)
            .wrap_err("can't read the input from stdin")?;
        return whole(open, bytes).await;
    }
    let metadata = path.metadata().wrap_err_with(|| format!("can't read {}", path.display()))?;
    let length = metadata.len();
    // What is no file, a pipe say, has no length before it is read.
    if !metadata.is_file() || length <= INLINE_BYTES_MAX as u64 {
        return whole(open, crate::job::read(path, BLOB_LENGTH_MAX)?).await;
    }
    let mut progress = Progress::start();
    let told =
        |sent: u64| progress.tick(|_| format!("uploading {}B of {}B", scaled(sent as f64), scaled(length as f64)));
    Ok(Input { blob: open.blobs.upload_file(path, told).await?, inline: None })
}

/// An input that has been read.
async fn whole<A: AssayApi>(open: &Open<A>, bytes: Vec<u8>) -> Result<Input> {
    if bytes.len() > INLINE_BYTES_MAX {
        return Ok(Input { blob: open.blobs.upload(&bytes).await?, inline: None });
    }
    let blob = assay_machine::memory::commit_blob(&bytes)?;
    Ok(Input { blob, inline: Some(bytes.into()) })
}

fn now_ns() -> u64 {
    // What lies before 1970 is no matter: any number will do.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}
