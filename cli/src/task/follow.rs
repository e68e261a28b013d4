//! `assay job status` and `assay job output`: how far a task has come, and what it wrote.

use std::path::{Path, PathBuf};

use assay_client::AssayApi;
use assay_protocol::rpc::TaskView;
use eyre::Result;
use serde::Serialize;

use super::{Open, Sequencer, TaskId, known, result_of, state_name};
use crate::console;
use crate::l1::block_on;
use crate::progress::{Progress, scaled};
use crate::report::{Blob, ending, grouped, status_name, trap_of};

/// Outputs up to this many bytes are held in memory to be printed.
const PRINTED_MAX: u64 = 64 << 20;

/// The command line of `assay job status`.
#[derive(clap::Args)]
pub struct Status {
    /// The task's id
    #[arg(value_name = "TASK_ID")]
    task: TaskId,
    #[command(flatten)]
    sequencer: Sequencer,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
}

/// The command line of `assay job output`.
#[derive(clap::Args)]
pub struct Output {
    /// The task's id
    #[arg(value_name = "TASK_ID")]
    task: TaskId,
    /// Write the output to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    sequencer: Sequencer,
    /// Print what it is instead of what is in it, as JSON
    #[arg(long)]
    pub json: bool,
}

/// A task in JSON.
#[derive(Serialize)]
pub struct TaskReport {
    task: String,
    state: &'static str,
    is_over: bool,
    attempt: u32,
    program: String,
    client: String,
    deadline: u64,
    input: Blob,
    fuel_limit: u64,
    sequence: u64,
    result: Option<ResultReport>,
    batch: Option<u64>,
    leaf: Option<u32>,
    declines: usize,
}

#[derive(Serialize)]
struct ResultReport {
    executor: String,
    status: &'static str,
    code: u32,
    trap: Option<&'static str>,
    fuel_used: u64,
    output: Blob,
}

pub(super) fn status(arguments: &Status) -> Result<()> {
    block_on(async {
        let open = arguments.sequencer.open().await?;
        let view = known(&open, arguments.task.0).await?;
        if arguments.json { console::print_json(&report(&view)) } else { console::print(&text(&view)) }
    })
}

pub(super) fn output(arguments: &Output) -> Result<()> {
    if let Some(path) = &arguments.output {
        console::check_place(path)?;
    }
    block_on(async {
        let open = arguments.sequencer.open().await?;
        let view = known(&open, arguments.task.0).await?;
        write_output(&open, &view, arguments.output.as_deref(), arguments.json).await?;
        if arguments.json { console::print_json(&report(&view)) } else { Ok(()) }
    })
}

/// Writes a task's output to a file, or prints it unless stdout is for JSON.
pub(super) async fn write_output<A: AssayApi>(
    open: &Open<A>,
    view: &TaskView,
    file: Option<&Path>,
    json: bool,
) -> Result<()> {
    let blob = result_of(view)?.output;
    if let Some(file) = file {
        let mut progress = Progress::start();
        let told = |here: u64| {
            progress.tick(|_| format!("fetching {}B of {}B", scaled(here as f64), scaled(blob.length as f64)))
        };
        return Ok(open.blobs.download(&blob, file, told).await?);
    }
    if json {
        return Ok(());
    }
    if blob.length > PRINTED_MAX {
        console::note(&format!("the output has {} bytes; fetch it with --output\n", grouped(blob.length)));
        return Ok(());
    }
    console::print_output(&open.blobs.fetch(&blob, PRINTED_MAX).await?)
}

/// A task in JSON.
pub(super) fn report(view: &TaskView) -> TaskReport {
    TaskReport {
        task: view.task.to_string(),
        state: state_name(view.state),
        is_over: view.state.is_over(),
        attempt: view.attempt,
        program: view.request.program.to_string(),
        client: view.request.client.to_string(),
        deadline: view.request.deadline,
        input: view.request.input.into(),
        fuel_limit: view.request.fuel_limit,
        sequence: view.receipt.receipt.sequence,
        result: view.result.as_ref().map(|signed| ResultReport {
            executor: signed.result.executor.to_string(),
            status: status_name(signed.result.status),
            code: signed.result.code,
            trap: trap_of(signed.result.status, signed.result.code),
            fuel_used: signed.result.fuel_used,
            output: signed.result.output.into(),
        }),
        batch: view.place.map(|place| place.batch),
        leaf: view.place.map(|place| place.index),
        declines: view.declines.len(),
    }
}

/// A task for people.
pub(super) fn text(view: &TaskView) -> String {
    let mut text = format!("task {}\n", view.task);
    let mut line = |name: &str, value: &str| text += &format!("  {name:<12} {value}\n");
    let attempt = if view.attempt > 0 { format!(", attempt {}", view.attempt + 1) } else { String::new() };
    line("state", &format!("{}{attempt}", state_name(view.state)));
    line("program", &view.request.program.to_string());
    line("number", &view.receipt.receipt.sequence.to_string());
    if let Some(signed) = &view.result {
        let result = &signed.result;
        let ended = ending(result.status, result.code);
        line(
            "result",
            &format!("{ended}, {} bytes of output, fuel {}", grouped(result.output.length), grouped(result.fuel_used)),
        );
        line("executor", &result.executor.to_string());
    }
    if let Some(place) = view.place {
        line("on L1", &format!("batch {}, leaf {}", place.batch, place.index));
    }
    for decline in &view.declines {
        line("declined", &format!("by {}: {}", decline.executor, decline.words));
    }
    text
}
